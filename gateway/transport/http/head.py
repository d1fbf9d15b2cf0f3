"""Heads of requests and answers: one grammar for both, and how long the body behind one is (RFC 9112).

Anything that two readers could understand differently is not understood at all: a message is taken only where
its head is exactly what the grammar says, without the leniencies that RFC 9112 lets a recipient have.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.errors import PeerError
from gateway.domain.http import Request

if TYPE_CHECKING:
    from collections.abc import Iterable

Headers = tuple[tuple[str, str], ...]

MOST_HEAD: Final = 64 << 10
"""Bytes of a start line with its headers, or of what frames one piece of a body."""
MOST_HEADERS: Final = 200
MOST_LENGTH: Final = 1 << 62
"""A longer body than this is a lie."""

HEADER_LINES: Final = rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n"
"""Field lines (section 5): no space before the colon, no folding, no bare CR or LF, no control characters."""
REQUEST_HEAD: Final = re.compile(rb"[A-Z-]+ /[\x21\x22\x24-\x7e]* HTTP/1\.1\r\n" + HEADER_LINES)
"""Origin-form only (section 3.2.1): an absolute target names a host of its own, and CONNECT has none."""
RESPONSE_HEAD: Final = re.compile(
    rb"HTTP/1\.[01] [1-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?\r\n" + HEADER_LINES
)

SINGLE: Final = frozenset(
    ("content-length", "transfer-encoding", "host", "upgrade", "expect", "authorization")
)
"""Of these a second one would be another's to choose from."""

