"""The recordings of this gateway: opened, sealed within a second, in the ledger, recovered after a kill."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING

import msgspec

from gateway.domain.errors import (
    ConfigurationBroken,
    Conflict,
    NotFound,
    RecordingLost,
    StoreUnavailable,
)
from gateway.domain.ids import SessionId
from gateway.log import get_logger
from gateway.recordings import block, tail
from gateway.recordings.frames import Opened
from gateway.recordings.live import Recording, RecordingFull
from gateway.recordings.moment import microseconds
from gateway.recordings.restart import KEY_PURPOSE, Restart, is_held, lock, new_session
from gateway.recordings.sealing import is_small, keep_each, seal_each, seal_small
from gateway.recordings.vault import FolderVault, Vault
from gateway.store import blocks
from gateway.store import recordings as rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gateway.store.keyring import Keyring
    from gateway.store.pool import Connection, Store

__all__ = ["Recording", "RecordingFull", "Recordings"]

SEAL_SECONDS = 1.0
"""A frame is sealed and synced within so long."""

_LEAVES_AT_ONCE = 500
_RETRY_SECONDS = 1.0
_THREADS = 4
_SHARE = 32
"""Recordings that are sealed in the loop before others have their turn."""
_ORPHAN_SECONDS = 60.0

log = get_logger("recordings")


@dataclass(frozen=True, slots=True)
class Source:
    """What it takes to read a recording.

    Attributes:
        key: its key.
        blocks: how many sealed blocks may be read now; None: all, it is closed.
        live: the recording itself where frames of it are not sealed yet, or were not when this was made.
    """

    key: bytes = field(repr=False)
    blocks: int | None
    live: Recording | None


class Recordings:
    """The recordings of this gateway process.

    Args:
        store: rows and ledger.
        keyring: wraps each recording's key.
        vault: takes the sealed blocks.
        tails: folder of this process's tails, locked for it.
        held: descriptor of that lock.
        replica: this process's name among the replicas.

    Attributes:
        replica: see above.
    """

    def __init__(
        self, *, store: Store, keyring: Keyring, vault: Vault, tails: Path, held: int, replica: str
    ) -> None:
        self.store = store
        self.keyring = keyring
        self.vault = vault
        self._tails = tails
        self._lock = held
        self._locking = threading.Lock()
        self.replica = replica
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="recordings")
        # Brings onto the disk what the loop has sealed. It waits behind nobody: in the other threads there
        # may be some who wait for the very locks that it is to let go.
        self._keeper = ThreadPoolExecutor(1, thread_name_prefix="recordings-keeper")
        self._live: dict[SessionId, Recording] = {}
        self._opening: set[SessionId] = set()
        self._due: set[Recording] = set()
        self._wake = asyncio.Event()
        self._leaves: deque[blocks.SealedBlock] = deque()
        self._leaves_wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._restart = Restart(
            store=store,
            vault=vault,
            keyring=keyring,
            tails=tails,
            executor=self._executor,
            emit=self._emit,
        )

    @classmethod
    async def start(
        cls, *, store: Store, keyring: Keyring, folder: Path, replica: str, vault: Vault | None = None
    ) -> Recordings:
        """Take the recordings folder into use.

        Args:
            store: rows and ledger; migrated.
            keyring: wraps each recording's key.
            folder: where tails lie, and sealed blocks unless ``vault`` is given; made where it is missing.
            replica: this process's name among the replicas: letters, digits, dots, dashes.
            vault: takes the sealed blocks in the folder's place.

        Raises:
            ConfigurationBroken: the folder can't be used, or another gateway of this name uses it.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}", replica):
            raise ConfigurationBroken(
                f"{replica!r} can't be a replica's name", hint="letters, digits, dots, dashes"
            )
        local = await asyncio.to_thread(FolderVault, folder)
        tails = folder / "tails" / replica
        held = await asyncio.to_thread(lock, tails)
        return cls(
            store=store, keyring=keyring, vault=vault or local, tails=tails, held=held, replica=replica
        )

    # ---- opening ---------------------------------------------------------------------------------

    async def open_recording(
        self, opened: Opened, *, max_bytes: int = 1 << 30, keep_days: int = 365
    ) -> Recording:
        """Give a session its number and its recording; from here on everything of it can be recorded.

        Args:
            opened: the first frame; its ``session`` is filled in.
            max_bytes: a unit that would take the recording past it ends the session.
            keep_days: age at which the recording's key is destroyed.

        Returns:
            The recording; its ``session`` is the number. Whoever opened it closes it.

        Raises:
            RecordingLost: it can't be written; nothing may run.
            StoreUnavailable: the store is away.
        """
        new = new_session(opened, self.replica, keep_days)
        key = secrets.token_bytes(block.KEY_BYTES)
        wrapped = self.keyring.seal(key, purpose=KEY_PURPOSE)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._check)
        recording: Recording | None = None
        try:
            async with self.store.transaction() as conn:
                session, started_at = await rows.add_session(conn, new, wrapped)
                recording = Recording(
                    opened=msgspec.structs.replace(opened, session=session),
                    started_us=microseconds(started_at),
                    key=key,
                    wrapped_key=wrapped,
                    tails=self._tails,
                    max_bytes=max_bytes,
                    keep_days=keep_days,
                    executor=self._executor,
                    rotated=self._rotated,
                    closed=self._close,
                )
                self._opening.add(recording.session)  # a recovery must not take it for left behind
            self._live[recording.session] = recording
        except BaseException:
            if recording is not None:
                recording.abandon()
            raise
        finally:
            if recording is not None:
                self._opening.discard(recording.session)
        return recording

    def live(self, session: SessionId) -> Recording:
        """Return the live recording of a session.

        Raises:
            NotFound: it does not live in this gateway process.
        """
        recording = self._live.get(session)
        if recording is None or recording.over:
            raise NotFound(f"session {session} is not live here", hint="glassgate sessions --live")
        return recording

    def tails_of(self, replica: str, session: SessionId) -> Iterator[Path]:
        """Return the tails that a process has of a session, oldest first."""
        return tail.found(self._tails.parent / replica, session)

    async def source(self, session: SessionId) -> Source:
        """Return what it takes to read a recording.

        Raises:
            NotFound: there is no such session.
            Conflict: its key was destroyed by age.
            StoreUnavailable: the store is away.
        """
        live = self._live.get(session)
        if live is not None:
            return Source(live.key, live.generation, live)
        async with self.store.connection() as conn:
            row = await rows.session_by_id(conn, session)
            wrapped = await rows.wrapped_key(conn, session)
        if row is None:
            raise NotFound(f"no session {session}", hint="glassgate sessions")
        if wrapped is None:
            when = f" on {row.expired_at:%Y-%m-%d}" if row.expired_at is not None else ""
            raise Conflict(f"the recording of session {session} expired{when}; its key was destroyed")
        key = self.keyring.open(wrapped, purpose=KEY_PURPOSE)
        return Source(key, None if row.closed else row.blocks, None)

    # ---- sealing ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Seal, bring blocks into the ledger and watch over the folder, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._seal_loop())
            group.create_task(self._leaf_loop())
            group.create_task(self._watch_folder())

    def _rotated(self, recording: Recording) -> None:
        self._due.add(recording)
        self._wake.set()

    async def _seal_loop(self) -> None:
        loop, looked = asyncio.get_running_loop(), 0.0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(looked + SEAL_SECONDS / 4):
                    await self._wake.wait()
            self._wake.clear()
            if loop.time() >= looked + SEAL_SECONDS / 4:
                looked = loop.time()
                self._rotate_aged()
            due, self._due = self._due, set()
            small = [recording for recording in due if is_small(recording)]
            async with asyncio.TaskGroup() as group:
                for recording in due.difference(small):
                    group.create_task(self._seal(recording))
                for first in range(0, len(small), _SHARE):
                    await self._seal_small(small[first : first + _SHARE])

    def _rotate_aged(self) -> None:
        """Begin a new generation wherever the oldest frame would soon have waited for too long."""
        before = time_ns() - int(SEAL_SECONDS * 0.7e9)
        for recording in tuple(self._live.values()):
            if recording.waits_since(before):
                recording.rotate()
            if recording.unsealed or (recording.over and not recording.complete):
                self._due.add(recording)

    async def _seal(self, recording: Recording) -> None:
        loop = asyncio.get_running_loop()
        work = partial(seal_each, (recording,), self.vault, self._leaves.append)
        self._sealed(await loop.run_in_executor(self._executor, work))

    async def _seal_small(self, recordings: list[Recording]) -> None:
        """Seal them here, and have one thread bring them all onto the disk."""
        waiting, failed = [], []
        for recording in recordings:
            try:
                sealed = seal_small(recording)
            except Exception as error:  # noqa: BLE001 - told for this recording; the others go on
                failed.append((recording, error))
            else:
                waiting += [sealed] if sealed is not None else []
        loop = asyncio.get_running_loop()
        work = partial(keep_each, waiting, self.vault, self._leaves.append)
        # Whoever cancels us leaves it running: the locks are let go there.
        kept = await asyncio.shield(loop.run_in_executor(self._keeper, work))
        self._sealed(failed + kept)

    def _sealed(self, failed: Iterable[tuple[Recording, Exception]]) -> None:
        """Have the ledger take what was sealed, and end the sessions whose blocks could not be kept."""
        for recording, error in failed:
            if isinstance(error, RecordingLost):
                if recording.lost is None:
                    log.warning("recording lost", session=recording.session, error=error.message)
                recording.lose(error)
            else:
                log.error("sealing failed", session=recording.session, exc_info=error)
                recording.lose(RecordingLost("the recording can't be sealed; nothing runs unrecorded"))
        self._leaves_wake.set()

    async def _close(self, recording: Recording) -> None:
        await self._seal(recording)

    async def _watch_folder(self) -> None:
        """End the sessions whose recordings could not be found again; finish recoveries that had to wait."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            await asyncio.sleep(SEAL_SECONDS)
            try:
                await loop.run_in_executor(self._executor, self._check)
            except RecordingLost as error:
                for recording in tuple(self._live.values()):
                    recording.lose(error)
                continue
            if self._restart.waiting or loop.time() >= looked + _ORPHAN_SECONDS:
                looked = loop.time()
                await self._recover_again()

    async def _recover_again(self) -> None:
        try:
            await self.recover()
        except (StoreUnavailable, OSError) as error:
            log.warning("recovery waits", error=str(error))

    def _check(self) -> None:
        """See that blocks and tails can be kept; make our own folder anew where the whole was replaced."""
        self.vault.check()
        try:
            with self._locking:
                if not is_held(self._lock, self._tails):
                    fresh = lock(self._tails)
                    os.close(self._lock)
                    self._lock = fresh
        except (OSError, ConfigurationBroken) as error:
            raise RecordingLost(f"the recordings folder can't be used: {error}") from error

    # ---- the ledger ------------------------------------------------------------------------------

    async def _leaf_loop(self) -> None:
        while True:
            await self._leaves_wake.wait()
            self._leaves_wake.clear()
            try:
                await self.flush()
            except StoreUnavailable as error:
                log.warning("blocks wait for the store", blocks=len(self._leaves), error=error.message)
                await asyncio.sleep(_RETRY_SECONDS)
                self._leaves_wake.set()
            except Exception:
                log.exception("blocks not in the ledger", blocks=len(self._leaves))
                await asyncio.sleep(_RETRY_SECONDS)
                self._leaves_wake.set()

    async def flush(self) -> None:
        """Bring every sealed block into the ledger, many in one transaction.

        Raises:
            StoreUnavailable: the store is away; the blocks wait, in order.
        """
        async with self._flushing:
            while self._leaves:
                batch = [self._leaves[i] for i in range(min(len(self._leaves), _LEAVES_AT_ONCE))]
                async with self.store.transaction() as conn:
                    known = await self._known(conn, batch)
                    await blocks.add_blocks(conn, known)
                for sealed in batch:
                    self._leaves.popleft()
                    if sealed.end is not None:
                        self._live.pop(SessionId(sealed.entry.session), None)

    async def _known(
        self, conn: Connection, batch: Sequence[blocks.SealedBlock]
    ) -> Sequence[blocks.SealedBlock]:
        """Bring back rows that went while we ran: the store was replaced by an older one."""
        missing = await blocks.unknown_sessions(conn, batch)
        for session in missing & set(self._live):
            live = self._live[session]
            new = new_session(live.opened, self.replica, live.keep_days)
            await rows.restore_session(conn, session, new, live.started_us, live.wrapped_key)
        lost = missing - set(self._live)
        if lost:
            log.error("sessions are on disk, but not in the store", sessions=sorted(lost))
        return [sealed for sealed in batch if SessionId(sealed.entry.session) not in lost]

    # ---- after a kill ----------------------------------------------------------------------------

    async def recover(self) -> list[SessionId]:
        """Close the sessions that this gateway, or others that are gone, were killed in the middle of.

        Call it before the first session opens.

        Returns:
            The sessions that were closed as interrupted.

        Raises:
            StoreUnavailable: the store is away.
        """
        recovered = await self._restart.recover(self._is_ours)
        recovered += await self._restart.recover_orphans()
        await self.flush()
        return recovered

    def _is_ours(self, session: SessionId) -> bool:
        return session in self._live or session in self._opening

    def _emit(self, sealed: Sequence[blocks.SealedBlock]) -> None:
        self._leaves.extend(sealed)
        self._leaves_wake.set()

    # ---- the end ---------------------------------------------------------------------------------

    async def close(self) -> None:
        """Seal and bring into the ledger what is left, as far as disk and store allow; release the folder.

        Call it when every session has ended and ``run`` is cancelled. What could not be done is done by
        :meth:`recover` at the next start.
        """
        await asyncio.to_thread(self._keeper.shutdown)
        for recording in tuple(self._live.values()):
            if recording.over:
                await self._seal(recording)
        try:
            await self.flush()
        except StoreUnavailable as error:
            log.warning("blocks wait for the next start", blocks=len(self._leaves), error=error.message)
        await asyncio.to_thread(self._executor.shutdown)
        self.vault.close()
        for recording in self._live.values():
            recording.release()
        os.close(self._lock)
