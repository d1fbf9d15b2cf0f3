"""Lines inside a captured statement that a migration tool would take for its own, made harmless.

Tools read marker lines (``-- migrate:down``, ``-- +goose Down``, ``--rollback``, …) before any SQL parser
does, also in the middle of a string. Flyway moreover replaces ``${name}`` anywhere. What the statement means
stays the same: comments get a bar, strings are continued on a new line, identifiers escape the line break.
"""

from __future__ import annotations

import re

from gateway.changes.pieces import Piece, Pieces
from gateway.domain.errors import InvalidInput
from gateway.judge.postgres.tokens import TokenKind

_LINE_BREAK = r"(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])"
_TOOL_WORDS = (
    "goose|migrate|dbmate|liquibase|changeset|rollback|preconditions?|validchecksum|ignorelines|property|comment|"
    "include|rambler|flyway|atlas|sqlc|tern|create above|drop below|rolled back|end|delimiter|glassgate|up|"
    "down|undo|apply|revert|deploy|verify"
)
_MARKER = re.compile(rf"[ \t]*(?:--+|#)[ \t\-]*(?:[+!@/#=]|[\w.]+[ \t]*:|(?:{_TOOL_WORDS})\b)", re.IGNORECASE)
_MARKED_LINE = re.compile(
    rf"(?:^|(?<=[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]))(?={_MARKER.pattern})", re.IGNORECASE
)
_PLACEHOLDER = re.compile(r"(?<=\$)(?=\{)")


def break_markers(pieces: Pieces) -> Pieces:
    """Return the statement with every marker line and ``${`` in it broken, its meaning kept.

    Raises:
        InvalidInput: a marker stands where it can't be broken (an identifier with Unicode escapes).
    """
    return tuple(_broken(piece) for piece in pieces)


def commented(text: str) -> str:
    """Return the text as comment lines that no tool takes for its own."""
    lines = re.split(_LINE_BREAK, text)
    return "\n".join(f"-- | {_PLACEHOLDER.sub(' ', line)}".rstrip() for line in lines)


def _broken(piece: Piece) -> Piece:
    """Break what one piece holds."""
    if not _breaks(piece.text) and not piece.text.startswith("--"):
        return piece
    if piece.kind is TokenKind.COMMENT:
        return Piece(piece.kind, _broken_comment(piece.text), piece.value)
    if piece.kind is TokenKind.STRING:
        return Piece(piece.kind, _broken_string(piece.text), piece.value)
    if piece.kind is TokenKind.QUOTED:
        return Piece(piece.kind, _broken_identifier(piece.text), piece.value)
    return piece


def _breaks(text: str) -> list[int]:
    """Return the places inside the text where it must be broken, in order."""
    lines = [found.start() for found in _MARKED_LINE.finditer(text) if found.start()]
    return sorted({*lines, *(found.start() for found in _PLACEHOLDER.finditer(text))})


def _broken_comment(text: str) -> str:
    """Put a bar after the dashes of marker lines."""
    text = _PLACEHOLDER.sub(" ", text)
    return _MARKED_LINE.sub("-- | ", text)


def _broken_string(text: str) -> str:
    """Continue the string on a new line wherever it must be broken: adjacent literals are one value."""
    if text.startswith("$"):
        tag = text.index("$", 1) + 1
        return _broken_string("'" + text[tag:-tag].replace("'", "''") + "'")
    quote = text.index("'")
    prefix, escapes = text[:quote], text[:quote].upper() == "E"
    segments = _segments(text[quote:], escapes=escapes)
    broken = [part for segment in segments for part in _parts(segment)]
    return prefix + "\n".join(f"'{part}'" for part in broken)


def _parts(segment: str) -> list[str]:
    """Cut one segment's raw text at the places where it must be broken."""
    places = [found.start() for found in _MARKED_LINE.finditer(segment)]
    places = sorted({*places, *(found.start() for found in _PLACEHOLDER.finditer(segment))} - {0})
    return [segment[start:end] for start, end in zip([0, *places], [*places, len(segment)], strict=True)]


def _segments(text: str, *, escapes: bool) -> list[str]:
    """Return the raw insides of a literal's segments: it may be continued over lines, with comments between.

    Args:
        text: from the first quote on.
        escapes: whether a backslash hides the next character (``E''``).
    """
    segments: list[str] = []
    at = 0
    while at < len(text):
        if text.startswith("--", at):
            at = _end_of_line(text, at)
        elif text[at] != "'":
            at += 1
        else:
            end = _closing(text, at + 1, escapes=escapes)
            segments.append(text[at + 1 : end])
            at = end + 1
    return segments


def _closing(text: str, at: int, *, escapes: bool) -> int:
    """Return the place of the quote that closes the segment which begins here."""
    while True:
        if (escapes and text[at] == "\\") or (text[at] == "'" and text[at + 1 : at + 2] == "'"):
            at += 2
        elif text[at] == "'":
            return at
        else:
            at += 1


def _end_of_line(text: str, at: int) -> int:
    """Return the place of the next line break as SQL knows it."""
    found = re.compile(r"[\n\r]").search(text, at)
    return found.start() if found else len(text)


def _broken_identifier(text: str) -> str:
    """Write the line breaks of an identifier as Unicode escapes."""
    if not text.startswith('"'):
        raise InvalidInput("an identifier with Unicode escapes holds a migration tool's marker line")
    inner = text[1:-1].replace("\\", "\\\\")
    inner = re.sub(_LINE_BREAK, lambda found: "".join(f"\\{ord(each):04X}" for each in found.group()), inner)
    return 'U&"' + inner.replace("${", "$\\007B") + '"'
