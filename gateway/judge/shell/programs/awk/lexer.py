"""awk's text → tokens, on demand: only the parser knows whether a slash divides or begins an expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from gateway.judge.shell.finding import Effect
from gateway.judge.shell.programs.program import NotARead


class Kind(Enum):
    """Sorts of token."""

    NAME = "name"
    CALL = "call"
    """A name with a parenthesis right behind it, which is not part of the token."""
    NUMBER = "number"
    STRING = "string"
    REGEX = "regex"
    SIGN = "sign"
    NEWLINE = "newline"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: its sort.
        text: the word, the sign, or what stands between the quotes.
        start: where it begins, in characters.
        end: where it ends.
    """

    kind: Kind
    text: str
    start: int
    end: int


_BLANK = re.compile(r"(?:[ \t]|\\\n|#[^\n]*)*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SIGN = re.compile(
    r"\*\*=|\*\*|\+\+|--|\+=|-=|\*=|/=|%=|\^=|==|<=|>=|!=|!~|&&|\|\||\|&|>>|[-+*/%^!~<>=?:|,;(){}\[\]$]"
)
_STRING = re.compile(r'"((?:[^"\\\n]|\\[^\n])*)"')
_REGEX_PART = re.compile(r"\\[^\n]|\[\^?\]?|[^\\\n]")
_CLASS = re.compile(r"\[:[a-z]+:\]")


def syntax(what: str) -> NotARead:
    """A failure to understand."""
    return NotARead("syntax", f"The awk program is not understood: {what}.")


class Lexer:
    """Reads tokens from a program.

    Args:
        text: the program.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def token(self, start: int) -> Token:
        """The token that begins at a place, or behind blanks and comments there.

        Raises:
            NotARead: there is none.
        """
        text = self._text
        blank = _BLANK.match(text, start)
        start = blank.end() if blank else start
        if start >= len(text):
            return Token(Kind.END, "", start, start)
        character = text[start]
        if character == "\n":
            return Token(Kind.NEWLINE, "\n", start, start + 1)
        if character == '"':
            return self._string(start)
        if found := _NAME.match(text, start):
            return self._name(found)
        if found := _NUMBER.match(text, start):
            return self._number(found)
        if found := _SIGN.match(text, start):
            return Token(Kind.SIGN, found.group(), start, found.end())
        if character == "@":
            raise NotARead(
                "gawk-extension",
                "@ loads code, includes files, or calls a function whose name is data.",
                Effect.RUNS_CODE,
            )
        raise syntax(f"the character {character!r} has no place there")

    def _name(self, found: re.Match[str]) -> Token:
        behind = self._text[found.end() : found.end() + 2]
        if behind == "::":
            raise NotARead("gawk-extension", "A name space in a name is not read.")
        if found.group() == "_" and behind[:1] == '"':
            raise NotARead("gawk-extension", 'gawk translates _"…", other awks join two strings.')
        kind = Kind.CALL if behind[:1] == "(" else Kind.NAME
        return Token(kind, found.group(), found.start(), found.end())

    def _number(self, found: re.Match[str]) -> Token:
        behind = self._text[found.end() : found.end() + 1]
        if behind.isalnum() or behind in {"_", "."}:
            raise syntax("a letter right behind a number is read differently by different awks")
        return Token(Kind.NUMBER, found.group(), found.start(), found.end())

    def _string(self, start: int) -> Token:
        found = _STRING.match(self._text, start)
        if found is None:
            raise syntax("a string has no end on its line")
        return Token(Kind.STRING, found.group(1), start, found.end())

    def regex(self, start: int) -> Token:
        """The regular expression that begins with the slash at a place.

        awks differ on a slash in brackets: some end the expression there. So that all read what is emitted
        alike, every such slash is escaped.

        Raises:
            NotARead: it has no end, or a bracket in it.
        """
        text = self._text
        out: list[str] = []
        place = start + 1
        boxed = False
        while True:
            if text[place : place + 1] == "/" and not boxed:
                return Token(Kind.REGEX, "".join(out), start, place + 1)
            if boxed and (named := _CLASS.match(text, place)):
                out.append(named.group())
                place = named.end()
                continue
            found = _REGEX_PART.match(text, place)
            if found is None:
                raise syntax("a regular expression has no end")
            part = found.group()
            if boxed and part[0] == "[":
                if text[place + 1 : place + 2] in {":", ".", "="}:
                    raise syntax("awks differ on where such a bracket ends")
                part = "["
            elif part[0] == "[":
                boxed = True
            elif part == "]":
                boxed = False
            out.append("\\/" if part == "/" else part)
            place += len(part)
