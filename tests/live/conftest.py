"""Gateways with PostgreSQL 17 and, where it is installed, 15 behind them; others with a host."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from live_clients import NEW, OLD, Live
from live_gateway import Beginning, LiveGateway
from live_ssh import LiveSsh
from servers import DEBIAN_15, Production
from sshd import Sshd

from gateway.changes.founding import found_repository
from gateway.cli.demo.production import SERVICE


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("git") / "shop.git"
    found_repository(
        path, SERVICE, author="Shop <shop@example.com>", message="Begin", at=datetime(2026, 9, 1, tzinfo=UTC)
    )
    return path


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest, production: Production) -> dict[str, Production]:
    """Endpoint → what is behind it."""
    if not (DEBIAN_15 / "bin" / "postgres").exists():
        return {NEW: production}
    return {NEW: production, OLD: request.getfixturevalue("production15")}


@pytest.fixture(scope="session")
def live(
    tmp_path_factory: pytest.TempPathFactory,
    servers: dict[str, Production],
    lasting_beginning: Beginning,
    repository: Path,
) -> Iterator[Live]:
    """A gateway for all modules that leave it as it was but for what they refuse and record."""
    yield from started(tmp_path_factory.mktemp("live"), lasting_beginning, servers, repository)


@pytest.fixture(scope="module")
def own_live(
    tmp_path_factory: pytest.TempPathFactory,
    servers: dict[str, Production],
    beginning: Beginning,
    repository: Path,
) -> Iterator[Live]:
    """A gateway of the module's own."""
    yield from started(tmp_path_factory.mktemp("live"), beginning, servers, repository)


def started(
    folder: Path, beginning: Beginning, servers: dict[str, Production], repository: Path
) -> Iterator[Live]:
    gateway = LiveGateway.start(folder, beginning=beginning)
    for name, server in servers.items():
        gateway.add_endpoint(server, name=name, repository=repository)
        gateway.grant(name, minutes=120)
    yield Live(gateway, servers)
    gateway.stop()


@pytest.fixture(params=[NEW, OLD])
def endpoint(request: pytest.FixtureRequest, live: Live) -> str:
    """Each server in turn."""
    name = str(request.param)
    if name not in live.servers:
        pytest.skip("PostgreSQL 15 is not installed (apt install postgresql-15)")
    return name


@pytest.fixture(params=[17, 15])
def version(request: pytest.FixtureRequest) -> int:
    """Major version of the client programs, each in turn."""
    if request.param == 15 and not (DEBIAN_15 / "bin" / "psql").exists():
        pytest.skip("PostgreSQL 15 is not installed (apt install postgresql-15)")
    return int(request.param)


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory, sshd: Sshd, beginning: Beginning) -> Iterator[LiveSsh]:
    """A gateway with that host behind it, and an engineer with a key and access."""
    gateway = LiveGateway.start(tmp_path_factory.mktemp("gateway"), beginning=beginning)
    made = LiveSsh(gateway, sshd, tmp_path_factory.mktemp("people"))
    made.register()
    made.add_key("engineer")
    gateway.grant(made.endpoint, minutes=120)
    yield made
    gateway.stop()
