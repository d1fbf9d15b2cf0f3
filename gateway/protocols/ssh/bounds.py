"""Channels that cost no more than their window, and whose end is noticed, whatever their peer does.

asyncssh keeps what waits to be read as it came, a hundred bytes for each piece of one. It opens the whole
window again when some of it has been read, whatever still waits: behind a reader that is slow and goes on,
all of a large file piles up. And a channel that its client has closed goes on until all that waits is read.
What is relied upon of its insides is held by ``tests/protocols/ssh/test_bounds.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from asyncssh.channel import SSHChannel
from asyncssh.constants import MSG_CHANNEL_CLOSE, MSG_CHANNEL_WINDOW_ADJUST
from asyncssh.packet import UInt32

from gateway.protocols.ssh.swift import SwiftChannel

if TYPE_CHECKING:
    from asyncssh.packet import SSHPacket

PIECE: Final = 32768
"""Bytes that are kept together."""


def deliver(channel: SSHChannel[bytes], data: bytes, datatype: int | None) -> None:
    """Hand data on, and open the window again once nothing waits any more; for channels of raw bytes."""
    opened, left = channel._init_recv_window, channel._recv_window  # noqa: SLF001
    if left < opened / 2 and not channel._recv_buf:  # noqa: SLF001
        channel.send_packet(MSG_CHANNEL_WINDOW_ADJUST, UInt32(opened - left))
        channel._recv_window = opened  # noqa: SLF001
    if channel._session is not None:  # noqa: SLF001
        channel._session.data_received(bytes(data), datatype)  # noqa: SLF001


class BoundedChannel(SwiftChannel):
    """Goes before asyncssh's channel of the server's side."""

    def _accept_data(self, data: bytes, datatype: int | None = None) -> None:
        """Take data; what has to wait is put to what waits already."""
        waiting = cast("list[tuple[bytes | bytearray, int | None]]", self._recv_buf)
        if self._recv_paused and waiting and self._send_state not in {"close_pending", "closed"}:
            last, kind = waiting[-1]
            if kind == datatype and len(last) + len(data) <= PIECE:
                self._recv_window -= len(data)
                if isinstance(last, bytearray):
                    last += data
                else:
                    waiting[-1] = bytearray(last + data), datatype
                return
        super()._accept_data(data, datatype)

    def _deliver_data(self, data: bytes, datatype: int | None) -> None:
        """Hand data on as what it always is, and open the window only once nothing waits."""
        deliver(self, data, datatype)

    def _process_close(self, pkttype: int, pktid: int, packet: SSHPacket) -> None:
        """The client is done with the channel: it reads no answer to what has not been read yet."""
        super()._process_close(pkttype, pktid, packet)
        if self._recv_state == "close_pending":
            self._discard_recv()

    _packet_handlers: Any = {
        **SSHChannel._packet_handlers,  # noqa: SLF001
        MSG_CHANNEL_CLOSE: _process_close,
    }
