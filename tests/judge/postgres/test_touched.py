"""The read of the rows that a write would touch."""

from __future__ import annotations

import pytest

from gateway.judge.postgres.touched import touched_rows


@pytest.mark.parametrize(
    ("write", "read"),
    [
        ("UPDATE orders SET a = 1 WHERE id = 3", "SELECT FROM orders WHERE id = 3"),
        (
            "UPDATE orders o SET a = c.b FROM customers c WHERE o.c = c.id",
            "SELECT FROM orders o, customers c WHERE o.c = c.id",
        ),
        ("DELETE FROM a USING b WHERE a.x = b.x", "SELECT FROM a, b WHERE a.x = b.x"),
        ("DELETE FROM only_all", "SELECT FROM only_all"),
        ("INSERT INTO t (a, b) VALUES (1, DEFAULT), (2, 3)", "VALUES (1, NULL), (2, 3)"),
        ("INSERT INTO t SELECT * FROM u WHERE x > 1", "SELECT * FROM u WHERE x > 1"),
        (
            "WITH old AS (SELECT id FROM o) DELETE FROM o USING old WHERE o.id = old.id",
            "WITH old AS (SELECT id FROM o) SELECT FROM o, old WHERE o.id = old.id",
        ),
        ("TRUNCATE orders", "SELECT FROM orders"),
    ],
)
def test_a_write_has_its_read(write: str, read: str) -> None:
    assert touched_rows(write) == read


@pytest.mark.parametrize(
    "text",
    [
        "VACUUM orders",
        "UPDATE a SET b = 1; UPDATE c SET d = 1",
        "no sql",
        "INSERT INTO t DEFAULT VALUES",
        "",
        "DELETE FROM orders WHERE id = 'a'" + " || 'a'" * 3000,
    ],
)
def test_what_has_no_such_read_has_none(text: str) -> None:
    assert touched_rows(text) is None
