"""A command in a container: production's side of an exec, by WebSocket channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.errors import PeerError, UpstreamUnavailable
from gateway.protocols.kubernetes import websocket
from gateway.protocols.kubernetes.streams import CLOSES, SUBPROTOCOLS, V5, Channel, size_message
from gateway.protocols.kubernetes.websocket import Opcode, WebSocketReader

if TYPE_CHECKING:
    from gateway.domain.http import Request
    from gateway.protocols.kubernetes.streams import Sized
    from gateway.protocols.kubernetes.upstream import Upstream
    from gateway.transport.http.exchange import UpstreamSide

MOST_STATUS: Final = 1 << 20
LOST: Final = 70
"""Exit status where the cluster told none."""


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] = []


class _Status(msgspec.Struct):
    status: str = ""
    message: str = ""
    reason: str = ""
    details: _Details | None = None


class Remote:
    """One command that runs. Made by ``open``.

    Attributes:
        status: what its error stream carried; empty until it has ended.
    """

    def __init__(self, upstream: Upstream, side: UpstreamSide, *, closes: bool) -> None:
        self._upstream = upstream
        self._side = side
        self._closes = closes
        self._reader = WebSocketReader(masked=False)
        self._status = bytearray()
        self._over = False

    @classmethod
    async def open(cls, upstream: Upstream, request: Request) -> Remote:
        """Start it.

        Args:
            upstream: the session's.
            request: as judged and rebuilt: the command stands in its query.

        Raises:
            UpstreamUnavailable: the cluster can't be reached or does not run it; says why.
        """
        key = websocket.new_key()
        asking = (
            ("sec-websocket-version", websocket.VERSION),
            ("sec-websocket-key", key),
            ("sec-websocket-protocol", ", ".join(SUBPROTOCOLS)),
        )
        request = msgspec.structs.replace(request, method="GET", headers=asking, body=None)
        side, head = await upstream.ask(request, upgrade="websocket")
        if not head.switched:
            try:
                told = await side.body(MOST_STATUS)
            finally:
                upstream.done(side)
            raise UpstreamUnavailable(f"the cluster does not run it: {_said(told) or head.status}")
        chosen = head.first("sec-websocket-protocol")
        if head.first("sec-websocket-accept") != websocket.accept_of(key) or chosen not in SUBPROTOCOLS:
            upstream.done(side)
            raise UpstreamUnavailable("the cluster agreed to no WebSocket protocol that is spoken here")
        return cls(upstream, side, closes=chosen == V5)

    @property
    def status(self) -> bytes:
        """What its error stream carried; empty until it has ended."""
        return bytes(self._status)

    @property
    def code(self) -> int:
        """How it ended, as an exit status."""
        return exit_code(self.status)

    async def heard(self) -> list[tuple[Channel, bytes]]:
        """Return what it wrote next; nothing once it has ended.

        Raises:
            UpstreamUnavailable: the cluster broke the protocol.
        """
        while not self._over:
            data = await self._side.data()
            if not data:
                break
            if found := self._understood(data):
                return found
        return []

    def _understood(self, data: bytes) -> list[tuple[Channel, bytes]]:
        found: list[tuple[Channel, bytes]] = []
        try:
            messages = self._reader.feed(data)
        except PeerError as error:
            raise UpstreamUnavailable(f"the cluster broke the protocol: {error.message}") from error
        for message in messages:
            if message.opcode is Opcode.PING:
                self._send(Opcode.PONG, message.data)
            elif message.opcode is Opcode.CLOSE:
                self._over = True
            elif message.opcode is Opcode.BINARY and len(message.data) > 1:
                channel, content = message.data[0], message.data[1:]
                if channel == Channel.ERROR:
                    self._status += content[: MOST_STATUS - len(self._status)]
                elif channel in (Channel.STDOUT, Channel.STDERR):
                    found.append((Channel(channel), content))
        return found

    def fed(self, data: bytes) -> None:
        """Send standard input."""
        self._send(Opcode.BINARY, bytes((Channel.STDIN,)) + data)

    def fed_up(self) -> None:
        """End standard input, where the cluster's version of the protocol can say so."""
        if self._closes:
            self._send(Opcode.BINARY, bytes((CLOSES, Channel.STDIN)))

    def resized(self, size: Sized) -> None:
        """Tell the terminal's size."""
        self._send(Opcode.BINARY, bytes((Channel.RESIZE,)) + size_message(size))

    async def drain(self) -> None:
        """Wait until the cluster has taken most of what was sent, or has gone."""
        await self._side.connection.drain()

    def close(self) -> None:
        """Hang up: the cluster then ends what it streams."""
        if not self._over:
            self._send(Opcode.CLOSE, websocket.NORMAL)
            self._over = True
        self._upstream.done(self._side)

    def _send(self, opcode: Opcode, data: bytes) -> None:
        self._side.connection.write(websocket.frame(opcode, data, masked=True))


def exit_code(status: bytes) -> int:
    """Return the exit status that a Status object tells of."""
    try:
        told = msgspec.json.decode(status, type=_Status)
    except msgspec.DecodeError:
        return LOST
    if told.status == "Success":
        return 0
    for cause in told.details.causes if told.details is not None else ():
        if cause.reason == "ExitCode" and cause.message.isascii() and cause.message.isdigit():
            return int(cause.message) % 256
    return LOST


def _said(body: bytes) -> str:
    """Return the message of a Status object, or the beginning of what isn't one."""
    try:
        return msgspec.json.decode(body, type=_Status).message
    except msgspec.DecodeError:
        return body[:200].decode("utf-8", "replace").strip()
