"""Keys that full-screen programs may be sent: a second lock behind their own secure modes.

A key that is not in a program's table is dropped. Programs that read text after a key (a pattern to search
for) get it up to Enter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_ESCAPE: Final = 0x1B
_ENTER: Final = frozenset(b"\r\n")
_ENDS_TEXT: Final = frozenset(b"\r\n\x03\x07\x1b")
_MOVES: Final = b"\x03\x0c\r\n \t"


@dataclass(frozen=True, slots=True)
class Table:
    """Keys of one program.

    Attributes:
        harmless: single keys.
        text: keys behind which text is typed, up to Enter.
        sequences: whether arrow keys and their like are sent on.
    """

    harmless: frozenset[int]
    text: frozenset[int] = frozenset()
    sequences: bool = True


def _table(harmless: bytes, text: bytes = b"") -> Table:
    return Table(frozenset(_MOVES + harmless), frozenset(text))


_LESS: Final = _table(
    b"jkeyuzwdbfgGpnNqQhHrRFJKEYBZ<>%0123456789\x0b\x0e\x10\x05\x19\x04\x15\x06\x02\x16\x12{}()[]=.", b"/?&"
)
TABLES: Final[Mapping[str, Table]] = {
    "less": _LESS,
    "zless": _LESS,
    "man": _LESS,
    "more": _table(b"bdfhqszn=.'0123456789\x04\x02", b"/"),
    "top": _table(b"qhH?cClmt1234bxyzRPMTNVIS<>eE0iGJjAaFXv=", b"uUoOLg&"),
    "htop": _table(b"qhH?tIFMPTNpKw\x03+-*", b"/\\"),
    "watch": _table(b"q", b""),
    "atop": _table(b"qtTgmdsuncpPAz\x06\x02", b""),
    "iotop": _table(b"qorap", b""),
}
"""By program's name. Left out: of less ``!``, ``|``, ``s``, ``o``, ``v``, ``:``, ``+``, ``-``, ``m``; of top
``k``, ``r``, ``W``, ``Y``, ``d``, ``f``, ``Z``; of htop ``k``, ``s``, ``l``, ``i``, ``a``, F7 to F9."""


class KeyLock:
    """Passes on what a program may be sent.

    Args:
        table: its keys.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._typing = False
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
                self._typing = key not in _ENDS_TEXT
                if key >= 0x20 or key in _ENDS_TEXT or key in (0x08, 0x7F, 0x15):
                    out.append(key)
            elif key == _ESCAPE:
                self._sequence = b"\x1b"
            elif key in self._table.text:
                self._typing = True
                out.append(key)
            elif key in self._table.harmless:
                out.append(key)
        return bytes(out)

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
