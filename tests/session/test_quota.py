"""The quota of recordings of each person: it ends what runs and refuses what would open, for them alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from live_gateway import Beginning, LiveGateway
from servers import Production

from gateway.web.shapes.sessions import ListSessions, SessionList


@pytest.fixture
def gateway(tmp_path: Path, production: Production, fresh_beginning: Beginning) -> Iterator[LiveGateway]:
    live = LiveGateway.start(tmp_path, beginning=fresh_beginning, settings="[recording]\nperson-mib = 1\n")
    live.add_endpoint(production)
    yield live
    live.stop()


def test_a_used_up_quota_ends_live_sessions_and_refuses_further_ones(gateway: LiveGateway) -> None:
    gateway.grant()
    gateway.add_person("other", "engineer")
    gateway.grant(person="other")
    idle = psycopg.connect(gateway.dsn(), autocommit=True)
    busy = psycopg.connect(gateway.dsn(), autocommit=True)
    for number in range(70):
        busy.execute(f"SELECT {number} -- {number} {'x' * 16_000}".encode())
    for connection in (busy, idle):
        with pytest.raises(psycopg.OperationalError, match="has reached 1 MiB"):
            connection.execute("SELECT pg_sleep(20)")
    with pytest.raises(psycopg.OperationalError, match=r"(?s)has reached 1 MiB.*recording\.person-mib"):
        psycopg.connect(gateway.dsn())
    with psycopg.connect(gateway.dsn(person="other")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    causes, until = {""}, time.monotonic() + 10
    while "" in causes and time.monotonic() < until:  # an ending stands in the store once it is sealed
        listed = gateway.client("reviewer").call("GET /v1/sessions", ListSessions(by="engineer"), SessionList)
        causes = {session.cause for session in listed.sessions}
    assert causes == {"recording-full"}
    with suppress(psycopg.Error):
        idle.close()
        busy.close()
