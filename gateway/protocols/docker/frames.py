"""The engine's frames of two output streams in one: eight bytes of head, then a piece of one of them.

Source: "Stream format" of the operation ContainerAttach in the Docker Engine API.
"""

from __future__ import annotations

import struct
from typing import Final

STDOUT: Final = 1
STDERR: Final = 2

_HEAD: Final = struct.Struct(">B3xI")
_KINDS: Final = {0: STDOUT, 1: STDOUT, 2: STDERR, 3: STDERR}
"""Standard input's are shown as output; the last are the engine's own errors."""


def frame(stream: int, data: bytes) -> bytes:
    """Return a piece of a stream in its frame."""
    return _HEAD.pack(stream, len(data)) + data


class Unframed:
    """Takes frames apart; what does not look like one is raw output, as a terminal's is.

    Attributes:
        raw: whether no frames come; None: nothing has come yet.
    """

    def __init__(self) -> None:
        self.raw: bool | None = None
        self._held = b""
        self._stream = STDOUT
        self._rest = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take bytes.

        Returns:
            Pieces, each with its stream.
        """
        pieces: list[tuple[int, bytes]] = []
        while data and not self.raw:
            if self._rest:
                piece, data = data[: self._rest], data[self._rest :]
                self._rest -= len(piece)
                pieces.append((self._stream, piece))
                continue
            self._held += data
            if len(self._held) < _HEAD.size and self._may_be_head():
                return pieces
            if not self._may_be_head():
                self.raw = True
                data, self._held = self._held, b""
                break
            kind, self._rest = _HEAD.unpack_from(self._held)
            self._stream, self.raw = _KINDS[kind], False
            data, self._held = self._held[_HEAD.size :], b""
        if data:
            pieces.append((STDOUT, data))
        return pieces

    def _may_be_head(self) -> bool:
        return self._held[0] in _KINDS and not self._held[1:4].strip(b"\0")
