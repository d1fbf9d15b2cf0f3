"""What stands behind a dollar or between backquotes."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.arithmetic import OF_ARRAY, expression, subscript
from gateway.judge.shell.cursor import MAX_BACKQUOTES, Cursor, NotRead
from gateway.judge.shell.tree import (
    CASE_OPERATORS,
    SAFE,
    TRIM_OPERATORS,
    Arithmetic,
    Length,
    Parameter,
    Part,
    Replace,
    Script,
    Simple,
    Slice,
    Substitution,
    Text,
    Variable,
    Wild,
    joined,
    script_of,
    word_of,
)
from gateway.judge.shell.tree_arrays import Element, Keys

_NAME: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*|[0-9?#$@*])")
_BRACED_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]{1,3}|[?#$@*]")
_LENGTH: Final = re.compile(r"#([A-Za-z_][A-Za-z0-9_]*|[0-9]{1,3}|\?)\}")
_OPERATOR: Final = re.compile(r":-|:\+|:\?|%%|##|//|/#|/%|\^\^|,,|[-+?%#/^,]")
_SLICE: Final = re.compile(r":[ ]?(-?\d{1,6}|\([ ]?-\d{1,6}[ ]?\))(?::[ ]?(-?\d{1,6}))?\}")
_PLAIN_IN_WORD: Final = re.compile(r"[A-Za-z0-9_./:,@%+=-]+")
_REPLACEMENT: Final = re.compile(r"((?:[A-Za-z0-9_./:,;|@%+= -]|\\/)*)\}")


def dollar(cursor: Cursor, *, quoted: bool) -> Part | None:
    """Read what a dollar begins.

    Args:
        cursor: stands at the dollar.
        quoted: whether it stands in double quotes.

    Returns:
        None where the dollar stands for itself; then nothing was read.

    Raises:
        NotRead: it begins what is not understood.
    """
    if cursor.sees("$(("):
        cursor.at += 3
        found = expression(cursor)
        cursor.expect("))")
        return Arithmetic(found, quoted)
    if cursor.took("$("):
        cursor.deeper()
        body = cursor.script(cursor)
        cursor.expect(")")
        cursor.depth -= 1
        return Substitution(_file_read(body), quoted)
    if cursor.took("${"):
        return _braced(cursor, quoted=quoted)
    if cursor.sees("$["):
        raise NotRead("arithmetic", "$[…] is not understood; write $((…)).")
    match = _NAME.match(cursor.text, cursor.at)
    if match is not None:
        cursor.at = match.end()
        return _variable(match.group(1), quoted=quoted)
    if cursor.sees("$!") or cursor.sees("$-"):
        raise NotRead("parameter", f"{cursor.text[cursor.at : cursor.at + 2]} is not understood.")
    return None


def _variable(name: str, *, quoted: bool) -> Variable:
    if name == "_":
        raise NotRead("parameter", "$_ is not understood.")
    return Variable(name, quoted)


def _file_read(body: Script) -> Script:
    """``$(<file)`` as ``$(cat <file)``."""
    match body.lists:
        case (single,) if not single.rest and len(single.first.commands) == 1:
            command = single.first.commands[0]
            if isinstance(command, Simple) and not command.words and not command.assignments:
                return script_of(Simple((word_of("cat"),), (), command.redirections))
    return body


def backquoted(cursor: Cursor, *, quoted: bool) -> Script:
    """Read a command substitution in backquotes.

    Args:
        cursor: stands at the first backquote.
        quoted: whether it stands in double quotes, where a backslash goes before those too.

    Raises:
        NotRead: it is not closed, nested too deep, or not understood.
    """
    cursor.at += 1
    escapable = '$`\\"' if quoted else "$`\\"
    found = []
    while not cursor.took("`"):
        if cursor.ended:
            raise NotRead("quote", "A backquote is not closed.")
        behind = cursor.text[cursor.at + 1 : cursor.at + 2]
        if cursor.next == "\\" and behind and behind in escapable:
            found.append(behind)
            cursor.at += 2
        else:
            found.append(cursor.next)
            cursor.at += 1
    if cursor.backquotes >= MAX_BACKQUOTES:
        raise NotRead("depth", "Backquotes are nested too deep; write $(…).")
    inner = Cursor(
        "".join(found),
        cursor.script,
        depth=cursor.depth,
        backquotes=cursor.backquotes + 1,
        keyed=cursor.keyed,
    )
    inner.deeper()
    body = inner.script(inner)
    if not inner.ended or inner.awaited:
        raise inner.unexpected("between backquotes")
    if inner.begun:
        raise NotRead("document", "A here-document between backquotes is not understood; write $(…).")
    return _file_read(body)


def _braced(cursor: Cursor, *, quoted: bool) -> Part:
    length = _LENGTH.match(cursor.text, cursor.at)
    if length is not None:
        cursor.at = length.end()
        return Length(length.group(1), quoted)
    of_array = OF_ARRAY.match(cursor.text, cursor.at)
    if of_array is not None:
        return _of_array(cursor, of_array.group(2), of_array.group(1), quoted=quoted)
    if cursor.sees("!"):
        raise NotRead("parameter", "${!…}, a variable named by another one, is not understood.")
    match = _BRACED_NAME.match(cursor.text, cursor.at)
    if match is None:
        raise NotRead("parameter", "What stands behind ${ is not understood.")
    name = match.group()
    cursor.at = match.end()
    if cursor.took("}"):
        return _variable(name, quoted=quoted)
    if name in ("@", "*", "#", "$", "_"):
        raise NotRead("parameter", f"An operator on ${{{name}}} is not understood.")
    return _operated(cursor, name, quoted=quoted)


def _of_array(cursor: Cursor, name: str, sign: str, *, quoted: bool) -> Part:
    """``${name[…]…}``, ``${#name[…]}`` and ``${!name[@]}``."""
    cursor.at += len(sign) + len(name) + 1
    found = subscript(cursor, name)
    if sign == "!":
        if not isinstance(found, str):
            raise NotRead("parameter", "${!…}, a variable named by another one, is not understood.")
        cursor.expect("}")
        return Keys(name, found, quoted)
    if sign == "#":
        cursor.expect("}")
        return Element(Length(name, quoted), found)
    if cursor.took("}"):
        return Element(Variable(name, quoted), found)
    return Element(_operated(cursor, name, quoted=quoted), found)


def _operated(cursor: Cursor, name: str, *, quoted: bool) -> Slice | Parameter | Replace:
    slice_ = _SLICE.match(cursor.text, cursor.at)
    if slice_ is not None and not cursor.text.startswith(":-", cursor.at):
        cursor.at = slice_.end()
        start, count = slice_.groups()
        return Slice(name, int(start.strip("() ")), None if count is None else int(count), quoted)
    match = _OPERATOR.match(cursor.text, cursor.at)
    if match is None:
        raise NotRead("parameter", f"The operator behind ${{{name} is not understood.")
    operator = match.group()
    cursor.at = match.end()
    if operator in CASE_OPERATORS:
        cursor.expect("}")
        return Parameter(name, operator, (), quoted)
    if operator[0] == "/":
        pattern = _pattern(cursor, "/}")
        replacement = ""
        if cursor.took("/"):
            replaced = _REPLACEMENT.match(cursor.text, cursor.at)
            if replaced is None:
                raise NotRead("parameter", "The text behind ${…/…/ is not understood.")
            replacement = replaced.group(1).replace("\\/", "/")
            cursor.at = replaced.end() - 1
        cursor.expect("}")
        return Replace(name, operator, pattern, replacement, quoted)
    trims = operator in TRIM_OPERATORS
    word = _pattern(cursor, "}") if trims else _default(cursor, quoted=quoted)
    cursor.expect("}")
    return Parameter(name, operator, word, quoted)


def _default(cursor: Cursor, *, quoted: bool) -> tuple[Part, ...]:
    """The word of ``${name:-word}``: text that means the same in all quotes, and what expands."""
    from gateway.judge.shell.words import double_quoted  # noqa: PLC0415 - words hold words

    found: list[Part] = []
    while cursor.next not in ("}", ""):
        if cursor.next == "$":
            part = dollar(cursor, quoted=quoted)
            if part is None:
                raise NotRead("parameter", "A lone dollar in ${…} is not understood.")
            found.append(part)
        elif cursor.next == '"':
            found += double_quoted(cursor)
        elif cursor.next == "'" and not quoted:
            end = cursor.text.find("'", cursor.at + 1)
            found.append(Text(cursor.text[cursor.at + 1 : end] if end > 0 else "\n"))
            cursor.at = end + 1
        elif cursor.next == " " and quoted:
            found.append(Text(" "))
            cursor.at += 1
        else:
            plain = _PLAIN_IN_WORD.match(cursor.text, cursor.at)
            if plain is None:
                raise NotRead("parameter", f"{cursor.next!r} in ${{…}} is not understood.")
            found.append(Text(plain.group()))
            cursor.at = plain.end()
    for part in found:
        if isinstance(part, Text) and SAFE.fullmatch(part.text) is None:
            raise NotRead("parameter", "A text in ${…} holds characters that are not understood there.")
        if isinstance(part, Keys) or getattr(part, "every", False):
            raise NotRead("array", "Every element of an array inside another ${…} is not understood.")
    return joined(found)


def _pattern(cursor: Cursor, ends: str) -> tuple[Part, ...]:
    """The pattern of ``${name%pattern}``."""
    found: list[Part] = []
    begin = cursor.at
    while cursor.next not in (*ends, ""):
        character = cursor.next
        cursor.at += 1
        if character == "\\":
            found.append(Text(cursor.next))
            cursor.at += 1
        elif character in "*?":
            found.append(Wild(character))
        elif character == "[":
            cursor.at -= 1
            found.append(_pattern_bracket(cursor))
        elif character in "'\"":
            found += _quoted_pattern(cursor, character)
        elif character == "$":
            cursor.at -= 1
            found.append(_pattern_variable(cursor))
        elif character in "`~()|<>&;!{\n" and (character != "~" or cursor.at - 1 == begin):
            raise NotRead(
                "parameter", f"{character!r} in the pattern of ${{…}} is not understood; escape it."
            )
        else:
            found.append(Text(character))
    for part in found:
        if isinstance(part, Text) and ("\n" in part.text or not part.text.isascii()):
            raise NotRead("parameter", "A pattern in ${…} holds characters that are not understood there.")
    return joined(found)


def _quoted_pattern(cursor: Cursor, quote: str) -> list[Part]:
    end = cursor.text.find(quote, cursor.at)
    inner = cursor.text[cursor.at : end] if end >= 0 else "$"
    cursor.at = end + 1
    if quote == "'":
        if end < 0:
            raise NotRead("quote", "A single quote is not closed.")
        return [Text(inner)]
    variable = re.fullmatch(r"\$([A-Za-z_][A-Za-z0-9_]*)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}", inner)
    if variable is not None:
        return [Variable(variable.group(1) or variable.group(2), quoted=True)]
    if any(each in inner for each in "$`\\"):
        raise NotRead("parameter", "A quoted pattern in ${…} is not understood.")
    return [Text(inner)]


def _pattern_variable(cursor: Cursor) -> Variable:
    part = dollar(cursor, quoted=False)
    if not isinstance(part, Variable):
        raise NotRead("parameter", "Only a variable may stand in the pattern of ${…}.")
    return part


def _pattern_bracket(cursor: Cursor) -> Wild:
    from gateway.judge.shell.words import bracket  # noqa: PLC0415 - words hold words

    found = bracket(cursor)
    if not isinstance(found, Wild):
        raise NotRead("parameter", "A bracket in the pattern of ${…} is not understood; escape it.")
    return found
