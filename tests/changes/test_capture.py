from __future__ import annotations

import time

import pytest
from changes.shop import ProductionPort, capture

from gateway.changes.capture import MAX_TEXT, prepare
from gateway.domain.ids import SessionId, UnitNumber

SIZE = MAX_TEXT // 3
HOSTILE = {
    "letters": "a" * SIZE,
    "dashes": "-" * SIZE,
    "marker lines": "-- +\n" * (SIZE // 5),
    "empty comments": "--\n" * (SIZE // 3),
    "tokens": "eyJaaaaaaaaaa-" * (SIZE // 14),
    "addresses": "a://b:" * (SIZE // 6),
    "passwords": "password " * (SIZE // 9),
    "placeholders": "${" * (SIZE // 2),
    "quotes": "''" * (SIZE // 2),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_text_takes_no_square_of_its_length(name: str) -> None:
    text = f"UPDATE t SET a = '{HOSTILE[name]}' /*{HOSTILE[name].replace('*', '')}*/"
    began = time.process_time()
    prepared = await prepare(capture(text, explainable=False), SessionId(1), UnitNumber(1), ProductionPort())
    assert time.process_time() - began < 15
    assert len(prepared.parts) == 1


@pytest.mark.parametrize(
    "text", ["UPDATE t SET " + "token = " * 20_000, "INSERT INTO " * 20_000, "(" * 100_000, ";" * 100_000]
)
async def test_nonsense_takes_no_square_of_its_length(text: str) -> None:
    began = time.process_time()
    await prepare(capture(text, explainable=False), SessionId(1), UnitNumber(1), ProductionPort())
    assert time.process_time() - began < 15


async def test_thousands_of_statements_in_one_text_are_kept_as_they_are() -> None:
    prepared = await prepare(
        capture("DELETE FROM t;" * 1001, explainable=False), SessionId(1), UnitNumber(1), ProductionPort()
    )
    (part,) = prepared.parts
    assert not part.runnable
    assert "1,001 statements" in part.notes[0]


async def test_an_estimate_beyond_counting_is_kept_within_the_store() -> None:
    prepared = await prepare(
        capture("DELETE FROM t"), SessionId(1), UnitNumber(1), ProductionPort(rows=10**40)
    )
    assert prepared.rows == (1 << 63) - 1


async def test_values_that_are_secret_are_shown_nowhere() -> None:
    made = capture(
        "UPDATE t SET password = $1, name = $2", values=(b"hunter2", b"bob"), types=(25, 25), formats=(0, 0)
    )
    prepared = await prepare(made, SessionId(7), UnitNumber(3), ProductionPort())
    assert prepared.literals == ("[secret]", "'bob'")
    assert prepared.secrets == ("secret_s7u3_1",)
    assert prepared.parts[0].text == "UPDATE t SET password = :'secret_s7u3_1', name = 'bob'"
    assert prepared.text == made.text
