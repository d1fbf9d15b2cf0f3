"""A gateway of the test's own, whose folders the test may take away; where it says so, its store too."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from live_gateway import Beginning, LiveGateway
from servers import Production

from gateway.store.embedded import EmbeddedPostgres


@pytest.fixture
def store_folder(short_folder: Path) -> Path:
    """Where the test's own store lies, so that it can be stopped and started again."""
    folder = short_folder / "store"
    short_folder.chmod(0o755)
    return folder


@pytest.fixture
async def own_store(store_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = await EmbeddedPostgres.start(store_folder, name="store of a fault test")
    yield server
    await server.stop()


@pytest.fixture
def gateway(tmp_path: Path, production: Production, fresh_beginning: Beginning) -> Iterator[LiveGateway]:
    with running(LiveGateway.start(tmp_path, beginning=fresh_beginning), production) as live:
        yield live


@pytest.fixture
def gateway_of_own_store(
    tmp_path: Path, production: Production, own_store: EmbeddedPostgres
) -> Iterator[LiveGateway]:
    """One whose store the test may stop."""
    with running(LiveGateway.start(tmp_path, store=own_store.dsn()), production) as live:
        yield live


@contextlib.contextmanager
def running(live: LiveGateway, production: Production) -> Iterator[LiveGateway]:
    """Give it an endpoint and somebody with access; stop it, unless the test has."""
    live.add_endpoint(production)
    live.grant()
    yield live
    if live.process is not None and live.process.poll() is None:
        live.stop()
