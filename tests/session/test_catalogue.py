"""The catalogue is data that an operator edits while the gateway runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from live_gateway import Beginning, LiveGateway
from servers import Production

from gateway.settings import SHIPPED
from gateway.web.shapes.endpoints import JudgeTexts, Verdicts


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    shutil.copytree(SHIPPED / "policies", folder)
    return folder


@pytest.fixture
def gateway(
    tmp_path: Path, policies: Path, production: Production, fresh_beginning: Beginning
) -> Iterator[LiveGateway]:
    live = LiveGateway.start(tmp_path, beginning=fresh_beginning, policies=policies)
    live.add_endpoint(production)
    live.grant()
    yield live
    live.stop()


def verdict(gateway: LiveGateway, text: str) -> str:
    question = JudgeTexts(name="orders-db", texts=(text,))
    answer = gateway.client("engineer").call("POST /v1/endpoints/{name}/judge", question, Verdicts)
    return answer.verdicts[0].verdict


def run_for(connection: psycopg.Connection, text: str, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        connection.execute(text.encode())


def test_an_endpoint_judges_by_its_own_catalogue(gateway: LiveGateway) -> None:
    assert verdict(gateway, "SELECT price_with_vat(10, 'DE')") == "allow"
    assert verdict(gateway, "SELECT record_visit(1, '/')") == "change"
    assert verdict(gateway, "SELECT no_such_function(1)") == "refuse"


def test_an_edited_catalogue_holds_in_live_sessions_and_a_broken_one_changes_nothing(
    gateway: LiveGateway, policies: Path
) -> None:
    file = policies / "catalogue" / "postgres.toml"
    shipped = file.read_text()
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        connection.execute("SELECT pg_sleep(0)")
        file.write_text("this is no TOML [")
        time.sleep(2.5)
        connection.execute("SELECT pg_sleep(0)")
        assert "pg_sleep" in shipped
        file.write_text(shipped.replace('"pg_sleep"', '"not_pg_sleep"', 1))
        with pytest.raises(psycopg.errors.Error, match="pg_sleep"):
            run_for(connection, "SELECT pg_sleep(0)", seconds=10)
    assert "catalogue not changed" in gateway.log
