"""What a backup holds comes back proven, or not at all."""

from __future__ import annotations

import io
import secrets
import shutil
import tarfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from recordings.place import OPENED, Place, unit

from gateway.domain.errors import ConfigurationBroken, Conflict, InvalidInput, ProofBroken, StoreUnavailable
from gateway.recordings.backup import StorePlace, backup, read_keys, read_manifest, restore
from gateway.recordings.expiry import expire_due
from gateway.recordings.replay import replay
from gateway.store.keyring import Keyring
from gateway.store.pool import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.store.embedded import EmbeddedPostgres


def at(server: EmbeddedPostgres, dsn: str) -> StorePlace:
    return StorePlace(dsn, server.bin("pg_dump"), server.bin("pg_restore"))


@asynccontextmanager
async def empty_store(server: EmbeddedPostgres) -> AsyncIterator[str]:
    name = f"restored_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(server.dsn())
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        yield server.dsn(name)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


@pytest.fixture
async def saved(place, store_server, fresh_store_dsn: str, tmp_path) -> Path:
    """An archive made while sessions were live, with some more recorded after it."""
    archive = tmp_path / "backup.tar"
    async with place.gateway() as recordings:
        for _ in range(3):
            await place.recorded(recordings, units=30)
        await place.sql("UPDATE sessions SET ended_at = now() - interval '400 days' WHERE id = 2")
        await expire_due(recordings)
        async with place.session(recordings) as live:
            live.write(unit(1))
            live.rotate()
            while not (await place.row(live.session)).blocks:
                await recordings.flush()
            await backup(
                archive,
                store=place.store,
                place=at(store_server, fresh_store_dsn),
                ledger=place.ledger(),
                vault=recordings.vault,
                keyring=place.keyring,
            )
            live.write(unit(2))
        await place.recorded(recordings)
    assert archive.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.glob(".backup-*")] == []
    return archive


async def test_a_restored_gateway_has_what_the_old_one_had_then_and_goes_on(
    place, saved, store_server, tmp_path
) -> None:
    async with empty_store(store_server) as dsn:
        folder = tmp_path / "elsewhere" / "recordings"
        report = await restore(
            saved, place=at(store_server, dsn), folder=folder, keyring=place.keyring, replica="new"
        )
        assert (report.problem, report.sessions, report.expired) == ("", 4, 1)
        assert report.checkpoint.endswith("published")
        async with await Store.open(dsn) as store:
            other = Place(store, place.keyring, folder)
            async with other.gateway("new") as recordings:
                row = await other.row(4)
                assert (row.closed, row.end_cause, row.units) == (True, "interrupted", 1)
                assert len([record async for record in replay(recordings, 3)]) == 64
                assert await other.recorded(recordings) == 5
                assert (await other.verify(recordings)).problem == ""


async def test_a_backup_holds_no_key_and_nothing_readable_unless_asked(
    place, saved, store_server, fresh_store_dsn: str, tmp_path
) -> None:
    assert read_keys(saved) is None
    assert read_manifest(saved).keys == place.keyring.ids
    with tarfile.open(saved) as tar:
        assert {name.split("/")[0] for name in tar.getnames()} == {
            "manifest.json",
            "store.dump",
            "recordings",
        }
    assert b"SELECT * FROM customers" not in saved.read_bytes()
    async with place.gateway() as recordings:
        await backup(
            tmp_path / "whole.tar",
            store=place.store,
            place=at(store_server, fresh_store_dsn),
            ledger=place.ledger(),
            vault=recordings.vault,
            keyring=place.keyring,
            with_keys=True,
        )
    (tmp_path / "ring").write_bytes(read_keys(tmp_path / "whole.tar"))
    (tmp_path / "ring").chmod(0o600)
    assert Keyring.load(tmp_path / "ring").ids == place.keyring.ids


async def refused(place, server, archive: Path, dsn: str, folder: Path, error: type, match: str) -> None:
    with pytest.raises(error, match=match):
        await restore(archive, place=at(server, dsn), folder=folder, keyring=place.keyring, replica="new")


