"""What Landlock is asked to keep (Linux ``Documentation/userspace-api/landlock.rst``)."""

from __future__ import annotations

import struct
from typing import Final

WRITE_FILE: Final = 1 << 1
_REMOVE_AND_MAKE: Final = sum(1 << bit for bit in range(4, 13))
_REFER: Final = 1 << 13
_TRUNCATE: Final = 1 << 14

SEES_TRUNCATION: Final = 3
"""The ABI from which opening for truncation and truncate(2) are kept."""
KEEPS_SIGNALS: Final = 6
"""The ABI from which signals and abstract unix sockets outside of the domain are kept."""
_HAS_NETWORK: Final = 4

_SCOPES: Final = 0b11
"""Abstract unix sockets, signals."""

WRITABLE: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")
"""Devices that swallow what is written to them, and the command's own terminal."""


def ruleset(abi: int) -> bytes:
    """Return ``struct landlock_ruleset_attr`` for a kernel of that ABI.

    Args:
        abi: at least 1.
    """
    files = WRITE_FILE | _REMOVE_AND_MAKE
    if abi > 1:
        files |= _REFER
    if abi >= SEES_TRUNCATION:
        files |= _TRUNCATE
    attributes = struct.pack("<Q", files)
    if abi >= _HAS_NETWORK:
        attributes += struct.pack("<Q", 0)
    if abi >= KEEPS_SIGNALS:
        attributes += struct.pack("<Q", _SCOPES)
    return attributes


def writable_rights(abi: int) -> int:
    """Return what is allowed on the files of :data:`WRITABLE`."""
    return WRITE_FILE | (_TRUNCATE if abi >= SEES_TRUNCATION else 0)
