"""One line that says what a statement would do, where the word that it begins with says too little."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.changes.pieces import cut, loud
from gateway.domain.errors import InvalidInput
from gateway.judge.postgres.tokens import TokenKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gateway.changes.pieces import Piece

_VAGUE: Final = frozenset(
    {
        *("ALTER SYSTEM", "CALL", "COPY", "DECLARE", "DECLARE CURSOR", "DO", "EXECUTE", "EXPLAIN", "GRANT"),
        *("LOCK", "PREPARE", "REVOKE", "SELECT", "VALUES", "WITH"),
    }
)
"""Beginnings of titles that don't name the effect."""
_WRITES: Final = (("INSERT", "INTO"), ("UPDATE",), ("DELETE", "FROM"), ("MERGE", "INTO"))
_CLOSE_BEFORE: Final = frozenset({",", ")", "]", ".", "::", ";"})
_CLOSE_BEHIND: Final = frozenset({"(", "[", ".", "::"})
_MOST_PIECES: Final = 60


def title(judged: str, statements: Iterable[str]) -> str:
    """Return a title that tells.

    Args:
        judged: the judge's, such as ``UPDATE orders`` or only ``SELECT``.
        statements: as they go into a migration, secrets out.

    Returns:
        The judge's where it names what is changed; else the write within, or the statement itself, shortened.
    """
    if not any(judged == word or judged.startswith(f"{word} ") for word in _VAGUE):
        return judged
    try:
        told = [_told(loud(cut(text))) for text in statements]
    except InvalidInput:
        return judged
    return "; ".join(dict.fromkeys(each for each in told if each)) or judged


def _told(pieces: Sequence[Piece]) -> str:
    first = pieces[0].word if pieces else ""
    return (first == "WITH" and _write_within(pieces)) or _short(pieces)


def _write_within(pieces: Sequence[Piece]) -> str:
    """Return what the first write in a WITH does; empty where there is none."""
    for at in range(1, len(pieces)):
        for words in _WRITES:
            begins = pieces[at - 1].text in ("(", ")") and pieces[at].word == words[0]
            if begins and tuple(piece.word for piece in pieces[at : at + len(words)]) == words:
                return f"{' '.join(words)} {''.join(_name(pieces[at + len(words) :]))}"
    return ""


def _name(pieces: Sequence[Piece]) -> Iterator[str]:
    """Yield the parts of a name such as ``public.orders``."""
    for at, piece in enumerate(pieces):
        if at == 0 and piece.word == "ONLY":
            yield from _name(pieces[1:])
            return
        if (piece.text == ".") != bool(at % 2):
            return
        yield piece.text


def _short(pieces: Sequence[Piece]) -> str:
    """Return a statement on one line: strings without quotes, spaces only where they are needed."""
    text = ""
    behind = "("
    before = ""
    for piece in pieces[:_MOST_PIECES]:
        shown = " ".join(piece.text.strip("'$").split()) if piece.kind is TokenKind.STRING else piece.text
        call = shown == "(" and before not in _SPACED
        close = behind in _CLOSE_BEHIND or shown in _CLOSE_BEFORE or call
        text += shown if close else f" {shown}"
        behind, before = piece.text, piece.word
    return f"{text.strip()} …" if len(pieces) > _MOST_PIECES else text.strip()


_SPACED: Final = frozenset({"", "AS", "FROM", "IN", "VALUES", "USING", "AND", "OR", "ON", "WHERE", "NOT"})
"""What stands before a parenthesis that is no call's."""
