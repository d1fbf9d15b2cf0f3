"""A real gateway with sample production, and plain HTTP to talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_gateway import Beginning, LiveGateway
from plain_http import Http
from servers import Production


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, production: Production, beginning: Beginning
) -> Iterator[LiveGateway]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    live = LiveGateway.start(folder, beginning=beginning)
    live.add_endpoint(production)
    live.add_person("nobody")
    yield live
    live.stop()


@pytest.fixture(scope="module")
def call(gateway: LiveGateway) -> Http:
    return Http(gateway)
