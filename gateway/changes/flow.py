"""From a refused write to a commit in the service's repository: drafts, their patches, their submission.

Who may look at or act on change requests in general is policy's, and asked by the caller; that only the
author acts on a draft is guarded here, in the statements themselves.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.changes import diff, journal, lifecycle
from gateway.changes.catalogue import ReadProposal, propose_read
from gateway.changes.drafting import Target, put_into_draft, ready_unit
from gateway.changes.git import shown_url
from gateway.changes.message import committer
from gateway.changes.proposals import proposes
from gateway.changes.reading import Reader
from gateway.changes.repository import Repositories
from gateway.changes.secret_lines import hide_line_of_file
from gateway.changes.shown import one_line
from gateway.changes.submission import Submission
from gateway.domain.change import ChangeRequest, ChangeState
from gateway.domain.errors import Conflict, InvalidInput, NotAuthorised, NotFound
from gateway.domain.ids import SessionId
from gateway.domain.unit import Filed
from gateway.store import changes as rows
from gateway.store import drafts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.domain.change import Capture
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity
    from gateway.domain.ids import ChangeId, GrantId, IdentityId, UnitNumber
    from gateway.domain.production import ReadProduction
    from gateway.store.changes import Step, StoredChange
    from gateway.store.pool import Store

_GLANCE_SECONDS = 2.0
_MAX_TITLE = 80
_MAX_REASON = 2000


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What a change request keeps of the session in which a unit was refused.

    Attributes:
        session: its number.
        identity: who typed it.
        endpoint: what it was sent to.
        grant: under which grant.
        grant_reason: why that was asked for.
        level: what production enforced by itself.
    """

    session: SessionId
    identity: Identity
    endpoint: Endpoint
    grant: GrantId
    grant_reason: str
    level: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A change request as people look at it.

    Attributes:
        change: with its units and proposed files.
        diff: the patch as unified diff text, safe to show.
        steps: what happened to it so far.
        notes: what a reader must know beside the patch.
        cause: why it was dropped or withdrawn.
        url: where it can be seen.
    """

    change: ChangeRequest
    diff: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    cause: str
    url: str


class Changes:
    """The change flow.

    Args:
        store: where change requests stand.
        public_url: how people reach the gateway, such as ``https://gw.example:8443``.
        folder: where the gateway's own bare repositories stand; made when first needed.
        catalogue: what is known to read PostgreSQL, which ``was_a_read`` proposes to change.
    """

    def __init__(self, store: Store, *, public_url: str, folder: Path, catalogue: Path | None = None) -> None:
        self._catalogue = catalogue
        self._store = store
        self._public_url = public_url.rstrip("/")
        self.repositories = Repositories(folder, committer(public_url))
        self._reader = Reader(store, self.repositories)

    # --- drafting

    async def file(
        self,
        facts: SessionFacts,
        capture: Capture,
        number: UnitNumber,
        production: ReadProduction,
        *,
        rule: str = "",
    ) -> Filed:
        """Make a draft of a refused write, or join the one that it belongs to.

        Args:
            facts: the session it was refused in.
            capture: what its door knows of it.
            number: its place in the session.
            production: the session's own reads, for values and estimates.
            rule: the judge's rule.

        Raises:
            InvalidInput: it is too large for a change request.
            StoreUnavailable: it could not be kept.
        """
        unit = await ready_unit(facts, capture, number, production, rule)
        identity, endpoint = facts.identity, facts.endpoint
        target = Target(
            identity.id, identity.name, endpoint.id, endpoint.name, endpoint.repository, capture.kind
        )
        async with self._store.transaction() as conn:
            change, joined = await put_into_draft(conn, target, unit)
        return await self._filed(change, joined=joined)

    async def remember(
        self,
        facts: SessionFacts,
        capture: Capture,
        number: UnitNumber,
        production: ReadProduction,
        *,
        rule: str = "",
    ) -> None:
        """Keep a refused unit that is no change request, for ``draft_last``; arguments as for ``file``."""
        unit = await ready_unit(facts, capture, number, production, rule)
        async with self._store.transaction() as conn:
            await drafts.remember_refused(
                conn,
                identity=facts.identity.id,
                endpoint=facts.endpoint.id,
                endpoint_name=facts.endpoint.name,
                repository=facts.endpoint.repository,
                kind=capture.kind,
                unit=unit,
            )

    async def draft_last(self, identity: Identity) -> Filed:
        """Make a draft of the identity's last refused unit.

        Raises:
            NotFound: nothing of theirs was refused lately, or it is a change request already.
        """
        async with self._store.transaction() as conn:
            last = await drafts.take_last_refused(conn, identity.id)
            if last is None:
                raise NotFound(
                    "nothing of yours was refused lately that is not a change request already",
                    hint="glassgate changes",
                )
            target = Target(
                identity.id, identity.name, last.endpoint, last.endpoint_name, last.repository, last.kind
            )
            change, joined = await put_into_draft(conn, target, last.unit)
        return await self._filed(change, joined=joined)

    async def drop(self, session: SessionId, batch: int) -> tuple[ChangeId, ...]:
        """Take back what a transaction had drafted: its client rolled it back. The evidence stays.

        Returns:
            The drafts that were dropped; one that holds units of other transactions goes on without these.
        """
        async with self._store.transaction() as conn:
            taken = await drafts.take_back(conn, session, batch)
            dropped = tuple(change for change, remains in taken if not remains)
            for change in dropped:
                await journal.move(
                    conn, change, ChangeState.DROPPED, by=journal.GATEWAY, why=lifecycle.ROLLED_BACK
                )
        return dropped

    async def drop_stale(self) -> tuple[ChangeId, ...]:
        """Drop the drafts that nobody acted on for seven days; call it now and then."""
        async with self._store.transaction() as conn:
            dropped = await drafts.drop_stale(conn, lifecycle.DRAFT_DAYS, lifecycle.STALE)
            for change in dropped:
                await journal.tell(conn, change, ChangeState.DROPPED, by=journal.GATEWAY, why=lifecycle.STALE)
        return dropped

    # --- reading

    async def list(
        self,
        *,
        author: IdentityId | None = None,
        endpoint: str | None = None,
        state: ChangeState | None = None,
        before: ChangeId | None = None,
        limit: int = 100,
    ) -> tuple[ChangeRequest, ...]:
        """Return change requests, newest first, without their units and files."""
        async with self._store.connection() as conn:
            return await rows.list_changes(
                conn,
                author=author,
                endpoint=endpoint,
                state=state,
                before=before,
                limit=max(1, min(limit, 1000)),
            )

    async def get(self, change: ChangeId) -> ChangeRequest:
        """Return a change request with its units and its files as they are proposed now.

        Raises:
            NotFound: there is none of that number.
        """
        return (await self.show(change)).change

    async def show(self, change: ChangeId) -> Shown:
        """Return a change request as people look at it; an unreadable repository is a note, not an error.

        Raises:
            NotFound: there is none of that number.
        """
        async with self._store.connection() as conn:
            stored = await self._reader.stored(conn, change)
            steps = await rows.steps(conn, change)
        base, files, notes = await self._reader.proposed(stored)
        url = self._url(change)
        return Shown(
            replace(stored.request, base=base, files=files),
            diff.unified(files),
            steps,
            notes,
            stored.cause,
            url,
        )

    # --- acting

    async def submit(
        self,
        identity: Identity,
        change: ChangeId,
        reason: str,
        *,
        files: Mapping[str, bytes] | None = None,
        no_way_back: str | None = None,
    ) -> ChangeRequest:
        """Commit a draft to its branch and push it; the draft stays as it was where that fails.

        Args:
            identity: the author.
            change: a draft of theirs.
            reason: why it is needed.
            files: new bytes by path, where the author edited them; None: as proposed.
            no_way_back: why it can't be undone, where it can't.

        Raises:
            NotFound: there is none of that number.
            NotAuthorised: it is somebody else's.
            Conflict: it is no draft any more, is being submitted right now, or its branch exists.
            InvalidInput: the reason, the way back, a path or an edited file is missing or wrong.
            RepositoryUnavailable: the repository is gone, empty, or refuses the push.
        """
        reason = _said("reason", reason, 'glassgate change submit … --reason "…"')
        if no_way_back is not None:
            no_way_back = _said("why there is no way back", no_way_back, '--no-way-back "…"')
        async with self._store.connection() as conn:
            stored = await self._reader.stored(conn, change)
        _check_author(stored, identity)
        submission = Submission(
            self._store, self.repositories, self._public_url, stored, identity, reason, no_way_back or ""
        )
        await submission.run(files)
        return await self.get(change)

    async def withdraw(self, identity: Identity, change: ChangeId, reason: str = "") -> ChangeRequest:
        """Give a change request up; a branch that was pushed stays in the repository.

        Raises:
            NotFound: there is none of that number.
            NotAuthorised: it is somebody else's.
            Conflict: it is past withdrawing, or being submitted right now.
        """
        await self._end(
            identity, change, ChangeState.WITHDRAWN, one_line(hide_line_of_file(reason), _MAX_REASON)
        )
        return await self.get(change)

    async def was_a_read(self, identity: Identity, change: ChangeId) -> ReadProposal:
        """Drop a draft that was judged wrongly, and propose the catalogue change that would let it pass.

        Raises:
            NotFound: there is none of that number.
            NotAuthorised: it is somebody else's.
            Conflict: it is no draft any more.
        """
        async with self._store.connection() as conn:
            stored = await self._reader.stored(conn, change)
        _check_author(stored, identity)
        wanted = await asyncio.to_thread(propose_read, stored, identity, self._catalogue)
        await self._end(identity, change, ChangeState.DROPPED, lifecycle.READ)
        return wanted

    # --- parts

    async def _filed(self, change: ChangeId, *, joined: bool) -> Filed:
        """Return what the client's error says of a draft."""
        async with self._store.connection() as conn:
            stored = await self._reader.stored(conn, change)
        repository = stored.repository
        files = await self._reader.at_a_glance(stored, repository) if repository else None
        where = (
            shown_url(repository.url) if repository else "a repository that the endpoint does not name yet"
        )
        glance = await self._reader.unseen(stored) if files is None else files
        return Filed(
            change=change,
            joined=joined,
            title=stored.request.title,
            url=self._url(change),
            submit=f'glassgate change submit {change} --reason "…"',
            detail=proposes(stored).detail(stored, files, where),
            diff=await asyncio.to_thread(diff.unified, glance),
        )

    async def _end(self, identity: Identity, change: ChangeId, target: ChangeState, why: str) -> None:
        """Make a last step, by the author alone."""
        async with self._store.transaction() as conn:
            stored = await self._reader.stored(conn, change)
            _check_author(stored, identity)
            if not await journal.move(conn, change, target, by=identity.name, why=why, author=identity.id):
                state = (await self._reader.stored(conn, change)).request.state
                if state is target:
                    raise Conflict(f"change request {change} is {state.value} already")
                raise Conflict(
                    f"change request {change} is {state.value} or being submitted right now; "
                    f"it can't become {target.value}",
                    hint=f"glassgate change show {change}",
                )

    def _url(self, change: ChangeId) -> str:
        return f"{self._public_url}/v1/changes/{change}"


def _check_author(stored: StoredChange, identity: Identity) -> None:
    if stored.request.author != identity.id:
        raise NotAuthorised(
            f"change request {stored.request.id} is {one_line(stored.request.author_name, 100)}'s; "
            "only they can do that",
            hint="type the statement yourself to make a change request of your own",
        )


def _said(what: str, text: str, hint: str) -> str:
    """Return words that a person must give, trimmed, without what has a credential's shape.

    Raises:
        InvalidInput: nothing was said, or too much.
    """
    text = text.strip()
    if not text:
        raise InvalidInput(f"the {what} is empty", hint=hint)
    if len(text) > _MAX_REASON:
        raise InvalidInput(f"the {what} has {len(text):,} characters, at most {_MAX_REASON:,} are kept")
    return hide_line_of_file(text)
