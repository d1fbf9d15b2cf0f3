"""The straight line of every session, readable top to bottom; protocol rooms plug in and own none of it.

accept → authenticate → resolve endpoint → authorise (a live grant) → open the recording → dial upstream, and
for each unit: admit = judge → record unit + verdict → only then return. It ends by: client, upstream, the
grant's end, revocation, idle limit, a lost recording; each is a recorded event.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic

from gateway import __version__
from gateway.changes.flow import SessionFacts
from gateway.domain.errors import AnotherKind, AuthenticationFailed, GlassgateError, NotFound, RecordingLost
from gateway.domain.session import EndCause, Ending, Level
from gateway.domain.unit import Admitted, Filed, Refused
from gateway.domain.verdict import Decision, Layer
from gateway.log import get_logger
from gateway.recordings.frames import Ended, Event, Opened, Output, Probed
from gateway.session.admission import Admission
from gateway.session.door import DialContext, Door, J, U
from gateway.session.life import Life, SessionOver

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.access.authenticate import Authenticator
    from gateway.access.endpoints import Endpoints
    from gateway.access.grants import Grants
    from gateway.access.requests import Requests
    from gateway.changes.flow import Changes
    from gateway.domain.access import Grant
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Evidence, Identity
    from gateway.domain.ids import UnitNumber
    from gateway.domain.session import Passage
    from gateway.recordings.recording import Recording, Recordings
    from gateway.session.admission import Answering
    from gateway.session.lease import Lease, Leases
    from gateway.session.quota import Quota
    from gateway.session.registry import Registry

log = get_logger("session")


class Line:
    """The one way from a client's connection to production.

    Args:
        authenticator: proves identities.
        endpoints: resolves names, opens the gateway's credential.
        grants: takes live grants.
        leases: keeps taken grants alive from the store.
        quota: how much may be recorded of one person.
        recordings: opens recordings.
        changes: files refused writes.
        registry: the live sessions.
        requests: files access requests, for doors whose client is a terminal: it asks there and waits.
        synced: whether a unit is on disk before it is forwarded (``recording.durability``).
    """

    def __init__(
        self,
        *,
        authenticator: Authenticator,
        endpoints: Endpoints,
        grants: Grants,
        leases: Leases,
        quota: Quota,
        recordings: Recordings,
        changes: Changes,
        registry: Registry,
        requests: Requests,
        synced: bool,
    ) -> None:
        self.requests = requests
        self._authenticator = authenticator
        self._endpoints = endpoints
        self._grants = grants
        self._leases = leases
        self._quota = quota
        self._recordings = recordings
        self._changes = changes
        self._registry = registry
        self._synced = synced

    async def authenticate(self, evidence: Evidence) -> Identity:
        """Prove who a client is: the line's first step, apart for doors that must answer the client here.

        Raises:
            AuthenticationFailed: the evidence proves nobody.
            StoreUnavailable: the store is away.
        """
        return await self._authenticator.authenticate(evidence)

    async def recognises(self, name: str, public_key: bytes) -> bool:
        """Whether a signature with a public key would prove a name; proves nothing by itself.

        Raises:
            StoreUnavailable: the store is away.
        """
        return await self._authenticator.recognises(name, public_key)

    async def resolve(self, endpoint_name: str, identity: Identity, passage: Passage | None) -> Endpoint:
        """Find an endpoint for somebody who may ask for it or connect, as ``run`` does itself.

        Args:
            endpoint_name: as it was asked for.
            identity: who asks.
            passage: what binds the connection, where it came through another door.

        Raises:
            AuthenticationFailed: another identity opened the way.
            NotFound: there is none, or none that they may know of, or the way leads to another: all alike.
            StoreUnavailable: the store is away.
        """
        if passage is not None and passage.identity.id != identity.id:
            raise AuthenticationFailed(
                f"the way to here was opened by another login than {identity.name}'s",
                hint=f"log in as {passage.identity.name} on both",
            )
        if passage is not None and passage.endpoint not in ("", endpoint_name):
            raise NotFound(
                f"the way to here leads to {passage.endpoint} and nowhere else",
                hint=f"log in to {passage.endpoint}, or open another way",
            )
        return await self._endpoints.resolve(endpoint_name, identity)

    async def run(self, identity: Identity, endpoint_name: str, door: Door[U, J]) -> Ending:
        """Take one client connection along the rest of the line.

        Args:
            identity: who it is; proven by ``authenticate``.
            endpoint_name: what it wants to look at.
            door: its protocol.

        Returns:
            How the session ended.

        Raises:
            NotAuthorised: no grant; a door may ask for one by ``requests`` and come here again.
            GlassgateError: before the session stood: not found, no recording, no upstream.
        """
        endpoint = await self.resolve(endpoint_name, identity, door.passage)
        if endpoint.kind is not door.kind:
            raise AnotherKind(endpoint, door.kind.value)
        await self._quota.check(identity)
        grant = await self._grants.take(identity, endpoint)
        with self._leases.hold(grant) as lease:  # a revocation from here on finds the session, dialled or not
            recording = await self._open_recording(identity, endpoint, grant, door)
            ending = Ending(EndCause.FAULT, "the gateway failed; the session was ended")
            try:
                secret = await self._endpoints.secret(endpoint)
                level = await door.dial(endpoint, secret, DialContext(recording.session, identity.name))
                recording.write(Probed(level.name, int(level.layers), dict(level.findings)))
                session = Session(
                    door=door,
                    identity=identity,
                    endpoint=endpoint,
                    grant=grant,
                    level=level,
                    recording=recording,
                    lease=lease,
                    changes=self._changes,
                    synced=self._synced,
                )
                with self._registry.live(session), lease.governs(session, identity.credential):
                    ending = await session.live()
            except GlassgateError as error:
                ending = Ending(EndCause.UPSTREAM, error.message)
                raise
            finally:
                await recording.close(Ended(ending.cause.value, ending.message, ending.by))
                log.info("session ended", session=recording.session, cause=ending.cause.value)
        return ending

    async def _open_recording(
        self, identity: Identity, endpoint: Endpoint, grant: Grant, door: Door[U, J]
    ) -> Recording:
        """Open the recording: from here on everything of this connection stands in it."""
        return await self._recordings.open_recording(
            Opened(
                session=0,
                identity=identity.name,
                endpoint=endpoint.name,
                grant=grant.id,
                reason=grant.reason,
                client=door.client,
                kind=endpoint.kind.value,
                identity_id=identity.id,
                endpoint_id=endpoint.id,
                versions={"gateway": __version__},
            ),
            max_bytes=endpoint.settings.max_recording_bytes,
            keep_days=endpoint.settings.keep_days,
        )


class Session(Life, Generic[U, J]):
    """A governed session. Made only here: whoever holds one knows that every step before it happened.

    Attributes:
        id: the session's number.
        identity: who.
        endpoint: what.
        grant: under which grant.
        level: what production enforces by itself.
        recording: everything that happens.
        admit_now: ``Admission.admit_now``, for units of the door's kind.
        answered: ``Admission.answered``.
    """

    __slots__ = (
        "_changes",
        "_door",
        "_filing",
        "_lease",
        "_synced",
        "admit_now",
        "answered",
        "endpoint",
        "grant",
        "identity",
        "level",
    )

    def __init__(
        self,
        *,
        door: Door[U, J],
        identity: Identity,
        endpoint: Endpoint,
        grant: Grant,
        level: Level,
        recording: Recording,
        lease: Lease,
        changes: Changes,
        synced: bool,
    ) -> None:
        admission = Admission(
            door,
            recording,
            lease,
            layers=int(level.layers | Layer.PARSED | Layer.JUDGED | Layer.EXACT),
            synced=synced,
            lost=self._recording_lost,
        )
        super().__init__(door, recording, admission, idle_seconds=float(endpoint.settings.idle_seconds))
        self.admit_now: Callable[[U], Admitted[U, J] | Refused[U, J] | None] = admission.admit_now
        self.answered: Answering = admission.answered
        self.identity = identity
        self.endpoint = endpoint
        self.grant = grant
        self.level = level
        self._door = door
        self._lease = lease
        self._changes = changes
        self._synced = synced
        self._filing = asyncio.Lock()

    async def live(self) -> Ending:
        """Serve until client, production, grant, person or gateway ends it."""
        return await self.run(self._door.serve(self))

    # ---- admission -------------------------------------------------------------------------------

    async def admit(self, unit: U) -> Admitted[U, J] | Refused[U, J]:
        """Judge and record one unit, a large text in a thread, waiting until it is on disk where that is set.

        Raises:
            SessionOver: nothing further is admitted.
        """
        if self._door.heavy(unit):
            await asyncio.to_thread(self._door.judge, unit)
        outcome: Admitted[U, J] | Refused[U, J] = self._admission.decide(unit)
        if self._synced:
            await self._on_disk()
        return outcome

    async def _on_disk(self) -> None:
        """Return once everything recorded so far is on disk."""
        try:
            await self.recording.synced()
        except RecordingLost as error:
            raise self._recording_lost(error) from error
        if self._admission.ending is not None:
            raise SessionOver(self._admission.ending)

    def lapsed(self) -> bool:
        """Whether nothing can be admitted until the store has renewed the grant's lease."""
        return self._loop.time() > self._lease.until

    def remaining(self) -> float:
        """Seconds that are left of the grant."""
        return max(0.0, self._lease.ends_at - self._loop.time())

    # ---- what happened ---------------------------------------------------------------------------

    def output(self, number: UnitNumber, stream: int, data: bytes) -> None:
        """Record a piece of an answer, where the endpoint's policy keeps results.

        Args:
            number: which unit.
            stream: 1 standard output or result rows, 2 standard error.
            data: raw bytes.
        """
        self._record(Output(number, stream, data))

    def event(self, kind: str, text: str) -> None:
        """Record something that happened to the session.

        Args:
            kind: a stable word, such as ``cancelled``.
            text: one sentence; names in it may be no text, as a host's file names need not be.
        """
        self._record(Event(kind, text.encode(errors="backslashreplace").decode()))

    def _record(self, frame: Output | Event) -> None:
        try:
            self.recording.write(frame)
        except RecordingLost as error:
            raise self._recording_lost(error) from error

    # ---- refused writes --------------------------------------------------------------------------

    async def file_change(self, refused: Refused[U, J]) -> Filed | None:
        """Turn a refused write into a change request; keep any other refused unit for ``change draft LAST``.

        Returns:
            What the client's error names; None where no artifact could carry it, or where it could not be
            filed (the unit stays refused all the same, and the recording says why).

        Raises:
            SessionOver: the refused unit could not be brought to disk first.
        """
        capture = self._door.capture(refused)
        if capture is None:
            return None
        rule = refused.verdict.rule
        production = self._door.production
        keep = self._changes.file if refused.verdict.decision is Decision.CHANGE else self._changes.remember
        await self._on_disk()
        try:
            async with self._filing:
                return await keep(self._facts(), capture, refused.number, production, rule=rule)
        except GlassgateError as error:
            self.event("change-not-filed", error.message)
            log.warning("change request not filed", session=self.id, error=error.message)
            return None

    def drop_changes(self, batch: int) -> None:
        """The client rolled its transaction back: its drafts are dropped, their evidence stays."""
        if self._group is not None:
            self._group.create_task(self._drop_changes(batch))

    async def _drop_changes(self, batch: int) -> None:
        try:
            async with self._filing:
                await self._changes.drop(self.id, batch)
        except GlassgateError as error:
            self.event("change-not-dropped", error.message)

    def _facts(self) -> SessionFacts:
        return SessionFacts(
            session=self.id,
            identity=self.identity,
            endpoint=self.endpoint,
            grant=self.grant.id,
            grant_reason=self.grant.reason,
            level=self.level.name,
        )
