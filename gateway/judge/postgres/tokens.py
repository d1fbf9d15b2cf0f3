"""The scanner's view of a text: tokens and where they stand, to change a statement without parsing it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from postgast import PgQueryError, scan
from postgast.pg_query_pb2 import Token as Kind


class TokenKind(StrEnum):
    """What the scanner takes a token for."""

    WORD = "word"
    """A keyword, or an identifier without quotes."""
    QUOTED = "quoted"
    """An identifier in double quotes."""
    STRING = "string"
    BITS = "bits"
    NUMBER = "number"
    PARAMETER = "parameter"
    COMMENT = "comment"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: what it is.
        start: first byte in the text's UTF-8.
        end: byte behind the last.
    """

    kind: TokenKind
    start: int
    end: int


class NotScanned(Exception):
    """The scanner does not understand the text (an open string, say)."""


_KINDS: Final = {
    Kind.SCONST: TokenKind.STRING,
    Kind.USCONST: TokenKind.STRING,
    Kind.BCONST: TokenKind.BITS,
    Kind.XCONST: TokenKind.BITS,
    Kind.ICONST: TokenKind.NUMBER,
    Kind.FCONST: TokenKind.NUMBER,
    Kind.PARAM: TokenKind.PARAMETER,
    Kind.SQL_COMMENT: TokenKind.COMMENT,
    Kind.C_COMMENT: TokenKind.COMMENT,
    Kind.UIDENT: TokenKind.QUOTED,
}


def tokens(text: str) -> tuple[Token, ...]:
    """Return a text's tokens in order, comments among them; white space stands between them.

    Args:
        text: as the server would get it, under ``standard_conforming_strings = on``.

    Raises:
        NotScanned: it is no text that the scanner understands.
    """
    try:
        raw = text.encode()
        found = scan(text).tokens
    except (PgQueryError, UnicodeEncodeError) as error:
        raise NotScanned(str(error)) from None
    return tuple(
        Token(_kind(each.token, each.keyword_kind, raw[each.start]), each.start, each.end) for each in found
    )


def _kind(token: int, keyword: int, first: int) -> TokenKind:
    if token == Kind.IDENT:
        return TokenKind.QUOTED if first == ord('"') else TokenKind.WORD
    return TokenKind.WORD if keyword else _KINDS.get(token, TokenKind.SYMBOL)
