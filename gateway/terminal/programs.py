"""Keys that full-screen programs may be sent: a second lock behind their own secure modes.

A key that is not in a program's table is dropped. Programs that read text after a key (a pattern to search
for) get it up to Enter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_ESCAPE: Final = 0x1B
_QUIT: Final = ord("q")
_ENDS_TEXT: Final = frozenset(b"\r\n\x03\x07\x1b")
_MOVES: Final = b"\x03\x0c\r\n \t"
_RUBS_OUT: Final = frozenset({0x08, 0x7F})
_TURNS_SEARCH: Final = frozenset(b"!*@")
"""At the beginning of a pattern less takes them for a way to search, not for text."""
_MOST_COUNTED: Final = 64
"""Characters of a text that are known to be there: a program may take no more than its line is long."""


@dataclass(frozen=True, slots=True)
class Table:
    """Keys of one program.

    Attributes:
        harmless: single keys.
        text: keys behind which text is typed, up to Enter.
        helping: keys that show a help screen, on which a key of ``text`` asks for nothing; ``q`` leaves it.
        sequences: whether arrow keys and their like are sent on.
        dotted: keys in whose place a dot is sent within text, which a pattern matches likewise: they do
            something in programs of that name that don't take the text for one.
    """

    harmless: frozenset[int]
    text: frozenset[int] = frozenset()
    helping: frozenset[int] = frozenset()
    sequences: bool = True
    dotted: frozenset[int] = frozenset()


def shared(tables: Iterable[Table]) -> Table:
    """Return the table of several programs, one of which reads the keys: what is the same in all of them.

    Args:
        tables: at least one.
    """
    first, *others = tables
    for each in others:
        first = Table(
            first.harmless & each.harmless,
            first.text & each.text,
            first.helping | each.helping,
            first.sequences and each.sequences,
            first.dotted | each.dotted,
        )
    return first


def _table(harmless: bytes, text: bytes = b"", help_by: bytes = b"", dotted: bytes = b"") -> Table:
    keys = frozenset(_MOVES + harmless)
    return Table(keys, frozenset(text), frozenset(help_by), dotted=frozenset(dotted))


# The less of busybox (miscutils/less.c) knows no secure mode and no "&"; there, "s" writes a file, and "E"
# and ":e" open another. Where it was built without patterns, or has read a number too large, it takes what is
# typed behind "/" for keys.
_LESS: Final = _table(
    b"jkeyuzwdbfgGpnNqQhHrRFJKYBZ<>%0123456789\x0b\x0e\x10\x05\x19\x04\x15\x06\x02\x16\x12{}()[]=.",
    b"/?",
    dotted=b"sE:",
)
TABLES: Final[Mapping[str, Table]] = {
    "less": _LESS,
    "zless": _LESS,
    "man": _LESS,
    "more": _table(b"bdfhqszn=.'0123456789\x04\x02", b"/"),
    "top": _table(b"qH?hcClmt1234bxyzRPMTNVIS<>eE0iGJjAaFXv=&", b"uUoOLg", help_by=b"h?"),
    "htop": _table(b"qhH?tIFMPTNpKw\x03+-*", b"/\\", help_by=b"h?"),
    "watch": _table(b"q", b""),
    "atop": _table(b"qtTgmdsuncpPAz\x06\x02", b""),
    "iotop": _table(b"qorap", b""),
}
"""By program's name. Left out: of less ``&``, ``E``, ``!``, ``|``, ``s``, ``o``, ``v``, ``:``, ``+``, ``-``,
``m``; of top ``k``, ``r``, ``W``, ``Y``, ``d``, ``f``, ``Z``; of htop ``k``, ``s``, ``l``, ``i``, ``a``, F7
to F9."""


class KeyLock:
    """Passes on what a program may be sent.

    Args:
        table: its keys.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._typing = False
        self._typed = 0
        self._helping = False
        self._sequence = b""

    def pass_on(self, data: bytes) -> bytes:
        """Return what of some keys is sent on.

        Args:
            data: as typed.
        """
        out = bytearray()
        for key in data:
            if self._sequence:
                out += self._continued(key)
            elif self._typing:
                out += self._text(key)
            elif key == _ESCAPE:
                self._sequence = b"\x1b"
            elif key in self._table.text:
                if not self._helping:
                    self._typing, self._typed = True, 0
                    out.append(key)
            elif key in self._table.harmless:
                self._helping = key in self._table.helping or (self._helping and key != _QUIT)
                out.append(key)
        return bytes(out)

    def _text(self, key: int) -> bytes:
        """Return what of a key is sent to a program that reads text.

        Rubbing out more than was typed leaves the text, so what the program holds is counted, and never
        taken for more than it is.
        """
        if key in _RUBS_OUT:
            self._typing = self._typed > 0
            self._typed -= 1
        elif key in _ENDS_TEXT:
            self._typing = False
        elif key < 0x20:
            return b""
        elif key < 0x80 and (self._typed or key not in _TURNS_SEARCH):
            self._typed = min(self._typed + 1, _MOST_COUNTED)
        return b"." if key in self._table.dotted else bytes([key])

    def _continued(self, key: int) -> bytes:
        """Collect an escape sequence; return it once it is one that moves, nothing else."""
        self._sequence += bytes([key])
        if len(self._sequence) == 2 and key not in b"[O":
            self._sequence = b""
            return b""
        if len(self._sequence) > 2 and 0x40 <= key <= 0x7E:
            whole, self._sequence = self._sequence, b""
            return whole if self._table.sequences and _moves(whole) else b""
        if len(self._sequence) > 8 or not 0x20 <= key <= 0x7E:
            self._sequence = b""
        return b""


def _moves(sequence: bytes) -> bool:
    """Whether a sequence is an arrow, Home, End, Page Up or Page Down."""
    if sequence[2:3] in b"ABCDHF" and len(sequence) == 3:
        return True
    return sequence in (b"\x1b[1~", b"\x1b[4~", b"\x1b[5~", b"\x1b[6~", b"\x1b[7~", b"\x1b[8~")
