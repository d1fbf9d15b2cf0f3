"""``[[ … ]]`` and ``(( … ))``, read into the commands that mean the same in every shell.

``[ ]`` compares integers without evaluating what stands in them: data such as ``a[$(…)]``, which
``[[ -eq ]]`` would run, is an error there.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.arithmetic import check_pure, expression, one_subscript
from gateway.judge.shell.cursor import Cursor, NotRead
from gateway.judge.shell.expansions import dollar
from gateway.judge.shell.tree import (
    AndOr,
    Arithmetic,
    Binary,
    Case,
    Command,
    Expression,
    Group,
    Number,
    Parameter,
    Part,
    Pipeline,
    Script,
    Simple,
    Text,
    Variable,
    Wild,
    Word,
    joined,
    pinned,
    script_of,
    text_of,
    word_of,
)
from gateway.judge.shell.tree_arrays import Element, ElementAssignment, Entry
from gateway.judge.shell.words import word

UNARY: Final = frozenset(f"-{letter}" for letter in "bcdefghkLNnOGprSstuwxz")
"""Tests of one operand."""
INTEGERS: Final = frozenset(("-eq", "-ne", "-lt", "-le", "-gt", "-ge"))
"""Comparisons of integers."""
BINARY: Final = frozenset(("-nt", "-ot", "-ef", "=", "==", "!=", "<", ">")) | INTEGERS
"""Tests of two operands."""

_SKIPPED: Final = re.compile(r"(?:[ \t\n]|\\\n)*")
_BINARY: Final = re.compile(
    r"(=~|==|!=|=|<|>|-(?:nt|ot|ef|eq|ne|lt|le|gt|ge))(?=[\s\"'$\\~*?\[]|[^\s()&|;<>=!])"
)
_UNARY: Final = re.compile(r"(-[A-Za-z])(?=\s)")
_NAMED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[|(?=\s))", re.ASCII)
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_REGULAR: Final = re.compile(r"(?:[^\s\\'\"$`()&|;<>]|\\.|\$(?=[\s)|]))+")
_SPECIAL: Final = re.compile(r"[][(){}.*+?^$|\\]")


def condition(cursor: Cursor) -> Command:
    """Read ``[[ … ]]``.

    Args:
        cursor: stands behind the brackets that open it.

    Raises:
        NotRead: it is not understood.
    """
    cursor.deeper()
    found = _or(cursor)
    _skip(cursor)
    cursor.expect("]]")
    cursor.depth -= 1
    return _command(found)


def evaluation(cursor: Cursor) -> Command:
    """Read ``(( … ))``.

    Args:
        cursor: stands behind the parentheses that open it.

    Raises:
        NotRead: it is not understood.
    """
    found = expression(cursor)
    cursor.expect("))")
    match found:
        case Binary("=", Entry() as entry, right):
            return _entered(entry, right, entry)
        case Binary("-" | "+" as undone, Binary("=", Entry() as entry, right), Number(1)):
            return _entered(entry, right, Binary(undone, entry, Number(1)))
    return tested(Word((Arithmetic(found, quoted=True),)), word_of("-ne"), word_of("0"))


def _entered(entry: Entry, value: Expression, result: Expression) -> Command:
    """An assignment to an array's element, and a test of what the whole comes to."""
    check_pure(entry, value)
    assigned = ElementAssignment(entry.name, entry.subscript, Word((Arithmetic(value, quoted=True),)))
    test = tested(Word((Arithmetic(result, quoted=True),)), word_of("-ne"), word_of("0"))
    return Group(Script((*script_of(Simple((), (assigned,))).lists, *script_of(test).lists)))


def tested(*words: Word) -> Simple:
    """``[ … ]``."""
    return Simple((word_of("["), *words, word_of("]")))


def _skip(cursor: Cursor) -> None:
    match = _SKIPPED.match(cursor.text, cursor.at)
    if match is not None:
        cursor.at = match.end()


def _command(found: AndOr) -> Command:
    if not found.rest and not found.first.negated and len(found.first.commands) == 1:
        return found.first.commands[0]
    return Group(Script((found,)))


def _pipeline(found: AndOr) -> Pipeline:
    return found.first if not found.rest else Pipeline((Group(Script((found,))),))


def _or(cursor: Cursor) -> AndOr:
    found = _and(cursor)
    _skip(cursor)
    while cursor.took("||"):
        found = AndOr(_pipeline(found), (("||", _pipeline(_and(cursor))),))
        _skip(cursor)
    return found


def _and(cursor: Cursor) -> AndOr:
    found = _not(cursor)
    _skip(cursor)
    while cursor.took("&&"):
        found = AndOr(_pipeline(found), (("&&", _pipeline(_not(cursor))),))
        _skip(cursor)
    return found


