"""Request targets in origin form (RFC 9112, section 3.2.1), taken apart so that only one reading is left."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from gateway.judge.http.reading import NotRead

MAX_TARGET: Final = 32_768
"""Longest target that is read, in characters."""

PLAIN: Final = "-._~:@$&+="
"""What stands in a path as it is, beside letters and digits."""

_PATH: Final = re.compile(r"[A-Za-z0-9\-._~:@$&+=!*'(),;%]*")
_QUERY: Final = re.compile(r"(?:[A-Za-z0-9\-._~:@$+!*'(),/?\[\]{}|^`\"<>\\=&]|%[0-9A-Fa-f]{2})*")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Target:
    """A request target, taken apart.

    Attributes:
        segments: of the path, decoded, none of them empty or of dots alone; ``/`` has none.
        pairs: of the query, decoded, in order, repeats kept; a name without ``=`` has an empty value.
        slash: whether the path ends in a slash behind its last segment.
    """

    segments: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    slash: bool = False


def split_target(target: str, *, escaped: str = "") -> Target:
    """Take a target apart.

    Args:
        target: as sent.
        escaped: characters that may stand percent-encoded in the path, because clients send them so; any
            other escape in a path is a disguise.

    Raises:
        NotRead: it is in another form, holds a character that has no place in it, an escape in its path that
            isn't among the characters given, an empty or dot segment, or a query that servers read apart.
    """
    if len(target) > MAX_TARGET:
        raise NotRead("target", f"The target is longer than {MAX_TARGET} characters.")
    path, question, query = target.partition("?")
    if not path.startswith("/"):
        raise NotRead("target", "The target does not begin with a slash.")
    segments = path[1:].split("/")
    slash = segments[-1] == ""
    if slash:
        segments.pop()
    read = tuple(_segment(each, escaped) for each in segments)
    return Target(read, _pairs(query) if question else (), slash=slash and bool(read))


def rebuilt_path(segments: Iterable[str]) -> str:
    """Return a path of these segments, escaped in one way.

    Args:
        segments: decoded.
    """
    return "/" + "/".join(quote(each, safe=PLAIN) for each in segments)


def rebuilt_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a query of these pairs, escaped in one way, with its question mark; empty where there are none.

    Args:
        pairs: decoded names and values.
    """
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    return f"?{query}" if query else ""


def _segment(raw: str, escaped: str) -> str:
    if not raw:
        raise NotRead("path", "The path has an empty segment.")
    if not _PATH.fullmatch(raw):
        raise NotRead("path", "The path holds a character that has no place in one.")
    if "%" in raw:
        raw = _unescaped(raw, escaped)
    if raw in (".", ".."):
        raise NotRead("path", "The path has a dot segment.")
    return raw


def _unescaped(raw: str, escaped: str) -> str:
    if raw.count("%") != len(_ESCAPE.findall(raw)):
        raise NotRead("path", "The path has a percent sign that begins no escape.")
    for digits in _ESCAPE.findall(raw):
        if chr(int(digits, 16)) not in escaped:
            raise NotRead("path", f"The path has the escape %{digits}, which no client needs there.")
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), raw)


def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    # Go drops a pair with a semicolon, other servers split at it.
    if not _QUERY.fullmatch(query):
        raise NotRead("query", "The query holds a character that has no place in one, or a broken escape.")
    pairs = []
    for each in query.split("&"):
        if not each:
            continue
        name, _, value = each.partition("=")
        if not name:
            raise NotRead("query", "The query has a value without a name.")
        pairs.append((_text(name), _text(value)))
    return tuple(pairs)


def _text(raw: str) -> str:
    if raw.isalnum():
        return raw
    try:
        text = unquote_to_bytes(raw.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise NotRead("query", "The query is not text in UTF-8.") from None
    if any(ord(each) < 0x20 or ord(each) == 0x7F for each in text if each not in "\t\n\r"):
        raise NotRead("query", "The query holds a control character.")
    return text
