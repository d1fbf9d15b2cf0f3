"""The live sessions of this process, and ending them from anywhere."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gateway.domain.errors import StoreUnavailable
from gateway.domain.ids import SessionId
from gateway.domain.session import EndCause, Ending
from gateway.log import get_logger
from gateway.store import kills, ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.domain.identity import Identity
    from gateway.session.line import Session
    from gateway.store.pool import Store

LOOK_SECONDS = 3.0
"""A missed notification of a kill is late by at most this."""
CLOSING_SECONDS = 5.0
"""Sessions that are ended have so long to close."""
BUSY_SECONDS = 0.1
"""So often it is seen whether what runs has ended, while the gateway drains."""

RESTARTING = Ending(EndCause.DRAINED, "the gateway is restarting; connect again in a moment")

_ENDS_SOON = (
    "the gateway is restarting: this session ends with what runs in it, in {:.0f} seconds at the latest"
)

log = get_logger("session")


class Registry:
    """Live sessions of this process; kills asked for at any replica reach the one that runs the session.

    Args:
        store: where kills are kept and announced.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._live: dict[SessionId, Session[Any, Any]] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    @contextmanager
    def live(self, session: Session[Any, Any]) -> Iterator[None]:
        """List the session for as long as the block lasts."""
        self._live[session.id] = session
        self._empty.clear()
        try:
            yield
        finally:
            del self._live[session.id]
            if not self._live:
                self._empty.set()

    def sessions(self) -> list[Session[Any, Any]]:
        """Return the live sessions of this process, oldest first."""
        return list(self._live.values())

    async def kill(self, session: SessionId, by: Identity, reason: str) -> None:
        """End a session, wherever it runs; stands in the store and the ledger before this returns.

        Raises:
            NotFound: no such live session.
            StoreUnavailable: the store is away.
        """
        async with self._store.transaction() as connection:
            await kills.ask(connection, session, by.name, reason)
            await ledger.append_leaf(
                connection, "session-killed", f"session {session} by {by.name}: {reason}".encode()
            )
        self._end_killed(session, by.name, reason)

    async def run(self) -> None:
        """Carry out kills asked for at other replicas, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._on_timer())
            group.create_task(self._on_notice())

    async def _on_timer(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _on_notice(self) -> None:
        async for _ in self._store.listen(kills.CHANNEL):
            await self._look()

    async def _look(self) -> None:
        if not self._live:
            return
        try:
            async with self._store.connection() as connection:
                asked = await kills.asked(connection, list(self._live))
        except StoreUnavailable as error:
            log.warning("kills not read", error=error.message)
            return
        for kill in asked:
            self._end_killed(kill.session, kill.by, kill.reason)

    def _end_killed(self, number: SessionId, by: str, reason: str) -> None:
        session = self._live.get(number)
        if session is not None:
            message = f"ended by {by}" + (f": {reason}" if reason else "")
            session.end(Ending(EndCause.KILLED, message, by))

    async def drain(self, seconds: float, hurry: asyncio.Event) -> None:
        """End every session with a word to its client: an idle one now, a busy one once what runs has ended.

        Args:
            seconds: how long what runs may go on and sessions may take to close, in all.
            hurry: once set, what runs is cut too.
        """
        loop = asyncio.get_running_loop()
        closing = min(CLOSING_SECONDS, seconds / 2)
        until = loop.time() + seconds - closing
        told: set[SessionId] = set()
        while self._live and loop.time() < until and not hurry.is_set():
            for session in self.sessions():
                if not session.busy():
                    session.end(RESTARTING)
                elif session.id not in told:
                    told.add(session.id)
                    session.warn(_ENDS_SOON.format(until - loop.time()))
            await asyncio.sleep(BUSY_SECONDS)
        for session in self.sessions():
            session.end(RESTARTING)
        try:
            async with asyncio.timeout(closing):
                await self._empty.wait()
        except TimeoutError:
            log.warning("sessions not drained in time", sessions=len(self._live))
