"""From tails to sealed blocks: runs in a thread, and holds no more than a block in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.domain.errors import RecordingLost
from gateway.recordings import block
from gateway.recordings.frames import Ended, Opened
from gateway.store.blocks import BlockEntry, Progress, SealedBlock, facts_hash
from gateway.store.recordings import End

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.recordings.live import Recording
    from gateway.recordings.tail import Tail
    from gateway.recordings.vault import Vault


def seal_waiting(recording: Recording, vault: Vault, emit: Callable[[SealedBlock], None]) -> None:
    """Seal every generation of a recording that waits, oldest first. Blocks; thread-safe.

    Args:
        recording: live or ended.
        vault: takes the blocks.
        emit: takes each block once it is on disk, on its way into the ledger.

    Raises:
        RecordingLost: a block could not be kept; it and those behind it wait on.
    """
    with recording.sealing:
        while True:
            over = recording.over  # before the queue: once it is set, the queue grows no more
            tail = recording.unsealed[0] if recording.unsealed else None
            if tail is None and (not over or recording.complete):
                return
            final = over and len(recording.unsealed) <= 1
            try:
                made = _seal(recording, tail, vault, final=final)
            except OSError as error:
                raise RecordingLost(
                    f"the recording can't be sealed: {error.strerror}; nothing runs unrecorded",
                    hint="tell the gateway's operator; new sessions work again once it is mended",
                ) from error
            recording.previous = made.hash
            recording.generation = made.header.sequence + 1
            recording.complete = final
            emit(describe(made, recording.facts))
            if tail is not None:
                recording.unsealed.popleft()
                tail.drop()


def _seal(recording: Recording, tail: Tail | None, vault: Vault, *, final: bool) -> block.Block:
    plain = tail.read() if tail is not None else b""
    times = list(tail.times) if tail is not None else []
    first_frame = tail.header.first_frame if tail is not None else recording.frames - 1
    if final and recording.owed:
        plain += recording.owed
        times.append(recording.ended_ns)
    made = block.seal(
        plain,
        times,
        key=recording.key,
        session=recording.session,
        sequence=recording.generation,
        first_frame=first_frame,
        previous=recording.previous,
        final=final,
    )
    vault.append(made)
    return made


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


def describe(made: block.Block, facts: Facts) -> SealedBlock:
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
