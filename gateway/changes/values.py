"""Bind values put into their statement, at their placeholders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.changes.pieces import Apart, Piece, Pieces, cut, join, loud
from gateway.domain.errors import InvalidInput
from gateway.judge.postgres.tokens import TokenKind

if TYPE_CHECKING:
    from collections.abc import Sequence

# pg_type.dat: built-in types whose literal must say its type, since a bare one could be taken for another.
# Text types stand bare: an unknown literal becomes text wherever nothing else is asked for.
_CASTS = {
    16: "boolean",
    17: "bytea",
    20: "bigint",
    21: "smallint",
    23: "integer",
    26: "oid",
    114: "json",
    700: "real",
    701: "double precision",
    869: "inet",
    1000: "boolean[]",
    1005: "smallint[]",
    1007: "integer[]",
    1009: "text[]",
    1015: "character varying[]",
    1016: "bigint[]",
    1021: "real[]",
    1022: "double precision[]",
    1082: "date",
    1083: "time",
    1114: "timestamp",
    1184: "timestamptz",
    1186: "interval",
    1231: "numeric[]",
    1266: "timetz",
    1700: "numeric",
    2950: "uuid",
    2951: "uuid[]",
    3802: "jsonb",
}
_INTEGER = 23


def put_values(pieces: Pieces, literals: Sequence[str], types: Sequence[int]) -> Pieces:
    """Replace each ``$n`` by the n-th literal.

    Args:
        pieces: the statement.
        literals: one a value, as the server rendered it (``quote_nullable``).
        types: type oids of the values, 0 or missing where the client left them open.

    Returns:
        The statement's pieces; those that stand for a value carry its number.

    Raises:
        InvalidInput: a placeholder without a value, or a literal that isn't one.
    """
    forms = [_literal(literal, types[at] if at < len(types) else 0) for at, literal in enumerate(literals)]
    result: list[Piece] = []
    for at, piece in enumerate(pieces):
        if piece.kind is not TokenKind.PARAMETER:
            result.append(piece)
            continue
        number = int(piece.text[1:])
        if not 1 <= number <= len(forms):
            raise InvalidInput(f"the statement asks for value ${number} and {len(forms)} were bound")
        form = forms[number - 1]
        follower = pieces[at + 1].text[:1] if at + 1 < len(pieces) else ""
        if follower in ("[", ".") and len(form) > 1:
            form = (Piece(TokenKind.SYMBOL, "("), *form, Piece(TokenKind.SYMBOL, ")"))
        if result and _would_touch(result[-1].text[-1:]):
            result.append(Piece(Apart.SPACE, " "))
        result.extend(Piece(each.kind, each.text, number) for each in form)
        if _would_touch(follower):
            result.append(Piece(Apart.SPACE, " "))
    return _proven(tuple(result))


def _would_touch(character: str) -> bool:
    """Whether a literal beside this character could be read as one token with it."""
    return character.isalnum() or character in ("_", "$", "'", '"', "&") or character > "\x7f"


def _literal(text: str, oid: int) -> Pieces:
    """Return the pieces of one value: a bare integer, or the server's literal with its type.

    Raises:
        InvalidInput: it is no literal.
    """
    inner = cut(text.strip())
    first, behind = inner[:1], inner[1:]
    plain = bool(first) and (first[0].kind in (TokenKind.STRING, TokenKind.NUMBER) or first[0].word == "NULL")
    if not plain or (behind and not _is_cast(behind)):
        raise InvalidInput("the server's rendering of a bind value isn't a literal")
    if behind or first[0].kind is not TokenKind.STRING:
        return inner
    body = first[0].text.strip("'")
    if oid == _INTEGER and body.isascii() and body.isdigit():
        return (Piece(TokenKind.NUMBER, str(int(body))),)
    cast = _CASTS.get(oid)
    return cut(f"{first[0].text}::{cast}") if cast else first


def _is_cast(pieces: Pieces) -> bool:
    """Whether these pieces are ``::type`` and nothing else."""
    return pieces[0].text == "::" and all(
        piece.kind in (TokenKind.WORD, TokenKind.QUOTED, TokenKind.NUMBER, Apart.SPACE)
        or piece.text in (".", ",", "(", ")", "[", "]")
        for piece in pieces[1:]
    )


def _proven(pieces: Pieces) -> Pieces:
    """Return the pieces if the scanner reads their text as exactly these: nothing may have merged."""
    expected = [(piece.kind, piece.text) for piece in loud(pieces)]
    if [(piece.kind, piece.text) for piece in loud(cut(join(pieces)))] != expected:
        raise InvalidInput("the bind values can't be put into the statement without changing its meaning")
    return pieces
