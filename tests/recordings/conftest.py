"""A real store and a folder on a real disk for every test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from recordings.place import Place

from gateway.store.keyring import Keyring
from gateway.store.pool import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def place(fresh_store_dsn: str, tmp_path: Path) -> AsyncIterator[Place]:
    store = await Store.open(fresh_store_dsn)
    yield Place(store, Keyring.load(tmp_path / "keys"), tmp_path / "recordings")
    await store.close()
