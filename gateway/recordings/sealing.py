"""From tails to sealed blocks, one after the other: no more than a block of each is in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import RecordingLost
from gateway.recordings import block
from gateway.recordings.frames import Ended, Opened
from gateway.store.blocks import BlockEntry, Progress, SealedBlock, facts_hash
from gateway.store.recordings import End

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.recordings.block import Block
    from gateway.recordings.live import Recording
    from gateway.recordings.tail import Tail
    from gateway.recordings.vault import Vault


SMALL_BYTES: Final = 64 << 10
"""A generation of so many bytes is sealed in the loop: a thread takes the interpreter's lock too often."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A generation that is sealed, and not kept yet; it holds its recording's lock until ``keep_each``.

    Attributes:
        recording: whose.
        tail: what it was made of; None: of the last frame alone.
        block: what must be kept.
        final: whether it is the recording's last.
    """

    recording: Recording
    tail: Tail | None
    block: Block
    final: bool


def is_small(recording: Recording) -> bool:
    """Whether what waits of a live recording is sealed sooner than a thread could be woken for it."""
    return not recording.over and len(recording.unsealed) == 1 and recording.unsealed[0].size <= SMALL_BYTES


def seal_small(recording: Recording) -> Sealed | None:
    """Seal the one generation that waits; not thread-safe: called in the loop, for some 40 µs.

    Returns:
        What ``keep_each`` must be given, whatever happens; None where somebody reads or seals it just now.

    Raises:
        RecordingLost: its tail can't be read.
    """
    if not recording.sealing.acquire(blocking=False):
        return None
    try:
        tail = recording.unsealed[0] if is_small(recording) else None
        if tail is not None:
            return Sealed(recording, tail, _seal(recording, tail, final=False), final=False)
    except OSError as error:
        recording.sealing.release()
        raise _unsealable(error) from error
    except BaseException:
        recording.sealing.release()
        raise
    recording.sealing.release()
    return None


def keep_each(
    waiting: Iterable[Sealed], vault: Vault, emit: Callable[[SealedBlock], None]
) -> list[tuple[Recording, Exception]]:
    """Keep sealed generations, and let go of their recordings. Blocks: call it in a thread.

    Args:
        waiting: of one recording each.
        vault: takes the blocks.
        emit: takes each block once it is on disk, on its way into the ledger.

    Returns:
        The recordings of which a block could not be kept, and why; it waits on.
    """
    failed: list[tuple[Recording, Exception]] = []
    for each in waiting:
        try:
            _keep(each, vault, emit)
        except Exception as error:  # noqa: BLE001 - told for this recording; the others go on
            failed.append((each.recording, error))
        finally:
            each.recording.sealing.release()
    return failed


def seal_each(
    recordings: Iterable[Recording], vault: Vault, emit: Callable[[SealedBlock], None]
) -> list[tuple[Recording, Exception]]:
    """Seal every generation that waits, oldest first, of one recording after the other. Blocks; thread-safe.

    Args:
        recordings: live or ended.
        vault: takes the blocks.
        emit: takes each block once it is on disk, on its way into the ledger.

    Returns:
        The recordings of which a block could not be kept, and why; it and those behind it wait on.
    """
    failed: list[tuple[Recording, Exception]] = []
    for recording in recordings:
        try:
            with recording.sealing:
                _seal_waiting(recording, vault, emit)
        except Exception as error:  # noqa: BLE001 - told for this recording; the others go on
            failed.append((recording, error))
    return failed


def _seal_waiting(recording: Recording, vault: Vault, emit: Callable[[SealedBlock], None]) -> None:
    while True:
        over = recording.over  # before the queue: once it is set, the queue grows no more
        tail = recording.unsealed[0] if recording.unsealed else None
        if tail is None and (not over or recording.complete):
            return
        final = over and len(recording.unsealed) <= 1
        try:
            made = _seal(recording, tail, final=final)
        except OSError as error:
            raise _unsealable(error) from error
        _keep(Sealed(recording, tail, made, final), vault, emit)


def _keep(sealed: Sealed, vault: Vault, emit: Callable[[SealedBlock], None]) -> None:
    recording, made = sealed.recording, sealed.block
    try:
        vault.append(made)
    except OSError as error:
        raise _unsealable(error) from error
    recording.previous = made.hash
    recording.generation = made.header.sequence + 1
    recording.complete = sealed.final
    emit(describe(made, recording.facts))
    if sealed.tail is not None:
        recording.unsealed.popleft()
        sealed.tail.drop()


def _unsealable(error: OSError) -> RecordingLost:
    return RecordingLost(
        f"the recording can't be sealed: {error.strerror}; nothing runs unrecorded",
        hint="tell the gateway's operator; new sessions work again once it is mended",
    )


def _seal(recording: Recording, tail: Tail | None, *, final: bool) -> Block:
    plain = tail.read() if tail is not None else b""
    times = list(tail.times) if tail is not None else []
    first_frame = tail.header.first_frame if tail is not None else recording.frames - 1
    if final and recording.owed:
        plain += recording.owed
        times.append(recording.ended_ns)
    return block.seal(
        plain,
        times,
        key=recording.key,
        session=recording.session,
        sequence=recording.generation,
        first_frame=first_frame,
        previous=recording.previous,
        final=final,
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledger and the session's row say of a recording beside its blocks.

    Attributes:
        opened: its first frame.
        started_us: when the session's row was made, microseconds since 1970.
        progress: totals so far.
        ended: its last frame, once there.
        ended_ns: when that was, nanoseconds since 1970.
    """

    opened: Opened
    started_us: int
    progress: Progress
    ended: Ended | None = None
    ended_ns: int = 0


def describe(made: Block, facts: Facts) -> SealedBlock:
    """Return what the ledger and the session's row will say of a block."""
    header, opened, progress = made.header, facts.opened, facts.progress
    first = header.sequence == 0
    last = facts.ended if header.final else None
    entry = BlockEntry(
        session=header.session,
        sequence=header.sequence,
        hash=made.hash.hex(),
        previous=header.previous.hex(),
        first_frame=header.first_frame,
        frames=header.frames,
        final=header.final,
        identity=opened.identity if first else "",
        endpoint=opened.endpoint if first else "",
        grant=opened.grant if first else 0,
        started_us=facts.started_us if first else 0,
        facts=_hash_of(opened) if first else "",
        cause=last.cause if last is not None else "",
        by=last.by if last is not None else "",
        level=progress.level if last is not None else "",
        units=progress.units if last is not None else 0,
        refused=progress.refused if last is not None else 0,
    )
    end = End(facts.ended_ns, last.cause, last.message, last.by) if last is not None else None
    return SealedBlock(entry, len(made.data), progress, end)


def _hash_of(opened: Opened) -> str:
    return facts_hash(
        identity_id=opened.identity_id,
        endpoint_id=opened.endpoint_id,
        kind=opened.kind,
        reason=opened.reason,
        client=opened.client,
    )
