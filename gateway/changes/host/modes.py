"""What ``chmod`` would make of a mode (POSIX, chmod; GNU coreutils, File permissions)."""

from __future__ import annotations

import re
from typing import Final

_CLAUSE = re.compile(r"(?P<who>[ugoa]*)(?P<acts>(?:[-+=](?:[ugo]|[rwxXst]*))+)")
_ACT = re.compile(r"([-+=])([ugo]|[rwxXst]*)")
_BITS: Final = {"r": 0o444, "w": 0o222, "x": 0o111}
_WHO: Final = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}
_SHIFT: Final = {"u": 6, "g": 3, "o": 0}
_ANY_X: Final = 0o111


def changed_mode(mode: int, typed: str) -> int | None:
    """Return the mode that a typed one makes of another, None where it can't be read.

    Args:
        mode: permission bits as they are.
        typed: octal or symbolic, such as ``0644`` or ``u+x,go=``.
    """
    if re.fullmatch(r"[0-7]{1,5}", typed):
        return int(typed, 8) & 0o7777
    for clause in typed.split(","):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            return None
        for sign, what in _ACT.findall(found["acts"]):
            mode = _applied(mode, found["who"], sign, what)
    return mode


def _applied(mode: int, who: str, sign: str, what: str) -> int:
    reach = 0
    for each in who or "a":
        reach |= _WHO[each]
    bits = _meant(mode, what) & reach
    if sign == "+":
        return mode | bits
    if sign == "-":
        return mode & ~bits
    return (mode & ~reach) | bits


def _meant(mode: int, what: str) -> int:
    """Return the bits that letters speak of, for everyone."""
    if what in _SHIFT and what:
        return ((mode >> _SHIFT[what]) & 0o7) * 0o111
    bits = 0
    for letter in what:
        if letter == "X":
            bits |= _ANY_X if mode & _ANY_X else 0
        elif letter == "s":
            bits |= 0o6000
        elif letter == "t":
            bits |= 0o1000
        else:
            bits |= _BITS[letter]
    return bits
