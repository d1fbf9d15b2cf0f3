from __future__ import annotations

import pytest

from gateway.changes.titles import title

TITLES = [
    ("SELECT", "SELECT nextval('orders_id_seq')", "SELECT nextval(orders_id_seq)"),
    ("SELECT", "select  lo_create( 0 )  ", "select lo_create(0)"),
    ("SELECT", "SELECT pg_catalog.setval('s'::regclass, 5)", "SELECT pg_catalog.setval(s::regclass, 5)"),
    ("SELECT", "SELECT * INTO y FROM orders", "SELECT * INTO y FROM orders"),
    ("SELECT", "SELECT * FROM orders -- all\nLIMIT 1 FOR UPDATE", "SELECT * FROM orders LIMIT 1 FOR UPDATE"),
    ("SELECT", "WITH d AS (DELETE FROM orders WHERE id=3 RETURNING *) TABLE d", "DELETE FROM orders"),
    ("SELECT", "WITH d AS (UPDATE ONLY public.orders SET a=1 RETURNING *) TABLE d", "UPDATE public.orders"),
    ("SELECT", 'WITH d AS MATERIALIZED (INSERT INTO "Or ders" VALUES (1)) TABLE d', 'INSERT INTO "Or ders"'),
    ("SELECT", "WITH x AS (SELECT 1) SELECT nextval('s')", "WITH x AS (SELECT 1) SELECT nextval(s)"),
    ("CALL", "CALL settle(7, 'now')", "CALL settle(7, now)"),
    ("DO", "DO $$ BEGIN\n  PERFORM 1; END $$", "DO BEGIN PERFORM 1; END"),
    ("GRANT orders", "GRANT SELECT, UPDATE ON orders TO public", "GRANT SELECT, UPDATE ON orders TO public"),
    ("COPY orders", "COPY orders (id, total) FROM STDIN", "COPY orders(id, total) FROM STDIN"),
    ("ALTER SYSTEM", "ALTER SYSTEM SET work_mem = '1GB'", "ALTER SYSTEM SET work_mem = 1GB"),
    ("PREPARE x", "PREPARE x AS DELETE FROM orders", "PREPARE x AS DELETE FROM orders"),
    ("UPDATE orders", "UPDATE orders SET note = 'secret'", "UPDATE orders"),
    ("SELECT", "", "SELECT"),
    ("SELECT", "SELECT 'open", "SELECT"),
]


@pytest.mark.parametrize(("judged", "statement", "told"), TITLES)
def test_a_title_says_what_a_statement_would_do(judged: str, statement: str, told: str) -> None:
    assert title(judged, [statement]) == told


def test_statements_of_one_unit_are_told_once_each() -> None:
    statements = ["SELECT nextval('a')", "SELECT nextval('b')", "SELECT nextval('a')"]
    assert title("SELECT", statements) == "SELECT nextval(a); SELECT nextval(b)"


def test_a_long_statement_is_cut() -> None:
    told = title("SELECT", ["SELECT " + ", ".join(["f(1)"] * 10_000)])
    assert told.endswith(" …")
    assert len(told) < 300
