"""How much may be recorded of one person in a day: looked at when a session opens, and while it runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import NotAuthorised, StoreUnavailable
from gateway.domain.session import EndCause, Ending
from gateway.log import get_logger
from gateway.store import recordings

if TYPE_CHECKING:
    from gateway.domain.identity import Identity
    from gateway.domain.ids import IdentityId
    from gateway.session.registry import Registry
    from gateway.store.pool import Store

DAY: Final = timedelta(hours=24)
LOOK_SECONDS: Final = 3.0
"""A live session goes past the quota for so long at most, and the second that sealing takes."""

log = get_logger("session")


class Quota:
    """The quota of recordings of each person, over all their sessions at all replicas.

    Args:
        store: knows how much was recorded.
        registry: the live sessions of this process.
        mib: within 24 hours; 0: no quota.
    """

    def __init__(self, store: Store, registry: Registry, *, mib: int) -> None:
        self._store = store
        self._registry = registry
        self._mib = mib
        self._known: dict[IdentityId, int] = {}

    async def check(self, identity: Identity) -> None:
        """Make sure that another session of a person may be recorded.

        Raises:
            NotAuthorised: their quota is used up.
            StoreUnavailable: the store is away.
        """
        if not self._mib:
            return
        if identity.id not in self._known:  # read once between two looks: many connections may open at once
            await self._read([identity.id])
        if self._used_up(identity):
            raise NotAuthorised(
                self._said(identity),
                hint="sessions count for 24 hours; an operator can raise recording.person-mib",
            )

    async def run(self) -> None:
        """End the live sessions of those whose quota is used up, until cancelled."""
        while self._mib:
            await asyncio.sleep(LOOK_SECONDS)
            self._known = {}
            sessions = self._registry.sessions()
            if not sessions:
                continue
            try:
                await self._read(sorted({session.identity.id for session in sessions}))
            except StoreUnavailable as error:
                log.warning("quotas not read", error=error.message)
                continue
            for session in sessions:
                if self._used_up(session.identity):
                    session.end(Ending(EndCause.RECORDING_FULL, self._said(session.identity)))

    async def _read(self, people: list[IdentityId]) -> None:
        async with self._store.connection() as conn:
            recorded = await recordings.recorded_bytes(conn, people, DAY)
        self._known |= {person: recorded.get(person, 0) for person in people}

    def _used_up(self, identity: Identity) -> bool:
        return self._known.get(identity.id, 0) >= self._mib << 20

    def _said(self, identity: Identity) -> str:
        return f"what was recorded of {identity.name} within 24 hours has reached {self._mib:,} MiB"
