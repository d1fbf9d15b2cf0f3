"""Backup and restore that keep store and ledger in step: one archive, proven before it is opened.

A backup is a tar file: what it holds, the store at one moment, and the sealed blocks that the store spoke of
at that moment. Blocks are encrypted; the key ring stays out unless it is asked for.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import msgspec

from gateway.domain.errors import ConfigurationBroken, Conflict, InvalidInput, ProofBroken
from gateway.domain.ids import SessionId
from gateway.recordings.disk import sync_folder
from gateway.recordings.vault import FolderVault
from gateway.recordings.verify import verify_all
from gateway.store import recordings as rows
from gateway.store import snapshot
from gateway.store.pool import Store

if TYPE_CHECKING:
    from gateway.recordings.ledger import Ledger
    from gateway.recordings.report import Report
    from gateway.store.keyring import Keyring

_MANIFEST, _DUMP, _KEYS = "manifest.json", "store.dump", "keys.json"
_RECORDING = re.compile(r"recordings/(\d{1,20})\.rec")
_MANIFEST_LIMIT = 1 << 20


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an archive holds.

    Attributes:
        format: of the archive.
        made_at: when.
        checkpoint: the ledger's latest at that moment.
        keys: purpose and id of the keys it takes to open it.
        dump_sha256: of the store's dump, hex.
        recordings: how many recordings.
        with_keys: whether the key ring is in it.
    """

    format: Literal[1]
    made_at: datetime
    checkpoint: str
    keys: tuple[tuple[str, str], ...]
    dump_sha256: str
    recordings: int
    with_keys: bool


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where the store is, and PostgreSQL's own programs, not older than its server.

    Attributes:
        dsn: URL.
        dump: pg_dump.
        restore: pg_restore.
    """

    dsn: str
    dump: Path
    restore: Path


async def backup(
    target: Path,
    *,
    store: Store,
    place: StorePlace,
    ledger: Ledger,
    vault: FolderVault,
    keyring: Keyring,
    with_keys: bool = False,
) -> Manifest:
    """Write one archive; the gateway may run meanwhile.

    Args:
        target: the archive; made whole or not at all, mode 0600.
        store: the store.
        place: where it is.
        ledger: makes the checkpoint.
        vault: the sealed blocks.
        keyring: whose ids are noted.
        with_keys: put the key ring itself in: who has the archive can then read every recording.

    Raises:
        Conflict: a recording expired meanwhile; run it again.
        InvalidInput: the archive can't be written there.
        StoreUnavailable: the store is away, or pg_dump failed.
    """
    checkpoint = (await ledger.make_checkpoint()).note
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=_folder_of(target)) as name:
        draft, dumped = Path(name) / "archive", Path(name) / _DUMP
        async with snapshot.one_moment(store) as (conn, moment):
            await snapshot.dump(place.dsn, place.dump, moment, dumped)
            sessions = [row.id async for row in rows.sessions_in_order(conn) if row.blocks and row.has_key]
        manifest = Manifest(
            format=1,
            made_at=datetime.now(UTC),
            checkpoint=checkpoint,
            keys=keyring.ids,
            dump_sha256=await asyncio.to_thread(_sha256, dumped),
            recordings=len(sessions),
            with_keys=with_keys,
        )
        keys = keyring.document() if with_keys else None
        try:
            pack = partial(_pack, draft, manifest, dumped, keys=keys, vault=vault, sessions=sessions)
            await asyncio.to_thread(pack)
            await asyncio.to_thread(_put, draft, target)
        except OSError as error:
            raise InvalidInput(f"the backup can't be written to {target}: {error.strerror}") from error
    return manifest


async def restore(
    archive: Path, *, place: StorePlace, folder: Path, keyring: Keyring, replica: str
) -> Report:
    """Fill an empty store and an empty recordings folder from an archive, and prove them.

    Only what proves itself stays: otherwise store and folder are as empty as before.

    Args:
        archive: from :func:`backup`.
        place: of an empty store.
        folder: of the recordings; not there yet, or empty.
        keyring: the keys that belong to it.
        replica: the gateway that will close the sessions that were live then.

    Returns:
        What the proof found.

    Raises:
        InvalidInput: the archive is damaged.
        ConfigurationBroken: keys are missing.
        Conflict: store or folder are not empty.
        ProofBroken: what was restored does not prove itself.
        StoreUnavailable: the store is away, or pg_restore failed.
    """
    await asyncio.to_thread(_need_empty, folder)
    manifest = await asyncio.to_thread(read_manifest, archive)
    missing = [f"{purpose} {key}" for purpose, key in manifest.keys if (purpose, key) not in keyring.ids]
    if missing:
        raise ConfigurationBroken(
            f"the key ring lacks {', '.join(missing)}", hint="restore the key ring first (it is kept apart)"
        )
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=folder.parent) as name:
        draft = Path(name) / "recordings"
        vault = FolderVault(draft)
        dumped = await asyncio.to_thread(_unpack, archive, Path(name), vault, manifest)
        async with await Store.open(place.dsn) as store:
            report = await _fill(
                store, place, dumped, vault=vault, keyring=keyring, checkpoint=manifest.checkpoint
            )
            async with store.transaction() as conn:
                await rows.adopt_sessions(conn, replica)
        await asyncio.to_thread(_put, draft, folder)
    return report


async def _fill(
    store: Store, place: StorePlace, dumped: Path, *, vault: FolderVault, keyring: Keyring, checkpoint: str
) -> Report:
    """Load the store and prove it with the recordings; what does not prove itself is emptied again."""
    async with store.connection() as conn:
        if not await snapshot.is_empty(conn):
            raise Conflict("the store is not empty", hint="restore into an empty database")
    await snapshot.load(place.dsn, place.restore, dumped)
    report = await verify_all(store, vault, keyring, published=[checkpoint])
    if not report.good:
        async with store.transaction() as conn:
            await snapshot.drop_everything(conn)
        places = f" ({', '.join(report.records)})" if report.records else ""
        raise ProofBroken(
            f"the backup does not prove itself: {report.problem}{places}", hint="use an older backup"
        )
    return report


def read_manifest(archive: Path) -> Manifest:
    """Return what an archive says it holds.

    Raises:
        InvalidInput: it is no backup.
    """
    return _manifest(_read_small(archive, _MANIFEST), archive)


def read_keys(archive: Path) -> bytes | None:
    """Return the key ring in an archive, None where it was left out."""
    if not read_manifest(archive).with_keys:
        return None
    return _read_small(archive, _KEYS)


def _folder_of(target: Path) -> Path:
    if not target.parent.is_dir():
        raise InvalidInput(f"there is no folder {target.parent}", hint="make it first")
    return target.parent


def _need_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"the recordings folder {folder} is not empty", hint="restore into an empty one")
    folder.parent.mkdir(parents=True, exist_ok=True)


def _put(draft: Path, place: Path) -> None:
    """Bring a finished file or folder to its place, durably."""
    if place.is_dir():
        place.rmdir()
    draft.replace(place)
    sync_folder(place.parent)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pack(
    draft: Path,
    manifest: Manifest,
    dumped: Path,
    *,
    keys: bytes | None,
    vault: FolderVault,
    sessions: list[SessionId],
) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w|") as tar:
            _add(tar, _MANIFEST, msgspec.json.encode(manifest))
            if keys is not None:
                _add(tar, _KEYS, keys)
            tar.add(dumped, _DUMP, recursive=False)
            for session in sessions:
                try:
                    with vault.path(session).open("rb") as file:
                        _add_file(tar, f"recordings/{session}.rec", file)
                except FileNotFoundError as error:
                    raise Conflict(
                        f"the recording of session {session} expired, or went, while the backup was made",
                        hint="run it again; `glassgate verify` says whether anything is wrong",
                    ) from error
        raw.flush()
        os.fsync(raw.fileno())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    tar.addfile(info, io.BytesIO(data))


def _add_file(tar: tarfile.TarFile, name: str, file: IO[bytes]) -> None:
    """Add a file that may grow meanwhile, at its size now; a block that is half written now is cut later."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = os.fstat(file.fileno()).st_size, 0o600
    tar.addfile(info, file)


