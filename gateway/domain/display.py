"""Text from people and machines is data: the one place that makes it safe to look at.

What a terminal or browser would obey or hide (escape sequences, other controls, bidirectional overrides,
zero-width and invisible characters) becomes visible instead. Markup of a particular output (HTML, rich) is
escaped by whoever writes that output.
"""

from __future__ import annotations

import unicodedata

_INVISIBLE = frozenset({0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0})
"""Letters and marks by category, and yet nothing to be seen."""

_NEUTRALISED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class _Table(dict[int, str]):
    """Code point → what is shown, filled as characters are met."""

    def __missing__(self, point: int) -> str:
        character = chr(point)
        if point < 0x20:
            shown = chr(0x2400 + point)
        elif point == 0x7F:
            shown = "\u2421"
        elif point in _INVISIBLE or unicodedata.category(character) in _NEUTRALISED:
            shown = f"<U+{point:04X}>"
        else:
            shown = character
        self[point] = shown
        return shown


_LINE = _Table()
_TEXT = _Table({0x09: "\t", 0x0A: "\n"})


def display(text: str | bytes, *, multiline: bool = False, limit: int | None = None) -> str:
    r"""Return text as it may be shown to a person: nothing in it is obeyed, nothing in it is hidden.

    Args:
        text: from anyone; bytes are taken for UTF-8, and what is not shows as ``\xNN``.
        multiline: keep newlines and tabs; a carriage return before a newline goes.
        limit: cut to so many characters, with a ``…`` that counts.

    Returns:
        Printable text; controls as ``␛`` and the like, other invisible characters as ``<U+202E>``.
    """
    if isinstance(text, bytes):
        # Four bytes to a character at most: what a limit cuts is not worth decoding.
        piece = text if limit is None else text[: 4 * limit + 4]
        text = piece.decode(errors="backslashreplace")
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    if text.isascii() and text.isprintable():
        return text
    if multiline:
        return text.replace("\r\n", "\n").translate(_TEXT)
    return text.translate(_LINE)


def counted(number: int, noun: str) -> str:
    """Return ``1 row``, ``2 rows``, ``1,024 rows``.

    Args:
        number: how many.
        noun: in the singular; its plural ends in s.
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
