"""Writes to a socket at once, as much as it takes; plain twin of ``outlet.pyx``."""

from __future__ import annotations

import os


def send(handle: int, data: bytes) -> int:
    """Write to a socket without waiting.

    Args:
        handle: of a non-blocking socket.
        data: not empty.

    Returns:
        How many bytes it took; 0: it would have to wait.

    Raises:
        OSError: the connection is broken.
    """
    try:
        return os.write(handle, data)
    except BlockingIOError:
        return 0
