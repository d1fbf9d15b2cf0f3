from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.changes.render import convention
from gateway.changes.render.sql import ROLLBACK, Migration, Statement
from gateway.domain.errors import InvalidInput

PLAIN = convention("plain")
AT = datetime(2026, 9, 1, 12, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        ([], "0001_up.sql"),
        (["0001_a.sql", "0006_b.sql", "README.md"], "0007_up.sql"),
        (["1_a.sql", "9_b.sql"], "10_up.sql"),
        (["001-a.sql", "099-b.sql"], "100-up.sql"),
        (["0009_a.sql", "10_b.sql"], "11_up.sql"),
        (["9999_a.sql"], "10000_up.sql"),
        (["20250101120000_a.sql"], "20260901123005_up.sql"),
        (["20260901123005_a.sql"], "20260901123006_up.sql"),
        (["0003.a.sql"], "0004.up.sql"),
        (["0003.a.sql", "0004.SQL"], "0005_up.sql"),
    ],
)
def test_the_next_number_continues_the_repositorys(existing: list[str], expected: str) -> None:
    assert PLAIN.name(existing, "up", AT) == expected


def migration(**changed: object) -> Migration:
    values: dict[str, object] = {
        "heading": "Change request 3: UPDATE t",
        "fields": (("Endpoint", "orders-db"), ("Reason", "a\nDROP TABLE t; ${x} \u202e")),
        "notes": (),
        "statements": (Statement("UPDATE t SET a = 1", "session 1, unit 2", ""),),
        "rollback": (),
        "guidance": ("SELECT 1;",),
    }
    return Migration(**(values | changed))  # type: ignore[arg-type]


def test_data_in_the_header_stays_on_its_comment_line() -> None:
    text = PLAIN.lay_out(migration(heading="x\n-- migrate:down\r\nDROP TABLE t"))
    before, _, _ = text.partition("\n\n")
    assert all(line.startswith("-- ") for line in before.split("\n"))
    assert "${" not in text
    assert "\u202e" not in text
    assert "\r" not in text


def test_several_statements_stand_in_order_each_closed() -> None:
    statements = (
        Statement("UPDATE t SET a = 1", "session 1, unit 2", ""),
        Statement("DELETE FROM t -- all", "session 1, unit 3", ""),
        Statement("-- | half a statem", "session 1, unit 4", "", runnable=False),
    )
    text = PLAIN.lay_out(migration(statements=statements))
    assert "-- Statement 1 of 3 (session 1, unit 2)\nUPDATE t SET a = 1;\n" in text
    assert "-- Statement 2 of 3 (session 1, unit 3)\nDELETE FROM t -- all\n;\n" in text
    assert text.index("Statement 1") < text.index("Statement 2") < text.index("half a statem\n\n")


def test_what_cant_run_in_a_transaction_is_said_in_the_header() -> None:
    text = PLAIN.lay_out(migration(statements=(Statement("VACUUM t", "", "VACUUM can't run inside one"),)))
    assert "-- Outside of a transaction: VACUUM can't run inside one\n" in text


def test_a_rollback_section_is_lacking_until_it_says_something() -> None:
    text = PLAIN.lay_out(migration())
    assert PLAIN.lacks_rollback(text)
    assert PLAIN.lacks_rollback(text.replace(ROLLBACK, ""))
    assert PLAIN.lacks_rollback(text + "--\n-- \n")
    assert not PLAIN.lacks_rollback(text + "-- UPDATE t SET a = 0;\n")
    assert not PLAIN.lacks_rollback(PLAIN.lay_out(migration(rollback=("DROP TABLE t;",))))


def test_statements_of_the_rollback_section_never_run_with_the_rest() -> None:
    settled = PLAIN.settle(PLAIN.lay_out(migration()) + "UPDATE t SET a = 0;\n\n  DELETE FROM u;")
    _, _, section = settled.partition(ROLLBACK)
    assert all(line.startswith("--") for line in section.split("\n") if line)
    assert "-- UPDATE t SET a = 0;" in section
    assert settled.endswith("\n")


def test_no_line_of_a_rollback_runs_forwards() -> None:
    text = PLAIN.lay_out(migration(rollback=('DROP TABLE "a\nDROP TABLE t;\r--b";',)))
    _, _, section = text.partition(ROLLBACK)
    assert all(line.startswith("--") for line in section.splitlines() if line)


def test_no_way_back_says_why_on_one_line() -> None:
    text = PLAIN.without_way_back(PLAIN.lay_out(migration()), "rows are\nDROP TABLE t;")
    assert text.endswith(f"{ROLLBACK}\n-- # No way back: rows are DROP TABLE t;\n")


def test_an_unknown_convention_names_those_that_are_known() -> None:
    with pytest.raises(InvalidInput) as refused:
        convention("rails")
    assert "dbmate, flyway, plain" in refused.value.hint
