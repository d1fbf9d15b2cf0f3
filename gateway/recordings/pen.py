"""Writes frames into tails, and blocks: where a recording meets the kernel; plain twin of ``pen.pyx``."""

from __future__ import annotations

import errno
import os
from time import time_ns

from gateway.recordings.disk import write_whole
from gateway.recordings.frames import framed


def append(handle: int, payload: bytes, *, linked: bool) -> int:
    """Write a frame with its header, in one piece.

    Args:
        handle: of a file open for appending.
        payload: the frame's MessagePack, less than 4 GiB.
        linked: whether the file must still have a name: without one it takes writes that nobody would find.

    Returns:
        The frame's time, nanoseconds since 1970.

    Raises:
        OSError: it did not take the whole frame, or has no name any more.
    """
    now = time_ns()
    frame = framed(payload, now)
    if os.write(handle, frame) != len(frame):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if linked and os.fstat(handle).st_nlink == 0:
        raise OSError(errno.ENOENT, "the recordings folder is gone")
    return now


def keep(handle: int, data: bytes) -> None:
    """Write a block, and bring it onto the disk.

    Args:
        handle: of a file open for appending.
        data: of the block.

    Raises:
        OSError: it did not take all of it, or has no name any more.
    """
    write_whole(handle, data)
    os.fdatasync(handle)
    if os.fstat(handle).st_nlink == 0:
        raise OSError(errno.ENOENT, "the recordings folder is gone")
