"""The headers of a request: those that would make it mean something else end it, few are handed on."""

from __future__ import annotations

import re
from typing import Final

from gateway.domain.http import Request
from gateway.judge.http.reading import NotRead

OVERRIDES: Final = frozenset(
    {
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-method",
        "x-original-url",
        "x-original-uri",
        "x-rewrite-url",
    }
)
"""Headers by which some servers take another method or target than the request line's."""

SINGLE: Final = frozenset(
    {"host", "content-length", "content-type", "content-encoding", "transfer-encoding", "upgrade"}
)
"""Headers that mean nothing sure when they come twice."""

HANDED_ON: Final = ("accept", "user-agent")
"""Headers that an engine may see as the client sent them; its registry passwords never are."""

_PLAIN = re.compile(r"[\x20-\x7e]{0,512}")
_JSON = re.compile(r"application/json(?:\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


def check_headers(request: Request) -> None:
    """Check that nothing beside the request line says what a request means.

    Args:
        request: as sent.

    Raises:
        NotRead: a header overrides method or target, or one that has one meaning comes twice.
    """
    names = [name for name, _ in request.headers]
    for name in names:
        if name.replace("_", "-") in OVERRIDES:
            raise NotRead("header.override", f"The header {name} would turn it into another request.")
        if name in SINGLE and names.count(name) > 1:
            raise NotRead("header.repeated", f"The header {name} comes twice.")
    if "content-length" in names and "transfer-encoding" in names:
        raise NotRead("header.length", "Its length is said in two ways.")


def check_json(request: Request) -> None:
    """Check that a body is sent as JSON.

    Args:
        request: as sent.

    Raises:
        NotRead: it says something else.
    """
    for value in request.every("content-type"):
        if not _JSON.fullmatch(value):
            raise NotRead("header.content-type", "Its body is not sent as application/json.")
    if request.every("content-encoding"):
        raise NotRead("header.content-encoding", "Its body is sent encoded.")


def handed_on(request: Request, *, hijack: bool, json: bool) -> tuple[tuple[str, str], ...]:
    """Return the headers to send.

    Args:
        request: as sent.
        hijack: whether the connection becomes a stream of bytes behind the answer's head.
        json: whether a body is sent.

    Raises:
        NotRead: the connection would become something else.
    """
    headers = [
        (name, values[0])
        for name in HANDED_ON
        if (values := request.every(name)) and _PLAIN.fullmatch(values[0])
    ]
    if json:
        headers.append(("content-type", "application/json"))
    if hijack:
        headers += _upgrade(request)
    return tuple(headers)


def _upgrade(request: Request) -> list[tuple[str, str]]:
    wanted = "".join(request.every("upgrade")).lower()
    if not wanted:
        # An engine waits for ever for a websocket that is not asked for (wsContainersAttach). Without any
        # headers, the command line asks about the route alone.
        if request.method == "GET" and request.headers:
            raise NotRead("header.upgrade", "This route is for a websocket, and none is asked for.")
        return []
    if request.method == "POST":
        if wanted != "tcp":
            raise NotRead("header.upgrade", f"The connection can't become {wanted[:40]!r}.")
        return [("connection", "Upgrade"), ("upgrade", "tcp")]
    keys, versions = request.every("sec-websocket-key"), request.every("sec-websocket-version")
    if wanted != "websocket" or len(keys) != 1 or not _KEY.fullmatch(keys[0]) or versions != ("13",):
        raise NotRead("header.upgrade", "The connection can only become a websocket (RFC 6455).")
    return [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-key", keys[0]),
        ("sec-websocket-version", "13"),
        *(("origin", value) for value in request.every("origin")[:1] if _PLAIN.fullmatch(value)),
    ]
