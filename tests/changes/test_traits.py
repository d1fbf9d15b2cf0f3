from __future__ import annotations

import psycopg
import pytest

from gateway.changes.pieces import cut
from gateway.changes.traits import alone, caution, is_control

ALONE = [
    "VACUUM",
    "VACUUM (FULL) t",
    "CREATE INDEX CONCURRENTLY ON t (id)",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (id)",
    "DROP INDEX CONCURRENTLY i",
    "REINDEX (VERBOSE) TABLE CONCURRENTLY t",
    "REINDEX DATABASE CONCURRENTLY postgres",
    "ALTER SYSTEM SET work_mem = '8MB'",
    "CREATE DATABASE d",
    "DROP DATABASE IF EXISTS d",
    "CREATE TABLESPACE s LOCATION '/x'",
    "DROP TABLESPACE s",
    "ALTER DATABASE postgres SET TABLESPACE s",
    "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
    "CLUSTER",
]
TOGETHER = [
    "UPDATE t SET concurrently = 1",
    "CREATE INDEX i ON t (id)",
    "ANALYZE t",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
    "ALTER TABLE t ADD COLUMN vacuum int",
    "CREATE TABLE database (id int)",
    "TRUNCATE t",
    "DO $$ BEGIN END $$",
]


@pytest.mark.parametrize("statement", ALONE)
def test_what_the_server_refuses_in_a_transaction_is_known(
    connection: psycopg.Connection[tuple[object, ...]], statement: str
) -> None:
    assert alone(cut(statement))
    connection.execute("DROP TABLE IF EXISTS t CASCADE; CREATE TABLE t (id int)")
    connection.execute("BEGIN")
    with pytest.raises(psycopg.Error) as refused:
        connection.execute(statement.encode())
    connection.execute("ROLLBACK")
    assert refused.value.sqlstate == "25001" or "DETACH" in statement or "REINDEX" in statement


@pytest.mark.parametrize("statement", TOGETHER)
def test_what_can_share_a_transaction_is_not_set_apart(statement: str) -> None:
    assert not alone(cut(statement))


def test_transaction_control_belongs_to_the_migration_tool() -> None:
    assert all(
        is_control(cut(text))
        for text in ("BEGIN", "start transaction", "COMMIT", "END", "SAVEPOINT a", "ROLLBACK")
    )
    assert not any(
        is_control(cut(text)) for text in ("SELECT 1", "UPDATE begin SET a = 1", "PREPARE x AS SELECT 1")
    )


def test_what_is_missing_from_the_file_is_said() -> None:
    assert "rows" in caution(cut("COPY t FROM STDIN"))
    assert "EXECUTE" in caution(cut("EXECUTE up(1)"))
    assert "$1" in caution(cut("UPDATE t SET a = $1"))
    assert not caution(cut("PREPARE up AS UPDATE t SET a = $1"))
    assert not caution(cut("UPDATE t SET a = '$1'"))
