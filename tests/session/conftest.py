"""A real gateway for the line's tests, with sample production behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_gateway import Beginning, LiveGateway
from servers import Production


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, production: Production, beginning: Beginning
) -> Iterator[LiveGateway]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    live = LiveGateway.start(folder, beginning=beginning)
    live.add_endpoint(production)
    yield live
    live.stop()