def _not(cursor: Cursor) -> AndOr:
    _skip(cursor)
    negated = False
    while cursor.next == "!" and cursor.text[cursor.at + 1 : cursor.at + 2] in (" ", "\t", "\n", "("):
        cursor.at += 1
        negated = not negated
        _skip(cursor)
    if cursor.took("("):
        cursor.deeper()
        found = _or(cursor)
        _skip(cursor)
        cursor.expect(")")
        cursor.depth -= 1
    else:
        found = AndOr(_primary(cursor))
    return AndOr(Pipeline((_command(found),), negated=True)) if negated else found


def _primary(cursor: Cursor) -> Pipeline:
    unary = _UNARY.match(cursor.text, cursor.at)
    if unary is not None:
        return Pipeline((_unary(cursor, unary.group(1)),))
    left = pinned(word(cursor))
    _skip(cursor)
    match = _BINARY.match(cursor.text, cursor.at)
    if match is None:
        return Pipeline((tested(word_of("-n"), left),))
    cursor.at = match.end()
    operator = match.group(1)
    _skip(cursor)
    if operator == "=~":
        return _matched(left, _regular(cursor))
    right = word(cursor)
    if operator in ("=", "==", "!="):
        return _compared(left, right, negated=operator == "!=")
    if operator in INTEGERS:
        for each in (left, right):
            text = text_of(each)
            if text is not None and _INTEGER.fullmatch(text) is None:
                raise NotRead("arithmetic", f"{text} in [[ … {operator} … ]] is no integer; write ${text}.")
    return Pipeline((tested(left, word_of(operator), pinned(right)),))


def _unary(cursor: Cursor, operator: str) -> Command:
    cursor.at += len(operator)
    _skip(cursor)
    if operator == "-a":
        operator = "-e"
    if operator == "-v":
        return tested(word_of("-n"), Word((_whether_set(cursor),)))
    if operator not in UNARY:
        raise NotRead("condition", f"[[ {operator} … ]] is not understood.")
    return tested(word_of("-L" if operator == "-h" else operator), pinned(word(cursor)))


def _whether_set(cursor: Cursor) -> Part:
    """``${name+x}`` for the name, or the element of an array, behind ``-v``."""
    match = _NAMED.match(cursor.text, cursor.at)
    if match is None:
        raise NotRead("condition", "What stands behind [[ -v is not understood.")
    cursor.at = match.end()
    name, opens = match.groups()
    plain = Parameter(name, "+", (Text("x"),), quoted=True)
    return Element(plain, one_subscript(cursor, name)) if opens else plain


def _compared(left: Word, right: Word, *, negated: bool) -> Pipeline:
    if not any(isinstance(part, Wild) or getattr(part, "quoted", True) is False for part in right.parts):
        return Pipeline((tested(left, word_of("!=" if negated else "="), right),))
    yes, no = script_of(Simple((word_of("true"),))), script_of(Simple((word_of("false"),)))
    if negated:
        yes, no = no, yes
    return Pipeline((Case(left, (((right,), yes), ((Word((Wild("*"),)),), no))),))


def _matched(left: Word, regular: Word) -> Pipeline:
    shown = Simple((word_of("printf"), word_of("%s\\n"), left))
    return Pipeline((shown, Simple((word_of("grep"), word_of("-E"), word_of("-q"), word_of("-e"), regular))))


def _regular(cursor: Cursor) -> Word:
    """Read a regular expression: what is quoted in it stands for itself."""
    found: list[Part] = []
    open_ = 0
    while not cursor.ended:
        match = _REGULAR.match(cursor.text, cursor.at)
        if match is not None:
            found.append(Text(match.group()))
            cursor.at = match.end()
        elif cursor.next in "'\"":
            found.append(_verbatim(cursor))
        elif cursor.next == "$":
            part = dollar(cursor, quoted=True)
            if not isinstance(part, Variable):
                raise NotRead("condition", "An expansion in a regular expression is not understood.")
            found.append(part)
        elif cursor.next == "(" or (open_ and cursor.next and cursor.next in "|)"):
            open_ += (cursor.next == "(") - (cursor.next == ")")
            found.append(Text(cursor.next))
            cursor.at += 1
        elif cursor.next == "|" and not cursor.sees("||"):
            found.append(Text("|"))
            cursor.at += 1
        else:
            break
    if not found or open_:
        raise NotRead("condition", "A regular expression is not understood.")
    return Word(joined(found))


def _verbatim(cursor: Cursor) -> Text:
    quote = cursor.next
    end = cursor.text.find(quote, cursor.at + 1)
    inner = cursor.text[cursor.at + 1 : end]
    if end < 0 or (quote == '"' and any(each in inner for each in "$`\\")):
        raise NotRead("condition", "A quoted part of a regular expression is not understood.")
    cursor.at = end + 1
    return Text(_SPECIAL.sub(r"\\\g<0>", inner))
