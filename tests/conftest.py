"""Real servers for every test; each starts once for a worker and stops with it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
import trustme
from live_gateway import Beginning, LiveGateway
from servers import (
    SAMPLE_CUSTOMERS,
    UNSYNCED,
    Certificates,
    Production,
    free_port,
    installation_of,
    server_files,
)
from sshd import SSHD, Sshd

from gateway.changes.founding import found_repository
from gateway.cli.demo.production import DATABASE, READER, SERVICE, WRITER, SampleProduction
from gateway.settings import SHIPPED
from gateway.store.embedded import EmbeddedPostgres
from gateway.store.migrations import migrate
from gateway.store.pool import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


LONGEST = (
    "docs/test_pages.py",
    "cli/demo/test_demo.py",
    "oracle/test_nothing_changes.py",
    "judge/shell/test_nothing_written.py",
    "live/test_ssh_endings.py",
    "cli/test_judge.py",
    "faults/test_gateway.py",
    "live/test_tools.py",
    "live/test_psql.py",
    "server/test_workers.py",
    "test_compiled.py",
    "live/test_ssh_logins.py",
    "protocols/ssh/test_hosts.py",
    "live/test_writes.py",
    "cli/test_story.py",
    "judge/shell/test_meaning.py",
    "oracle/test_hidden.py",
    "live/test_releases.py",
    "live/test_limits.py",
    "live/test_ssh_commands.py",
    "oracle/test_fuzz.py",
    "cli/test_ssh.py",
    "live/test_ssh_certificates.py",
    "cli/test_operate.py",
    "recordings/test_recovery.py",
    "cli/demo/test_readme.py",
    "session/test_line.py",
    "live/test_ssh_forwarding.py",
    "live/test_ssh_transfers.py",
    "live/test_ssh_changes.py",
    "live/test_commands.py",
    "live/test_ssh_asking.py",
    "judge/shell/test_corpus.py",
    "judge/shell/test_read.py",
    "live/test_jdbc.py",
    "cli/test_containers.py",
    "protocols/ssh/test_channels.py",
    "protocols/ssh/test_wrapped.py",
    "store/test_embedded.py",
)
"""Modules that take ten seconds and more, the longest first."""


def pytest_configure() -> None:
    """Let what we start be ended by Ctrl-C: what a script runs in its background is told to ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests wait as much as they work."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long modules, so that at the end no worker is left alone with one."""
    here = Path(__file__).parent
    longest = {here / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: longest.get(item.path, len(longest)))


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder with a short path that other users may pass, as servers started by root need it."""
    folder = Path(tempfile.mkdtemp(prefix="gg-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_folder() -> Iterator[Path]:
    """The same for PostgreSQL servers, which make their files anew for every database."""
    folder = server_files()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """The same for one test: pytest's own tmp_path is closed to other users and too long for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="gg-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def certificates(server_folder: Path) -> Certificates:
    """Make an authority and a server certificate."""
    folder = server_folder / "certificates"
    folder.mkdir()
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1")
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key", authority)
    authority.cert_pem.write_to_path(str(made.ca))
    made.chain.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
    server.private_key_pem.write_to_path(str(made.key))
    made.key.chmod(0o600)
    return made


