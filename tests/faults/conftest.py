"""A gateway of the test's own, whose store and folders the test may take away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from live_gateway import LiveGateway
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
def gateway(tmp_path: Path, production: Production, own_store: EmbeddedPostgres) -> Iterator[LiveGateway]:
    live = LiveGateway.start(tmp_path, store=own_store.dsn())
    live.add_endpoint(production)
    live.grant()
    yield live
    if live.process is not None and live.process.poll() is None:
        live.stop()
