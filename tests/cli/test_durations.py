"""Durations and times as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.durations import duration_text, moment_text, parse_duration, parse_moment
from gateway.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("45s", 45), ("1D2H3M4S", 93_784), (" 1h ", 3600)],
)
def test_durations_are_parsed(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "1", "h", "30 m", "1m1h", "-1h", "1.5h", "0m", "\u0661h", "9999999h", "1h1h"]
)
def test_what_is_no_duration_is_said(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_duration(text)
    assert "1h30m" in raised.value.hint


@given(st.integers(min_value=1, max_value=100 * 86400))
def test_a_duration_reads_back_as_itself(seconds: int) -> None:
    assert parse_duration(duration_text(seconds)) == seconds


def test_parts_of_a_second_are_dropped() -> None:
    assert duration_text(0.4) == "0s"
    assert duration_text(61.9) == "1m1s"


def test_moments_ago_and_iso_are_parsed() -> None:
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert parse_moment("2h", now=now) == now - timedelta(hours=2)
    assert parse_moment("2026-02-01T10:00:00+02:00", now=now) == datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
    assert parse_moment("2026-02-01", now=now).tzinfo is UTC


def test_a_time_of_day_lies_in_the_past() -> None:
    now = datetime.now(UTC)
    later = (now.astimezone() + timedelta(minutes=5)).strftime("%H:%M")
    assert now - timedelta(days=1, minutes=1) < parse_moment(later, now=now) <= now


@pytest.mark.parametrize("text", ["yesterday", "25:00", "12:61", "2026-13-01", "99999999d", ""])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_moment(text)


def test_moments_are_short_today_and_dated_on_other_days() -> None:
    now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    assert moment_text(None) == ""
    assert moment_text(now, now=now) == now.astimezone().strftime("%H:%M:%S")
    assert moment_text(now - timedelta(days=3), now=now).startswith("2026-02-2")
