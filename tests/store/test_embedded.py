"""The embedded PostgreSQL starts, answers, stops, survives kill -9 and leaves nothing running."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import asyncpg
import pytest
from servers import DEBIAN_15, Certificates, free_port
from stopwatch import unhurried

from gateway.domain.errors import StoreUnavailable
from gateway.store.embedded import EmbeddedPostgres

HOLDER = """
import asyncio, sys
from pathlib import Path
from gateway.store.embedded import EmbeddedPostgres

async def hold():
    server = await EmbeddedPostgres.start(Path(sys.argv[1]), name="held")
    print(server.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(hold())
"""


async def asked(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def test_a_first_start_is_quick_and_is_durable_utf8_scram(
    short_folder: Path,
) -> None:
    began = unhurried()
    server = await EmbeddedPostgres.start(short_folder / "store", name="first")
    took = unhurried() - began
    try:
        assert took < 10  # some 0.6 s on a machine with nothing else to do
        assert await asked(server.dsn(), "SHOW fsync") == "on"
        assert await asked(server.dsn(), "SHOW server_encoding") == "UTF8"
        assert await asked(server.dsn(), "SHOW listen_addresses") == ""
        assert await asked(server.dsn(), "SHOW cluster_name") == "first"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asked(server.dsn(password="wrong"), "SELECT 1")
    finally:
        await server.stop()
    assert not runs(server.pid)
    await server.stop()


async def test_what_was_written_is_there_after_a_restart(short_folder: Path) -> None:
    first = await EmbeddedPostgres.start(short_folder / "store", name="again")
    await asked(first.dsn(), "CREATE TABLE kept AS SELECT 42 AS n")
    await first.stop()
    second = await EmbeddedPostgres.start(short_folder / "store", name="again")
    try:
        assert await asked(second.dsn(), "SELECT n FROM kept") == 42
    finally:
        await second.stop()


async def test_a_killed_gateway_leaves_no_server_and_the_folder_starts_again(short_folder: Path) -> None:
    folder = short_folder / "store"
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    pid = int(await holder.stdout.readline())
    assert runs(pid)
    with pytest.raises(StoreUnavailable, match="belongs to another running process"):
        await EmbeddedPostgres.start(folder, name="second")
    assert runs(pid)
    holder.kill()
    await holder.wait()
    server = await EmbeddedPostgres.start(folder, name="second")
    try:
        assert not runs(pid)
        assert await asked(server.dsn(), "SELECT 1") == 1
    finally:
        await server.stop()


async def test_a_killed_server_is_started_again_with_all_it_had(short_folder: Path) -> None:
    server = await EmbeddedPostgres.start(short_folder / "store", name="again")
    await asked(server.dsn(), "CREATE TABLE kept AS SELECT 42 AS n")
    killed = server.pid
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(server.run())
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(20):
            while True:
                try:
                    kept = await asked(server.dsn(), "SELECT n FROM kept")
                except (OSError, asyncpg.PostgresError):
                    await asyncio.sleep(0.05)
                else:
                    break
        assert kept == 42
        assert server.pid != killed
        await server.stop()
        await keeping
    assert not server.running


async def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(short_folder: Path) -> None:
    first = await EmbeddedPostgres.start(short_folder / "store", name="stale")
    os.kill(first.pid, signal.SIGKILL)
    await first.exited()
    await first.stop()
    pid_file = short_folder / "store" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    stranger = await asyncio.create_subprocess_exec("sleep", "600")
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    second = await EmbeddedPostgres.start(short_folder / "store", name="stale")
    try:
        assert await asked(second.dsn(), "SELECT 1") == 1
        assert stranger.returncode is None
    finally:
        await second.stop()
        stranger.kill()
        await stranger.wait()


async def test_a_path_too_long_for_a_socket_moves_only_the_socket(short_folder: Path) -> None:
    folder = short_folder / ("long-" * 24)
    server = await EmbeddedPostgres.start(folder, name="long")
    outside = Path(server.host)
    try:
        assert outside.parent == Path("/tmp")
        assert await asked(server.dsn(), "SELECT 1") == 1
    finally:
        await server.stop()
    assert not outside.exists()


async def test_a_busy_port_is_named(short_folder: Path) -> None:
    port = free_port()
    listener = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", port)
    async with listener:
        with pytest.raises(StoreUnavailable, match=f"port {port} is in use"):
            await EmbeddedPostgres.start(short_folder / "store", name="busy", port=port)


async def test_tcp_takes_tls_only_where_there_is_a_certificate(
    short_folder: Path, certificates: Certificates
) -> None:
    port = free_port()
    server = await EmbeddedPostgres.start(
        short_folder / "store", name="tls", port=port, tls=(certificates.chain, certificates.key)
    )
    password = (short_folder / "store" / "password").read_text()
    url = f"postgresql://glassgate:{password}@localhost:{port}/postgres"
    try:
        verified = f"{url}?sslmode=verify-full&sslrootcert={certificates.ca}"
        assert await asked(verified, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await asked(f"{url}?sslmode=disable", "SELECT 1")
    finally:
        await server.stop()


async def test_another_installation_serves_as_well(short_folder: Path) -> None:
    if not (DEBIAN_15 / "bin" / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed (apt install postgresql-15)")
    server = await EmbeddedPostgres.start(short_folder / "store", name="fifteen", installation=DEBIAN_15)
    try:
        assert str(await asked(server.dsn(), "SHOW server_version")).startswith("15.")
    finally:
        await server.stop()


async def test_a_broken_setting_is_told_with_the_servers_own_words(short_folder: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no_such_setting"):
        await EmbeddedPostgres.start(short_folder / "store", name="broken", settings={"no_such_setting": "1"})
    again = await EmbeddedPostgres.start(short_folder / "store", name="mended")
    await again.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server under another account")
async def test_as_root_a_folder_closed_to_others_is_told(short_folder: Path) -> None:
    closed = short_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(StoreUnavailable, match=f"may not pass {closed}"):
        await EmbeddedPostgres.start(closed / "store", name="closed")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server under another account")
async def test_as_root_the_server_runs_as_somebody_else(short_folder: Path) -> None:
    server = await EmbeddedPostgres.start(short_folder / "store", name="unprivileged")
    try:
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    finally:
        await server.stop()
