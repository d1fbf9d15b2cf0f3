"""What DBeaver and pgAdmin send when they open a connection and walk the tree, text by text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from live_clients import Live


@pytest.fixture
def connection(live: Live, endpoint: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(live.dsn(endpoint)) as made:
        yield made


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("tool", ["dbeaver", "pgadmin"])
def test_every_text_is_answered(connection: psycopg.Connection, tool: str, binary: bool) -> None:
    texts = Path(__file__).with_name(f"{tool}.sql").read_text().splitlines()
    assert len(texts) > 20
    refused = []
    for text in texts:
        try:
            connection.execute(text.encode(), prepare=binary and ";" not in text)
        except psycopg.Error as error:
            refused.append(f"{error}\n  {text}")
            connection.rollback()
    assert not refused, "\n".join(refused)
