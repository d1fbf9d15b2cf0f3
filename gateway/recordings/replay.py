"""Reading recordings again: sealed blocks, what a live session has not sealed yet, and then as it happens."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from gateway.domain.errors import ProofBroken
from gateway.recordings import block, frames, tail
from gateway.recordings.frames import Record, UnitFrame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from gateway.domain.ids import SessionId
    from gateway.recordings.live import Recording
    from gateway.recordings.recording import Recordings, Source
    from gateway.recordings.vault import Vault
    from gateway.recordings.watch import Skipped

T = TypeVar("T")

FOLLOW_SECONDS = 0.2
"""How late one sees, at most, what another process has recorded."""

_TEXT_BYTES = 16 << 20


class Texts:
    """Remembers the texts of a recording's units, so that a repeated one can be shown; bounded.

    Args:
        capacity: bytes kept; the oldest texts go first.
    """

    def __init__(self, capacity: int = _TEXT_BYTES) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._size = 0

    def of(self, unit: UnitFrame) -> bytes | None:
        """Return a unit's text, None where it repeats one that is no longer kept."""
        if unit.text is None:
            found = self._kept.get(unit.repeats or 0)
            if found is not None:
                self._kept.move_to_end(unit.repeats or 0)
            return found
        self._kept[unit.number] = unit.text
        self._size += len(unit.text)
        while self._size > self._capacity and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1])
        return unit.text


async def replay(recordings: Recordings, session: SessionId) -> AsyncIterator[Record]:
    """Yield a recording's frames in order, up to now where it is live.

    Args:
        recordings: of this gateway.
        session: whose.

    Raises:
        NotFound: there is no such session.
        Conflict: its key was destroyed by age.
        ProofBroken: what lies there was altered.
        StoreUnavailable: the store is away.
    """
    source = await recordings.source(session)
    until = None if source.live is None else source.live.frames
    async for record in _past(recordings.vault, session, source, until):
        yield record


async def follow(recordings: Recordings, session: SessionId, replica: str) -> AsyncIterator[Record | Skipped]:
    """Yield a live session's frames from its beginning, and then as they are written, until it ends.

    A slow reader never slows the session: it is told how many frames it did not see.

    Args:
        recordings: of this process.
        session: whose.
        replica: the process that runs it.

    Raises:
        NotFound: there is no such session, or it has just ended.
        Conflict: its key was destroyed by age.
        ProofBroken: what lies there was altered.
        StoreUnavailable: the store is away.
    """
    if replica != recordings.replica:
        async for record in _elsewhere(recordings, session, replica):
            yield record
        return
    recording = recordings.live(session)
    until, watch = recording.frames, recording.watch()
    try:
        source = await recordings.source(session)
        async for record in _past(recordings.vault, session, source, until):
            yield record
        async for seen in watch:
            yield seen
    finally:
        recording.unwatch(watch)


async def _elsewhere(recordings: Recordings, session: SessionId, replica: str) -> AsyncIterator[Record]:
    """Yield what another process records, as it comes onto the disk."""
    seen = blocks = 0
    while True:
        source = await recordings.source(session)
        known = recordings.tails_of(replica, session)
        async for found in in_thread(_written(recordings.vault, session, source, blocks, known)):
            for record in found:
                if record.number == seen:
                    yield record
                    seen += 1
        if source.blocks is None:
            return
        blocks = source.blocks
        await asyncio.sleep(
            FOLLOW_SECONDS
        )  # each look reads whole tails: a busy session gets no more of them


def _written(
    vault: Vault, session: SessionId, source: Source, start: int, tails: Iterator[Path]
) -> Iterator[list[Record]]:
    """Read the blocks from one on, and then the tails: what is in both comes twice."""
    blocks = vault.blocks(session, start)
    for sealed in blocks if source.blocks is None else islice(blocks, source.blocks - start):
        yield block.records(sealed, source.key)
    for path in tails:
        with suppress(FileNotFoundError, ProofBroken):  # sealed by now; or its header is being written
            header, data = tail.parse(path.read_bytes())
            whole, _ = frames.intact(data)
            yield list(frames.decode(data[:whole], header.first_frame))


async def _past(vault: Vault, session: SessionId, source: Source, until: int | None) -> AsyncIterator[Record]:
    async for found in in_thread(_batches(vault, session, source)):
        for record in found:
            if until is not None and record.number >= until:
                return
            yield record


def sealed_blocks(vault: Vault, session: SessionId, source: Source) -> Iterator[block.Block]:
    """Yield a recording's sealed blocks, as far as they may be read: the next may be half written now."""
    return islice(vault.blocks(session), source.blocks)


def _batches(vault: Vault, session: SessionId, source: Source) -> Iterator[list[Record]]:
    sequence = 0
    for sealed in sealed_blocks(vault, session, source):
        yield block.records(sealed, source.key)
        sequence += 1
    if source.live is not None:
        yield from _unsealed(vault, source.live, sequence)


def _unsealed(vault: Vault, live: Recording, sequence: int) -> Iterator[list[Record]]:
    """What was sealed while we read, and then the tails, copied while none of them can be dropped."""
    with live.sealing:
        sealed = list(islice(vault.blocks(live.session, sequence), live.generation - sequence))
        tails = [(tail.header.first_frame, tail.read()) for tail in live.unsealed_tails()]
        owed = live.owed if live.over and not live.complete else b""
    for found in sealed:
        yield block.records(found, live.key)
    for first, data in tails:
        yield list(frames.decode(data, first))
    if owed:
        yield list(frames.decode(owed, live.frames - 1))


async def in_thread(items: Iterator[T], *, at_once: int = 1) -> AsyncIterator[T]:
    """Yield from an iterator that blocks, without holding up the loop.

    Args:
        items: what to yield.
        at_once: so many are in memory at a time.
    """
    while True:
        batch, error = await asyncio.to_thread(_take, items, at_once)
        for item in batch:
            yield item
        if error is not None:
            raise error
        if len(batch) < at_once:
            return


def _take(items: Iterator[T], count: int) -> tuple[list[T], Exception | None]:
    """Take up to so many items, and what went wrong at the next one."""
    batch: list[T] = []
    try:
        batch.extend(islice(items, count))
    except Exception as error:  # noqa: BLE001 - raised again behind the items before it
        return batch, error
    return batch, None
