"""After a kill: what a gateway left in its tails is sealed, and its sessions are closed as interrupted."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import time_ns
from typing import TYPE_CHECKING

import msgspec

from gateway.domain.errors import ProofBroken
from gateway.domain.session import EndCause
from gateway.recordings import block, frames, tail
from gateway.recordings.frames import Ended, Opened, Probed, Record, UnitFrame
from gateway.recordings.sealing import Facts, describe
from gateway.store.blocks import RECOVERED_LEAF, Progress, RecoveredEntry, SealedBlock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway.domain.ids import SessionId
    from gateway.recordings.vault import Vault
    from gateway.store.keyring import Keyring

INTERRUPTED = "the gateway was stopped in mid-session; what was recorded until then is complete"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found of a session.

    Attributes:
        opened: its first frame.
        started_us: when that was written, microseconds since 1970, or what the store says.
        wrapped_key: its key under the master key.
        blocks: its sealed blocks, the last one final, on their way into the ledger.
        torn_bytes: bytes of a half-written last frame that were cut.
    """

    opened: Opened
    started_us: int
    wrapped_key: bytes
    blocks: tuple[SealedBlock, ...]
    torn_bytes: int


@dataclass(slots=True)
class _Account:
    """Running totals over a recording that is read again."""

    session: SessionId
    key: bytes
    started_us: int | None
    opened: Opened | None = None
    probed: Probed | None = None
    ended: Ended | None = None
    ended_ns: int = 0
    previous: bytes = block.NO_BLOCK
    sequence: int = 0
    frames: int = 0
    units: int = 0
    refused: int = 0
    bytes: int = 0
    final: bool = False
    made: list[SealedBlock] = field(default_factory=list)

    def take(self, made: block.Block, found: Sequence[Record]) -> None:
        """Count one more block and describe it as the session itself would have."""
        header = made.header
        if header.sequence != self.sequence or header.previous != self.previous or self.final:
            raise ProofBroken(f"{header.records} does not follow the block before it")
        for record in found:
            match record.frame:
                case Opened():
                    self.opened = record.frame
                    self.probed = Probed(record.frame.level, record.frame.layers, record.frame.findings)
                    self.started_us = self.started_us or record.time_ns // 1000
                case Probed():
                    self.probed = record.frame
                case UnitFrame():
                    self.units += 1
                    self.refused += record.frame.decision != 0
                case Ended():
                    self.ended, self.ended_ns = record.frame, record.time_ns
                case _:
                    pass
        self.previous, self.final = made.hash, header.final
        self.sequence += 1
        self.frames += header.frames
        self.bytes += header.plain_bytes
        self.made.append(describe(made, self.facts))

    @property
    def facts(self) -> Facts:
        if self.opened is None or self.probed is None:
            raise ProofBroken(f"session {self.session} has no first frame")
        progress = Progress(
            self.probed.level, self.probed.layers, self.probed.findings, self.units, self.refused, self.bytes
        )
        return Facts(self.opened, self.started_us or 0, progress, self.ended, self.ended_ns)


def recover_session(
    session: SessionId,
    *,
    vault: Vault,
    tails: Sequence[Path],
    keyring: Keyring,
    purpose: str,
    wrapped_key: bytes | None,
    started_us: int | None,
) -> Recovered | None:
    """Seal what a killed gateway left of a session, and close it. Blocks: call it in a thread.

    Args:
        session: which.
        vault: where its sealed blocks lie.
        tails: its generations' files, oldest first.
        keyring: opens its key.
        purpose: what the key was sealed for.
        wrapped_key: its key as the store has it, None where the store does not know the session.
        started_us: when its row was made, None likewise.

    Returns:
        What was found; None where nothing was ever recorded.

    Raises:
        ProofBroken: what lies there does not fit; nothing was changed.
        RecordingLost: the vault takes no blocks now.
        OSError: likewise.
    """
    opened_tails = _read(tails)
    if opened_tails:
        wrapped_key = opened_tails[0][0].wrapped_key
    if wrapped_key is None or (not opened_tails and not vault.exists(session)):
        drop(tails)
        return None
    vault.repair(session)  # the tail still holds what a half-written block held
    account = _Account(session, keyring.open(wrapped_key, purpose=purpose), started_us)
    for sealed in vault.blocks(session):
        account.take(sealed, block.records(sealed, account.key))
    waiting = [(header, data) for header, data in opened_tails if header.generation >= account.sequence]
    torn = 0 if account.final else _seal_rest(account, waiting, vault)
    drop(tails)
    facts = account.facts
    return Recovered(facts.opened, facts.started_us, wrapped_key, tuple(account.made), torn)


def _read(tails: Sequence[Path]) -> list[tuple[tail.TailHeader, bytes]]:
    """Return headers and frames of the tails; a file killed before its header was whole held no frame yet."""
    found = []
    for path in tails:
        try:
            found.append(tail.parse(path.read_bytes()))
        except ProofBroken:
            if path != tails[-1]:
                raise
    return found


def _seal_rest(account: _Account, waiting: list[tuple[tail.TailHeader, bytes]], vault: Vault) -> int:
    """Seal the tails behind the sealed blocks, the last one with the frame that says why the session ended.

    After a crash of the machine (a kill loses nothing) frames may be missing: what is there is kept, and the
    last frame and a leaf say what is not.
    """
    torn = missing = 0
    plain, times = b"", list[int]()
    for number, (header, data) in enumerate(waiting, start=1):
        whole, times = frames.intact(data)
        plain = data[:whole]
        torn += len(data) - whole
        missing = max(missing, header.first_frame - account.frames)
        if number < len(waiting) and times:
            _seal_one(account, plain, times, vault, final=False)
    text = _why(torn=torn, missing=missing, tail_gone=not waiting)
    last = list(frames.decode(plain, account.frames))[-1:]
    if not (last and isinstance(last[0].frame, Ended)):
        now = time_ns()
        plain += frames.encode(Ended(EndCause.INTERRUPTED.value, text), now)
        times = [*times, now]
    _seal_one(account, plain, times, vault, final=True)
    account.made[-1] = _said(account.made[-1], RecoveredEntry(account.session, account.sequence, torn, text))
    return torn


def _why(*, torn: int, missing: int, tail_gone: bool) -> str:
    if tail_gone:
        return "the gateway was stopped in mid-session, and the file of its last second was not found"
    text = INTERRUPTED if not (torn or missing) else "the gateway was stopped in mid-session"
    if torn:
        text += f"; a half-written last frame of {torn} bytes was cut"
    if missing:
        text += f"; {missing} frames were not found on disk"
    return text


def _said(sealed: SealedBlock, entry: RecoveredEntry) -> SealedBlock:
    return SealedBlock(
        sealed.entry,
        sealed.sealed_bytes,
        sealed.progress,
        sealed.end,
        ((RECOVERED_LEAF, msgspec.json.encode(entry)),),
    )


def _seal_one(account: _Account, plain: bytes, times: list[int], vault: Vault, *, final: bool) -> None:
    made = block.seal(
        plain,
        times,
        key=account.key,
        session=account.session,
        sequence=account.sequence,
        first_frame=account.frames,
        previous=account.previous,
        final=final,
    )
    found = list(frames.decode(plain, account.frames))
    vault.append(made)
    account.take(made, found)


def drop(tails: Sequence[Path]) -> None:
    """Remove tails whose frames are all sealed."""
    for path in tails:
        path.unlink(missing_ok=True)
