"""Tails: the frames of a live session that are not sealed yet, in the kernel's hands before anything runs.

A session's tail is one small file a generation; generation *n* becomes block *n*, so that after a kill it is
plain which frames are sealed already. The newest generation's file exists as long as the session is open:
that file is how a restarted gateway finds the sessions it must close. Its first bytes hold what is needed
to seal it without the store: the session and its wrapped key.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from typing import TYPE_CHECKING

import msgspec

from gateway.domain.errors import ProofBroken
from gateway.domain.ids import SessionId
from gateway.recordings.disk import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAGIC = b"GGT1"
_PRELUDE = struct.Struct("<4sII")


class TailHeader(msgspec.Struct, frozen=True, array_like=True):
    """What a tail says of itself before its frames.

    Attributes:
        session: whose frames.
        generation: which block they become.
        first_frame: place of its first frame among all frames of the recording.
        wrapped_key: the session's key under the master key.
    """

    session: int
    generation: int
    first_frame: int
    wrapped_key: bytes

    def pack(self) -> bytes:
        """Return the header's bytes: magic, length, CRC-32, MessagePack."""
        payload = msgspec.msgpack.encode(self)
        return _PRELUDE.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload


class Tail:
    """One generation, open for appending and for reading back. Mutable: each frame changes it.

    Attributes:
        path: its file.
        header: what it says of itself.
        handle: open file descriptor; frames stay readable through it even when the file's name is gone.
        start: where frames begin.
        size: bytes known to be whole, header included.
        times: when each frame was written.
    """

    __slots__ = ("handle", "header", "path", "size", "start", "times")

    def __init__(self, path: Path, header: TailHeader, handle: int, start: int) -> None:
        self.path = path
        self.header = header
        self.handle = handle
        self.start = start
        self.size = start
        self.times: list[int] = []

    @classmethod
    def create(cls, folder: Path, header: TailHeader) -> Tail:
        """Make a new generation's file.

        Raises:
            OSError: the disk is full, or the folder is gone.
        """
        path = folder / f"{header.session}.{header.generation}.tail"
        packed = header.pack()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            write_whole(handle, packed)
        except OSError:
            os.close(handle)
            path.unlink(missing_ok=True)
            raise
        return cls(path, header, handle, len(packed))

    def read(self) -> bytes:
        """Return the frames, without what was half written behind them."""
        parts, offset = [], self.start
        while offset < self.size:
            part = os.pread(self.handle, self.size - offset, offset)
            if not part:
                raise OSError(errno.EIO, "the tail is shorter than what was written to it")
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def cut(self) -> None:
        """Remove what was half written; where even that fails, ``size`` still says what is whole."""
        try:
            os.ftruncate(self.handle, self.size)
        except OSError:
            return

    def drop(self) -> None:
        """Its frames are sealed and synced: the file goes."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Close the descriptor and leave the file."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def found(folder: Path, session: SessionId | None = None) -> Iterator[Path]:
    """Yield the tails in a folder, of one session or all, by session and generation."""
    named = folder.glob("*.tail" if session is None else f"{session}.*.tail")
    paths = [path for path in named if path.name.removesuffix(".tail").replace(".", "").isdecimal()]
    yield from sorted(paths, key=lambda path: tuple(int(part) for part in path.name.split(".")[:2]))


def parse(data: bytes) -> tuple[TailHeader, bytes]:
    """Split a tail's file into its header and what follows.

    Raises:
        ProofBroken: it does not begin as a tail does.
    """
    try:
        magic, length, crc = _PRELUDE.unpack_from(data)
        payload = data[_PRELUDE.size : _PRELUDE.size + length]
        if magic != _MAGIC or zlib.crc32(payload) != crc:
            raise ProofBroken("a tail's header is damaged")
        return msgspec.msgpack.decode(payload, type=TailHeader), data[_PRELUDE.size + length :]
    except (struct.error, msgspec.DecodeError) as error:
        raise ProofBroken("a tail's header is cut short") from error


def session_of(path: Path) -> SessionId:
    """Return the session that a tail's file name tells."""
    return SessionId(int(path.name.split(".", 1)[0]))
