"""Text → the server's own syntax tree, by libpg_query, within bounds that keep the C stack whole."""

from __future__ import annotations

import re
from ctypes import string_at
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec
from postgast.native import lib
from postgast.pg_query_pb2 import ScanResult, Token

Node = dict[str, Any]
"""One node's fields as the parser names them; child nodes are ``{"TypeName": {…}}``."""

GRAMMAR: Final = 18
"""Major version of the PostgreSQL grammar we parse with."""
MAX_BYTES: Final = 1 << 20
"""Longest text that is judged: one of this size takes some two seconds and 500 MB."""
MAX_STATEMENTS: Final = 20_000
"""More statements than that in one text are not judged."""
MAX_NESTING: Final = 20_000
"""Deepest nesting handed to the parser, whose output recurses on the C stack (48,000 was measured safe)."""
MOST_OPERATORS: Final = 1_000
"""Longest run of operator characters: the scanner's time grows with the square of it ("/*/*/*…", "+-+-…")."""
UNCHECKED_BYTES: Final = 20_000
"""A shorter text can't nest deeper than ``MAX_NESTING`` allows."""

_OPERATORS: Final = re.compile(rb"[-+*/<>=~!@#%^&|`?]{" + str(MOST_OPERATORS + 1).encode() + b"}")
_PIECE_BYTES: Final = 1 << 18
_MAX_SPLIT: Final = 16
"""So many levels of a large tree are taken apart: each is one look at all that is below it."""

_OPEN: Final = frozenset({40, 91})
_CLOSE: Final = frozenset({41, 93})
_OPEN_LIST: Final = ord("[")
_COMMA: Final = 44
_SEMICOLON: Final = 59
_CHAINS: Final = frozenset({"UNION", "INTERSECT", "EXCEPT", "JOIN", "SELECT", "WITH"})
"""Tokens that nest across commas of their own level."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text.

    Attributes:
        kind: node type, such as ``SelectStmt``.
        node: its fields.
        start: first byte in the text's UTF-8.
        end: byte behind the last; None: to the end of the text.
    """

    kind: str
    node: Node
    start: int
    end: int | None


class NotParsed(Exception):
    """The text is not one that the server would parse, or not one that may be parsed here.

    Args:
        rule: last part of the verdict's rule.
        message: one sentence.
        position: the character that it stumbled over, counted from 1; 0 where it is none.
    """

    def __init__(self, rule: str, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.position = position


def parse(text: str) -> tuple[Statement, ...]:
    """Parse a text into its statements, none for an empty one.

    Args:
        text: as the server will get it, under ``standard_conforming_strings = on``.

    Raises:
        NotParsed: syntax error, NUL, too long, too deep.

    Source: https://github.com/pganalyze/libpg_query (JSON output; same tree as the server's raw parser).
    """
    raw = _checked(text)
    result = lib.pg_query_parse(raw)
    try:
        if result.error:
            error = result.error.contents
            message = string_at(error.message or b"").decode("utf-8", "replace")
            raise NotParsed("syntax", f"PostgreSQL can't parse this: {message}.", error.cursorpos)
        tree = _decoded(result.parse_tree)
    except RecursionError:
        raise NotParsed("depth", "This is nested too deeply to be judged.") from None
    except msgspec.DecodeError:
        raise NotParsed("tree", "The parser's answer can't be read.") from None
    finally:
        lib.pg_query_free_parse_result(result)
    items = tree.get("stmts", ())
    if len(items) > MAX_STATEMENTS:
        raise NotParsed("length", f"The text holds more than {MAX_STATEMENTS} statements.")
    return tuple(_statement(item) for item in items)


def _decoded(raw: bytes | msgspec.Raw, depth: int = 0) -> Any:
    """Decode JSON, a large one piece by piece: in one go it would hold every other thread up."""
    if depth == _MAX_SPLIT or memoryview(raw).nbytes <= _PIECE_BYTES:
        return msgspec.json.decode(raw)
    if memoryview(raw)[0] == _OPEN_LIST:
        return [_decoded(part, depth + 1) for part in msgspec.json.decode(raw, type=list[msgspec.Raw])]
    members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    return {name: _decoded(value, depth + 1) for name, value in members.items()}


def _checked(text: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise NotParsed("encoding", "The text is not valid Unicode.") from None
    if b"\0" in raw:
        raise NotParsed("nul", "The text holds a NUL byte.")
    if len(raw) > MAX_BYTES:
        raise NotParsed("length", f"The text is longer than {MAX_BYTES} bytes.")
    if len(raw) > MOST_OPERATORS and _OPERATORS.search(raw):
        raise NotParsed("length", f"More than {MOST_OPERATORS:,} operator characters in a row aren't read.")
    if len(raw) > UNCHECKED_BYTES and nesting(raw) > MAX_NESTING:
        raise NotParsed("depth", "This is nested too deeply to be judged.")
    return raw


def nesting(raw: bytes) -> int:
    """Return an upper bound of how deep the tree of a text can be; 0 where it can't be scanned.

    Every token between two commas may nest the next one level deeper; a comma starts again at the level of
    its brackets, but for the few words that chain.

    Args:
        raw: UTF-8 without NUL.
    """
    deepest = here = 0
    chained = 0
    brackets: list[int] = []
    for token in _tokens(raw):
        if token in _OPEN:
            brackets.append(here)
            here += 1
        elif token in _CLOSE:
            here = brackets.pop() + 1 if brackets else here + 1
        elif token == _COMMA:
            here = brackets[-1] + 1 if brackets else 0
        elif token == _SEMICOLON and not brackets:
            here = chained = 0
        elif token in _chaining():
            chained += 1
        else:
            here += 1
        deepest = max(deepest, here + chained)
    return deepest


def _tokens(raw: bytes) -> list[int]:
    result = lib.pg_query_scan(raw)
    try:
        if result.error:
            return []
        scanned = ScanResult.FromString(string_at(result.pbuf.data, result.pbuf.len))
    finally:
        lib.pg_query_free_scan_result(result)
    return [token.token for token in scanned.tokens]


@cache
def _chaining() -> frozenset[int]:
    return frozenset(Token.Value(name) for name in _CHAINS)


def _statement(item: Node) -> Statement:
    ((kind, node),) = item["stmt"].items()
    start = item.get("stmt_location", 0)
    length = item.get("stmt_len", 0)
    return Statement(kind, node, start, start + length if length else None)
