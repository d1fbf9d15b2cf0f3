"""Real engines and clusters for every test here; each starts once for a worker and stops with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import engine as engines
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import Certificates


@pytest.fixture(scope="session")
def engine(server_folder: Path, certificates: Certificates) -> Iterator[engines.Engine]:
    """A Docker engine with images and containers; skips where none can run."""
    if why := engines.why_missing():
        pytest.skip(why)
    folder = server_folder / "engine"
    folder.mkdir()
    made = engines.Engine.start(folder, certificates)
    yield made
    made.stop()
