from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.changes.render import convention
from gateway.changes.render.sql import Migration, Statement
from gateway.domain.errors import InvalidInput

DBMATE = convention("dbmate")
AT = datetime(2026, 9, 1, 12, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        ([], "20260901123005_update_customers.sql"),
        (["20250101000000_a.sql"], "20260901123005_update_customers.sql"),
        (["20260901123005_a.sql"], "20260901123006_update_customers.sql"),
        (["20261231235959_a.sql"], "20270101000000_update_customers.sql"),
        (["0001_old.sql"], "20260901123005_update_customers.sql"),
    ],
)
def test_the_version_is_the_drafts_time_behind_the_highest(existing: list[str], expected: str) -> None:
    assert DBMATE.name(existing, "update-customers", AT) == expected


def laid_out(alone: str = "", rollback: tuple[str, ...] = ()) -> str:
    return DBMATE.lay_out(
        Migration("x", (), (), (Statement("UPDATE t SET a = 1", "", alone),), rollback, ("think",))
    )


def test_up_and_down_have_their_sections() -> None:
    text = laid_out(rollback=("DROP TABLE t;",))
    assert (
        text.index("\n-- migrate:up\n")
        < text.index("UPDATE t SET a = 1;")
        < text.index("\n-- migrate:down\n")
    )
    assert text.index("\n-- migrate:down\n") < text.index("\nDROP TABLE t;\n")
    assert not DBMATE.lacks_rollback(text)
    assert "-- migrate:up transaction:false\n" in laid_out(alone="VACUUM")


def test_a_down_section_is_lacking_until_it_says_something() -> None:
    assert DBMATE.lacks_rollback(laid_out())
    assert DBMATE.lacks_rollback("-- migrate:up\nUPDATE t SET a = 1;\n")
    assert not DBMATE.lacks_rollback(laid_out() + "UPDATE t SET a = 0;\n")
    assert DBMATE.without_way_back(laid_out(), "gone").endswith("-- migrate:down\n\n-- # No way back: gone\n")


def test_an_edited_file_without_its_sections_is_refused() -> None:
    with pytest.raises(InvalidInput, match="migrate:up"):
        DBMATE.settle("UPDATE t SET a = 1;")
