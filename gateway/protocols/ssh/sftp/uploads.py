"""Files that a client would have written: taken in, never sent on, for a change request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.domain.host import Known, Written

if TYPE_CHECKING:
    from gateway.domain.unit import Refused
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.units import ShellUnit

MOST_BYTES: Final = 4 << 20
"""Of one upload; a change request takes no more."""
MOST_UPLOADS: Final = 16
"""Open at once on one channel."""
MOST_HELD: Final = 32 << 20
"""Bytes of all uploads of one connection."""


@dataclass(slots=True)
class Stock:
    """What the uploads of one connection may still hold together.

    Attributes:
        left: bytes.
    """

    left: int = MOST_HELD

    def take(self, count: int) -> bool:
        """Take some bytes; return whether they were left."""
        if count > self.left:
            return False
        self.left -= count
        return True


@dataclass(slots=True)
class Upload:
    """One file on its way into a change request.

    Attributes:
        refused: the OPEN that asked for it.
        stock: what its bytes are taken from.
        path: on the host.
        appended: whether its bytes go behind those that are there.
        mode: permission bits that were asked for; None: none were.
        content: its bytes so far.
        overfull: whether it is longer than a change request takes.
    """

    refused: Refused[ShellUnit, ShellJudgement]
    stock: Stock
    path: str
    appended: bool
    mode: int | None = None
    content: bytearray = field(default_factory=bytearray)
    overfull: bool = False

    def put(self, offset: int, data: bytes) -> None:
        """Take a piece.

        Args:
            offset: where it stands in the file; with ``appended`` all pieces follow each other.
            data: its bytes.
        """
        at = len(self.content) if self.appended else offset
        more = max(0, at + len(data) - len(self.content))
        if self.overfull or at + len(data) > MOST_BYTES or not self.stock.take(more):
            self.drop()
            self.overfull = True
            return
        if at > len(self.content):
            self.content += bytes(at - len(self.content))
        self.content[at : at + len(data)] = data

    def drop(self) -> None:
        """Hold its bytes no longer."""
        self.stock.left += len(self.content)
        self.content.clear()

    def written(self) -> Written:
        """Return what it would have written."""
        content = None if self.overfull else Known(bytes(self.content))
        return Written(self.path, content, appended=self.appended, mode=self.mode)
