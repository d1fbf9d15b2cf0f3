"""A connection as a byte stream: exact reads, writes with back-pressure; then a hot loop takes over."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Final, Protocol, cast

from gateway.domain.errors import PeerError, UpstreamUnavailable
from gateway.transport.layer import TlsLayer

if TYPE_CHECKING:
    from gateway.transport.accept import Arrival

READ_AHEAD: Final = 1 << 16
"""Bytes kept unread before the peer is made to wait."""
WRITE_HIGH: Final = 1 << 18
"""Bytes waiting to be sent before the writer is made to wait."""
HANDSHAKE_SECONDS: Final = 10.0


class Taking(Protocol):
    """What may have a connection: a protocol of the event loop by its methods, whatever class it is of."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""

    def data_received(self, data: bytes) -> None:
        """Take what came."""

    def eof_received(self) -> bool | None:
        """The peer sends no more."""

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""

    def resume_writing(self) -> None:
        """The peer has caught up."""


class ByteStream(asyncio.Protocol):
    """Reads exact sizes and writes, until a protocol with a hot loop takes over."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._closed = False
        self._paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._full = False

    # ---- asyncio's side --------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; bound what it buffers."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]  # uvloop's are not registered as asyncio's
        self.transport.set_write_buffer_limits(high=WRITE_HIGH)  # type: ignore[union-attr]

    def data_received(self, data: bytes) -> None:
        """Keep what came; make the peer wait when it is much."""
        self._buffer += data
        if len(self._buffer) > READ_AHEAD and not self._paused and self.transport is not None:
            self._paused = True
            self.transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> bool:
        """The peer sends no more; its side of the connection ends with ours."""
        self._closed = True
        _wake(self._reader)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits."""
        del exc
        self._closed = True
        self._full = False
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""
        self._full = True

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._full = False
        _wake(self._writer)

    # ---- our side --------------------------------------------------------------------------------

    async def take(self, size: int) -> bytes:
        """Read exactly ``size`` bytes.

        Raises:
            PeerError: the peer closed before that.
        """
        while len(self._buffer) < size:
            if self._closed:
                raise PeerError("the connection closed in the middle of a message")
            self._reader = asyncio.get_running_loop().create_future()
            if self._paused:
                self._resume()
            await self._reader
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        if self._paused and len(self._buffer) <= READ_AHEAD:
            self._resume()
        return data

    def _resume(self) -> None:
        self._paused = False
        if self.transport is not None and not self._closed:
            self.transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Send it, in the background where the peer is slow."""
        if self.transport is not None and not self._closed and not self.transport.is_closing():
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the peer has taken most of what was written."""
        if self._full:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer

    @property
    def closed(self) -> bool:
        """Whether the peer is gone."""
        return self._closed

    def alpn(self) -> str | None:
        """Return the protocol that was agreed upon in the TLS handshake."""
        tls = self._tls()
        return tls.selected_alpn_protocol() if tls is not None else None

    def peer_certificate(self) -> bytes | None:
        """Return the certificate, in DER, that the peer proved in the TLS handshake; None: it showed none."""
        tls = self._tls()
        return tls.getpeercert(binary_form=True) if tls is not None else None

    def _tls(self) -> ssl.SSLObject | None:
        return self.transport.get_extra_info("ssl_object") if self.transport is not None else None

    def hand_over(self, protocol: Taking) -> bytes:
        """Let ``protocol`` have the connection from here on.

        Returns:
            Bytes that were read already, which the protocol must see first.
        """
        assert self.transport is not None
        rest = bytes(self._buffer)
        self._buffer.clear()
        self.transport.set_protocol(cast("asyncio.Protocol", protocol))
        protocol.connection_made(self.transport)
        if self._paused:
            self._resume()
        return rest

    def close(self) -> None:
        """Send what is left, then close."""
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close without sending what is left."""
        if self.transport is not None:
            self.transport.abort()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


async def accept_tls(arrival: Arrival, context: ssl.SSLContext) -> ByteStream:
    """Do the server's side of the TLS handshake on an accepted connection.

    Raises:
        PeerError: it came to nothing.
    """
    arrival.handed_over()
    stream = ByteStream()
    try:
        layer = TlsLayer(stream, context, server_side=True)
        await _shake(layer, arrival.socket)
    except (OSError, ssl.SSLError, TimeoutError) as error:
        arrival.socket.close()
        raise PeerError(f"no TLS: {_reason(error)}") from error
    return stream


async def _shake(layer: TlsLayer, sock: socket.socket) -> None:
    """Let the loop read and write a socket for TLS, until the handshake is done.

    Raises:
        OSError, ssl.SSLError, TimeoutError: it came to nothing; the connection is closed.
    """
    loop = asyncio.get_running_loop()
    raw, _ = await loop.create_connection(lambda: cast("asyncio.Protocol", layer), sock=sock)
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            await layer.shaken
    except BaseException:
        raw.abort()
        raise


async def dial_socket(host: str, port: int, *, unix: str = "", seconds: float = 10.0) -> socket.socket:
    """Open a raw connection to production.

    Args:
        host: name or address.
        port: TCP port.
        unix: path of a unix socket, instead of both.
        seconds: time it may take.

    Raises:
        UpstreamUnavailable: it can't be reached.
    """
    loop = asyncio.get_running_loop()
    where = unix or f"{host}:{port}"
    last: Exception | None = None
    try:
        async with asyncio.timeout(seconds):
            for family, kind, number, address in await _addresses(host, port, unix):
                sock = socket.socket(family, kind, number)
                sock.setblocking(False)
                try:
                    await loop.sock_connect(sock, address)
                except OSError as error:
                    sock.close()
                    last = error
                    continue
                except BaseException:
                    sock.close()
                    raise
                if not unix:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                return sock
    except (OSError, TimeoutError) as error:
        last = error
    raise UpstreamUnavailable(
        f"production can't be reached at {where}: {_reason(last)}", hint="ask the endpoint's operator"
    ) from last


async def _addresses(host: str, port: int, unix: str) -> list[tuple[int, int, int, str | tuple[object, ...]]]:
    if unix:
        return [(socket.AF_UNIX, socket.SOCK_STREAM, 0, unix)]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, kind, number, address) for family, kind, number, _, address in found]


async def stream_over(
    sock: socket.socket, *, context: ssl.SSLContext | None = None, name: str | None = None
) -> ByteStream:
    """Make a stream of a dialled socket, with TLS where a context is given.

    Args:
        sock: connected; owned by the stream from here on.
        context: None: in the clear.
        name: server name to ask for and to check.

    Raises:
        UpstreamUnavailable: the handshake failed.
    """
    loop = asyncio.get_running_loop()
    stream = ByteStream()
    try:
        if context is None:
            await loop.create_connection(lambda: stream, sock=sock)
        else:
            await _shake(TlsLayer(stream, context, server_side=False, name=name or None), sock)
    except (OSError, ssl.SSLError, TimeoutError) as error:
        with contextlib.suppress(OSError):
            sock.close()
        raise UpstreamUnavailable(
            f"no TLS with production: {_reason(error)}", hint="check the endpoint's tls and ca"
        ) from error
    except BaseException:
        with contextlib.suppress(OSError):
            sock.close()
        raise
    return stream


def _reason(error: BaseException | None) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message or "its certificate is not trusted"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error) or "unknown"