HOP_BY_HOP: Final = frozenset(
    (
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Speak of one connection, or of how one message is framed on it (RFC 9110, section 7.6.1)."""

SWITCHING: Final = 101
NO_BODY: Final = frozenset((204, 304))
"""Statuses whose answers have none, whatever their heads say (RFC 9110, section 6.4.1)."""
_DIGITS: Final = re.compile(r"[0-9]{1,19}")


class NotUnderstood(PeerError):
    """A message is not HTTP as we take it; its connection can't be used any further.

    Args:
        message: what is wrong with it.
        status: that a client is answered with.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class RequestHead(msgspec.Struct, frozen=True, gc=False):
    """A request without its body.

    Attributes:
        method: as sent.
        target: as sent: a path with its query.
        headers: names in lower case, in the order sent.
        length: of the body; 0: there is none; None: it comes in chunks.
        keep_alive: whether the client lets another request follow on the connection.
        upgrade: the protocol that the client would change to; empty: none.
        waits: whether the client sends the body only once it is told to (RFC 9110, section 10.1.1).
    """

    method: str
    target: str
    headers: Headers
    length: int | None = 0
    keep_alive: bool = True
    upgrade: str = ""
    waits: bool = False

    def with_body(self, body: bytes | None) -> Request:
        """Return what a judge is given."""
        return Request(self.method, self.target, self.headers, body)


class ResponseHead(msgspec.Struct, frozen=True, gc=False):
    """An answer without its body.

    Attributes:
        status: three digits.
        reason: phrase behind it.
        headers: names in lower case, in the order sent.
        length: of the body; None: it comes in chunks, or until the connection's end.
        keep_alive: whether another exchange may follow on the connection.
        switched: whether no HTTP follows: what comes is the other protocol's, both ways.
    """

    status: int
    reason: str
    headers: Headers
    length: int | None = None
    keep_alive: bool = True
    switched: bool = False

    @property
    def interim(self) -> bool:
        """Whether another answer follows (RFC 9110, section 15.2)."""
        return self.status < 200 and not self.switched

    def first(self, name: str) -> str:
        """Return a header's first value, empty where there is none.

        Args:
            name: in lower case.
        """
        return next((value for each, value in self.headers if each == name), "")


class End:
    """The end of a message."""

    __slots__ = ()


END: Final = End()


def forwarded(headers: Headers) -> Headers:
    """Return the headers that go on to the next connection.

    Args:
        headers: as read.
    """
    gone = HOP_BY_HOP | named_by(headers)
    return tuple(each for each in headers if each[0] not in gone)


def named_by(headers: Headers) -> frozenset[str]:
    """Return what ``Connection`` names, in lower case."""
    return frozenset(
        word.strip(" \t").lower()
        for name, value in headers
        if name == "connection"
        for word in value.split(",")
    )


def check_single(headers: Headers) -> dict[str, str]:
    """Return the headers that may stand once, by name.

    Raises:
        NotUnderstood: one of them stands twice, or there are too many.
    """
    if len(headers) > MOST_HEADERS:
        raise NotUnderstood(f"more than {MOST_HEADERS} headers", 431)
    found: dict[str, str] = {}
    for name, value in headers:
        if name in SINGLE:
            if name in found:
                raise NotUnderstood(f"{name} stands twice")
            found[name] = value
    return found


def length_of(single: dict[str, str], *, chunks: bool = True) -> int | End | None:
    """Return how long the body is by its headers (RFC 9112, section 6.3).

    Args:
        single: the headers that may stand once.
        chunks: whether this version of HTTP knows chunks.

    Returns:
        A length, None where it comes in chunks, ``END`` where the headers say nothing.

    Raises:
        NotUnderstood: they say two things, or something unknown.
    """
    length, coding = single.get("content-length"), single.get("transfer-encoding")
    if coding is not None:
        if length is not None:
            raise NotUnderstood("both Content-Length and Transfer-Encoding")
        if coding.lower() != "chunked" or not chunks:
            raise NotUnderstood("a transfer coding other than chunked", 501)
        return None
    if length is None:
        return END
    if not _DIGITS.fullmatch(length) or int(length) > MOST_LENGTH:
        raise NotUnderstood("Content-Length is no length")
    return int(length)


def request_head(method: str, target: str, headers: Headers) -> RequestHead:
    """Return a request's head with what its headers mean.

    Raises:
        NotUnderstood: they mean nothing, or two things.
    """
    single = check_single(headers)
    if "host" not in single:
        raise NotUnderstood("there is no Host")
    expect = single.get("expect", "").lower()
    if expect not in ("", "100-continue"):
        raise NotUnderstood("an expectation other than 100-continue", 417)
    length = length_of(single)
    named = named_by(headers)
    upgrade = single.get("upgrade", "") if "upgrade" in named else ""
    if upgrade and length is None:
        raise NotUnderstood("an upgrade with a body in chunks")
    return RequestHead(
        method,
        target,
        headers,
        length=0 if isinstance(length, End) else length,
        keep_alive="close" not in named,
        upgrade=upgrade,
        waits=bool(expect),
    )


def response_head(
    status: int, reason: str, headers: Headers, *, version: str, asked: RequestHead, hijacked: frozenset[str]
) -> tuple[ResponseHead, bool]:
    """Return an answer's head with what its headers mean, and whether its body ends with the connection.

    Args:
        status: three digits.
        reason: phrase behind it.
        headers: of the answer.
        version: of HTTP, ``1.0`` or ``1.1``.
        asked: the request.
        hijacked: content types by which an answer of 200 changes protocol as 101 does.

    Raises:
        NotUnderstood: they mean nothing, or two things.
    """
    single = check_single(headers)
    if status == SWITCHING and not asked.upgrade:
        raise NotUnderstood("a change of protocol that nobody asked for")
    hijack = status == 200 and bool(hijacked) and dict(headers).get("content-type", "") in hijacked
    if status == SWITCHING or hijack:
        return ResponseHead(status, reason, headers, keep_alive=False, switched=True), True
    length = length_of(single, chunks=version == "1.1")
    if status < 200 or status in NO_BODY or asked.method == "HEAD":
        keep = _kept(version, headers)
        return ResponseHead(status, reason, headers, length=0, keep_alive=keep), False
    if isinstance(length, End):
        return ResponseHead(status, reason, headers, keep_alive=False), True
    return ResponseHead(status, reason, headers, length=length, keep_alive=_kept(version, headers)), False


def _kept(version: str, headers: Headers) -> bool:
    named = named_by(headers)
    return "close" not in named and (version == "1.1" or "keep-alive" in named)


def decoded(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return headers as text: names in lower case, values without the space around them."""
    return tuple((_name(name), value.decode("latin-1").strip(" \t")) for name, value in headers)


@functools.lru_cache(maxsize=512)
def _name(name: bytes) -> str:
    """Return a name in lower case; there are few, and each comes again and again."""
    return name.decode("ascii").lower()
