"""After a kill: what this gateway left behind, and what others left who are gone for good."""

from __future__ import annotations

import asyncio
import fcntl
import os
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, TypeVar

import msgspec

from gateway.domain.errors import ConfigurationBroken, GlassgateError, RecordingLost
from gateway.domain.ids import EndpointId, GrantId, IdentityId, SessionId
from gateway.domain.session import EndCause
from gateway.log import get_logger
from gateway.recordings import recovery, tail
from gateway.recordings.moment import microseconds
from gateway.store import blocks
from gateway.store import recordings as rows
from gateway.store.ledger import append_leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from gateway.recordings.frames import Opened
    from gateway.recordings.vault import Vault
    from gateway.store.keyring import Keyring
    from gateway.store.pool import Store

T = TypeVar("T")

KEY_PURPOSE = "recording"
"""What a recording's key is sealed for."""

_KEEP_DAYS = 365
_LOCK = "lock"

log = get_logger("recordings")


class Restart:
    """Closes the sessions of gateways that were stopped in mid-session.

    Args:
        store: rows and ledger.
        vault: sealed blocks.
        keyring: opens recordings' keys.
        tails: folder of this gateway's tails; those of others lie beside it.
        executor: threads to work in.
        emit: takes what was sealed, on its way into the ledger.

    Attributes:
        waiting: sessions that could not be closed because the disk did not take it; to be tried again.
    """

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        keyring: Keyring,
        tails: Path,
        executor: Executor,
        emit: Callable[[Sequence[blocks.SealedBlock]], None],
    ) -> None:
        self.waiting: set[SessionId] = set()
        self._store = store
        self._vault = vault
        self._keyring = keyring
        self._tails = tails
        self._executor = executor
        self._emit = emit

    async def recover(self, is_ours: Callable[[SessionId], bool]) -> list[SessionId]:
        """Close what this gateway left behind, and number new sessions past all that is on disk.

        Args:
            is_ours: tells the sessions of this process, which are not touched.

        Returns:
            The sessions that were closed.

        Raises:
            StoreUnavailable: the store is away.
        """
        newest = await self._in_thread(self._newest)
        async with self._store.connection() as conn:
            await rows.number_sessions_past(conn, newest)
        return await self._recover_of(self._tails, is_ours)

    async def recover_orphans(self) -> list[SessionId]:
        """Close what gateways of other names left in this folder, where none of that name runs.

        A container gets a new host name each time it is made, and a machine can be lost: without this their
        sessions would stay open for ever.

        Raises:
            StoreUnavailable: the store is away.
        """
        recovered: list[SessionId] = []
        for folder in await self._in_thread(self._others):
            lock = await self._in_thread(partial(try_lock, folder))
            if lock is None:
                continue
            try:
                recovered += await self._recover_of(folder, lambda _: False)
                await self._in_thread(partial(_leave, folder))
            finally:
                os.close(lock)
        return recovered

    async def _recover_of(self, folder: Path, is_ours: Callable[[SessionId], bool]) -> list[SessionId]:
        tails = await self._in_thread(partial(_by_session, folder))
        async with self._store.connection() as conn:
            unclosed = await rows.unclosed_sessions(conn, folder.name)
        sessions = sorted(one for one in {*tails, *(row.id for row in unclosed)} if not is_ours(one))
        return [
            session
            for session in sessions
            if await self._recover(session, tails.get(session, []), folder.name)
        ]

    async def _recover(self, session: SessionId, tails: list[Path], replica: str) -> bool:
        self.waiting.discard(session)
        async with self._store.connection() as conn:
            row = await rows.session_by_id(conn, session)
            wrapped = await rows.wrapped_key(conn, session)
        if row is not None and row.closed:
            await self._in_thread(partial(recovery.drop, tails))
            return False
        work = partial(
            recovery.recover_session,
            session,
            vault=self._vault,
            tails=tails,
            keyring=self._keyring,
            purpose=KEY_PURPOSE,
            wrapped_key=wrapped,
            started_us=None if row is None else microseconds(row.started_at),
        )
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._executor, work)
        except (RecordingLost, OSError) as error:
            log.warning("recording not recovered yet", session=session, error=str(error))
            self.waiting.add(session)
            return False
        except GlassgateError as error:
            log.warning("recording can't be recovered; its files stay", session=session, error=error.message)
            return False
        if found is None:
            return row is not None and await self._close_unrecorded(session)
        if row is None:
            await self._bring_back(session, found, replica)
        self._emit(found.blocks)
        log.warning("session closed as interrupted", session=session, torn_bytes=found.torn_bytes)
        return True

    async def _bring_back(self, session: SessionId, found: recovery.Recovered, replica: str) -> None:
        """Add the row of a session that the store, older than the disk, does not know."""
        new = new_session(found.opened, replica, _KEEP_DAYS)
        async with self._store.connection() as conn:
            await rows.restore_session(conn, session, new, found.started_us, found.wrapped_key)

    async def _close_unrecorded(self, session: SessionId) -> bool:
        """Close the row of a session of which nothing is on disk; the ledger says so."""
        text = "the gateway was stopped in mid-session, and its recording was not found"
        end = rows.End(time_ns(), EndCause.INTERRUPTED.value, text, "")
        async with self._store.transaction() as conn:
            closed = await rows.close_session(conn, session, end)
            if closed:
                entry = blocks.RecoveredEntry(session, 0, 0, text)
                await append_leaf(conn, blocks.RECOVERED_LEAF, msgspec.json.encode(entry))
        return closed

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _newest(self) -> SessionId:
        folders = [self._tails, *self._others()]
        tails = [session for folder in folders for session in _by_session(folder)]
        return max([*self._vault.sessions(), *tails], default=SessionId(0))

    def _others(self) -> list[Path]:
        folders = sorted(path for path in self._tails.parent.iterdir() if path.is_dir())
        return [folder for folder in folders if folder != self._tails]


