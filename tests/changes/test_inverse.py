from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.changes.inverse import guidance, inverse
from gateway.changes.pieces import cut

if TYPE_CHECKING:
    import psycopg

BEFORE = """
    DROP SCHEMA IF EXISTS s CASCADE;
    CREATE SCHEMA s;
    SET search_path = s;
    CREATE TABLE s.t (id int, "Old Name" text, x int);
    INSERT INTO s.t VALUES (1, 'a', 1), (2, 'b', 2);
"""
SHAPE = """
    SELECT c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 's')
    UNION ALL SELECT conname, contype::text, '', '', false FROM pg_constraint
    WHERE connamespace = (SELECT oid FROM pg_namespace WHERE nspname = 's') AND contype <> 'n'
    UNION ALL SELECT nspname, '', '', '', false FROM pg_namespace WHERE nspname LIKE 'added%'
    UNION ALL SELECT typname, typtype::text, '', '', false FROM pg_type
    WHERE typnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 's')
    ORDER BY 1, 2, 3
"""
CERTAIN = [
    "CREATE TABLE s.added (id int PRIMARY KEY, t text)",
    "CREATE TABLE added (LIKE s.t)",
    'CREATE TABLE "Added One" (id int)',
    "CREATE VIEW added AS SELECT * FROM t",
    "CREATE VIEW s.added (a) AS SELECT id FROM t",
    "CREATE SEQUENCE added START 5",
    "CREATE SCHEMA added_schema",
    "CREATE TYPE added AS ENUM ('a', 'b')",
    "CREATE DOMAIN added AS int CHECK (VALUE > 0)",
    "CREATE INDEX added ON s.t (id)",
    "CREATE UNIQUE INDEX added ON ONLY s.t (id) WHERE id > 0",
    "CREATE INDEX CONCURRENTLY added ON s.t (id)",
    "ALTER TABLE s.t ADD COLUMN added numeric(3, 2) DEFAULT 1.5",
    'ALTER TABLE t ADD COLUMN "Added" int',
    'ALTER TABLE s.t RENAME COLUMN "Old Name" TO renamed',
    "ALTER TABLE s.t ADD CONSTRAINT added CHECK (id > 0)",
    "ALTER TABLE s.t ADD CONSTRAINT added UNIQUE (id)",
]


@pytest.mark.parametrize("statement", CERTAIN)
def test_an_offered_inverse_brings_the_definitions_back(
    connection: psycopg.Connection[tuple[object, ...]], statement: str
) -> None:
    connection.execute(BEFORE)
    connection.execute("DROP SCHEMA IF EXISTS added_schema")
    before = connection.execute(SHAPE).fetchall()
    connection.execute(statement.encode())
    assert connection.execute(SHAPE).fetchall() != before
    back = inverse(cut(statement))
    assert back is not None
    connection.execute(back.encode())
    assert connection.execute(SHAPE).fetchall() == before
    rows = connection.execute("SELECT * FROM s.t ORDER BY id").fetchall()
    assert rows == [(1, "a", 1), (2, "b", 2)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE t SET x = 1",
        "DELETE FROM t",
        "INSERT INTO t VALUES (1)",
        "TRUNCATE t",
        "CREATE TABLE IF NOT EXISTS t (id int)",
        "CREATE TABLE t2 AS SELECT 1",
        "CREATE TABLE t2 PARTITION OF t FOR VALUES IN (1)",
        "CREATE TEMP TABLE t2 (id int)",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "CREATE INDEX i ON t (id)",
        "CREATE INDEX ON s.t (id)",
        "CREATE INDEX IF NOT EXISTS i ON s.t (id)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS x int",
        "ALTER TABLE IF EXISTS t ADD COLUMN x int",
        "ALTER TABLE t ADD COLUMN a int, DROP COLUMN b",
        "ALTER TABLE t ADD CONSTRAINT p PRIMARY KEY (id)",
        "ALTER TABLE t ADD CONSTRAINT p UNIQUE USING INDEX i",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE t DROP COLUMN x",
        "CREATE SCHEMA s CREATE TABLE t (id int)",
        "CREATE SCHEMA AUTHORIZATION eve",
        "DROP TABLE t",
        "GRANT SELECT ON t TO eve",
        "DO $$ BEGIN END $$",
        'CREATE TABLE "a\nDROP TABLE t;--" (id int)',
        'ALTER TABLE t ADD COLUMN "a\rb" int',
    ],
)
def test_no_inverse_is_offered_where_it_is_not_certain(statement: str) -> None:
    assert inverse(cut(statement)) is None
    assert guidance(cut(statement))


def test_what_changes_no_data_needs_no_way_back() -> None:
    said = inverse(cut("VACUUM (ANALYZE) t"))
    assert said is not None
    assert said.startswith("--")


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("UPDATE t SET x = 9 WHERE id = 2", "SELECT * FROM t WHERE id = 2;"),
        (
            "UPDATE ONLY s.t AS a SET x = (SELECT 1 WHERE 1 = 1)\nWHERE a.id = 2 RETURNING *",
            "SELECT * FROM ONLY s.t a WHERE a.id = 2;",
        ),
        (
            "DELETE FROM t WHERE id IN (SELECT 2) -- old ones\nAND x > 1",
            "SELECT * FROM t WHERE id IN (SELECT 2) AND x > 1;",
        ),
    ],
)
def test_the_guidance_reads_exactly_the_rows_that_would_change(
    connection: psycopg.Connection[tuple[object, ...]], statement: str, read: str
) -> None:
    connection.execute(BEFORE)
    assert guidance(cut(statement))[-1] == read
    kept = connection.execute(read.encode()).fetchall()
    before = connection.execute("SELECT * FROM s.t").fetchall()
    connection.execute(statement.encode())
    after = connection.execute("SELECT * FROM s.t").fetchall()
    assert sorted(set(before) - set(after)) == sorted(kept)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE t SET x = 1 FROM u WHERE t.id = u.id",
        "DELETE FROM t USING u WHERE t.id = u.id",
        "WITH w AS (SELECT 1) DELETE FROM t",
    ],
)
def test_no_read_is_offered_where_it_would_be_guessed(statement: str) -> None:
    assert not any("SELECT" in line for line in guidance(cut(statement)))
