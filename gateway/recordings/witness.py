"""Witnesses: places outside the gateway's reach that hold its checkpoints."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Protocol

from gateway.domain.errors import ProofBroken
from gateway.recordings import note
from gateway.recordings.disk import sync_folder, write_whole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


class Witness(Protocol):
    """Takes checkpoints.

    Attributes:
        name: for people.
    """

    name: str

    async def publish(self, checkpoint: str) -> None:
        """Keep one checkpoint.

        Raises:
            OSError: it could not be kept.
            GlassgateError: likewise.
        """


class FileWitness:
    """A file that checkpoints are appended to, one behind the other; best on another disk or machine.

    Args:
        path: made where it is missing, with its folder.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"file {path}"
        self._path = path

    async def publish(self, checkpoint: str) -> None:
        """See :class:`Witness`."""
        await asyncio.to_thread(self._append, checkpoint)

    def _append(self, checkpoint: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not self._path.exists()
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            write_whole(handle, checkpoint.encode() + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        if fresh:
            sync_folder(self._path.parent)


class PortWitness:
    """A witness in another room's hands, such as a branch of a git remote.

    Args:
        name: for people.
        publish: takes the checkpoint's bytes.
    """

    def __init__(self, name: str, publish: Callable[[bytes], Awaitable[None]]) -> None:
        self.name = name
        self._publish = publish

    async def publish(self, checkpoint: str) -> None:
        """See :class:`Witness`."""
        await self._publish(checkpoint.encode())


def read_checkpoints(text: str) -> list[str]:
    """Return the checkpoints in a file that a witness kept: one, or many one behind the other.

    Raises:
        ProofBroken: there is none.
    """
    notes = note.split_notes(text)
    if not notes:
        raise ProofBroken("the file holds no checkpoint")
    return notes
