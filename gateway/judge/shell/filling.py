"""Assignments as a line has them, those to arrays and their elements too; what ``declare`` says of arrays.

Source: bash(1), "Arrays"; parse_compound_assignment in bash's parse.y, assignment in general.c.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gateway.judge.shell.arithmetic import check_pure, one_subscript
from gateway.judge.shell.cursor import Cursor, NotRead
from gateway.judge.shell.tree import (
    AndOr,
    Assigned,
    Assignment,
    Command,
    Expression,
    Group,
    Home,
    Pipeline,
    Script,
    Simple,
    Variable,
    Wild,
    Word,
    joined,
    text_of,
    word_of,
)
from gateway.judge.shell.tree_arrays import ArrayAssignment, Element, ElementAssignment, Item, Key
from gateway.judge.shell.words import value, words

DECLARING: Final = frozenset(("declare", "typeset"))
"""Commands that may make arrays."""

_ASSIGNED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=(\(?)")
_ELEMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[(?=[^\n]{0,1000}\]\+?=)")
_ITEM: Final = re.compile(r"\[(?=[^\n]{0,1000}\]\+?=)")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BLANKS: Final = re.compile(r"[ \t\n]*")


def assigned(cursor: Cursor) -> Assigned | None:
    """Read an assignment, where one comes next.

    Raises:
        NotRead: it is not understood.
    """
    element = _ELEMENT.match(cursor.text, cursor.at)
    if element is not None:
        cursor.at = element.end()
        return _element(cursor, element.group(1))
    match = _ASSIGNED.match(cursor.text, cursor.at)
    if match is None:
        return None
    cursor.at = match.end()
    name, appends, opens = match.groups()
    if opens:
        return ArrayAssignment(name, _items(cursor, name), bool(appends))
    found = value(cursor)
    if appends:
        found = Word(joined([Variable(name, quoted=True), *found.parts]))
    return Assignment(name, found)


def _element(cursor: Cursor, name: str) -> ElementAssignment:
    subscript = one_subscript(cursor, name)
    appends = cursor.took("+")
    cursor.expect("=")
    if cursor.sees("("):
        raise NotRead("array", "An array in an array's element is none.")
    found = value(cursor)
    if appends:
        check_pure(subscript)
        before = Element(Variable(name, quoted=True), subscript)
        found = Word(joined([before, *found.parts]))
    return ElementAssignment(name, subscript, found)


def _items(cursor: Cursor, name: str) -> tuple[Item, ...]:
    found: list[Item] = []
    cursor.deeper()
    while True:
        _skip(cursor)
        if cursor.took(")"):
            cursor.depth -= 1
            return tuple(found)
        if cursor.ended or (cursor.next in ";&|<>" and not cursor.sees("<(")):
            raise cursor.unexpected("where an array's elements must stand")
        if _ITEM.match(cursor.text, cursor.at) is not None:
            cursor.at += 1
            found.append(_item(cursor, name))
        else:
            found += [_plain(each) for each in words(cursor)]


def _skip(cursor: Cursor) -> None:
    """Read blanks, newlines and comments."""
    cursor.skip_blanks()
    while cursor.next == "\n":
        if cursor.awaited:
            raise NotRead("document", "A here-document that waits for an array is not understood.")
        cursor.at += 1
        cursor.skip_blanks()


def _item(cursor: Cursor, name: str) -> Item:
    subscript: Expression | Key = one_subscript(cursor, name)
    cursor.expect("=")
    begin = cursor.at
    found = value(cursor)
    if any(isinstance(part, Home) for part in found.parts) or cursor.text[begin : begin + 1] == "~":
        raise NotRead("tilde", "A tilde in an array's element is not understood; write the folder out.")
    return Item(found, subscript)


def _plain(word: Word) -> Item:
    first = word.parts[:1]
    if first and isinstance(first[0], Wild) and first[0].text[0] == "[":
        raise NotRead(
            "array", "A pattern that begins with a bracket is not understood in an array; write ./[…]."
        )
    return Item(word)


def declared(cursor: Cursor, found: list[Word]) -> Assigned | None:
    """Read an assignment among the arguments of ``declare``, where one comes next.

    Args:
        cursor: stands at the next word.
        found: the words so far.

    Raises:
        NotRead: it is not understood.
    """
    if not found or text_of(found[0]) not in DECLARING:
        return None
    match = _ASSIGNED.match(cursor.text, cursor.at)
    if match is None:
        return None
    if _letters(found[1:]) is None:
        raise NotRead(
            "declare", "What this declare makes of a value is not understood; write NAME=value alone."
        )
    if "A" in (_letters(found[1:]) or ""):
        cursor.keyed.add(match.group(1))
    return assigned(cursor)


def _letters(words_: list[Word]) -> str | None:
    """The letters of options that only say which sort of array is meant; None of others."""
    options = [text for word in words_ if (text := text_of(word)) is not None and text[:1] == "-"]
    letters = "".join(each[1:] for each in options)
    whole = all(text_of(word) is not None for word in words_)
    return letters if whole and letters in ("", "a", "A") and len(options) == len(letters) else None


def keyed_by(words_: Sequence[Word]) -> list[str]:
    """Return the names that a command declares associative arrays.

    Args:
        words_: of the command.
    """
    if not words_ or text_of(words_[0]) not in DECLARING:
        return []
    texts = [text_of(word) or "" for word in words_[1:]]
    if not any("A" in each for each in texts if each[:1] == "-"):
        return []
    return [each for each in texts if _NAME.fullmatch(each)]


def apart(words_: list[Word], made: list[Assigned]) -> Command:
    """``declare -A m=(…)`` as ``declare -A m`` with the assignment behind it.

    Args:
        words_: of the command, without assignments.
        made: the assignments among its arguments.

    Raises:
        NotRead: together they mean something else.
    """
    letters = _letters(words_[1:]) or ""
    if letters and any(isinstance(each, Assignment) for each in made):
        raise NotRead("declare", "A plain value of an array is not understood; write NAME=(value).")
    names = [each for each in words_[1:] if (text_of(each) or "")[:1] != "-"]
    if letters == "A":
        names += [word_of(each.name) for each in made]
    assignments = Simple((), tuple(made))
    if not names:
        return assignments
    options = [word_of(f"-{letters}")] if letters else []
    commands = [Simple((words_[0], *options, *names)), assignments]
    return Group(Script(tuple(AndOr(Pipeline((each,))) for each in commands)))
