"""Arithmetic: read into a tree of its own, in which no text is ever evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Final

from gateway.judge.shell.cursor import Cursor, NotRead
from gateway.judge.shell.tree import (
    Binary,
    Choice,
    Digits,
    Expression,
    Inserted,
    Length,
    Name,
    Number,
    Subscript,
    Unary,
    Variable,
)
from gateway.judge.shell.tree_arrays import Element, Entry, Key

ASSIGNING: Final = frozenset(("=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "^=", "|="))
"""Operators that set the variable on their left."""

_LEVELS: Final = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<=": 7, ">=": 7, "<": 7, ">": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_BLANKS: Final = re.compile(r"[ \t\n]*")
_OPERATOR: Final = re.compile(r"<<=|>>=|\|\||&&|==|!=|<=|>=|<<|>>|[-+*/%&^|]=|[-+*/%&^|<>=?]")
_NUMBER: Final = re.compile(r"(0[xX][0-9A-Fa-f]{1,15}|0[0-7]{0,20}|[1-9][0-9]{0,17})(?![\w#.])", re.ASCII)
_BASED: Final = re.compile(r"([2-9]|[12][0-9]|3[0-6])#([0-9A-Za-z]{1,10})(?![\w#])", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?![\[\w])", re.ASCII)
_ELEMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[", re.ASCII)
OF_ARRAY: Final = re.compile(r"([#!]?)([A-Za-z_][A-Za-z0-9_]*)\[", re.ASCII)
"""What stands behind ``${`` where an array is meant."""
_ONLY_DIGITS: Final = "%%[!0-9-]*"
_DIGITS: Final = re.compile(r"\(\$\{([A-Za-z_][A-Za-z0-9_]*|[0-9]{1,3})%%\[!0-9-\]\*\}\)")
_INSERTED_NAME: Final = re.compile(r"\$(?:\{([A-Za-z_]\w*|[0-9]{1,3})\}|([A-Za-z_]\w*|[0-9]))", re.ASCII)
_LENGTH: Final = re.compile(r"\$\{#([A-Za-z_][A-Za-z0-9_]*)\}")


def expression(cursor: Cursor) -> Expression:
    """Read an expression, up to what can't belong to it.

    Args:
        cursor: stands behind ``((``.

    Raises:
        NotRead: it is not understood.
    """
    cursor.deeper()
    found = _choice(cursor)
    cursor.depth -= 1
    _skip(cursor)
    return found


def _skip(cursor: Cursor) -> None:
    match = _BLANKS.match(cursor.text, cursor.at)
    if match is not None:
        cursor.at = match.end()


def _operator(cursor: Cursor) -> str:
    _skip(cursor)
    match = _OPERATOR.match(cursor.text, cursor.at)
    return "" if match is None else match.group()


def _choice(cursor: Cursor) -> Expression:
    left = _binary(cursor, 1)
    operator = _operator(cursor)
    if operator in ASSIGNING:
        if not isinstance(left, Name | Entry):
            raise NotRead("arithmetic", f"What stands before {operator} in arithmetic is no variable.")
        cursor.at += len(operator)
        cursor.deeper()
        value = _choice(cursor)
        cursor.depth -= 1
        return _assigned(left, operator, value)
    if operator != "?":
        return left
    cursor.at += 1
    one = expression(cursor)
    cursor.expect(":")
    cursor.deeper()
    other = _choice(cursor)
    cursor.depth -= 1
    return Choice(left, one, other)


def _assigned(name: Name | Entry, operator: str, value: Expression) -> Expression:
    if operator == "=":
        return Binary("=", name, value)
    check_pure(name)
    return Binary("=", name, Binary(operator[:-1], name, value))


def _binary(cursor: Cursor, lowest: int) -> Expression:
    left = _unary(cursor)
    while (level := _LEVELS.get(operator := _operator(cursor), 0)) >= lowest:
        if cursor.text[cursor.at + len(operator) : cursor.at + len(operator) + 1] == operator:
            raise NotRead("arithmetic", f"{operator * 2} in arithmetic is not understood.")
        cursor.at += len(operator)
        right = _binary(cursor, level + 1) if level < 10 else _unary(cursor)
        if operator != "+" or not isinstance(left, Entry) or right != Number(0):
            left = Binary(operator, left, right)
    return left


def _unary(cursor: Cursor) -> Expression:
    _skip(cursor)
    for step in ("++", "--"):
        if cursor.sees(step):
            cursor.at += 2
            _skip(cursor)
            return _stepped(_target(cursor), step)
    if cursor.next and cursor.next in "-+!~":
        operator = cursor.next
        cursor.at += 1
        cursor.deeper()
        of = _unary(cursor)
        cursor.depth -= 1
        return Number(-of.value) if operator == "-" and isinstance(of, Number) else Unary(operator, of)
    return _primary(cursor)


def _primary(cursor: Cursor) -> Expression:
    digits = _DIGITS.match(cursor.text, cursor.at)
    if digits is not None:
        cursor.at = digits.end()
        return Digits(digits.group(1))
    if cursor.took("("):
        inner = expression(cursor)
        cursor.expect(")")
        return inner
    based = _BASED.match(cursor.text, cursor.at)
    if based is not None:
        cursor.at = based.end()
        return Number(_of_base(int(based.group(1)), based.group(2)))
    number = _NUMBER.match(cursor.text, cursor.at)
    if number is not None:
        cursor.at = number.end()
        return Number(_value(number.group(1)))
    if cursor.next == "$":
        return _inserted(cursor)
    name = _target(cursor)
    _skip(cursor)
    for step in ("++", "--"):
        if cursor.sees(step):
            cursor.at += 2
            undone = "-" if step == "++" else "+"
            return Binary(undone, _stepped(name, step), Number(1))
    return name


def _of_base(base: int, digits: str) -> int:
    try:
        return int(digits, base)
    except ValueError:
        raise NotRead("arithmetic", f"{digits} is no number of base {base}.") from None


def _value(text: str) -> int:
    value = int(text, 8) if text.startswith("0") and text[1:2] not in ("x", "X") else int(text, 0)
    if value >= 1 << 62:
        raise NotRead("arithmetic", "A number in arithmetic is too large.")
    return value


def _target(cursor: Cursor) -> Name | Entry:
    """A variable or an element of an array."""
    element = _ELEMENT.match(cursor.text, cursor.at)
    if element is None:
        return _name(cursor)
    cursor.at = element.end()
    return Entry(element.group(1), one_subscript(cursor, element.group(1)))


def subscript(cursor: Cursor, name: str) -> Subscript:
    """Read a subscript and the bracket that closes it.

    Args:
        cursor: stands behind the bracket that opens it.
        name: of the array.

    Raises:
        NotRead: it is not understood.
    """
    for every in ("@", "*"):
        if cursor.took(f"{every}]"):
            return every
    if name in cursor.keyed:
        from gateway.judge.shell.words import key  # noqa: PLC0415 - words hold arithmetic

        return key(cursor)
    quote = cursor.took('"')
    found = expression(cursor)
    if quote:
        cursor.expect('"')
    cursor.expect("]")
    if any(isinstance(each, Inserted) for each in _nodes(found)):
        raise NotRead("array", "A command in a subscript is not understood; put its output into a variable.")
    return found


def one_subscript(cursor: Cursor, name: str) -> Expression | Key:
    """Read a subscript that means one element.

    Raises:
        NotRead: it means every one, or is not understood.
    """
    found = subscript(cursor, name)
    if isinstance(found, str):
        raise NotRead("array", "Every element of an array can't stand there.")
    return found


def check_pure(*parts: object) -> None:
    """Let only trees pass that set no variable, so that it doesn't matter how often they are evaluated.

    Raises:
        NotRead: one sets a variable.
    """
    if any(isinstance(each, Binary) and each.operator == "=" for each in _nodes(*parts)):
        raise NotRead("array", "A subscript that sets a variable is not understood there.")


def _nodes(*parts: object) -> Iterator[object]:
    """Everything in some trees."""
    todo = list(parts)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, tuple):
            todo += node
        elif is_dataclass(node):
            todo += [getattr(node, each.name) for each in fields(node)]


def _name(cursor: Cursor) -> Name:
    match = _NAME.match(cursor.text, cursor.at)
    if match is None:
        raise NotRead("arithmetic", "What stands in arithmetic is not understood.")
    cursor.at = match.end()
    return Name(match.group())


def _stepped(name: Name | Entry, step: str) -> Binary:
    check_pure(name)
    return Binary("=", name, Binary(step[0], name, Number(1)))


def _inserted(cursor: Cursor) -> Expression:
    length = _LENGTH.match(cursor.text, cursor.at)
    if length is not None:
        cursor.at = length.end()
        return Length(length.group(1))
    of_array = OF_ARRAY.match(cursor.text, cursor.at + 2) if cursor.sees("${") else None
    if of_array is not None:
        return _inserted_element(cursor, of_array.group(2), of_array.group(1))
    name = _INSERTED_NAME.match(cursor.text, cursor.at)
    if name is not None:
        cursor.at = name.end()
        text = name.group(1) or name.group(2)
        return Digits(text) if text[0].isdigit() else Name(text)
    if cursor.sees("$?") or cursor.sees("$#"):
        cursor.at += 2
        return Variable(cursor.text[cursor.at - 1])
    if cursor.sees("$(") and not cursor.sees("$(("):
        cursor.at += 2
        cursor.deeper()
        body = cursor.script(cursor)
        cursor.expect(")")
        cursor.depth -= 1
        return Inserted(body)
    if cursor.took("$(("):
        inner = expression(cursor)
        cursor.expect("))")
        return inner
    raise NotRead("arithmetic", "What stands in arithmetic is not understood.")


def _inserted_element(cursor: Cursor, name: str, sign: str) -> Expression:
    """``${name[…]}`` and ``${#name[…]}``."""
    cursor.at += len("${") + len(sign) + len(name) + 1
    if sign == "#":
        length = Element(Length(name), subscript(cursor, name))
        cursor.expect("}")
        return length
    if sign:
        raise NotRead("arithmetic", "What stands in arithmetic is not understood.")
    entry = Entry(name, one_subscript(cursor, name))
    if not cursor.took(_ONLY_DIGITS):
        cursor.took(":-0")
    cursor.expect("}")
    return entry
