"""An HTTP request becomes a client's streams: the handshakes of WebSocket and of SPDY/3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.domain.errors import InvalidInput
from gateway.judge.http.targets import split_target
from gateway.judge.kubernetes.parameters import is_flag_set
from gateway.protocols.kubernetes import websocket
from gateway.protocols.kubernetes.streams import (
    SUBPROTOCOLS,
    Channel,
    SpdyStreams,
    Streams,
    WebSocketStreams,
)
from gateway.transport.http import write

if TYPE_CHECKING:
    from gateway.domain.http import Request
    from gateway.transport.http.exchange import ClientSide

SWITCHING: Final = 101
WEBSOCKET: Final = "websocket"
SPDY: Final = "SPDY/3.1"
_STREAMS: Final = {"stdin": Channel.STDIN, "stdout": Channel.STDOUT, "stderr": Channel.STDERR}


def wants_streams(request: Request) -> bool:
    """Whether a request asks for the change of protocol that an exec needs."""
    return bool(request.every("upgrade"))


def upgraded(client: ClientSide, request: Request, *, tty: bool) -> Streams:
    """Answer a request for streams, and return them.

    Args:
        client: whose connection it is; behind this no HTTP follows on it.
        request: as sent.
        tty: whether the command gets a terminal.

    Raises:
        InvalidInput: it asks for something that is not spoken here.
    """
    wanted = "".join(request.every("upgrade")).strip().lower()
    if wanted == WEBSOCKET:
        return _websocket(client, request)
    if wanted == SPDY.lower():
        return _spdy(client, request, tty=tty)
    raise InvalidInput("an exec is spoken by WebSocket or SPDY/3.1")


def _websocket(client: ClientSide, request: Request) -> Streams:
    key = "".join(request.every("sec-websocket-key"))
    if request.method != "GET" or not websocket.is_key(key):
        raise InvalidInput("that is no handshake of WebSocket")
    if request.every("sec-websocket-version") != (websocket.VERSION,):
        raise InvalidInput(f"WebSocket is spoken in version {websocket.VERSION}")
    headers = (
        ("Sec-WebSocket-Accept", websocket.accept_of(key)),
        ("Sec-WebSocket-Protocol", _chosen(request, "sec-websocket-protocol")),
    )
    client.connection.write(write.switched(SWITCHING, headers, upgrade=WEBSOCKET))
    return WebSocketStreams(client.connection, client.rest())


def _spdy(client: ClientSide, request: Request, *, tty: bool) -> Streams:
    chosen = _chosen(request, "x-stream-protocol-version")
    pairs = split_target(request.target).pairs
    streams = {_STREAMS[name] for name, value in pairs if name in _STREAMS and is_flag_set(value)}
    if tty:
        streams = streams - {Channel.STDERR} | {Channel.RESIZE}
    headers = (("X-Stream-Protocol-Version", chosen),)
    client.connection.write(write.switched(SWITCHING, headers, upgrade=SPDY))
    return SpdyStreams(client.connection, client.rest(), streams)


def _chosen(request: Request, header: str) -> str:
    """Return the best version of the streams' protocol that a client offers."""
    offered = {each.strip() for value in request.every(header) for each in value.split(",")}
    chosen = next((each for each in SUBPROTOCOLS if each in offered), None)
    if chosen is None:
        raise InvalidInput(f"an exec is spoken by {' or '.join(SUBPROTOCOLS)}")
    return chosen
