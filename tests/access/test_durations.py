from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.access.durations import parse_duration, spell
from gateway.domain.errors import InvalidInput


@pytest.mark.parametrize("text", ["30m", "8h", "7d", "1h30m", "1d2h3m4s", "90s"])
def test_parsed_and_spelled(text: str) -> None:
    assert parse_duration(spell(parse_duration(text))) == parse_duration(text)


def test_lengths() -> None:
    assert parse_duration("1h30m") == timedelta(minutes=90)
    assert spell(timedelta(minutes=90)) == "1h30m"
    assert spell(timedelta(days=1)) == "1d"
    assert spell(timedelta(0)) == "0s"


@pytest.mark.parametrize(
    "text", ["", "0h", "5", "h", "-1h", "1.5h", "1h 30m", "30m1h", "1w", "99999999d", "٣h"]
)
def test_no_durations(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_duration(text)
