"""What both sides of one session share: what is awaited, what waits, what has ended."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import GlassgateError, PeerError
from gateway.domain.session import EndCause, Ending
from gateway.judge.postgres.session import (
    CloseCursor,
    Commit,
    Deallocate,
    DeclareCursor,
    DiscardAll,
    PrepareStatement,
    Rollback,
)
from gateway.log import get_logger
from gateway.protocols.postgres import refusal
from gateway.protocols.postgres.names import Portal, Prepared
from gateway.session.life import SessionOver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.judge.postgres.analysis import SqlJudgement, StatementAnalysis
    from gateway.protocols.postgres.client import ClientSide
    from gateway.protocols.postgres.following import Following
    from gateway.protocols.postgres.names import Names
    from gateway.protocols.postgres.server import ServerSide
    from gateway.protocols.postgres.units import Awaited, SqlUnit
    from gateway.session.line import Session

CLIENT_GONE: Final = Ending(EndCause.CLIENT, "the client disconnected")
PRODUCTION_GONE: Final = Ending(EndCause.UPSTREAM, "production closed the connection")

_IDLE: Final = ord("I")

log = get_logger("protocols.postgres")


class Exchange:
    """One session's traffic. The two sides are protocols of the event loop; ``run`` does what must wait.

    Attributes:
        session: admission and the record.
        following: the session's state as far as verdicts depend on it.
        names: of statements and portals.
        awaited: messages that production has yet to answer, in order.
        segment: number of the pipeline's part (up to a Sync) that the client is sending.
        skipping: production skips everything up to the next Sync, which the client has not sent yet.
        batch: number of the transaction: refused writes of one transaction share a change request.
        drafted: change requests that this transaction's refused writes became, and whether they were there
            before it.
        ending: why the session ends, once it does.
        client: the side that talks to the client.
        server: the side that talks to production.
    """

    __slots__ = (
        "_jobs",
        "_wake",
        "awaited",
        "batch",
        "client",
        "drafted",
        "ending",
        "following",
        "names",
        "segment",
        "server",
        "session",
        "skipping",
    )

    client: ClientSide
    server: ServerSide

    def __init__(self, session: Session[SqlUnit, SqlJudgement], following: Following, names: Names) -> None:
        self.session = session
        self.following = following
        self.names = names
        self.awaited: deque[Awaited] = deque()
        self.segment = 0
        self.skipping = False
        self.batch = 1
        self.drafted: dict[int, bool] = {}
        self.ending: Ending | None = None
        self._jobs: deque[Callable[[], Awaitable[None]]] = deque()
        self._wake = asyncio.Event()

    async def run(self) -> Ending:
        """Do what must wait, one after the other, until either side ends.

        Raises:
            SessionOver: the line ended the session.
            GlassgateError: the client or production broke the protocol.
        """
        while self.ending is None:
            await self._wake.wait()
            self._wake.clear()
            while self._jobs and self.ending is None:
                await self._jobs.popleft()()
        return self.ending

    def later(self, job: Callable[[], Awaitable[None]]) -> None:
        """Do something that must wait; the side that asks has stopped reading."""
        self._jobs.append(job)
        self._wake.set()

    def end(self, ending: Ending) -> None:
        """Neither side goes on. The first reason stands."""
        if self.ending is None:
            self.ending = ending
            self._wake.set()

    def failed(self, error: Exception) -> None:
        """A callback of the event loop failed: the session's task ends with it."""
        if isinstance(error, SessionOver):
            self.end(error.ending)
        elif isinstance(error, PeerError):
            self.end(Ending(EndCause.PROTOCOL, error.message))
        elif isinstance(error, GlassgateError):
            self.end(Ending(EndCause.UPSTREAM, error.message))
        else:
            log.error("session failed", session=self.session.id, exc_info=error)
            self.end(Ending(EndCause.FAULT, "the gateway failed; the session was ended"))

    async def file(self, awaited: Awaited) -> bytes:
        """Draft the change request of refused units and return the error that names it."""
        first = b""
        for refused in awaited.refused or ():
            filed = await self.session.file_change(refused)
            if filed is not None:
                self.drafted.setdefault(filed.change, filed.joined)
            first = first or refusal.refused(refused.verdict, filed, refused.judged.position)
        return first

    def rolled_back(self) -> bytes:
        """The client's own ROLLBACK: its drafts are dropped; returns the notice that says so."""
        if not self.drafted:
            return b""
        self.session.drop_changes(self.batch)
        drafted, self.drafted = self.drafted, {}
        return refusal.rolled_back(drafted)

    def transaction_over(self) -> None:
        """The next refused write begins a change request of its own."""
        self.batch += 1
        self.drafted = {}

    def completed(self, awaited: Awaited, statement: StatementAnalysis, tag: bytes) -> bytes:
        """Production has run a statement that changes its session; returns a notice for the client."""
        notice = b""
        failed_commit = tag == b"ROLLBACK"
        for effect in statement.session_effects:
            self.following.completed(effect, failed_commit=failed_commit)
            match effect:
                case Rollback():
                    notice = self.rolled_back()
                    self.transaction_over()
                case Commit():
                    self.transaction_over()
                case PrepareStatement(name=name, text=text):
                    stored = text.encode(self.following.codec, "replace")
                    prepared = Prepared(name.encode(), stored, segment=self.segment, settled=True)
                    self.names.set_statement(prepared)
                case Deallocate(name=name):
                    self.names.deallocate(None if name is None else name.encode())
                case DeclareCursor(name=name):
                    cursor = Portal(name.encode(), awaited.number, segment=self.segment, settled=True)
                    run = awaited.unit or awaited.portal
                    self.following.bound(cursor, None if run is None else run.text)
                    self.names.set_portal(cursor)
                case CloseCursor(name=name):
                    self.names.close_cursor(None if name is None else name.encode())
                case DiscardAll():
                    self.names.deallocate(None)
                    self.names.close_cursor(None)
                case _:
                    pass
        return notice

    def ready(self, status: int) -> None:
        """Production is ready for the next query."""
        if status == _IDLE:
            self.transaction_over()
            self.following.rested()
        if not self.awaited:
            self.following.settle(status)
            if status == _IDLE and self.names.portals:
                self.names.transaction_ended()
