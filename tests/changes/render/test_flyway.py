from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.changes.render import convention
from gateway.changes.render.sql import Migration, Statement

FLYWAY = convention("flyway")
AT = datetime(2026, 9, 1, 12, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        ([], "V1__update_customers.sql"),
        (["V1__a.sql", "V6__b.sql", "R__views.sql", "U9__undo.sql"], "V7__update_customers.sql"),
        (["V9__a.sql", "V10__b.sql"], "V11__update_customers.sql"),
        (["V007__a.sql"], "V008__update_customers.sql"),
        (["V2__a.sql", "V2.1__b.sql"], "V2.2__update_customers.sql"),
        (["V1_9__a.sql", "V1_10__b.sql"], "V1_11__update_customers.sql"),
        (["V20250101120000__a.sql"], "V20260901123005__update_customers.sql"),
    ],
)
def test_the_next_version_follows_the_highest(existing: list[str], expected: str) -> None:
    assert FLYWAY.name(existing, "update-customers", AT) == expected


def test_versions_are_compared_as_flyway_does() -> None:
    assert FLYWAY.number("V1.0__a.sql") == FLYWAY.number("V1__b.sql") == FLYWAY.number("V01__c.sql")
    assert not FLYWAY.number("R__views.sql")


def test_the_way_back_is_a_comment() -> None:
    text = FLYWAY.lay_out(
        Migration(
            "x", (), (), (Statement("VACUUM t", "", "VACUUM can't run inside one"),), ("DROP TABLE t;",), ()
        )
    )
    assert "executeInTransaction=false" in text
    assert "\n-- DROP TABLE t;\n" in text
    assert not FLYWAY.lacks_rollback(text)
