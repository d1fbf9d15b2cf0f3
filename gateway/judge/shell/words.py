"""Words: quotes, patterns, tildes, and what stands side by side in them."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.braces import Bare, Piece, expanded
from gateway.judge.shell.cursor import MAX_EXPANDED, Cursor, NotRead
from gateway.judge.shell.expansions import backquoted, dollar
from gateway.judge.shell.tree import (
    SAFE,
    Home,
    Part,
    Process,
    Substitution,
    Text,
    Variable,
    Wild,
    Word,
    in_one_piece,
    joined,
    pinned,
    spreads,
    text_of,
    word_of,
)
from gateway.judge.shell.tree_arrays import Element, Key, Keys

_PLAIN: Final = re.compile(r"[^\s;&|<>()'\"$`\\*?\[]+")
_FAST: Final = re.compile(r"[A-Za-z0-9_./:=+@%^-][A-Za-z0-9_./:=+@%^,-]*(?=[\s;|)]|\Z)")
_QUOTED: Final = re.compile(r"'([^']*)'(?=[\s;|)]|\Z)")
_SINGLE: Final = re.compile(r"'([^']*)'")
_DOUBLE: Final = re.compile(r"[^\"\\$`]+")
_BRACKET: Final = re.compile(
    r"\[([!^]?)(\]?(?:\[:(?:alpha|digit|alnum|upper|lower|space|blank|punct|print|graph|cntrl|xdigit):\]"
    r"|[^\]\[\s;&|<>()'\"$`\\/{}]){1,100}|\])\]"
)
_MAYBE_BRACKET: Final = re.compile(
    r"\[[!^]?\]?(?:[^\s;&|<>()\]/]|\\.|\"[^\"]{0,200}\"|'[^']{0,200}'){1,200}\]"
)
_TILDE: Final = re.compile(r"~([a-z_][a-z0-9_-]{0,31}|)(?=[/\s;&|<>()]|\Z)")
_TILDE_NAMED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=(?=~)")
_OTHER_TILDE: Final = re.compile(r"~[A-Za-z0-9_.+-]*(?=[/:\s;&|<>()]|\Z)")
_TILDE_IN_VALUE: Final = re.compile(r"~(?=[/:\s;&|<>()]|\Z)")
_STRANGE: Final = re.compile(
    "[\u0080-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180e\u2000-\u200f"
    "\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff]"
)
_IN_KEY: Final = re.compile(r"[A-Za-z0-9_./:,%+=-]+")


def words(cursor: Cursor) -> tuple[Word, ...]:
    """Read one word of the line, which braces may make several."""
    fast = _FAST.match(cursor.text, cursor.at)
    if fast is not None:
        cursor.at = fast.end()
        return (Word((Text(fast.group()),)),)
    fast = _QUOTED.match(cursor.text, cursor.at)
    if fast is not None:
        cursor.at = fast.end()
        return (word_of(fast.group(1)),)
    pieces = _named(cursor) or _pieces(cursor)
    if any(isinstance(piece, Bare) and "{" in piece.text for piece in pieces):
        found = expanded(pieces)
        cursor.expanded += len(found)
        if cursor.expanded > MAX_EXPANDED:
            raise NotRead("braces", f"Braces that make more than {MAX_EXPANDED} words are not understood.")
        commas = any(isinstance(piece, Bare) and "," in piece.text for piece in pieces)
        if (commas or len(found) > 1) and any(_misread(piece) for piece in pieces):
            raise NotRead("braces", "Braces beside an escaped brace or a lone dollar are not understood.")
        return tuple(_word(_with_home(each)) for each in found if each)
    return (_word(pieces),)


def _named(cursor: Cursor) -> list[Piece]:
    """Read ``name=~/x``, in which bash knows the tilde also where it is no assignment; nothing of others."""
    match = _TILDE_NAMED.match(cursor.text, cursor.at)
    if match is None:
        return []
    cursor.at = match.end()
    return [Bare(match.group()), *_pieces(cursor, value=True)]


def _dollar_last(pieces: list[Piece]) -> bool:
    """Whether nothing expands behind the last dollar that stands for itself."""
    for piece in reversed(pieces):
        if isinstance(piece, Bare) and "$" in piece.text:
            return True
        if getattr(piece, "quoted", True) is False:
            return False
    return False


def _with_home(pieces: list[Piece]) -> list[Piece]:
    """A word that braces have made, with a tilde at its beginning understood."""
    begin = "".join(piece.text for piece in pieces[:2] if isinstance(piece, Bare))
    if not begin.startswith("~") or not isinstance(pieces[0], Bare) or (begin == "~" and len(pieces) > 1):
        return pieces
    if begin != "~" and not begin.startswith("~/"):
        raise NotRead("tilde", "That form of ~ is not understood; write the folder out.")
    return [Home(), Bare(pieces[0].text[1:]), *pieces[1:]]


def _misread(piece: Piece) -> bool:
    """Whether bash counts in a piece what it should not when it looks for braces."""
    if isinstance(piece, Text):
        return any(each in piece.text for each in "{},")
    return isinstance(piece, Bare) and "$" in piece.text


def word(cursor: Cursor) -> Word:
    """Read one word in which braces stand for themselves, as behind ``case`` or in ``[[ ]]``."""
    return _word(_pieces(cursor))


def value(cursor: Cursor) -> Word:
    """Read what an assignment gives: nothing in it is split or matched against files."""
    return pinned(_word(_pieces(cursor, value=True)))


def key(cursor: Cursor) -> Key:
    """Read a subscript of an associative array and the bracket that closes it.

    Args:
        cursor: stands behind the bracket that opens it.

    Raises:
        NotRead: it holds more than plain text and variables.
    """
    found: list[Part] = []
    while not cursor.took("]"):
        plain = _IN_KEY.match(cursor.text, cursor.at)
        if plain is not None:
            cursor.at = plain.end()
            found.append(Text(plain.group()))
        elif cursor.next == "'":
            found.append(_single(cursor))
        elif cursor.next == '"':
            found += double_quoted(cursor)
        elif cursor.next == "$" and (part := dollar(cursor, quoted=True)) is not None:
            found.append(part)
        else:
            raise NotRead("array", "A subscript of an associative array is not understood; quote it.")
    for part in found:
        if not isinstance(part, Text | Variable) or getattr(part, "name", "") in ("@", "*"):
            raise NotRead("array", "Only text and variables may stand in a subscript.")
        if isinstance(part, Text) and SAFE.fullmatch(part.text) is None:
            raise NotRead("array", "A text in a subscript holds characters that are not understood there.")
    word_ = Word(joined(found))
    if text_of(word_) in ("", "@"):
        raise NotRead("array", "A subscript that is empty or @ is not understood.")
    return Key(word_)


def _word(pieces: list[Piece]) -> Word:
    parts = [Text(piece.text) if isinstance(piece, Bare) else piece for piece in pieces]
    if any(isinstance(piece, Bare) and "$" in piece.text for piece in pieces) and _dollar_last(pieces):
        # Bash does not split a word in which nothing expands behind a dollar that stands for itself.
        if any(isinstance(part, Element | Keys) for part in parts):
            raise NotRead("array", "An array beside a lone dollar is not understood; quote the dollar.")
        parts = [part if isinstance(part, Wild) else in_one_piece(part) for part in parts]
    others = sum(not isinstance(part, Text | Wild) for part in parts)
    if others > 1 and any(map(spreads, parts)) and not any(map(_is_text, parts)):
        # Of an empty array, what else stands in the same quotes decides whether there is a word.
        raise NotRead("array", "Every element of an array beside what expands is not understood.")
    return Word(joined(parts))


def _is_text(part: Part) -> bool:
    return isinstance(part, Text) and bool(part.text)


def _pieces(cursor: Cursor, *, value: bool = False) -> list[Piece]:
    """Read up to what ends a word; unquoted plain characters stay apart from quoted ones.

    Args:
        cursor: stands at the word's beginning.
        value: whether it is an assignment's value: tildes behind colons are meant too.

    Raises:
        NotRead: there is none, or something in it is not understood.
    """
    begin, text = cursor.at, cursor.text
    found: list[Piece] = []
    while cursor.at < len(text):
        character = text[cursor.at]
        if character == "~" and (home := _home(cursor, begin, value=value)) is not None:
            found.append(home)
        elif (plain := _PLAIN.match(text, cursor.at)) is not None:
            bare = _ordinary(_up_to_tilde(plain.group(), value=value))
            found.append(Bare(bare))
            cursor.at += len(bare)
        elif character == "'":
            found.append(_single(cursor))
        elif character == '"':
            found += double_quoted(cursor)
        elif character == "$":
            found.append(_dollar(cursor))
        elif character == "`":
            found.append(Substitution(backquoted(cursor, quoted=False)))
        elif character == "\\":
            found += _escaped(cursor)
        elif character in "*?":
            cursor.at += 1
            found.append(Wild(character))
        elif character == "[":
            found.append(bracket(cursor))
        elif character in "<>" and cursor.sees(character + "("):
            found.append(_process(cursor))
        else:
            break
    if cursor.at == begin and not value:
        raise cursor.unexpected()
    _check_brackets(found)
    if cursor.sees("("):
        raise NotRead("parenthesis", "An unquoted parenthesis inside a word is not understood; quote it.")
    return found


def _check_brackets(pieces: list[Piece]) -> None:
    """Let only words pass in which no bracket is open over something that expands, as in ``[$x]``.

    Raises:
        NotRead: one is.
    """
    opened = expands = False
    for piece in pieces:
        if piece == _OPENING:
            opened = True
        elif isinstance(piece, Bare | Wild):
            if opened and expands and "]" in piece.text:
                raise NotRead("pattern", "A pattern of characters that expand is not understood.")
        elif not isinstance(piece, Text):
            expands = opened


def _ordinary(text: str) -> str:
    """Unquoted characters, none of which only looks like another.

    Raises:
        NotRead: one does.
    """
    if not text.isascii() and (strange := _STRANGE.search(text)) is not None:
        raise NotRead(
            "character", f"The character U+{ord(strange.group()):04X} outside quotes is not understood."
        )
    return text


def _up_to_tilde(text: str, *, value: bool) -> str:
    return text[: text.index(":~") + 1] if value and ":~" in text else text


def _home(cursor: Cursor, begin: int, *, value: bool) -> Home | None:
    starts = cursor.at == begin
    if not starts and not (value and cursor.text[cursor.at - 1] == ":"):
        return None
    match = (_TILDE_IN_VALUE if value else _TILDE).match(cursor.text, cursor.at)
    if match is not None:
        cursor.at = match.end()
        return Home(match.group(1) if match.re.groups else "")
    if _OTHER_TILDE.match(cursor.text, cursor.at) is not None:
        raise NotRead("tilde", "That form of ~ is not understood; write the folder out.")
    return None


def _single(cursor: Cursor) -> Text:
    match = _SINGLE.match(cursor.text, cursor.at)
    if match is None:
        raise NotRead("quote", "A single quote is not closed.")
    cursor.at = match.end()
    return Text(match.group(1))


def double_quoted(cursor: Cursor) -> list[Part]:
    """Read a text in double quotes.

    Raises:
        NotRead: it is not closed, or something in it is not understood.
    """
    cursor.at += 1
    found: list[Part] = [Text("")]
    while not cursor.took('"'):
        match = _DOUBLE.match(cursor.text, cursor.at)
        if match is not None:
            cursor.at = match.end()
            found.append(Text(match.group()))
        elif cursor.ended:
            raise NotRead("quote", "A double quote is not closed.")
        else:
            found.append(inside_quotes(cursor, '$`"\\'))
    return list(joined(found[1:])) or [Text("")]


def inside_quotes(cursor: Cursor, escapable: str) -> Part:
    """Read ``$…``, a backquote or a backslash where text is quoted.

    Args:
        cursor: stands before it.
        escapable: characters before which a backslash goes; before others it stays.
    """
    character = cursor.next
    if character == "$":
        return dollar(cursor, quoted=True) or _literal_dollar(cursor)
    if character == "`":
        return Substitution(backquoted(cursor, quoted='"' in escapable), quoted=True)
    behind = cursor.text[cursor.at + 1 : cursor.at + 2]
    cursor.at += 2 if behind else 1
    if behind == "\n":
        return Text("")
    return Text(behind if behind and behind in escapable else "\\" + behind)


def _literal_dollar(cursor: Cursor) -> Text:
    cursor.at += 1
    if cursor.sees("\\\n"):
        raise NotRead("continuation", "A line continued behind a dollar is not understood.")
    return Text("$")


def _dollar(cursor: Cursor) -> Piece:
    if cursor.sees("$'"):
        return _ansi(cursor)
    if cursor.sees('$"'):
        raise NotRead("translation", 'Text in $"…", which is translated, is not understood; drop the dollar.')
    found = dollar(cursor, quoted=False)
    if cursor.sees("{") and found is not None and cursor.text[cursor.at - 1] not in "})`":
        raise NotRead("braces", "Braces right behind a variable are not understood; write ${name}{a,b}.")
    return found or Bare(_literal_dollar(cursor).text)


def _escaped(cursor: Cursor) -> list[Piece]:
    behind = cursor.text[cursor.at + 1 : cursor.at + 2]
    if not behind:
        raise NotRead("continuation", "The line ends in a backslash.")
    cursor.at += 2
    if behind == "\n":
        if cursor.text[cursor.at - 3] == "~" or (not cursor.ended and cursor.next not in " \t\n"):
            raise NotRead("continuation", "A line continued in the middle of a word is not understood.")
        return []
    if behind == "$" and cursor.sees("{"):
        raise NotRead("braces", "A brace behind an escaped dollar is not understood; quote both.")
    return [Text(behind)]


def bracket(cursor: Cursor) -> Wild | Bare:
    """Read what an opening bracket begins: a pattern, or itself.

    Raises:
        NotRead: it may be a pattern that is not understood.
    """
    match = _BRACKET.match(cursor.text, cursor.at)
    if match is not None:
        cursor.at = match.end()
        return Wild(match.group())
    if (maybe := _MAYBE_BRACKET.match(cursor.text, cursor.at)) is not None:
        raise NotRead(
            "pattern", f"The pattern {maybe.group()} is not understood; quote what stands for itself."
        )
    cursor.at += 1
    return _OPENING


def _process(cursor: Cursor) -> Process:
    if cursor.next == ">":
        raise NotRead("process", "Output into >(…) is not understood; use a pipe.")
    cursor.at += 2
    cursor.deeper()
    body = cursor.script(cursor)
    cursor.expect(")")
    cursor.depth -= 1
    return Process(body)


_OPENING: Final = Bare("[")

_ANSI: Final = re.compile(
    r"\\(?:([abeEfnrtv\\'\"?])|x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8}))"
    r"|([^\\']+)|(')"
)
_NAMED: Final = {
    "a": 7, "b": 8, "e": 27, "E": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11,
    "\\": 92, "'": 39, '"': 34, "?": 63,
}  # fmt: skip


def _ansi(cursor: Cursor) -> Text:
    """Read ``$'…'``; the characters that it names become bytes of UTF-8."""
    cursor.at += 2
    found = bytearray()
    while True:
        match = _ANSI.match(cursor.text, cursor.at)
        if match is None:
            raise NotRead("quote", "A text in $'…' is not closed, or an escape in it is not understood.")
        cursor.at = match.end()
        named, hexadecimal, octal, short, long, plain, closed = match.groups()
        if closed:
            break
        if plain:
            found += plain.encode()
        elif named:
            found.append(_NAMED[named])
        elif short or long:
            found += _encoded(int(short or long, 16))
        else:
            found.append(int(hexadecimal, 16) if hexadecimal else int(octal, 8) & 0xFF)
    try:
        text = found.decode()
    except UnicodeDecodeError:
        raise NotRead("character", "A text in $'…' is no UTF-8.") from None
    if any((each < " " and each not in "\t\n") or "\x7f" <= each <= "\x9f" for each in text):
        raise NotRead("character", "A control character in $'…' is not understood.")
    return Text(text)


def _encoded(code: int) -> bytes:
    try:
        return chr(code).encode()
    except (ValueError, UnicodeEncodeError, OverflowError):
        raise NotRead("character", "A text in $'…' names no character.") from None
