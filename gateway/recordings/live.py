"""A live recording: every frame stands in the kernel's hands before its unit may run."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from time import time_ns
from typing import TYPE_CHECKING

from gateway.domain.errors import RecordingLost
from gateway.domain.ids import SessionId
from gateway.recordings import block
from gateway.recordings.disk import sync_folder
from gateway.recordings.frames import (
    HEADER,
    MAX_FRAME_BYTES,
    Ended,
    Frame,
    Opened,
    Output,
    Probed,
    Record,
    UnitFrame,
    encode,
    encode_payload,
)
from gateway.recordings.pen import append
from gateway.recordings.sealing import Facts
from gateway.recordings.tail import Tail, TailHeader
from gateway.recordings.watch import WATCH_FRAMES, Watch
from gateway.store.blocks import Progress

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

_HEADER_BYTES = HEADER.size


class RecordingFull(RecordingLost):
    """The recording has reached the endpoint's size limit: nothing further is run in that session."""


class Recording:
    """A live recording. Made by ``Recordings.open_recording`` only.

    Args:
        opened: the first frame, with the session's number.
        started_us: when the session's row was made, microseconds since 1970.
        key: the recording's own key, 32 bytes.
        wrapped_key: the same under the master key.
        tails: folder of this gateway's tails.
        max_bytes: a unit or output that would take the recording past it raises RecordingFull.
        keep_days: age at which the key is destroyed.
        executor: threads for synchronising.
        rotated: called when there is a generation to seal.
        closed: seals what is left once the last frame is written.

    Attributes:
        session: the session's number.
        opened: the first frame.
        on_lost: called once when the recording can't be written any more, also between writes.
        previous: hash of the last sealed block.
        generation: which block is sealed next.
        complete: whether the final block is sealed.
        over: nothing is written any more.
        unsealed: generations that wait to be sealed, oldest first.
        ended: the last frame, once closing.
        owed: the last frame's bytes where they could not be written: sealing adds them.
        frames: frames written.
        units: units written.
        refused: of these, not admitted.
        bytes: size of all frames.
    """

    __slots__ = (
        "_closed",
        "_executor",
        "_filled",
        "_folder",
        "_lost",
        "_max_bytes",
        "_named",
        "_rotated",
        "_synced",
        "_syncing",
        "_tail",
        "_watches",
        "bytes",
        "complete",
        "ended",
        "ended_ns",
        "frames",
        "generation",
        "keep_days",
        "key",
        "on_lost",
        "opened",
        "over",
        "owed",
        "previous",
        "probed",
        "refused",
        "sealing",
        "session",
        "started_us",
        "units",
        "unsealed",
        "wrapped_key",
    )

    def __init__(
        self,
        *,
        opened: Opened,
        started_us: int,
        key: bytes,
        wrapped_key: bytes,
        tails: Path,
        max_bytes: int,
        keep_days: int,
        executor: Executor,
        rotated: Callable[[Recording], None],
        closed: Callable[[Recording], Awaitable[None]],
    ) -> None:
        self.session = SessionId(opened.session)
        self.opened = opened
        self.probed = Probed(opened.level, opened.layers, opened.findings)
        self.started_us = started_us
        self.key = key
        self.wrapped_key = wrapped_key
        self.keep_days = keep_days
        self.on_lost: Callable[[RecordingLost], None] | None = None
        self.previous = block.NO_BLOCK
        self.unsealed: deque[Tail] = deque()
        self.sealing = threading.Lock()
        self.generation = 0
        self.complete = self.over = False
        self.ended: Ended | None = None
        self.owed = b""
        self.ended_ns = 0
        self.frames = self.units = self.refused = self.bytes = 0
        self._folder = tails
        self._max_bytes = max_bytes
        self._executor = executor
        self._rotated = rotated
        self._closed = closed
        self._watches: tuple[Watch, ...] = ()
        self._lost: RecordingLost | None = None
        self._filled: RecordingFull | None = None
        self._synced = 0
        self._named = -1
        self._syncing = asyncio.Lock()
        self._tail: Tail | None = None
        try:
            self._tail = Tail.create(tails, TailHeader(self.session, 0, 0, wrapped_key))
            self.write(opened)
        except OSError as error:
            raise self._unwritable(error) from error
        except RecordingLost:
            self.abandon()
            raise

    # ---- writing ---------------------------------------------------------------------------------

    def write(self, frame: Frame) -> None:
        """Append one frame. When this returns, a killed gateway does not lose it: a plain call of a few µs.

        Args:
            frame: what happened.

        Raises:
            RecordingFull: a unit or output would take the recording past its limit.
            RecordingLost: it could not be written, now or before; nothing further may run.
        """
        tail = self._tail
        if self._lost is not None or tail is None:
            raise self._lost or RecordingLost("the recording is closed")
        payload = encode_payload(frame)
        size = _HEADER_BYTES + len(payload)
        is_unit = type(frame) is UnitFrame  # isinstance would ask the metaclass for each no
        if self.bytes + size > self._max_bytes and (is_unit or type(frame) is Output):
            raise self._fill()
        if size > MAX_FRAME_BYTES:
            raise self._lose(RecordingLost("a single frame is larger than a recording may hold"))
        try:
            # A file whose name is gone still takes writes, but no restarted gateway would find them.
            now = append(tail.handle, payload, linked=is_unit)
        except OSError as error:
            tail.cut()
            raise self._lose(self._unwritable(error)) from error
        tail.size += size
        tail.times.append(now)
        if type(frame) is UnitFrame:
            self.units += 1
            self.refused += frame.decision != 0
        elif type(frame) is Probed:
            self.probed = frame
        if self._watches:
            record = Record(self.frames, now, frame)
            for watch in self._watches:
                watch.offer(record, size)
        self.frames += 1
        self.bytes += size
        if tail.size >= block.BLOCK_BYTES and (
            tail.size >= block.MOST_BYTES or now - tail.times[0] >= block.FILLING_NS
        ):
            self.rotate()

    def rotate(self) -> None:
        """Begin a new generation; the one so far waits to be sealed. Does nothing while it is empty."""
        tail = self._tail
        if tail is None or not tail.times:
            return
        if self.ended is None and self._lost is None:
            header = TailHeader(self.session, tail.header.generation + 1, self.frames, self.wrapped_key)
            try:
                self._tail = Tail.create(self._folder, header)
            except OSError as error:
                # The frame that filled this generation stands; the next write finds the loss.
                self._lose(self._unwritable(error))
                return
        else:
            self._tail = None
        self.unsealed.append(tail)
        self._rotated(self)

    def waits_since(self, before_ns: int) -> bool:
        """Whether a frame was written before that time and is not on its way to be sealed."""
        tail = self._tail
        return tail is not None and bool(tail.times) and tail.times[0] < before_ns

    def lose(self, error: RecordingLost) -> None:
        """The recording can't be written any more, as was seen from outside: tell the session at once."""
        self._lose(error)

    def _lose(self, error: RecordingLost) -> RecordingLost:
        if self._lost is None and self.ended is None:
            self._lost = error
            if self.on_lost is not None:
                self.on_lost(error)
        return error

    def _fill(self) -> RecordingFull:
        """No further unit fits; what still happens to the session is recorded all the same."""
        if self._filled is None:
            self._filled = RecordingFull(
                f"the recording has reached its limit of {self._max_bytes:,} bytes",
                hint="connect again: each session has a recording of its own",
            )
            self._max_bytes = 0
            if self.on_lost is not None:
                self.on_lost(self._filled)
        return self._filled

    @staticmethod
    def _unwritable(error: OSError) -> RecordingLost:
        return RecordingLost(
            f"the recording can't be written: {error.strerror}; nothing runs unrecorded",
            hint="tell the gateway's operator; new sessions work again by themselves once it is mended",
        )

    # ---- durability ------------------------------------------------------------------------------

    async def synced(self) -> None:
        """Wait until every frame written so far is on disk; those who wait together share one sync.

        Raises:
            RecordingLost: it could not be brought there.
        """
        target = self.frames
        async with self._syncing:
            if self._lost is not None:
                raise self._lost
            if self._synced >= target:
                return
            reached = self.frames
            tails = self.unsealed_tails()
            newest = tails[-1].header.generation if tails else self._named
            folder = self._folder if newest > self._named else None
            loop = asyncio.get_running_loop()
            try:
                await loop.run_in_executor(self._executor, _sync, tails, self.sealing, folder)
            except OSError as error:
                raise self._lose(self._unwritable(error)) from error
            self._synced, self._named = reached, newest

    # ---- the end ---------------------------------------------------------------------------------

    async def close(self, ended: Ended) -> None:
        """Write the last frame and seal the rest. Where the disk does not take it now, it does so later.

        Args:
            ended: why the session ended.
        """
        self.end(ended)
        await self._closed(self)

    def end(self, ended: Ended) -> None:
        """Write the last frame; where it can't be written, sealing adds it."""
        if self.ended is not None:
            return
        self.ended_ns = time_ns()
        self.ended = ended
        lost, self._lost = self._lost, None
        try:
            self.write(ended)
        except RecordingLost as error:
            lost = error
            self.owed = encode(ended, self.ended_ns)
            self.frames += 1
        self._lost = lost or RecordingLost("the recording is closed")
        if self._tail is not None:
            self.unsealed.append(self._tail)
            self._tail = None
        self.over = True
        self._rotated(self)
        for watch in self._watches:
            watch.end()

    def abandon(self) -> None:
        """Forget a recording whose session never stood: nothing was run in it."""
        if self._tail is not None:
            self._tail.drop()
            self._tail = None

    def release(self) -> None:
        """Close the files and leave them for the next start to recover."""
        for tail in self.unsealed_tails():
            tail.close()
        self.unsealed.clear()
        self._tail = None

    # ---- reading ---------------------------------------------------------------------------------

    def watch(self, capacity: int = WATCH_FRAMES) -> Watch:
        """Follow the recording from now on; a slow watcher never slows the session.

        Args:
            capacity: frames that may wait for it.
        """
        watch = Watch(capacity)
        if self.ended is not None:
            watch.end()
        self._watches = (*self._watches, watch)
        return watch

    def unwatch(self, watch: Watch) -> None:
        """Stop following."""
        self._watches = tuple(other for other in self._watches if other is not watch)

    def unsealed_tails(self) -> list[Tail]:
        """Return the generations that are not sealed, oldest first, the growing one last."""
        return [*self.unsealed, *([self._tail] if self._tail is not None else [])]

    @property
    def lost(self) -> RecordingLost | None:
        """Why it can't be written any more, None while it can."""
        return self._lost

    @property
    def facts(self) -> Facts:
        """What the ledger and the session's row say of it."""
        progress = Progress(
            level=self.probed.level,
            layers=self.probed.layers,
            findings=self.probed.findings,
            units=self.units,
            refused=self.refused,
            bytes=self.bytes,
        )
        return Facts(self.opened, self.started_us, progress, self.ended, self.ended_ns)


def _sync(tails: list[Tail], sealing: threading.Lock, folder: Path | None) -> None:
    with sealing:  # none is closed meanwhile; what is closed already is on disk as a block
        handles = [os.dup(tail.handle) for tail in tails if tail.handle >= 0]
    try:
        for handle in handles:
            os.fdatasync(handle)
        if folder is not None:
            sync_folder(folder)
    finally:
        for handle in handles:
            os.close(handle)
