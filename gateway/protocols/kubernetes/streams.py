"""A client's streams of an exec, whichever way it speaks them: WebSocket channels or SPDY streams.

Channels are numbered by ``k8s.io/apimachinery/pkg/util/remotecommand``; the fifth version of the protocol
adds a message that says a stream has ended.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.errors import PeerError
from gateway.protocols.kubernetes import spdy, websocket
from gateway.protocols.kubernetes.websocket import Message, Opcode, WebSocketReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.transport.http.connection import Connection

V5: Final = "v5.channel.k8s.io"
V4: Final = "v4.channel.k8s.io"
SUBPROTOCOLS: Final = (V5, V4)
"""That are spoken here, the best one first. Older ones, before kubectl 1.4, tell no exit status."""
CLOSES: Final = 255
STREAMS_SECONDS: Final = 10.0
"""A SPDY client has so long to open the streams that it asked for."""


class Channel(IntEnum):
    """What a stream carries."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4


@dataclass(frozen=True, slots=True)
class Typed:
    """Standard input.

    Attributes:
        data: raw bytes.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class TypedAll:
    """Standard input has ended."""


@dataclass(frozen=True, slots=True)
class Sized:
    """The terminal has this size.

    Attributes:
        columns: of cells.
        rows: of cells.
    """

    columns: int
    rows: int


Said = Typed | TypedAll | Sized


class _Size(msgspec.Struct):
    width: int = msgspec.field(name="Width", default=0)
    height: int = msgspec.field(name="Height", default=0)


def sizes_of(data: bytes) -> list[Said]:
    """Return the sizes that resize messages tell; what can't be read is no size.

    Args:
        data: one JSON object, or several one behind the other.
    """
    found: list[Said] = []
    for piece in data.replace(b"}{", b"}\n{").split(b"\n"):
        try:
            size = msgspec.json.decode(piece, type=_Size)
        except msgspec.DecodeError:
            continue
        if 0 < size.width < 1 << 16 and 0 < size.height < 1 << 16:
            found.append(Sized(size.width, size.height))
    return found


def size_message(size: Sized) -> bytes:
    """Return what a resize stream carries."""
    return msgspec.json.encode({"Width": size.columns, "Height": size.rows})


class Streams(ABC):
    """The streams of one exec on a client's connection.

    Args:
        connection: behind the change of protocol.
        rest: what came behind the request.
    """

    def __init__(self, connection: Connection, rest: bytes) -> None:
        self._connection = connection
        self._rest = rest
        self._over = False

    async def heard(self) -> list[Said] | None:
        """Return what the client said next, None once it has left.

        Raises:
            PeerError: it broke the protocol.
        """
        data, self._rest = self._rest, b""
        while not self._over:
            if data:
                said = self.understood(data)
                await self.drain()  # pings are answered, and their answers are to be taken
                if said:
                    return said
            if self._over or not (data := await self._connection.read()):
                return None
        return None

    @abstractmethod
    def understood(self, data: bytes) -> list[Said]:
        """Return what bytes say; answer by itself what the protocol wants answered."""

    @abstractmethod
    def write(self, channel: Channel, data: bytes) -> None:
        """Send a piece of a stream."""

    @abstractmethod
    def end(self, status: bytes) -> None:
        """Send the error stream's content, and close.

        Args:
            status: a Status object.
        """

    async def ready(self) -> list[Said]:
        """Wait until every stream stands; return what was said meanwhile."""
        return []

    async def drain(self) -> None:
        """Wait until the client has taken most of what was sent, or has gone."""
        await self._connection.drain()


class WebSocketStreams(Streams):
    """Channels in binary messages, by their first byte."""

    def __init__(self, connection: Connection, rest: bytes) -> None:
        super().__init__(connection, rest)
        self._reader = WebSocketReader(masked=True, most=websocket.MOST_MESSAGE)

    def understood(self, data: bytes) -> list[Said]:
        """Return what messages say; pings are answered."""
        said: list[Said] = []
        for message in self._reader.feed(data):
            match message:
                case Message(Opcode.BINARY, content) if content:
                    said += _meant(content)
                case Message(Opcode.PING, content):
                    self._send(Opcode.PONG, content)
                case Message(Opcode.CLOSE, _):
                    self._send(Opcode.CLOSE, websocket.NORMAL)
                    self._over = True
                case _:
                    pass  # text is nothing's, and a pong answers nothing of ours
        return said

    def write(self, channel: Channel, data: bytes) -> None:
        """Send a piece of a stream as one message."""
        self._send(Opcode.BINARY, bytes((channel,)) + data)

    def end(self, status: bytes) -> None:
        """Send the error stream's content, and close."""
        self.write(Channel.ERROR, status)
        self._send(Opcode.CLOSE, websocket.NORMAL)
        self._over = True

    def _send(self, opcode: Opcode, data: bytes) -> None:
        self._connection.write(websocket.frame(opcode, data, masked=False))


