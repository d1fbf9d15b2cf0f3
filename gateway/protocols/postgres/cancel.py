"""Cancel keys of our own, one a session; the server's are never shown.

A request comes on a connection of its own, which may have reached another process than the session's: what is
not known here is told to the others, through the store.

Source: PostgreSQL documentation, "Canceling Requests in Progress"; protocol 3.2 lengthens the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from gateway.domain.errors import GlassgateError, StoreUnavailable
from gateway.log import get_logger
from gateway.protocols.postgres.startup import CancelRequest
from gateway.store.notify import CANCELS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

SHORT: Final = 4
"""Bytes of a key in protocol 3.0."""
LONG: Final = 32
"""Bytes of a key in protocol 3.2."""
MOST_UNKNOWN: Final = 100
"""Requests that wait to be told to the other processes: one notice holds so many (8,000 bytes)."""

log = get_logger("protocols.postgres")


class Cancellable(Protocol):
    """What a cancel key belongs to: a session."""

    async def cancel_running(self) -> None:
        """Have production cancel what it runs for this session."""


class Notices(Protocol):
    """Brings short notices to every process of the gateway: the store."""

    async def announce(self, channel: str, payload: str) -> None:
        """Tell all who listen on a channel.

        Raises:
            StoreUnavailable: nobody was told.
        """

    def listen(self, channel: str) -> AsyncGenerator[str, None]:
        """Yield what is told on a channel, and an empty payload where some may have been missed."""


class CancelKeys:
    """The cancel keys of this process.

    Args:
        notices: brings requests to the process that they are for; None: there is but this one.
    """

    def __init__(self, notices: Notices | None = None) -> None:
        self._notices = notices
        self._sessions: dict[int, tuple[bytes, Cancellable]] = {}
        self._unknown: asyncio.Queue[CancelRequest] = asyncio.Queue(MOST_UNKNOWN)

    @contextmanager
    def issued(self, session: Cancellable, *, minor: int) -> Iterator[tuple[int, bytes]]:
        """Give a session a number and a key for as long as the block lasts.

        Args:
            session: what they cancel.
            minor: minor protocol version: the key's length depends on it.
        """
        number = secrets.randbelow(1 << 31)
        while number in self._sessions or number == 0:
            number = secrets.randbelow(1 << 31)
        key = secrets.token_bytes(LONG if minor >= 2 else SHORT)
        self._sessions[number] = (key, session)
        try:
            yield number, key
        finally:
            del self._sessions[number]

    async def cancel(self, request: CancelRequest) -> bool:
        """Cancel what a session runs, where number and key fit; nobody is told whether they did.

        Returns:
            Whether they fitted here; other processes look at a number that is unknown here.
        """
        if request.process in self._sessions:
            return await self._cancel(request)
        if len(request.key) in (SHORT, LONG):  # else it is none of ours
            with contextlib.suppress(
                asyncio.QueueFull
            ):  # nobody has proven anything: a flood is cut off here
                self._unknown.put_nowait(request)
        return False

    async def _cancel(self, request: CancelRequest) -> bool:
        key, session = self._sessions.get(request.process, (b"", None))
        if session is None or not hmac.compare_digest(key, request.key):
            return False
        await session.cancel_running()
        return True

    async def run(self) -> None:
        """Exchange requests with the other processes, until cancelled."""
        if self._notices is None:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell(self._notices))
            group.create_task(self._listen(self._notices, group))

    async def _tell(self, notices: Notices) -> None:
        """Tell of all that wait in one notice: by themselves, those of a flood would crowd the others out."""
        while True:
            waiting = [await self._unknown.get()]
            while not self._unknown.empty():
                waiting.append(self._unknown.get_nowait())
            try:
                await notices.announce(
                    CANCELS, ",".join(f"{each.process} {each.key.hex()}" for each in waiting)
                )
            except StoreUnavailable as error:
                log.warning("cancel requests were not passed on", requests=len(waiting), error=error.message)

    async def _listen(self, notices: Notices, group: asyncio.TaskGroup) -> None:
        """Have each request looked at by itself: production may let one wait for seconds."""
        async for payload in notices.listen(CANCELS):
            for each in payload.split(","):
                request = _told(each)
                if request is not None and request.process in self._sessions:
                    group.create_task(self._cancel_told(request))

    async def _cancel_told(self, request: CancelRequest) -> None:
        try:
            await self._cancel(request)
        except GlassgateError as error:  # its session has just ended, or can't be recorded any more
            log.info("not cancelled", error=error.message)


def _told(payload: str) -> CancelRequest | None:
    """Return the request that a notice tells of; None where it tells of none."""
    number, _, key = payload.partition(" ")
    try:
        return CancelRequest(int(number), bytes.fromhex(key))
    except ValueError:
        return None
