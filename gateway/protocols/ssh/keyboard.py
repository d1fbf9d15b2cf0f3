"""What a person may type to what runs: the lock of full-screen programs, the modes of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.protocols.ssh.running import Running
    from gateway.terminal.programs import KeyLock

_ERASE: Final = 3
_LAST_CHARACTER: Final = 18
_DISABLED: Final = 255
_RUBS_OUT: Final = (0x08, 0x7F)
_RENAMED: Final = frozenset({33, 34, 35, 37, 52})
"""ISTRIP, INLCR, IGNCR, IUCLC, XCASE: one key arrives as another."""
_LAST_MODE: Final = 159


def modes_of(modes: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return the modes of a terminal that may be asked for: under those left out a key becomes another.

    Args:
        modes: opcode and value, as a client sent them (RFC 4254, section 8).
    """
    return {mode: value for mode, value in modes if 0 < mode <= _LAST_MODE and _keeps_keys(mode, value)}


def _keeps_keys(mode: int, value: int) -> bool:
    if mode > _LAST_CHARACTER:
        return mode not in _RENAMED
    if mode == _ERASE:
        return value in _RUBS_OUT
    return value == _DISABLED or (value < 0x20 and value not in _RUBS_OUT)


class Locked:
    """Passes on the keys that a full-screen program may be sent.

    Args:
        behind: what runs.
        lock: of its keys.
    """

    def __init__(self, behind: Running, lock: KeyLock) -> None:
        self._behind = behind
        self._lock = lock

    def fed(self, data: bytes) -> None:
        """Keys were typed; once the program has ended they are not its keys any more."""
        self._behind.fed(data if self._behind.ended else self._lock.pass_on(data))

    def fed_up(self) -> None:
        """Nothing more will be typed."""
        self._behind.fed_up()

    def hurry(self, *, hold: bool) -> None:
        """The client is slow, or reads again."""
        self._behind.hurry(hold=hold)

    def resized(self, size: tuple[int, int, int, int]) -> None:
        """The terminal has another size."""
        self._behind.resized(size)

    def signalled(self, name: str) -> None:
        """The client sent a signal."""
        self._behind.signalled(name)
