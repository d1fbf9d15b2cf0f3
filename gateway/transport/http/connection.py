"""A connection as HTTP needs it: whatever has come, writes that wait for a slow peer, half-closing."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Final

from gateway.transport.once import Once

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.transport.stream import ByteStream

READ_AHEAD: Final = 1 << 18
"""Bytes kept unread before the peer is made to wait."""
WRITE_HIGH: Final = 1 << 18
"""Bytes waiting to be sent before the writer is made to wait."""
TOGETHER: Final = 1 << 14
"""What is written at once goes out together, up to so many bytes: each write costs a system call."""


class Connection(asyncio.Protocol):
    """One connection, to a client or to production.

    Attributes:
        lost: whether it is closed, by whomever.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._came: deque[bytes] = deque()
        self._size = 0
        self._ended = self.lost = self._sent_all = False
        self._held = False
        self._reading: asyncio.Future[None] | None = None
        self._gone = Once()
        self._caught_up = asyncio.Event()
        self._caught_up.set()
        self._unsent: list[bytes] = []
        self._unsent_size = 0
        self._loop = asyncio.get_running_loop()
        self._leaving: Callable[[], None] | None = None
        self._half = False

    @classmethod
    def over(cls, stream: ByteStream) -> Connection:
        """Take over a stream, with what it has read."""
        made = cls()
        rest = stream.hand_over(made)
        if rest:
            made.data_received(rest)
        if stream.closed:
            made.eof_received()
        return made

    # ---- the loop's side -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; bound what it buffers."""
        self._transport = transport  # type: ignore[assignment]  # uvloop's are not registered as asyncio's
        self._transport.set_write_buffer_limits(high=WRITE_HIGH)  # type: ignore[union-attr]

    def data_received(self, data: bytes) -> None:
        """Keep what came; make the peer wait where it is much."""
        self._came.append(data)
        self._size += len(data)
        if self._size > READ_AHEAD and not self._held and self._transport is not None:
            self._held = True
            self._transport.pause_reading()
        _wake(self._reading)

    def eof_received(self) -> bool:
        """The peer sends no more, and may still read."""
        self._end()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits."""
        del exc
        self.lost = True
        self._end()
        self._gone.set()
        self._caught_up.set()

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""
        self._caught_up.clear()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._caught_up.set()

    def _end(self) -> None:
        self._ended = True
        _wake(self._reading)
        if self._leaving is not None and (self.lost or not self._half):
            leaving, self._leaving = self._leaving, None
            leaving()

    # ---- our side --------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether the peer sends no more."""
        return self._ended

    @property
    def unread(self) -> bool:
        """Whether something has come that was not read."""
        return bool(self._came)

    @property
    def closing(self) -> bool:
        """Whether it is closed from here, once all that was written has been sent."""
        return self._transport is None or self._transport.is_closing()

    def when_it_leaves(self, leaving: Callable[[], None] | None, *, half: bool = False) -> None:
        """Have something done once the peer leaves, at once where it has left already.

        Args:
            leaving: called once; None: nothing any more.
            half: whether a peer that only sends no more has not left.
        """
        self._leaving, self._half = leaving, half
        if self._ended:
            self._end()

    async def read(self) -> bytes:
        """Return whatever has come; nothing once the peer sends no more."""
        while not self._came:
            if self._ended:
                return b""
            self._reading = self._loop.create_future()
            await self._reading
        data = self._came.popleft() if len(self._came) == 1 else b"".join(self._came)
        self._came.clear()
        self._size = 0
        if self._held:
            self._held = False
            if self._transport is not None and not self.lost:
                self._transport.resume_reading()
        return data

    def send(self, *pieces: bytes) -> None:
        """Send it at once, where ``write`` would wait for what else comes in this turn of the loop."""
        if self._unsent or self._transport is None or self._sent_all:
            self.write(*pieces)
            self._flush()
        elif not self.lost and not self._transport.is_closing():
            self._transport.write(b"".join(pieces) if len(pieces) > 1 else pieces[0])

    def write(self, *pieces: bytes) -> None:
        """Send it, in the background where the peer is slow; what can't be sent any more is dropped."""
        if self._transport is None or self.lost or self._sent_all or self._transport.is_closing():
            return
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent += pieces
        self._unsent_size += sum(map(len, pieces))
        if self._unsent_size > TOGETHER:
            self._flush()

    def _flush(self) -> None:
        """Write what was written since the loop's last turn."""
        pieces, size = self._unsent, self._unsent_size
        self._unsent, self._unsent_size = [], 0
        if not pieces or self._transport is None or self.lost or self._transport.is_closing():
            return
        if size > TOGETHER:
            self._transport.writelines(pieces)
        else:
            self._transport.write(b"".join(pieces))

    async def drain(self) -> None:
        """Wait until the peer has taken most of what was written, or has gone."""
        self._flush()
        if not self.lost:
            await self._caught_up.wait()

    @property
    def behind(self) -> bool:
        """Whether the peer has not taken most of what was written."""
        return bool(self._unsent) or not (self.lost or self._caught_up.is_set())

    def write_eof(self) -> None:
        """Send nothing more, and still read."""
        self._flush()
        if self._transport is None or self.lost or self._transport.is_closing():
            return
        if not self._sent_all:
            self._sent_all = True
            with contextlib.suppress(OSError):  # reset by the peer, as the loop is about to learn
                self._transport.write_eof()

    def close(self) -> None:
        """Send what is left, then close."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    async def leave(self, seconds: float) -> None:
        """Send what is left and close; break off where the peer does not take it in that time."""
        self.close()
        try:
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Close without sending what is left."""
        if self._transport is not None:
            self._transport.abort()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
