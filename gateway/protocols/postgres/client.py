"""The client's side of a session: messages in, admitted units out to production; the hot loop there.

Every message is framed; what is forwarded is forwarded as it came, all of one read in one write.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import PeerError
from gateway.protocols.postgres import refusal, swift, wire
from gateway.protocols.postgres.exchange import CLIENT_GONE
from gateway.protocols.postgres.statements import COPY, SMALL, Statements
from gateway.protocols.postgres.units import BIND, PARSE, QUERY

if TYPE_CHECKING:
    from gateway.protocols.postgres.exchange import Exchange

MAX_SMALL: Final = 1 << 16
"""Bytes of a message that carries names only."""
MAX_MESSAGE: Final = 1 << 30
"""Bytes of a message of any kind, as on the server."""
MAX_HEAD: Final = 1 << 12
"""Bytes looked at of a message too large to keep."""

SLICE_SECONDS: Final = 0.005
"""So long one client's messages are handled in one go; then other sessions have their turn."""

_LARGE: Final = frozenset(b"QPB")


class ClientSide(Statements):
    """What the client sends.

    Args:
        exchange: shared with production's side.
        most_bytes: largest statement, bind values included, that is read.
        swift_way: whether the commonest traffic may go the swift way.
    """

    def __init__(self, exchange: Exchange, *, most_bytes: int, swift_way: bool = True) -> None:
        super().__init__(exchange)
        self._most = most_bytes
        self._swift = swift_way
        self._need = 0
        self._discard = 0

    # ---- the loop's callbacks --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport  # type: ignore[assignment]  # uvloop's are not registered as asyncio's

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, with or without a word."""
        del exc
        self.exchange.end(CLIENT_GONE)

    def eof_received(self) -> None:
        """The client sends no more: the transport closes itself."""

    def pause_writing(self) -> None:
        """The client reads slower than production answers: production waits."""
        self.exchange.server.pause()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.exchange.server.resume()

    def data_received(self, data: bytes) -> None:
        """Take what the client sent; nothing it sends can end another session."""
        try:
            if self._held or self.exchange.ending is not None:
                self._buffer += data
                return
            if self._buffer:
                self._buffer += data
                if len(self._buffer) < self._need:
                    return
                data = bytes(self._buffer)
                self._buffer.clear()
            elif self._swift and not self._doomed and not self._discard and len(data) <= self._most:
                exchange = self.exchange
                if not exchange.awaited and not exchange.skipping and swift.send(self, data):
                    return
            self.take(data)
        except Exception as error:  # noqa: BLE001 - a callback's error ends the session's task, with its reason
            self.exchange.failed(error)

    # ---- framing ---------------------------------------------------------------------------------

    def take(self, data: bytes) -> None:
        """Cut into messages and handle each; keep what is not complete or must wait."""
        position = 0
        end = len(data)
        until = monotonic() + SLICE_SECONDS
        if self._discard:
            position = min(self._discard, end)
            self._discard -= position
        while end - position >= 5 and not self._held:
            kind = data[position]
            size = wire.uint32(data, position + 1) + 1
            after = position + size
            if after > end or size < 5:
                if self._incomplete(kind, size, data[position : position + MAX_HEAD]):
                    self._discard = max(0, after - end)
                    position = min(after, end)
                    continue
                break
            if kind in (BIND, PARSE, QUERY):
                if size > self._most:
                    self._too_large(kind, data[position : position + MAX_HEAD])
                    position = after
                    continue
                step = self._statement(kind, data, position, after)
            else:
                step = self._other(kind, data, position, after)
            if step == position:
                break
            position = step
            if monotonic() > until and position < end and not self._held:
                self._give_way()
        if position < end:
            rest = data[position:] if position else data
            self._buffer[:0] = rest
            self._need = wire.uint32(rest, 1) + 1 if len(rest) >= 5 else 5
        if self._out:
            self._forward()

    def _incomplete(self, kind: int, size: int, head: bytes) -> bool:
        """Look at a message that has not come whole.

        Returns:
            Whether it is to be skipped, as it is answered (or ignored) already.
        """
        if kind in COPY and 5 <= size <= MAX_MESSAGE:
            return True
        most = MAX_SMALL if kind in SMALL else MAX_MESSAGE
        if kind not in _LARGE | SMALL or not 5 <= size <= most:
            raise PeerError("malformed message: an unknown type or an impossible length")
        if kind in _LARGE and size > self._most and len(head) >= min(size, MAX_HEAD):
            self._too_large(kind, head)
            return True
        return False

    def _too_large(self, kind: int, head: bytes) -> None:
        """Answer a statement that is larger than what is judged, without keeping it."""
        self.exchange.session.event("too-large", f"a message of more than {self._most} bytes was not read")
        name = wire.Fields(head, 5).string() if kind == PARSE else b""
        self._refuse_plainly(
            kind,
            name,
            refusal.error(
                f"the statement is larger than {self._most} bytes, more than the gateway judges",
                code=refusal.TOO_LARGE,
                hint="split it, or bind long lists as arrays",
            ),
        )