@pytest.fixture(scope="session")
async def store_server(database_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """The one server that holds every test's store."""
    server = await EmbeddedPostgres.start(
        database_folder / "store", name="test-store", settings={"max_connections": "300", **UNSYNCED}
    )
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def founded_store(store_server: EmbeddedPostgres) -> str:
    """Name of a database with the gateway's tables and nothing in them, for the tests' stores to begin as."""
    name = "founded"
    await _create(store_server, name, "template1")
    async with await Store.open(store_server.dsn(name)) as store:
        await migrate(store, SHIPPED / "migrations")
    return name


async def _create(server: EmbeddedPostgres, name: str, template: str) -> None:
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    finally:
        await connection.close()


async def _fresh_database(server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    name = f"store_{secrets.token_hex(6)}"
    await _create(server, name, template)
    yield server.dsn(name)
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture(scope="module")
async def store_dsn(store_server: EmbeddedPostgres, founded_store: str) -> AsyncIterator[str]:
    """URL of a database of the module's own, with the gateway's empty tables."""
    async for dsn in _fresh_database(store_server, founded_store):
        yield dsn


@pytest.fixture
async def fresh_store_dsn(store_server: EmbeddedPostgres, founded_store: str) -> AsyncIterator[str]:
    """URL of a database of the test's own, with the gateway's empty tables."""
    async for dsn in _fresh_database(store_server, founded_store):
        yield dsn


@pytest.fixture(scope="session")
async def first_gateway(store_server: EmbeddedPostgres, server_folder: Path) -> LiveGateway:
    """A gateway that was started once, given its people, and stopped."""
    await _create(store_server, "first", "template1")
    folder = server_folder / "first-gateway"
    folder.mkdir()
    gateway = LiveGateway.start(folder, store=store_server.dsn("first"))
    gateway.stop()
    return gateway


@pytest.fixture(scope="module")
async def beginning(store_server: EmbeddedPostgres, first_gateway: LiveGateway) -> AsyncIterator[Beginning]:
    """What a gateway of the module's own begins with."""
    async for dsn in _fresh_database(store_server, "first"):
        yield Beginning(dsn, first_gateway)


@pytest.fixture(scope="session")
async def lasting_beginning(
    store_server: EmbeddedPostgres, first_gateway: LiveGateway
) -> AsyncIterator[Beginning]:
    """What a gateway that several modules share begins with."""
    async for dsn in _fresh_database(store_server, "first"):
        yield Beginning(dsn, first_gateway)


@pytest.fixture
async def fresh_beginning(
    store_server: EmbeddedPostgres, first_gateway: LiveGateway
) -> AsyncIterator[Beginning]:
    """What a gateway of the test's own begins with."""
    async for dsn in _fresh_database(store_server, "first"):
        yield Beginning(dsn, first_gateway)


@pytest.fixture
async def empty_dsn(store_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """URL of a database of the test's own with nothing in it, as an operator makes it for a new gateway."""
    async for dsn in _fresh_database(store_server, "template1"):
        yield dsn


async def _production(folder: Path, certificates: Certificates, version: int) -> AsyncIterator[Production]:
    installation = installation_of(version)
    sample = await SampleProduction.start(
        folder,
        port=free_port(),
        tls=(certificates.chain, certificates.key),
        customers=SAMPLE_CUSTOMERS,
        installation=installation,
    )
    yield Production(
        server=sample.server,
        host="localhost",
        port=sample.port,
        ca=certificates.ca,
        superuser=sample.server.superuser,
        superuser_password=sample.superuser_password.reveal().decode(),
        reader=READER,
        reader_password=sample.reader_password.reveal().decode(),
        writer=WRITER,
        writer_password=sample.writer_password.reveal().decode(),
        database=DATABASE,
        version=version,
    )
    await sample.server.stop()


@pytest.fixture(scope="session")
async def production(database_folder: Path, certificates: Certificates) -> AsyncIterator[Production]:
    """The wheel's PostgreSQL, as production."""
    async for made in _production(database_folder / "production", certificates, 17):
        yield made


@pytest.fixture(scope="session")
async def production15(database_folder: Path, certificates: Certificates) -> AsyncIterator[Production]:
    """Debian's PostgreSQL 15, as production; skips where it is not installed."""
    async for made in _production(database_folder / "production15", certificates, 15):
        yield made


@pytest.fixture(scope="session")
async def production16(database_folder: Path, certificates: Certificates) -> AsyncIterator[Production]:
    """A PostgreSQL 16, as production; skips where it can't be had."""
    async for made in _production(database_folder / "production16", certificates, 16):
        yield made


@pytest.fixture(scope="session")
async def production18(database_folder: Path, certificates: Certificates) -> AsyncIterator[Production]:
    """A PostgreSQL 18, as production; skips where it can't be had."""
    async for made in _production(database_folder / "production18", certificates, 18):
        yield made


@pytest.fixture
def git_repository(tmp_path: Path) -> Path:
    """A bare repository of its own with the sample service's source on ``main``."""
    path = tmp_path / "shop.git"
    found_repository(
        path,
        SERVICE,
        author="Shop Team <shop@example.com>",
        message="Import the shop service",
        at=datetime(2026, 9, 1, tzinfo=UTC),
    )
    return path


@pytest.fixture(scope="module")
def sshd(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[Sshd]:
    """A host of the module's own; skips where there is no sshd."""
    if not SSHD.exists():
        pytest.skip("sshd is not installed (apt install openssh-server)")
    folder = server_folder / f"sshd-{request.module.__name__.rpartition('.')[2]}"
    folder.mkdir()
    folder.chmod(0o755)
    server = Sshd.start(folder)
    yield server
    server.stop()
