"""SPDY/3.1 frames as a server of Kubernetes' streams needs them, sans-I/O, every buffer capped.

The draft is draft-mbelshe-httpbis-spdy-00 with 3.1's session window; Kubernetes' clients (moby/spdystream)
open streams with a ``streamtype`` header, half-close them, and know no flow control.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from gateway.domain.errors import PeerError

MOST_FRAME: Final = 1 << 20
MOST_HEADERS: Final = 16 << 10
"""Bytes of a stream's headers once they are inflated; Kubernetes' have some hundred."""
MOST_STREAMS: Final = 16

_VERSION: Final = 3
_CONTROL: Final = 0x80
_SYN_STREAM: Final = 1
_SYN_REPLY: Final = 2
_RST_STREAM: Final = 3
_SETTINGS: Final = 4
_PING: Final = 6
_GOAWAY: Final = 7
_WINDOW_UPDATE: Final = 9
_FIN: Final = 1
_LONG: Final = struct.Struct(">I")

_WORDS: Final = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language "
    "accept-ranges age allow authorization cache-control connection content-base content-encoding "
    "content-language content-length content-location content-md5 content-range content-type date etag "
    "expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since "
    "last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer "
    "retry-after server te trailer transfer-encoding upgrade user-agent vary via warning "
    "www-authenticate method get status"
)
_MORE: Final = ("200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin")
_TAIL: Final = (
    b"100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 No"
    b"n-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403"
    b" Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Fe"
    b"b Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunke"
    b"d,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/"
    b"javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)
DICTIONARY: Final = (
    b"".join(_LONG.pack(len(word)) + word.encode() for word in (*_WORDS.split(), *_MORE)) + _TAIL
)
"""What both sides' compressors of headers know from the start (section 2.6.10.1)."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The client opened a stream.

    Attributes:
        stream: its number.
        headers: by name in lower case.
        ended: the client sends nothing on it.
    """

    stream: int
    headers: dict[str, str]
    ended: bool


@dataclass(frozen=True, slots=True)
class Data:
    """The client sent something on a stream.

    Attributes:
        stream: its number.
        data: what; may be nothing.
        ended: that was all.
    """

    stream: int
    data: bytes
    ended: bool


@dataclass(frozen=True, slots=True)
class Reset:
    """The client gave a stream up.

    Attributes:
        stream: its number.
    """

    stream: int


@dataclass(frozen=True, slots=True)
class Pinged:
    """The client wants the same ping back.

    Attributes:
        frame: what to answer.
    """

    frame: bytes


@dataclass(frozen=True, slots=True)
class Leaving:
    """The client opens no more streams."""


Event = Opened | Data | Reset | Pinged | Leaving


class SpdyReader:
    """Cuts what a client sends into events."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._last = 0
        self._streams = 0

    def feed(self, data: bytes) -> list[Event]:
        """Return what is complete now.

        Raises:
            PeerError: the client broke the protocol, or asks for too much.
        """
        self._buffer += data
        events: list[Event] = []
        while len(self._buffer) >= 8:
            length = int.from_bytes(self._buffer[5:8], "big")
            if length > MOST_FRAME:
                raise PeerError(f"a SPDY frame has more than {MOST_FRAME:,} bytes")
            if len(self._buffer) < 8 + length:
                break
            head, payload = bytes(self._buffer[:8]), bytes(self._buffer[8 : 8 + length])
            del self._buffer[: 8 + length]
            event = self._control(head, payload) if head[0] & _CONTROL else _data(head, payload)
            if event is not None:
                events.append(event)
        return events

    def _control(self, head: bytes, payload: bytes) -> Event | None:
        version, kind = int.from_bytes(head[:2], "big") & 0x7FFF, int.from_bytes(head[2:4], "big")
        if version != _VERSION:
            raise PeerError(f"SPDY of version {version}")
        if kind == _SYN_STREAM:
            return self._opened(head[4], payload)
        if kind == _RST_STREAM:
            _check(payload, 8)
            return Reset(_LONG.unpack(payload[:4])[0] & 0x7FFFFFFF)
        if kind == _PING:
            _check(payload, 4)
            return Pinged(head + payload)
        if kind == _GOAWAY:
            return Leaving()
        if kind in (_SETTINGS, _WINDOW_UPDATE):
            return None  # neither side of Kubernetes' streams knows flow control
        raise PeerError(f"a SPDY frame of kind {kind} is not expected")

    def _opened(self, flags: int, payload: bytes) -> Opened:
        _check(payload, 10)
        stream = _LONG.unpack(payload[:4])[0] & 0x7FFFFFFF
        self._streams += 1
        if stream <= self._last or not stream % 2 or self._streams > MOST_STREAMS:
            raise PeerError("a SPDY stream is numbered wrongly, or one too many")
        self._last = stream
        return Opened(stream, self._headers(payload[10:]), bool(flags & _FIN))

    def _headers(self, block: bytes) -> dict[str, str]:
        """Return a block's headers, names in lower case (section 2.6.10)."""
        try:
            plain = self._inflate.decompress(block, MOST_HEADERS)
            if self._inflate.unconsumed_tail:
                raise PeerError("the headers of a SPDY stream are too long")
            return dict(_pairs(plain))
        except (zlib.error, struct.error, UnicodeDecodeError) as error:
            raise PeerError("the headers of a SPDY stream can't be read") from error


