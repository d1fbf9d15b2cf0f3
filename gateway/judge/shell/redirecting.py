"""Redirections as a line has them."""

from __future__ import annotations

import re
from typing import Final, Literal

from gateway.judge.shell.cursor import Cursor, NotRead
from gateway.judge.shell.documents import begun
from gateway.judge.shell.tree import Document, Redirected, Redirection, Text, Word, joined, pinned, text_of
from gateway.judge.shell.words import word, words

_REDIRECTION: Final = re.compile(r"([0-9]*)(<<<|<<-?|<>|<&|<|>>|>&|>\||>)(?!\()")
_BOTH: Final = re.compile(r"&>>?")
_DESCRIPTOR: Final = re.compile(r"([0-9]{1,2}|-)(?=[\s;&|<>()]|\Z)")
_SPACE: Final = re.compile(r"[ \t]*")


def redirection(cursor: Cursor) -> tuple[Redirected, ...]:
    """Read a redirection, where one comes next; ``&>file`` is two.

    Raises:
        NotRead: it is not understood.
    """
    both = _BOTH.match(cursor.text, cursor.at)
    if both is not None:
        cursor.at = both.end()
        appends: Literal[">", ">>"] = ">>" if both.group() == "&>>" else ">"
        return (Redirection(1, appends, _target(cursor)), Redirection(2, ">&", 1))
    match = _REDIRECTION.match(cursor.text, cursor.at)
    if match is None:
        return ()
    cursor.at = match.end()
    digits, operator = match.groups()
    if len(digits) > 1:
        raise NotRead("redirection", f"The descriptor {digits} is not understood.")
    descriptor = int(digits) if digits else int(operator[0] == ">")
    match operator:
        case "<<<":
            return (_here_string(cursor, descriptor),)
        case "<<" | "<<-":
            space = _SPACE.match(cursor.text, cursor.at)
            cursor.at = space.end() if space is not None else cursor.at
            return (begun(cursor, descriptor, tabs=operator == "<<-"),)
        case ">&" | "<&":
            return _duplicated(cursor, descriptor, operator, given=bool(digits))
        case "<" | ">" | ">>" | ">|" | "<>":
            return (Redirection(descriptor if digits or operator != "<>" else 0, operator, _target(cursor)),)
        case _:
            raise cursor.unexpected()


def _target(cursor: Cursor) -> Word:
    cursor.skip_blanks()
    if cursor.ended or (cursor.next in ";|&\n<>()" and not cursor.sees("<(")):
        raise cursor.unexpected("where a file must stand")
    found = words(cursor)
    if len(found) != 1:
        raise NotRead("redirection", "A redirection to several files is not understood.")
    return found[0]


def _duplicated(
    cursor: Cursor, descriptor: int, operator: Literal[">&", "<&"], *, given: bool
) -> tuple[Redirected, ...]:
    cursor.skip_blanks()
    match = _DESCRIPTOR.match(cursor.text, cursor.at)
    if match is not None and len(match.group(1)) == 1:
        cursor.at = match.end()
        return (Redirection(descriptor, operator, None if match.group(1) == "-" else int(match.group(1))),)
    target = _target(cursor)
    if operator == "<&" or given or text_of(target) is None:
        raise NotRead("redirection", f"What stands behind {operator} is no descriptor.")
    return (Redirection(1, ">", target), Redirection(2, ">&", 1))


def _here_string(cursor: Cursor, descriptor: int) -> Document:
    cursor.skip_blanks()
    if cursor.ended or cursor.next in ";|&\n<>()":
        raise cursor.unexpected("where a text must stand")
    body = pinned(word(cursor))
    return Document(descriptor, Word(joined([*body.parts, Text("\n")])))