def _unpack(archive: Path, folder: Path, vault: FolderVault, manifest: Manifest) -> Path:
    """Write an archive's store and recordings into folders of our own choosing, whatever names it says."""
    dumped, count = folder / _DUMP, 0
    try:
        with tarfile.open(archive, mode="r|") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                found = _RECORDING.fullmatch(member.name)
                if file is None or not (found or member.name in {_MANIFEST, _DUMP, _KEYS}):
                    raise InvalidInput(f"{archive} holds {member.name!r}, which no backup does")
                if found:
                    session = SessionId(int(found[1]))
                    _write(file, vault.path(session))
                    vault.repair(session)
                    count += 1
                elif member.name == _DUMP:
                    _write(file, dumped)
    except (tarfile.TarError, EOFError) as error:
        raise InvalidInput(f"{archive} is damaged: {error}", hint="use another backup") from error
    if not dumped.exists() or _sha256(dumped) != manifest.dump_sha256 or count != manifest.recordings:
        raise InvalidInput(f"{archive} is damaged: it does not hold what it says", hint="use another backup")
    return dumped


def _write(source: IO[bytes], target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())


def _read_small(archive: Path, name: str) -> bytes:
    try:
        with tarfile.open(archive, mode="r|") as tar:
            for member in tar:
                if member.name == name and member.isfile() and member.size <= _MANIFEST_LIMIT:
                    file = tar.extractfile(member)
                    if file is not None:
                        return file.read()
                if member.name == _DUMP:
                    break
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InvalidInput(f"{archive} is no backup: {error}") from error
    raise InvalidInput(f"{archive} is no backup: it holds no {name}")


def _manifest(data: bytes, archive: Path) -> Manifest:
    try:
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"{archive} is no backup that this version knows: {error}") from error
