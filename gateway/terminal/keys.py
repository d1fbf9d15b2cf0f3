"""Bytes that a terminal sends → keys (ECMA-48; xterm's control sequences; UTF-8)."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

LONGEST_SEQUENCE: Final = 32
"""Bytes of an escape sequence; a longer one is no key and is dropped."""
MOST_PASTED: Final = 100_000
"""Characters that are taken from one paste."""


class Key(Enum):
    """What a key does in a line, named by its effect where terminals send several sequences for it."""

    ENTER = auto()
    TAB = auto()
    INTERRUPT = auto()
    END_OF_INPUT = auto()
    SUSPEND = auto()
    CLEAR = auto()
    ABORT = auto()
    SEARCH = auto()
    LEFT = auto()
    RIGHT = auto()
    WORD_LEFT = auto()
    WORD_RIGHT = auto()
    HOME = auto()
    END = auto()
    UP = auto()
    DOWN = auto()
    RUB_OUT = auto()
    DELETE = auto()
    RUB_OUT_WORD = auto()
    RUB_OUT_PART = auto()
    DELETE_PART = auto()
    KILL_TO_END = auto()
    KILL_TO_START = auto()
    YANK = auto()
    SWAP = auto()
    LAST_WORD = auto()


@dataclass(frozen=True, slots=True)
class Typed:
    """A character that goes into the line."""

    character: str


@dataclass(frozen=True, slots=True)
class Pasted:
    """Text that a terminal sent as a paste: its line ends run nothing."""

    text: str


Stroke: TypeAlias = Key | Typed | Pasted

_CONTROLS: Final = {
    0x01: Key.HOME,
    0x02: Key.LEFT,
    0x03: Key.INTERRUPT,
    0x04: Key.END_OF_INPUT,
    0x05: Key.END,
    0x06: Key.RIGHT,
    0x07: Key.ABORT,
    0x08: Key.RUB_OUT,
    0x09: Key.TAB,
    0x0A: Key.ENTER,
    0x0B: Key.KILL_TO_END,
    0x0C: Key.CLEAR,
    0x0D: Key.ENTER,
    0x0E: Key.DOWN,
    0x10: Key.UP,
    0x12: Key.SEARCH,
    0x14: Key.SWAP,
    0x15: Key.KILL_TO_START,
    0x17: Key.RUB_OUT_WORD,
    0x19: Key.YANK,
    0x1A: Key.SUSPEND,
    0x7F: Key.RUB_OUT,
}
_SEQUENCES: Final = {
    **{
        f"\x1b{lead}{letter}": key
        for lead in "[O"
        for letter, key in zip(
            "ABCDHF", (Key.UP, Key.DOWN, Key.RIGHT, Key.LEFT, Key.HOME, Key.END), strict=True
        )
    },
    **{
        f"\x1b[{number}~": key
        for number, key in ((1, Key.HOME), (7, Key.HOME), (4, Key.END), (8, Key.END), (3, Key.DELETE))
    },
    **{
        f"\x1b[1;{modifier}{letter}": key
        for modifier in (3, 5)
        for letter, key in (("C", Key.WORD_RIGHT), ("D", Key.WORD_LEFT))
    },
    "\x1bb": Key.WORD_LEFT,
    "\x1bf": Key.WORD_RIGHT,
    "\x1bd": Key.DELETE_PART,
    "\x1b\x7f": Key.RUB_OUT_PART,
    "\x1b\x08": Key.RUB_OUT_PART,
    "\x1b.": Key.LAST_WORD,
    "\x1b_": Key.LAST_WORD,
}
_PASTE_BEGINS: Final = "\x1b[200~"
_PASTE_ENDS: Final = "\x1b[201~"
_ESCAPE: Final = "\x1b"
_LINE_END: Final = re.compile(rb"[\r\n]")


class Keys:
    """Reads keys from what a terminal sends, in pieces of any size."""

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._pasting: list[str] | None = None
        self._pasted = 0

    def line(self, data: bytes) -> tuple[list[Stroke], bytes]:
        """Return the keys that are whole now, none behind an Enter, and what of the data is left there.

        Args:
            data: as it came.
        """
        strokes: list[Stroke] = []
        at = 0
        while at < len(data) and strokes[-1:] != [Key.ENTER]:
            end = _LINE_END.search(data, at)
            behind = end.end() if end else len(data)
            strokes += self.feed(data[at:behind])
            at = behind
        return strokes, data[at:]

    def feed(self, data: bytes) -> list[Stroke]:
        """Return the keys that are whole now; what is none is dropped.

        Args:
            data: as it came.
        """
        text = self._held + self._text.decode(data)
        self._held = ""
        strokes: list[Stroke] = []
        at = 0
        while at < len(text):
            if self._pasting is not None:
                at = self._paste(text, at, strokes)
            elif text[at] == _ESCAPE:
                at = self._sequence(text, at, strokes)
            else:
                self._plain(text[at], strokes)
                at += 1
        return strokes

    def _plain(self, character: str, strokes: list[Stroke]) -> None:
        key = _CONTROLS.get(ord(character))
        if key is not None:
            strokes.append(key)
        elif character.isprintable() and character != "\ufffd":
            strokes.append(Typed(character))

    def _sequence(self, text: str, at: int, strokes: list[Stroke]) -> int:
        """Read one escape sequence; return the place behind it."""
        end = _end_of_sequence(text, at)
        if end is None:
            if len(text) - at < LONGEST_SEQUENCE:
                self._held = text[at:]
            return len(text)
        sequence = text[at:end]
        if sequence == _PASTE_BEGINS:
            self._pasting, self._pasted = [], 0
        elif sequence in _SEQUENCES:
            strokes.append(_SEQUENCES[sequence])
        return end

    def _paste(self, text: str, at: int, strokes: list[Stroke]) -> int:
        """Collect a paste up to its end; return the place behind it."""
        assert self._pasting is not None
        end = text.find(_PASTE_ENDS, at)
        if end >= 0:
            self._collect(text[at:end])
            strokes.append(Pasted("".join(self._pasting)))
            self._pasting = None
            return end + len(_PASTE_ENDS)
        keep = next((n for n in range(len(_PASTE_ENDS) - 1, 0, -1) if text.endswith(_PASTE_ENDS[:n], at)), 0)
        self._collect(text[at : len(text) - keep])
        self._held = text[len(text) - keep :]
        return len(text)

    def _collect(self, text: str) -> None:
        assert self._pasting is not None
        kept = text[: max(0, MOST_PASTED - self._pasted)]
        self._pasted += len(kept)
        plain = kept.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
        self._pasting.append("".join(each for each in plain if each == "\n" or each.isprintable()))


def _end_of_sequence(text: str, at: int) -> int | None:
    """Return the place behind an escape sequence, None where it is not whole yet."""
    if len(text) - at < 2:
        return None
    second = text[at + 1]
    if second == "[":
        for place in range(at + 2, min(len(text), at + LONGEST_SEQUENCE)):
            if "@" <= text[place] <= "~":
                return place + 1
            if not " " <= text[place] <= "?":
                return place
        return None if len(text) - at < LONGEST_SEQUENCE else at + LONGEST_SEQUENCE
    if second == "O":
        return at + 3 if len(text) - at >= 3 else None
    return at + 2
