"""A PostgreSQL door on a real port, in front of real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from postgres_door import Gate, Speaker, endpoint_for, gate_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from servers import Production


@pytest.fixture(scope="session")
async def gate(production: Production, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gate]:
    """A door in front of the wheel's PostgreSQL."""
    endpoints = {
        "orders-db": endpoint_for(production),
        "kept-db": endpoint_for(production, "kept-db", record_results=True),
    }
    async with gate_for(tmp_path_factory.mktemp("gate"), endpoints) as made:
        yield made


@pytest.fixture(scope="session")
async def gate15(production15: Production, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gate]:
    """A door in front of PostgreSQL 15."""
    async with gate_for(tmp_path_factory.mktemp("gate15"), {"orders-db": endpoint_for(production15)}) as made:
        yield made


@pytest.fixture
async def speaker(gate: Gate) -> AsyncIterator[Speaker]:
    """A client that is logged in."""
    made = await Speaker.login(gate)
    yield made
    await made.close()