def new_session(opened: Opened, replica: str, keep_days: int) -> rows.NewSession:
    """Return what the store keeps of a session from its first frame."""
    return rows.NewSession(
        replica=replica,
        identity_id=IdentityId(opened.identity_id),
        identity=opened.identity,
        endpoint_id=EndpointId(opened.endpoint_id),
        endpoint=opened.endpoint,
        kind=opened.kind,
        grant=GrantId(opened.grant),
        reason=opened.reason,
        client=opened.client,
        keep_days=keep_days,
    )


def lock(folder: Path) -> int:
    """Make the folder of this process's tails and hold it against another of the same name.

    Returns:
        The descriptor that holds it.

    Raises:
        ConfigurationBroken: it can't be made, or another gateway of this name runs.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = try_lock(folder)
    except OSError as error:
        raise ConfigurationBroken(
            f"the recordings folder {folder} can't be used: {error.strerror}",
            hint="set recording.folder to one that the gateway may write",
        ) from error
    if held is None:
        raise ConfigurationBroken(
            f"another gateway named {folder.name} uses this recordings folder",
            hint="give each replica a name of its own (replica = …)",
        )
    return held


def try_lock(folder: Path) -> int | None:
    """Hold a folder of tails, unless someone does; None then.

    Raises:
        OSError: the folder can't be used.
    """
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:
        os.close(handle)
        raise
    return handle


def is_held(handle: int, folder: Path) -> bool:
    """Whether a lock is still the one that others would find."""
    try:
        return os.path.samestat(os.fstat(handle), (folder / _LOCK).stat())
    except FileNotFoundError:
        return False


def _by_session(folder: Path) -> dict[SessionId, list[Path]]:
    tails: dict[SessionId, list[Path]] = {}
    for path in tail.found(folder):
        tails.setdefault(tail.session_of(path), []).append(path)
    return tails


def _leave(folder: Path) -> None:
    """Remove a folder that holds nothing but its lock."""
    if [path.name for path in folder.iterdir()] == [_LOCK]:
        (folder / _LOCK).unlink()
        folder.rmdir()
