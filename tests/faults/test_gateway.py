"""The whole gateway, with a real client, when something is taken away from it in mid-session."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from live_gateway import Beginning, LiveGateway
from servers import Production

from gateway.store.embedded import EmbeddedPostgres
from gateway.web.shapes.sessions import ListSessions, Moment, Proof, SessionList, Verify, Watched


def sessions(gateway: LiveGateway) -> SessionList:
    return gateway.client("reviewer").call("GET /v1/sessions", ListSessions(), SessionList)


def replayed(gateway: LiveGateway, session: int) -> list[Moment]:
    question = Watched(id=session)
    return list(gateway.client("reviewer").lines("GET /v1/sessions/{id}/replay", question, Moment))


def texts(moments: list[Moment]) -> set[str]:
    return {moment.text for moment in moments if moment.text}


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 65536)


def run_for(connection: psycopg.Connection, *, seconds: float) -> None:
    """Run statements that need some room in the recording, for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.execute("SELECT 'a unit that needs room in the recording'" + " " * 900)


def test_a_killed_gateway_loses_no_answered_statement(gateway: LiveGateway) -> None:
    answered: list[int] = []

    def work() -> None:
        try:
            with psycopg.connect(gateway.dsn(), autocommit=True, prepare_threshold=None) as connection:
                for number in range(100_000):
                    connection.execute(f"SELECT {number} AS before_the_kill".encode())
                    answered.append(number)
        except psycopg.Error:
            return

    client = threading.Thread(target=work)
    client.start()
    while len(answered) < 300:
        time.sleep(0.01)
    gateway.kill()
    client.join(10)
    assert not client.is_alive()
    gateway.launch()

    (session,) = sessions(gateway).sessions
    assert (session.cause, session.live, session.recording) == ("interrupted", False, "interrupted")
    recorded = texts(replayed(gateway, session.id))
    lost = [number for number in answered if f"SELECT {number} AS before_the_kill" not in recorded]
    assert not lost
    proof = gateway.client("reviewer").call("POST /v1/verify", Verify(), Proof)
    assert proof.good, proof


async def test_a_lost_store_is_bridged_by_the_lease_and_then_nothing_is_admitted(
    gateway_of_own_store: LiveGateway, own_store: EmbeddedPostgres, store_folder: Path
) -> None:
    gateway = gateway_of_own_store
    connection = await asyncio.to_thread(psycopg.connect, gateway.dsn(), autocommit=True)
    late = gateway.dsn()
    await own_store.stop()
    lost = time.monotonic()
    assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError):
        await asyncio.to_thread(psycopg.connect, late, connect_timeout=10)
    refused = None
    while refused is None and time.monotonic() - lost < 20:
        try:
            await asyncio.to_thread(connection.execute, "SELECT 2")
        except psycopg.Error as error:
            refused = error
        await asyncio.sleep(0.25)
    assert refused is not None
    assert "can't confirm your grant" in str(refused)
    assert 5 < time.monotonic() - lost < 13

    again = await EmbeddedPostgres.start(store_folder, name="store of a fault test")
    try:
        back = time.monotonic()
        while True:
            try:
                answer = await asyncio.to_thread(connection.execute, "SELECT 3")
                break
            except psycopg.Error:
                assert time.monotonic() - back < 15
                await asyncio.sleep(0.25)
        assert answer.fetchone() == (3,)
        connection.close()
        with await asyncio.to_thread(psycopg.connect, gateway.dsn()) as fresh:
            assert fresh.execute("SELECT 4").fetchone() == (4,)
        proof = gateway.client("reviewer").call("POST /v1/verify", Verify(), Proof)
        assert proof.good, proof
        gateway.stop()
    finally:
        await again.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_ends_the_session_before_anything_runs_unrecorded(
    tmp_path: Path, production: Production, fresh_beginning: Beginning, small_disk: Path
) -> None:
    place = tmp_path / "gateway"
    place.mkdir()
    recordings = small_disk / "recordings"
    gateway = LiveGateway.start(
        place, beginning=fresh_beginning, settings=f'[recording]\nfolder = "{recordings}"\n'
    )
    try:
        gateway.add_endpoint(production)
        gateway.grant()
        filler = small_disk / "filler"
        with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            with pytest.raises(OSError, match="No space"):
                fill(filler)
            with pytest.raises(psycopg.OperationalError, match="record"):
                run_for(connection, seconds=20)
        filler.unlink()
        until = time.monotonic() + 10
        while True:
            try:
                with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
                    assert connection.execute("SELECT 2").fetchone() == (2,)
                break
            except psycopg.OperationalError:
                assert time.monotonic() < until
                time.sleep(0.2)
        proof = gateway.client("reviewer").call("POST /v1/verify", Verify(), Proof)
        assert proof.good, proof
    finally:
        gateway.stop()


def test_a_vanished_folder_ends_the_session_and_the_gateway_goes_on(gateway: LiveGateway) -> None:
    recordings = gateway.data / "recordings"
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        shutil.rmtree(recordings)
        with pytest.raises(psycopg.OperationalError, match="record"):
            run_for(connection, seconds=10)
    with pytest.raises(psycopg.OperationalError, match="recordings folder"):
        psycopg.connect(gateway.dsn())
    recordings.mkdir()
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        assert connection.execute("SELECT 3").fetchone() == (3,)
