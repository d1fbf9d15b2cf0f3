"""TLS between the loop's raw transport and a protocol: the library's own, by memory BIOs, without waste.

The loops' own TLS asks OpenSSL for more after each read until it says that there is no more, by an exception;
measured with benchmarks/, that and what stands between are a tenth of a small query. It stands beneath every
connection of a hot loop, and is compiled with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from typing import TYPE_CHECKING, Any, Final

from gateway.transport.outlet import send

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.transport.stream import Taking

SHUTDOWN_SECONDS: Final = 2.0
"""A peer has so long to take what is left and to say that it has closed too."""
RECORD: Final = 1 << 14
"""Largest plain text of one record (RFC 8446 §5.1)."""

MOST: Final = 1 << 18
"""So much is handed up at a time; less than a record more."""
_NOBODY: Final = asyncio.Protocol()
"""The protocol above a connection that it was told is lost: it does nothing."""

_SHAKING: Final = 0
_OPEN: Final = 1
_CLOSING: Final = 2
_LOST: Final = 3


class TlsLayer:
    """A protocol to the raw transport beneath, a transport to the protocol above.

    Args:
        above: has the connection once the handshake is done.
        context: of this side.
        server_side: whether the peer is a client.
        name: server name to ask for and to check; clients only.

    Attributes:
        shaken: done once the handshake is; with the reason where it came to nothing.
    """

    def __init__(
        self, above: Taking, context: ssl.SSLContext, *, server_side: bool, name: str | None = None
    ) -> None:
        self._above = above
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side, name)
        inner: Any = self._tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001 - what it hands both on to
        self._decipher, self._cipher = inner.read, inner.write
        self._raw: asyncio.Transport
        self._handle = -1
        self._queued = False
        self._begun = True
        self._state = _SHAKING
        self._paused = False
        self._ended = False
        self._told = False
        self._sent_end = False
        self._timer: asyncio.TimerHandle | None = None
        self.shaken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # ---- the raw transport's side ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and begin."""
        self._raw = transport  # type: ignore[assignment]  # uvloop's are not registered as asyncio's
        # A descriptor of our own: one that the transport closes may be another connection's the next moment.
        with contextlib.suppress(OSError):  # there are none left: the transport's way it is
            self._handle = os.dup(transport.get_extra_info("socket").fileno())
        self._shake()

    def data_received(self, data: bytes) -> None:
        """Take what came. A buffer lent to the loop costs a small read more than bytes of its own do."""
        self._incoming.write(data)
        if self._state == _OPEN:
            self._deliver()
        elif self._state == _SHAKING:
            self._shake()
        elif self._state == _CLOSING:
            self._discard()

    def eof_received(self) -> bool:
        """The peer has left, with a word inside TLS or without: that is handed up behind the rest."""
        self._ended = True
        if self._state != _OPEN:
            return False
        if self._told:
            self.close()
        else:
            self._deliver()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        before, self._state = self._state, _LOST
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if before == _SHAKING:
            self._fail(exc or ConnectionResetError("the peer closed during the TLS handshake"))
        else:
            self._above.connection_lost(exc)

    def pause_writing(self) -> None:
        """The peer reads slower than we write."""
        if self._state != _SHAKING:
            self._above.pause_writing()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        if self._state != _SHAKING:
            self._above.resume_writing()

    # ---- the handshake -----------------------------------------------------------------------------

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except (ssl.SSLError, ssl.CertificateError) as error:
            self._flush()
            self._fail(error)
            self._raw.close()
            return
        self._flush()
        self._state = _OPEN
        self._above.connection_made(self)  # type: ignore[arg-type]  # has what is used of a transport
        if not self.shaken.done():
            self.shaken.set_result(None)
        if self._incoming.pending:
            self._deliver()

    def _fail(self, error: Exception) -> None:
        if not self.shaken.done():
            self.shaken.set_exception(error)

    # ---- reading -----------------------------------------------------------------------------------

    def _deliver(self) -> None:
        """Decipher what has come and hand it up, as long as it is wanted."""
        incoming = self._incoming
        while not self._paused and self._state == _OPEN:
            data = b""
            more: list[bytes] = []
            size = 0
            ended = False
            rest: int = incoming.pending
            try:
                while rest and size < MOST:
                    # A record's text is shorter than the record, of which OpenSSL may hold a part already:
                    # there is room for all of it, or the rest would wait unseen. One call more than there
                    # are records would cost an exception.
                    found = self._decipher(RECORD if self._begun else min(rest, RECORD))
                    self._begun = False
                    if not found:
                        ended = True
                        break
                    size += len(found)
                    if data:
                        more.append(found)
                    else:
                        data = found
                    rest = incoming.pending
            except ssl.SSLWantReadError:
                rest = 0  # what has come is a record in part
                self._begun = True
            except ssl.SSLZeroReturnError:  # the peer's end, where ours is said already
                ended = True
            except ssl.SSLError as error:
                self._broken(error)
                return
            if more:
                data = b"".join([data, *more])
            if data:
                self._above.data_received(data)
            if ended or (self._ended and not rest):
                self._over()
                break
            if not rest:
                break
        if self._outgoing.pending and self._state != _LOST:
            self._flush()

    def _over(self) -> None:
        """The peer sends no more: close, unless the protocol above still has to send (RFC 8446 §6.1)."""
        if self._state == _OPEN and not self._told:
            self._told = True
            if not self._above.eof_received() or self._sent_end or self._ended:
                self.close()

    def _discard(self) -> None:
        """Read on to the peer's own end, so that what was sent last is not lost to a reset."""
        try:
            while self._tls.read(RECORD):
                pass
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError:
            pass
        self._raw.close()

    def _broken(self, error: Exception) -> None:
        """What came is no TLS: there is nobody left to talk to."""
        self._flush()
        self._state = _CLOSING
        self._above.connection_lost(error)
        self._above = _NOBODY
        self._raw.abort()

    # ---- writing -----------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send it, in the background where the peer is slow; nothing where the connection has ended."""
        if self._state != _OPEN or self._sent_end or not data:
            return
        try:
            sent = self._cipher(data)
            if sent < len(data):  # a record at a time
                view = memoryview(data)
                while sent < len(data):
                    sent += self._cipher(view[sent:])
        except ssl.SSLError as error:
            self._broken(error)
            return
        self._flush()

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """Send them, one behind the other."""
        self.write(b"".join(pieces))

    def _flush(self) -> None:
        """Send what is ciphered: at once where the raw transport has nothing waiting, else behind that.

        The transport's own way through its queue costs some 2 µs more with 64 clients; it is left to it to
        wait for a slow peer, and to find out what is broken.
        """
        if not self._outgoing.pending:
            return
        data = self._outgoing.read()
        if self._queued:
            self._queued = self._raw.get_write_buffer_size() > 0
        if self._handle >= 0 and not self._queued:
            try:
                sent = send(self._handle, data)
            except OSError:
                sent = 0
            if sent == len(data):
                return
            self._queued = True
            data = data[sent:]
        try:
            self._raw.write(data)
        except RuntimeError:
            return  # uvloop's, closed beneath us: we are told that it is lost in a moment

    # ---- a transport's other methods ----------------------------------------------------------------

    def pause_reading(self) -> None:
        """Hand nothing up until told to."""
        self._paused = True
        if self._state == _OPEN and not self._raw.is_closing():
            self._raw.pause_reading()

    def resume_reading(self) -> None:
        """Go on handing up, with what has come already first."""
        if not self._paused:
            return
        self._paused = False
        if self._state == _OPEN and not self._raw.is_closing():
            self._raw.resume_reading()
            if self._ended or self._incoming.pending:
                asyncio.get_running_loop().call_soon(self._deliver)

    def close(self) -> None:
        """Send what is left, say that no more comes, wait a little for the peer to do the same."""
        if self._state == _SHAKING:
            self._raw.abort()
        if self._state != _OPEN:
            return
        self._state = _CLOSING
        waits = self._say_end() if not self._sent_end else not self._told
        if not waits or self._ended or self._raw.is_closing():
            self._raw.close()
            return
        self._raw.resume_reading()
        self._timer = asyncio.get_running_loop().call_later(SHUTDOWN_SECONDS, self._raw.abort)

    def write_eof(self) -> None:
        """Send nothing more, and read on."""
        if self._state == _OPEN and not self._sent_end:
            self._sent_end = True
            self._say_end()
            if self._told:
                self.close()

    def _say_end(self) -> bool:
        """Tell the peer that no more comes; returns whether it has not said so itself."""
        unread = self._incoming.read()  # where it finds data in the place of the peer's own end, it fails
        waits = False
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            waits = True
        except ssl.SSLError:
            pass
        self._incoming.write(unread)
        self._flush()
        return waits

    def abort(self) -> None:
        """Close without sending what is left."""
        if self._state == _OPEN:
            self._state = _CLOSING
        if self._state != _LOST:
            self._raw.abort()

    def is_closing(self) -> bool:
        """Whether it is closing or closed."""
        return self._state in (_CLOSING, _LOST)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand what comes from here on to another protocol."""
        self._above = protocol  # type: ignore[assignment]  # has the same methods

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set how much may wait to be sent before the protocol above is told to pause."""
        self._raw.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Return how much waits to be sent, in bytes on the wire."""
        return self._raw.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return ``ssl_object``, or what the raw transport knows."""
        return self._tls if name == "ssl_object" else self._raw.get_extra_info(name, default)
