"""A client's channel that costs no more than its window, and whose end is noticed, whatever the client does.

asyncssh keeps what waits to be read as it came, a hundred bytes for each piece of one; and a channel that its
client has closed goes on until all that waits has been read, which may be never.
What is relied upon of its insides is held by ``tests/protocols/ssh/test_bounds.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from asyncssh.channel import SSHChannel
from asyncssh.constants import MSG_CHANNEL_CLOSE

from gateway.protocols.ssh.swift import SwiftChannel

if TYPE_CHECKING:
    from asyncssh.packet import SSHPacket

PIECE: Final = 32768
"""Bytes that are kept together."""


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
        """Hand data on as what it always is."""
        super()._deliver_data(bytes(data), datatype)

    def _process_close(self, pkttype: int, pktid: int, packet: SSHPacket) -> None:
        """The client is done with the channel: it reads no answer to what has not been read yet."""
        super()._process_close(pkttype, pktid, packet)
        if self._recv_state == "close_pending":
            self._discard_recv()

    _packet_handlers: Any = {
        **SSHChannel._packet_handlers,  # noqa: SLF001
        MSG_CHANNEL_CLOSE: _process_close,
    }
