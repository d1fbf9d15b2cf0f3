"""What leads from a client's channel to another door of the gateway: bytes, each way at its reader's pace."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import asyncssh

from gateway.protocols.ssh.lane import Lane
from gateway.transport.once import Once

if TYPE_CHECKING:
    from socket import socket

MOST_WAITING: Final = 256 << 10
"""Bytes that wait for a door that does not read before the client is told to wait."""


class Forwarded(Lane, asyncssh.SSHTCPSession[bytes]):
    """A channel by which a client reaches another door: ``direct-tcpip``, RFC 4254, section 7.2."""

    def end(self) -> None:
        """The door has served: close, once everything is sent."""
        if self._channel is not None:
            self._channel.close()


class Way(asyncio.Protocol):
    """The near end of a way: what the client sends goes in here, what the door answers comes out.

    Args:
        lane: the client's channel.

    Attributes:
        ended: set once the door has sent its last.
    """

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._transport: asyncio.Transport | None = None
        self._held = False
        self.ended = Once()

    # ---- the door's side -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The way is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(MOST_WAITING)

    def data_received(self, data: bytes) -> None:
        """The door answered."""
        self._lane.write(data)

    def eof_received(self) -> bool:
        """The door sends nothing more, and may still read."""
        self._lane.finish()
        self.ended.set()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The door is gone."""
        del exc
        self._transport = None
        self.ended.set()

    def pause_writing(self) -> None:
        """The door reads slowly."""
        self._lane.hold(hold=True)

    def resume_writing(self) -> None:
        """The door has caught up."""
        self._lane.hold(hold=False)

    def abort(self) -> None:
        """Close, whatever is on the way."""
        if self._transport is not None:
            self._transport.abort()

    # ---- the client's side -----------------------------------------------------------------------

    def fed(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def fed_up(self) -> None:
        """The client sends nothing more."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def hurry(self, *, hold: bool) -> None:
        """The client is slow, or reads again."""
        if self._transport is None or self._transport.is_closing() or hold is self._held:
            return
        self._held = hold
        if hold:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def resized(self, size: tuple[int, int, int, int]) -> None:
        """A way has no terminal."""

    def signalled(self, name: str) -> None:
        """A way runs nothing."""


async def open_way(lane: Lane, near: socket) -> Way:
    """Let a channel and a socket speak with each other.

    Args:
        lane: open, or closed again.
        near: connected; closed by the way from here on.
    """
    way = Way(lane)
    try:
        await asyncio.get_running_loop().create_connection(lambda: way, sock=near)
    except BaseException:
        near.close()
        raise
    lane.join(way)
    return way
