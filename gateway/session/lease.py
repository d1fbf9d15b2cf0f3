"""Taken grants are held on a short lease, renewed from the store; what is gone there is cut here at once."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from gateway.domain.errors import StoreUnavailable
from gateway.domain.session import EndCause, Ending
from gateway.log import get_logger
from gateway.store import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.access.grants import Grants
    from gateway.domain.access import Grant
    from gateway.domain.ids import GrantId
    from gateway.store.pool import Store

LEASE_SECONDS = 10.0
"""So long sessions go on while the store is away; past it nothing is admitted until it is back."""
RENEW_SECONDS = 3.0
"""A missed notification of a revocation is late by at most this."""
WARN_SECONDS = 300.0
"""A session is told so long before its grant ends."""
LATE_WARN_SECONDS = 1.0
"""A session that begins later than that is told so long after its start, when its client listens."""
CHANNEL = "glassgate_grants"
"""The store notifies here whenever a grant, a person, a role or a token goes."""

WITHDRAWN = Ending(EndCause.REVOKED, "the login or token that this session was opened with was revoked")

_TOLD = "your access ends in {}, at {:%H:%M} UTC; ask for more with `glassgate request`"
"""With the time: psql shows a notice no sooner than the next answer."""

log = get_logger("session")


class Governed(Protocol):
    """What a lease can warn and end: a session."""

    def warn(self, message: str) -> None:
        """Show a notice to the client."""

    def end(self, ending: Ending) -> None:
        """End it now."""


class Lease:
    """One taken grant within this process.

    Attributes:
        grant: the grant's number.
        until: loop time up to which units may be admitted without hearing from the store.
        ends_at: loop time of the grant's own end.
    """

    __slots__ = ("_end", "_ending", "_governed", "_loop", "_warning", "ends_at", "grant", "until")

    def __init__(self, grant: GrantId, remaining: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._governed: dict[Governed, int | None] = {}
        self._warning: asyncio.TimerHandle | None = None
        self._end: asyncio.TimerHandle | None = None
        self._ending: Ending | None = None
        self.grant = grant
        self.until = self.ends_at = 0.0
        self.renewed(self._loop.time(), remaining)

    def renewed(self, asked_at: float, remaining: float) -> None:
        """The store said at ``asked_at`` (loop time) that the grant lives for ``remaining`` seconds more."""
        ends_at = asked_at + remaining
        self.until = min(asked_at + LEASE_SECONDS, ends_at)
        if abs(ends_at - self.ends_at) > 1:
            self._schedule(ends_at)

    def _schedule(self, ends_at: float) -> None:
        self.release()
        self.ends_at = ends_at
        self._end = self._loop.call_at(ends_at, self._expire)
        if ends_at - WARN_SECONDS > self._loop.time():
            self._warning = self._loop.call_at(ends_at - WARN_SECONDS, self._warn)

    @contextmanager
    def governs(self, governed: Governed, credential: int | None = None) -> Iterator[None]:
        """Warn and end ``governed`` with this grant while the block lasts; at once where it is gone.

        Args:
            governed: a session.
            credential: the token that it was opened with, with which it ends too; None: none.
        """
        self._governed[governed] = credential
        late = None
        if self._ending is not None:
            governed.end(self._ending)
        elif self.ends_at - self._loop.time() <= WARN_SECONDS:
            late = self._loop.call_later(LATE_WARN_SECONDS, self._warn_late, governed)
        try:
            yield
        finally:
            del self._governed[governed]
            if late is not None:
                late.cancel()

    def end(self, ending: Ending) -> None:
        """End every session under this grant now; nothing further is admitted."""
        self.until = 0.0
        self._ending = ending
        for governed in tuple(self._governed):
            governed.end(ending)

    @property
    def credentials(self) -> frozenset[int]:
        """The tokens that its sessions were opened with."""
        return frozenset(each for each in self._governed.values() if each is not None)

    def withdraw(self, credentials: frozenset[int]) -> None:
        """End the sessions that were opened with one of these tokens, and no others."""
        for governed, credential in tuple(self._governed.items()):
            if credential in credentials:
                governed.end(WITHDRAWN)

    def release(self) -> None:
        """Stop the timers: no session of this process is under the grant any more."""
        for timer in (self._end, self._warning):
            if timer is not None:
                timer.cancel()

    def _warn(self) -> None:
        for governed in tuple(self._governed):
            governed.warn(self._told("5 minutes"))

    def _warn_late(self, governed: Governed) -> None:
        minutes = round((self.ends_at - self._loop.time()) / 60)
        governed.warn(self._told(f"{minutes} minutes" if minutes > 1 else "a minute"))

    def _told(self, rest: str) -> str:
        return _TOLD.format(rest, datetime.now(UTC) + timedelta(seconds=self.ends_at - self._loop.time()))

    def _expire(self) -> None:
        self.end(Ending(EndCause.EXPIRED, "your access has ended: the time of the grant is up"))


class Leases:
    """All leases of this process.

    Args:
        grants: where they are renewed.
        store: whose notifications say that something went.
    """

    def __init__(self, grants: Grants, store: Store) -> None:
        self._grants = grants
        self._store = store
        self._held: dict[GrantId, tuple[Lease, int]] = {}
        self._renewing = asyncio.Lock()

    @contextmanager
    def hold(self, grant: Grant) -> Iterator[Lease]:
        """Keep the grant alive for as long as the block lasts."""
        lease, users = self._held.get(grant.id) or (Lease(grant.id, grant.remaining), 0)
        self._held[grant.id] = (lease, users + 1)
        try:
            yield lease
        finally:
            lease, users = self._held[grant.id]
            if users > 1:
                self._held[grant.id] = (lease, users - 1)
            else:
                lease.release()
                del self._held[grant.id]

    async def run(self) -> None:
        """Renew on a timer and at each notification, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._on_timer())
            group.create_task(self._on_notice())

    async def _on_timer(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self.renew()

    async def _on_notice(self) -> None:
        async for _ in self._store.listen(CHANNEL):
            await self.renew()

    async def renew(self) -> None:
        """Ask the store which grants still live; end the sessions of those that don't."""
        async with self._renewing:
            held = dict(self._held)
            if not held:
                return
            asked_at = asyncio.get_running_loop().time()
            shown = frozenset[int]().union(*(lease.credentials for lease, _ in held.values()))
            try:
                remaining = await self._grants.renew(list(held))
                withdrawn = await self._withdrawn(shown)
            except StoreUnavailable as error:
                log.warning("leases not renewed", error=error.message)
                return
            gone = []
            for grant, (lease, _) in held.items():
                seconds = remaining.get(grant)
                if seconds is None:
                    lease.until = 0.0
                    gone.append(lease)
                else:
                    lease.renewed(asked_at, seconds)
                    lease.withdraw(withdrawn)
            if gone:
                await self._end(gone)

    async def _withdrawn(self, credentials: frozenset[int]) -> frozenset[int]:
        """Return which of some tokens were revoked."""
        if not credentials:
            return credentials
        async with self._store.connection() as conn:
            return await tokens.revoked_among(conn, sorted(credentials))

    async def _end(self, gone: list[Lease]) -> None:
        """End the sessions of grants that live no more, with the words of whoever took them away."""
        try:
            words = await self._grants.closed_by([lease.grant for lease in gone])
        except StoreUnavailable:
            words = {}
        for lease in gone:
            by, why = words.get(lease.grant, ("", ""))
            message = "your access was taken away" + (f" by {by}" if by else "") + (f": {why}" if why else "")
            lease.end(Ending(EndCause.REVOKED, message, by))
