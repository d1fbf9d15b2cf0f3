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
        data, self._held = self._held + data, b""
        at = 0  # a long log comes in thousands of frames at once: none of them copies the rest
        while at < len(data) and not self.raw:
            if self._rest:
                piece = data[at : at + self._rest]
                at += len(piece)
                self._rest -= len(piece)
                pieces.append((self._stream, piece))
                continue
            head = data[at : at + _HEAD.size]
            if not _may_be_head(head):
                self.raw = True
            elif len(head) < _HEAD.size:
                self._held = head
                return pieces
            else:
                kind, self._rest = _HEAD.unpack(head)
                self._stream, self.raw = _KINDS[kind], False
                at += _HEAD.size
        if at < len(data):
            pieces.append((STDOUT, data[at:]))
        return pieces


def _may_be_head(head: bytes) -> bool:
    return head[0] in _KINDS and not head[1:4].strip(b"\0")
