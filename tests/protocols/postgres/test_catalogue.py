"""What is changed in production is noticed by looking at few numbers."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import psycopg
import pytest
from postgres_door import endpoint_for

from gateway.judge.catalogue import load_postgres
from gateway.protocols.postgres import upstream
from gateway.protocols.postgres.catalogue import CatalogueFeed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Production

BEFORE = """
CREATE FUNCTION three(json, json) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 3';
CREATE FUNCTION less(json, json) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT false';
CREATE OPERATOR <<< (leftarg = json, rightarg = json, function = less);
CREATE OPERATOR FAMILY later USING btree;
CREATE EXTENSION pg_trgm;
CREATE TABLE measured (a int, b int);
CREATE TABLE ranged (a int);
"""
CHANGES = [
    "CREATE OR REPLACE FUNCTION three(json, json) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 4'",
    "CREATE OPERATOR CLASS c DEFAULT FOR TYPE json USING btree FAMILY later AS OPERATOR 1 <<<",
    "ALTER OPERATOR FAMILY later USING btree ADD FUNCTION 1 (json, json) three(json, json)",
    "ALTER EXTENSION pg_trgm ADD FUNCTION three(json, json)",
    "ALTER EXTENSION pg_trgm DROP FUNCTION three(json, json)",
    "CREATE STATISTICS measured_both ON (a + b), b FROM measured",
    "CREATE VIEW seen AS SELECT * FROM measured",
    "CREATE OR REPLACE VIEW seen AS SELECT a, b FROM measured WHERE a > 1",
    "CREATE POLICY positive ON measured USING (a > 0)",
    "ALTER TABLE measured ALTER a SET DEFAULT 5",
    "ALTER TABLE measured ADD CHECK (b > 0)",
    "CREATE INDEX ON ranged ((a + 1))",
    "CREATE OR REPLACE FUNCTION pg_catalog.rpad(text, int) RETURNS text LANGUAGE sql AS 'SELECT $1'",
    "CREATE DOMAIN small AS int",
    "ALTER DOMAIN small ADD CHECK (value < 5)",
    "CREATE CAST (small AS json) WITH INOUT",
]


@pytest.fixture
def database(production: Production) -> Iterator[str]:
    name = f"watched_{secrets.token_hex(4)}"
    with psycopg.connect(production.dsn(), autocommit=True) as direct:
        direct.execute(f"CREATE DATABASE {name}".encode())
        with psycopg.connect(production.dsn(database=name), autocommit=True) as session:
            session.execute(BEFORE.encode())
        yield name
        direct.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def test_every_change_that_could_bear_on_a_verdict_is_noticed(
    production: Production, database: str
) -> None:
    endpoint, secret = endpoint_for(production)
    parameters = {"user": endpoint.username, "database": database, "default_transaction_read_only": "on"}
    target = upstream.target_of(endpoint, parameters)
    feed = CatalogueFeed(target, secret, catalogue=load_postgres(), lists={})
    seen = await feed.first()
    with psycopg.connect(production.dsn(database=database), autocommit=True) as session:
        for change in CHANGES:
            session.execute(change.encode())
            await feed.refresh()
            assert feed.snapshot is not seen, change
            seen = feed.snapshot
    await feed.refresh()
    assert feed.snapshot is seen
