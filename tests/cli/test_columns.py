"""Tables in a terminal: words wrap, names break at their joints, and what can't fit is given up."""

from __future__ import annotations

from gateway.cli.columns import fitted

HEADS = ("ID", "ENDPOINT", "ENDED BY", "REASON")
ROW = ("7", "payments-orders-db", "client", "INC-42: checkout is slow")


def lines(width: int, *rows: tuple[str, ...]) -> list[str] | None:
    laid = fitted([HEADS, *rows], width)
    return None if laid is None else [line for row in laid for line in row]


def test_what_fits_stands_on_one_line() -> None:
    assert lines(80, ROW) == [
        "ID  ENDPOINT            ENDED BY  REASON",
        "7   payments-orders-db  client    INC-42: checkout is slow",
    ]


def test_the_widest_column_wraps_between_words() -> None:
    assert lines(52, ROW) == [
        "ID  ENDPOINT            ENDED BY  REASON",
        "7   payments-orders-db  client    INC-42: checkout",
        "                                  is slow",
    ]


def test_names_break_at_their_joints_and_heads_between_words() -> None:
    assert lines(31, ROW) == [
        "ID  ENDPOINT   ENDED   REASON",
        "               BY",
        "7   payments-  client  INC-42:",
        "    orders-db          checkout",
        "                       is slow",
    ]


def test_a_moment_is_not_broken_within_its_day() -> None:
    laid = fitted([("UNTIL",), ("2026-12-01 14:36",)], 12)
    assert laid is not None
    assert laid[1] == ["2026-12-01", "14:36"]


def test_a_word_wider_than_its_column_is_broken() -> None:
    laid = fitted([("ID", "REASON"), ("1", "x" * 40)], 24)
    assert laid is not None
    assert laid[1] == ["1   " + "x" * 20, "    " + "x" * 20]


def test_wide_characters_count_twice() -> None:
    laid = fitted([("WHO", "WHY"), ("日本", "a"), ("x", "b")], 80)
    assert laid == [["WHO   WHY"], ["日本  a"], ["x     b"]]


def test_columns_that_cannot_stand_beside_each_other_are_given_up() -> None:
    assert lines(20, ROW) is None
