"""What a terminal shows of a prompt and a line that may be wider than it (ECMA-48)."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_NARROWEST: Final = 10
_LINE_FEED: Final = "↵"
_MOST_COLUMNS: Final = 200
"""Words that are shown at once; more are counted."""


def width_of(text: str) -> int:
    """Return how many cells a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Screen:
    """The rows that a line takes, as far as they were painted.

    Args:
        width: in cells.
    """

    def __init__(self, width: int) -> None:
        self._width = max(_NARROWEST, width)
        self._row = 0
        self._rows = 0
        self._end = 0
        self._whole = False

    def forget(self) -> None:
        """What was painted stays: the next line begins below."""
        self._row = self._rows = self._end = 0

    def clear(self) -> None:
        """The next painting begins at the screen's top."""
        self._whole = True

    def resized(self, width: int) -> bytes:
        """The terminal has another width."""
        away = self._home()
        self._width = max(_NARROWEST, width)
        return away

    def takes(self, character: str) -> bool:
        """Whether a character at the line's end is all that must be written: one cell, on the same row."""
        return character.isascii() and (self._end + 1) % self._width != 0 and self._end > 0

    def append(self, character: str) -> bytes:
        """Write a character at the line's end, where :meth:`takes` said so."""
        self._end += 1
        return character.encode()

    def paint(self, prompt: str, text: str, cursor: int) -> bytes:
        r"""Write prompt and line, the cursor at a character of the line.

        Args:
            prompt: plain text, or with colour between ``\x1b[`` and ``m``.
            text: the line.
            cursor: place in it.
        """
        shown = text.replace("\n", _LINE_FEED)
        begin = _walk(0, _plain(prompt), self._width)
        place = _walk(begin, shown[:cursor], self._width)
        end = _walk(place, shown[cursor:], self._width)
        out = [self._clean(), prompt.encode(), shown.encode()]
        if end and end % self._width == 0:
            out.append(b"\r\n")
        rows = end // self._width
        row, column = divmod(place, self._width)
        if rows > row:
            out.append(f"\x1b[{rows - row}A".encode())
        if place != end or end % self._width == 0:
            out.append(b"\r" + (f"\x1b[{column}C".encode() if column else b""))
        self._row, self._rows, self._end = row, rows, end
        return b"".join(out)

    def leave(self) -> bytes:
        """Go to the row below the line."""
        down = f"\x1b[{self._rows - self._row}B".encode() if self._rows > self._row else b""
        self._row = self._rows
        return down + b"\r\n"

    def columns(self, words: Sequence[str]) -> bytes:
        """Return words in columns, each row ended."""
        shown = list(words[:_MOST_COLUMNS])
        cell = min(self._width, max(map(width_of, shown)) + 2)
        across = max(1, self._width // cell)
        rows = [shown[at : at + across] for at in range(0, len(shown), across)]
        lines = ["".join(word + " " * (cell - width_of(word)) for word in row).rstrip() for row in rows]
        if len(words) > len(shown):
            lines.append(f"… and {len(words) - len(shown)} more")
        return "".join(f"{line}\r\n" for line in lines).encode()

    def _clean(self) -> bytes:
        """Go to the line's first row and empty what is below."""
        if self._whole:
            self._whole = False
            return b"\x1b[H\x1b[2J"
        return self._home() + b"\x1b[J" if self._end or self._rows else b"\r\x1b[J"

    def _home(self) -> bytes:
        up = f"\x1b[{self._row}A".encode() if self._row else b""
        self._row = 0
        return up + b"\r"


def _walk(at: int, text: str, width: int) -> int:
    """Return the cell behind a text that begins at a cell; a wide character never breaks over two rows."""
    if text.isascii():
        return at + len(text)
    for character in text:
        cells = _cells(character)
        if cells == 2 and at % width == width - 1:
            at += 1
        at += cells
    return at


def _plain(prompt: str) -> str:
    """Return a prompt without its colours."""
    parts = prompt.split("\x1b[")
    return parts[0] + "".join(part.partition("m")[2] for part in parts[1:])
