"""A statement as its scanner sees it: pieces whose texts, joined, give the statement back byte for byte.

Whatever is changed in a captured statement (values, secrets, marker lines) is changed piece by piece, so that
nothing inside a string or a comment is ever taken for syntax.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.errors import InvalidInput
from gateway.judge.postgres.tokens import NotScanned, TokenKind, tokens


class Apart(StrEnum):
    """What a piece is that is no token of the scanner's."""

    SPACE = "space"
    PLACEHOLDER = "placeholder"
    """Put in the place of a secret."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a statement.

    Attributes:
        kind: what it is.
        text: its characters, exactly.
        value: number of the bind value that it stands for, 0 where it was typed.
    """

    kind: TokenKind | Apart
    text: str
    value: int = 0

    @property
    def word(self) -> str:
        """The piece in upper case where it is a word, else empty."""
        return self.text.upper() if self.kind is TokenKind.WORD else ""

    @property
    def quiet(self) -> bool:
        """Whether the grammar doesn't see it: white space or a comment."""
        return self.kind in (Apart.SPACE, TokenKind.COMMENT)


Pieces = tuple[Piece, ...]


def cut(text: str) -> Pieces:
    """Cut SQL text into pieces with PostgreSQL's own scanner.

    Args:
        text: one or several statements.

    Raises:
        InvalidInput: the scanner doesn't understand it (an open string, say).
    """
    raw = text.encode()
    try:
        found = tokens(text)
    except NotScanned as error:
        raise InvalidInput(f"the statement can't be read as SQL: {error}") from None
    pieces: list[Piece] = []
    at = 0
    for token in found:
        if token.start > at:
            pieces.append(Piece(Apart.SPACE, raw[at : token.start].decode()))
        pieces.append(Piece(token.kind, raw[token.start : token.end].decode()))
        at = token.end
    if at < len(raw):
        pieces.append(Piece(Apart.SPACE, raw[at:].decode()))
    return tuple(pieces)


def join(pieces: Pieces) -> str:
    """Return the text that the pieces stand for."""
    return "".join(piece.text for piece in pieces)


def loud(pieces: Pieces) -> Pieces:
    """Return only what the grammar sees: neither white space nor comments."""
    return tuple(piece for piece in pieces if not piece.quiet)


def statements(pieces: Pieces) -> tuple[Pieces, ...]:
    """Split at the semicolons that end statements; empty statements are left out, semicolons too.

    Semicolons in parentheses (``CREATE RULE``) and in ``BEGIN ATOMIC`` bodies belong to their statement.
    """
    found: list[Pieces] = []
    current: list[Piece] = []
    depth = 0
    blocks: list[str] = []
    before = ""
    for piece in pieces:
        if piece.text == ";" and not depth and not blocks:
            found.append(tuple(current))
            current = []
            before = ""
            continue
        current.append(piece)
        if piece.quiet:
            continue
        depth += (piece.text in ("(", "[")) - (piece.text in (")", "]"))
        _follow_blocks(blocks, before, piece.word)
        before = piece.word
    found.append(tuple(current))
    return tuple(each for each in found if loud(each))


def _follow_blocks(blocks: list[str], before: str, word: str) -> None:
    """Follow ``BEGIN ATOMIC … CASE … END … END`` as the scanner passes it."""
    if (before == "BEGIN" and word == "ATOMIC") or (blocks and word == "CASE"):
        blocks.append(word)
    elif blocks and word == "END":
        blocks.pop()


def words(pieces: Pieces, count: int = 8) -> tuple[str, ...]:
    """Return the first loud pieces, words in upper case, the rest as they stand."""
    return tuple(piece.word or piece.text for piece in loud(pieces)[:count])
