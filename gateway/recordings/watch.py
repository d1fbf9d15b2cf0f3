"""Watching a live recording: bounded, and never slower for the session than a list append."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.recordings.frames import Record

WATCH_FRAMES = 2_000
"""So many frames wait for a watcher; what comes on top is skipped, and it is told."""

WATCH_BYTES = 4 << 20
"""The same in bytes."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """The watcher was too slow; the recording itself has everything.

    Attributes:
        frames: how many it did not see at this place.
    """

    frames: int


class Watch:
    """One watcher's view of a live recording, from now on: an async iterator of records.

    Args:
        capacity: frames that may wait.
    """

    __slots__ = ("_capacity", "_ended", "_records", "_size", "_skipped", "_wake")

    def __init__(self, capacity: int = WATCH_FRAMES) -> None:
        self._capacity = capacity
        self._records: deque[tuple[Record, int]] = deque()
        self._size = 0
        self._skipped = 0
        self._ended = False
        self._wake = asyncio.Event()

    def offer(self, record: Record, size: int) -> None:
        """Hand over one frame of so many bytes, or count it as skipped."""
        full = len(self._records) >= self._capacity or self._size + size > WATCH_BYTES
        if self._skipped or (full and self._records):
            self._skipped += 1
        else:
            self._records.append((record, size))
            self._size += size
        self._wake.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._wake.set()

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Record | Skipped:
        while True:
            if self._records:
                record, size = self._records.popleft()
                self._size -= size
                return record
            if self._skipped:
                skipped, self._skipped = self._skipped, 0
                return Skipped(skipped)
            if self._ended:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
