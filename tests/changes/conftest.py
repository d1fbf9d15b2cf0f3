"""Fixtures of the change flow: a migrated store, an engineer, a repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from changes.shop import URL, bare_repository, orders_db

from gateway.changes.flow import Changes, SessionFacts
from gateway.domain.identity import Identity, IdentityKind
from gateway.domain.ids import GrantId, IdentityId, SessionId
from gateway.store.pool import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from gateway.store.embedded import EmbeddedPostgres


@pytest.fixture
async def store(fresh_store_dsn: str) -> AsyncIterator[Store]:
    opened = await Store.open(fresh_store_dsn)
    yield opened
    await opened.close()


@pytest.fixture
def changes(store: Store, tmp_path: Path) -> Changes:
    return Changes(store, public_url=URL, folder=tmp_path / "git")


@pytest.fixture
def eve() -> Identity:
    return Identity(
        id=IdentityId(1),
        name="eve",
        kind=IdentityKind.PERSON,
        email="eve@example.org",
        display_name="Eve Engineer",
        roles=frozenset({"engineer"}),
        scopes=frozenset(),
        credential=None,
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return bare_repository(
        tmp_path / "shop.git",
        {
            "migrations/0001_create.sql": "CREATE TABLE customers (id int);\n",
            "migrations/0006_add-index.sql": "CREATE INDEX ON customers (id);\n",
            "README.md": "shop\n",
        },
    )


@pytest.fixture
def facts(eve: Identity, shop: Path) -> SessionFacts:
    return SessionFacts(
        session=SessionId(12),
        identity=eve,
        endpoint=orders_db(str(shop)),
        grant=GrantId(5),
        grant_reason="INC-42: checkout is slow",
        level="role",
    )


@pytest.fixture(scope="module")
def connection(store_server: EmbeddedPostgres) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A real server's opinion on SQL text."""
    with psycopg.connect(store_server.dsn(), autocommit=True) as made:
        yield made
