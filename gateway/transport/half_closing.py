"""TLS whose two directions end one by one, as docker's clients and engines use it.

A docker client says that a command's input has ended by a close_notify alert, and reads on (RFC 8446, section
6.1, allows that); asyncio and uvloop close the connection at that point, and with it the output is lost. Here
OpenSSL works on memory, and this is what stands between it and the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING, Any, Final

from gateway.domain.errors import PeerError, UpstreamUnavailable

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from gateway.transport.accept import Arrival
    from gateway.transport.stream import Taking

HANDSHAKE_SECONDS: Final = 10.0
_RECORDS: Final = 1 << 16
"""Bytes taken out of OpenSSL at once."""


class HalfClosingTls(asyncio.Protocol):
    """One connection: a protocol to the socket's transport, and a transport to the protocol inside.

    Args:
        context: with the certificates.
        server: whether it is the server's side.
        name: of the server, to ask for and to check.
    """

    def __init__(self, context: ssl.SSLContext, *, server: bool, name: str | None = None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server, server_hostname=name)
        self._transport: asyncio.Transport | None = None
        self._inside: Taking | None = None
        self._shaken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._early: list[bytes] = []
        self._sent_end = self._got_end = False

    # ---- the socket's side -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        self._transport = transport  # type: ignore[assignment]  # uvloop's are not registered as asyncio's
        self._shake()

    def data_received(self, data: bytes) -> None:
        """Take records."""
        self._incoming.write(data)
        if not self._shaken.done():
            self._shake()
        if self._shaken.done() and self._shaken.exception() is None:
            self._deliver()

    def eof_received(self) -> bool:
        """The socket has ended, with or without the alert that says so."""
        self._fail(ConnectionResetError("the connection closed in the handshake"))
        self._ended()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._fail(exc or ConnectionResetError("the connection closed in the handshake"))
        if self._inside is not None:
            self._inside.connection_lost(exc)

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""
        if self._inside is not None:
            self._inside.pause_writing()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        if self._inside is not None:
            self._inside.resume_writing()

    # ---- OpenSSL ---------------------------------------------------------------------------------

    async def shaken(self) -> None:
        """Return once the handshake is done.

        Raises:
            OSError: it failed (``ssl.SSLError`` is one), or took too long.
        """
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            await asyncio.shield(self._shaken)

    def peer_certificate(self) -> bytes | None:
        """Return the certificate, in DER, that the peer proved in the handshake; None: it showed none."""
        return self._tls.getpeercert(binary_form=True)

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as error:
            self._flush()  # the alert that says why
            self._fail(error)
            return
        self._flush()
        self._shaken.set_result(None)

    def _fail(self, error: Exception) -> None:
        if not self._shaken.done():
            self._shaken.set_exception(error)
            self._shaken.exception()  # whoever waits is told; where nobody does, nothing is lost

    def _deliver(self) -> None:
        """Hand what was decrypted to the protocol inside."""
        pieces = []
        try:
            while piece := self._tls.read(_RECORDS):
                pieces.append(piece)
            self._got_end = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # the same, where we have said before that we send no more
            self._got_end = True
        except ssl.SSLError:
            self.abort()
            return
        self._flush()  # answers of the protocol's own
        if pieces:
            self._hand_in(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if self._got_end:
            self._ended()

    def _hand_in(self, data: bytes) -> None:
        if self._inside is None:
            self._early.append(data)
        else:
            self._inside.data_received(data)

    def _ended(self) -> None:
        self._got_end = True
        if self._inside is not None:
            self._inside.eof_received()
        if self._sent_end and self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data and not self.is_closing():
            assert self._transport is not None
            self._transport.write(data)

    # ---- the side of the protocol inside -----------------------------------------------------------

    def set_protocol(self, protocol: Taking) -> None:
        """Let a protocol have the connection, with all that has come already."""
        self._inside = protocol
        early, self._early = self._early, []
        for data in early:
            protocol.data_received(data)
        if self._got_end:
            protocol.eof_received()

    def write(self, data: bytes) -> None:
        """Send it."""
        self.writelines((data,))

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """Send one behind the other."""
        if self._sent_end or self._transport is None or self._transport.is_closing():
            return
        try:
            rest = memoryview(b"".join(pieces))
            while rest:
                rest = rest[self._tls.write(rest) :]
        except ssl.SSLError:
            self.abort()
            return
        self._flush()

    def can_write_eof(self) -> bool:
        """Return that it can: that is what this is for."""
        return True

    def write_eof(self) -> None:
        """Send nothing more, and still read."""
        if self._sent_end:
            return
        self._sent_end = True
        # All that has come was taken out before: this finds no data where it looks for the peer's alert.
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        self._flush()
        if self._got_end and self._transport is not None:
            self._transport.close()

    def close(self) -> None:
        """Send what is left and the alert that it is all, then close."""
        self.write_eof()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close without sending what is left."""
        if self._transport is not None:
            self._transport.abort()

    def is_closing(self) -> bool:
        """Return whether it is closed, or about to be."""
        return self._transport is None or self._transport.is_closing()

    def pause_reading(self) -> None:
        """Take nothing more."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set how much may wait to be sent."""
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Return how much waits to be sent."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the socket's transport knows, and what OpenSSL does."""
        if name == "ssl_object":
            return self._tls
        return default if self._transport is None else self._transport.get_extra_info(name, default)


async def accept_half_closing(arrival: Arrival, context: ssl.SSLContext) -> HalfClosingTls:
    """Do the server's side of the TLS handshake on an accepted connection.

    Raises:
        PeerError: it came to nothing.
    """
    arrival.handed_over()
    made = HalfClosingTls(context, server=True)
    try:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: made, arrival.socket)
        await made.shaken()
    except (OSError, TimeoutError) as error:
        made.abort()
        raise PeerError(f"no TLS: {_reason(error)}") from error
    return made


async def dial_half_closing(sock: socket.socket, context: ssl.SSLContext, name: str) -> HalfClosingTls:
    """Do the client's side of the TLS handshake on a dialled socket.

    Args:
        sock: connected; owned by what is returned.
        context: with the authority to trust.
        name: server name to ask for and to check.

    Raises:
        UpstreamUnavailable: it came to nothing.
    """
    made = HalfClosingTls(context, server=False, name=name)
    try:
        await asyncio.get_running_loop().create_connection(lambda: made, sock=sock)
        await made.shaken()
    except (OSError, TimeoutError) as error:
        made.abort()
        raise UpstreamUnavailable(
            f"no TLS with production: {_reason(error)}", hint="check the endpoint's tls and ca"
        ) from error
    return made


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message or "its certificate is not trusted"
    return str(error) or type(error).__name__