def _meant(content: bytes) -> list[Said]:
    channel, data = content[0], content[1:]
    if channel == Channel.STDIN and data:
        return [Typed(data)]
    if channel == Channel.RESIZE:
        return sizes_of(data)
    if channel == CLOSES and data == bytes((Channel.STDIN,)):
        return [TypedAll()]
    return []


_KINDS: Final = {
    "stdin": Channel.STDIN,
    "stdout": Channel.STDOUT,
    "stderr": Channel.STDERR,
    "error": Channel.ERROR,
    "resize": Channel.RESIZE,
}


class SpdyStreams(Streams):
    """A SPDY stream for each.

    Args:
        connection: behind the change of protocol.
        rest: what came behind the request.
        wanted: streams that the client's query asks for.
    """

    def __init__(self, connection: Connection, rest: bytes, wanted: Iterable[Channel]) -> None:
        super().__init__(connection, rest)
        self._reader, self._writer = spdy.SpdyReader(), spdy.SpdyWriter()
        self._wanted = frozenset(wanted) | {Channel.ERROR}
        self._numbers: dict[Channel, int] = {}

    async def ready(self) -> list[Said]:
        """Wait until every stream stands that was asked for."""
        said: list[Said] = []
        try:
            async with asyncio.timeout(STREAMS_SECONDS):
                while not self._wanted <= self._numbers.keys():
                    data, self._rest = self._rest, b""
                    data = data or await self._connection.read()
                    if not data:
                        raise PeerError("the client left before it had opened its streams")
                    said += self.understood(data)
        except TimeoutError as error:
            raise PeerError("the client did not open the streams that it asked for") from error
        return said

    def understood(self, data: bytes) -> list[Said]:
        """Return what frames say; streams are accepted, pings answered."""
        said: list[Said] = []
        for event in self._reader.feed(data):
            match event:
                case spdy.Opened(stream, headers, ended):
                    said += self._opened(stream, headers.get("streamtype", ""), ended=ended)
                case spdy.Data(stream, content, ended):
                    said += self._came(stream, content, ended=ended)
                case spdy.Reset(stream):
                    said += self._came(stream, b"", ended=True)
                case spdy.Pinged(frame):
                    self._connection.write(frame)
                case spdy.Leaving():
                    pass
        return said

    def _opened(self, stream: int, kind: str, *, ended: bool) -> list[Said]:
        channel = _KINDS.get(kind)
        if channel is None or channel in self._numbers:
            self._connection.write(self._writer.refuse(stream))
            return []
        self._numbers[channel] = stream
        self._connection.write(self._writer.reply(stream))
        return self._came(stream, b"", ended=ended)

    def _came(self, stream: int, data: bytes, *, ended: bool) -> list[Said]:
        said: list[Said] = []
        if stream == self._numbers.get(Channel.STDIN):
            said += [Typed(data)] if data else []
            said += [TypedAll()] if ended else []
        elif stream == self._numbers.get(Channel.RESIZE):
            said += sizes_of(data)
        return said

    def write(self, channel: Channel, data: bytes) -> None:
        """Send a piece of a stream, where the client opened it."""
        stream = self._numbers.get(channel)
        if stream is not None:
            self._connection.write(self._writer.data(stream, data))

    def end(self, status: bytes) -> None:
        """Send the error stream's content, and end every stream."""
        for channel, stream in self._numbers.items():
            data = status if channel is Channel.ERROR else b""
            self._connection.write(self._writer.data(stream, data, ended=True))
        self._over = True
