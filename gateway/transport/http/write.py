"""Heads and chunks as bytes: what is sent is built from values, never from bytes that came."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway.transport.http.head import NO_BODY

if TYPE_CHECKING:
    from gateway.domain.http import Request
    from gateway.transport.http.head import Headers

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
_REASONS: Final = {each.value: each.phrase for each in HTTPStatus}


def request(request: Request, host: str, *, upgrade: str = "") -> bytes:
    """Return a whole request.

    Args:
        request: as judged and rebuilt; its headers speak of no connection.
        host: what ``Host`` says.
        upgrade: the protocol to change to; empty: none.

    Raises:
        ValueError: something in it can't stand in a head.
    """
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {host}"]
    if upgrade:
        lines += ["Connection: Upgrade", f"Upgrade: {upgrade}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    body = request.body or b""
    if body or request.method not in ("GET", "HEAD", "OPTIONS"):
        lines.append(f"Content-Length: {len(body)}")
    return _head(lines) + body


def response(
    status: int,
    headers: Headers,
    *,
    reason: str = "",
    length: int | None = 0,
    told: bool = True,
    close: bool = False,
) -> bytes:
    """Return an answer's head.

    Args:
        status: three digits.
        headers: that speak of no connection.
        reason: phrase behind the status; empty: the usual one.
        length: of the body; None: it follows in chunks.
        told: whether that is told; it is not where the status has no body.
        close: whether nothing follows on the connection.
    """
    lines = [f"HTTP/1.1 {status} {reason or _REASONS.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    told = told and status >= 200 and status not in NO_BODY
    if told and length is None:
        lines.append("Transfer-Encoding: chunked")
    elif told:
        lines.append(f"Content-Length: {length}")
    if close:
        lines.append("Connection: close")
    return _head(lines)


def switched(status: int, headers: Headers, *, reason: str = "", upgrade: str = "") -> bytes:
    """Return the head behind which no HTTP follows.

    Args:
        status: 101, or 200 of an old hijack.
        headers: that speak of no connection.
        reason: phrase behind the status; empty: the usual one.
        upgrade: the protocol; empty: an old hijack.
    """
    lines = [f"HTTP/1.1 {status} {reason or _REASONS.get(status, 'Unknown')}"]
    if upgrade:
        lines += ["Connection: Upgrade", f"Upgrade: {upgrade}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return _head(lines)


def chunk(data: bytes) -> tuple[bytes, ...]:
    """Return a piece of a body as the parts of a chunk; nothing for nothing, which would be the last one."""
    return (b"%x\r\n" % len(data), data, b"\r\n") if data else ()


def _head(lines: list[str]) -> bytes:
    """Return lines as a head.

    Raises:
        ValueError: one of them would be two, or is no text of a head.
    """
    for line in lines:
        if "\r" in line or "\n" in line or "\0" in line:
            raise ValueError("a line of a head can't hold another")
    return "\r\n".join((*lines, "", "")).encode("latin-1")