def _pairs(plain: bytes) -> list[tuple[str, str]]:
    (count,), at = _LONG.unpack(plain[:4]), 4
    texts: list[str] = []
    for _ in range(min(count, MOST_HEADERS) * 2):
        (length,) = _LONG.unpack(plain[at : at + 4])
        if at + 4 + length > len(plain):
            raise PeerError("the headers of a SPDY stream are cut short")
        texts.append(plain[at + 4 : at + 4 + length].decode())
        at += 4 + length
    names = [name.lower() for name in texts[::2]]
    if len(set(names)) != len(names):
        raise PeerError("a header of a SPDY stream stands twice")
    return list(zip(names, texts[1::2], strict=True))


def _check(payload: bytes, least: int) -> None:
    if len(payload) < least:
        raise PeerError("a SPDY frame is cut short")


def _data(head: bytes, payload: bytes) -> Data:
    return Data(_LONG.unpack(head[:4])[0] & 0x7FFFFFFF, payload, bool(head[4] & _FIN))


class SpdyWriter:
    """Makes a server's frames."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def reply(self, stream: int) -> bytes:
        """Return the acceptance of a stream, without headers."""
        block = self._deflate.compress(_LONG.pack(0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _frame(_SYN_REPLY, _LONG.pack(stream) + block)

    def data(self, stream: int, data: bytes, *, ended: bool = False) -> bytes:
        """Return frames that carry data on a stream.

        Args:
            stream: its number.
            data: of any length.
            ended: whether nothing follows.
        """
        pieces = [data[at : at + MOST_FRAME] for at in range(0, len(data), MOST_FRAME)] or [b""]
        last = len(pieces) - 1
        return b"".join(
            _LONG.pack(stream)
            + bytes((_FIN if ended and number == last else 0,))
            + len(piece).to_bytes(3, "big")
            + piece
            for number, piece in enumerate(pieces)
        )

    def refuse(self, stream: int) -> bytes:
        """Return the refusal of a stream (REFUSED_STREAM, section 2.6.3)."""
        return _frame(_RST_STREAM, _LONG.pack(stream) + _LONG.pack(3))

    def leave(self, last: int) -> bytes:
        """Return a GOAWAY: the server is done.

        Args:
            last: number of the last stream that was accepted.
        """
        return _frame(_GOAWAY, _LONG.pack(last) + _LONG.pack(0))


def _frame(kind: int, payload: bytes) -> bytes:
    head = (0x8000 | _VERSION).to_bytes(2, "big") + kind.to_bytes(2, "big")
    return head + b"\0" + len(payload).to_bytes(3, "big") + payload