async def test_restore_wants_everything_empty_and_the_right_keys(
    place, saved, store_server, tmp_path
) -> None:
    async with empty_store(store_server) as dsn:
        full = tmp_path / "full"
        full.mkdir()
        (full / "file").touch()
        await refused(place, store_server, saved, dsn, full, Conflict, "not empty")
        keys = place.keyring
        place.keyring = Keyring.load(tmp_path / "others")
        await refused(place, store_server, saved, dsn, tmp_path / "r", ConfigurationBroken, "key ring lacks")
        place.keyring = keys
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE TABLE mine (x int)")
        await connection.close()
        await refused(place, store_server, saved, dsn, tmp_path / "r", Conflict, "store is not empty")
        assert not (tmp_path / "r").exists()


def repacked(archive: Path, target: Path, change) -> Path:
    """The archive again, each member passed through ``change(name, data)``; None leaves it out."""
    with tarfile.open(archive) as old, tarfile.open(target, "w") as new:
        for member in old:
            data = change(member.name, old.extractfile(member).read())
            if data is not None:
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return target


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (
            lambda name, data: data[:-1] + bytes([data[-1] ^ 1]) if name == "recordings/3.rec" else data,
            ProofBroken,
            r"does not prove itself: the block was altered.*session 3, block 0",
        ),
        (lambda name, data: None if name == "recordings/3.rec" else data, InvalidInput, "does not hold"),
        (
            lambda name, data: data[:-7] if name == "recordings/3.rec" else data,
            ProofBroken,
            "removed from the recording",
        ),
        (
            lambda name, data: data[:-1] + b"x" if name == "store.dump" else data,
            InvalidInput,
            "does not hold",
        ),
        (lambda name, data: None if name == "store.dump" else data, InvalidInput, "does not hold"),
        (lambda name, data: b"{}" if name == "manifest.json" else data, InvalidInput, "this version knows"),
    ],
)
async def test_a_doctored_backup_leaves_everything_empty(
    place, saved, store_server, tmp_path, change, error, match
) -> None:
    archive = repacked(saved, tmp_path / "doctored.tar", change)
    async with empty_store(store_server) as dsn:
        await refused(place, store_server, archive, dsn, tmp_path / "r", error, match)
        assert not (tmp_path / "r").exists()
        connection = await asyncpg.connect(dsn)
        tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        await connection.close()
        assert tables == 0
        await restore(
            saved, place=at(store_server, dsn), folder=tmp_path / "r", keyring=place.keyring, replica="new"
        )


async def test_an_archive_can_not_write_outside_its_folder(place, saved, store_server, tmp_path) -> None:
    evil = tmp_path / "evil.tar"
    shutil.copy(saved, evil)
    with tarfile.open(evil, "a") as tar:
        info = tarfile.TarInfo("recordings/../../../escaped")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    async with empty_store(store_server) as dsn:
        await refused(place, store_server, evil, dsn, tmp_path / "r", InvalidInput, "which no backup does")
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize("length", [0, 100, 5_000])
async def test_a_cut_archive_is_refused(place, saved, store_server, tmp_path, length: int) -> None:
    saved.write_bytes(saved.read_bytes()[:length])
    async with empty_store(store_server) as dsn:
        await refused(
            place, store_server, saved, dsn, tmp_path / "r", InvalidInput, "is no backup|is damaged"
        )


async def test_a_backup_that_can_not_be_made_leaves_nothing(
    place, store_server, fresh_store_dsn: str, tmp_path
) -> None:
    async with place.gateway() as recordings:
        recording = await recordings.open_recording(OPENED)
        recording.write(unit(1))
        wrong = StorePlace(fresh_store_dsn, Path("/nonexistent/pg_dump"), Path("/nonexistent"))
        for where, error in (
            (wrong, StoreUnavailable),
            (at(store_server, "postgresql://x@/y"), StoreUnavailable),
        ):
            with pytest.raises(error):
                await backup(
                    tmp_path / "backup.tar",
                    store=place.store,
                    place=where,
                    ledger=place.ledger(),
                    vault=recordings.vault,
                    keyring=place.keyring,
                )
    assert not list(tmp_path.glob("*backup*"))
