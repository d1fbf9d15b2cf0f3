from __future__ import annotations

import re

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.changes.markers import break_markers, commented
from gateway.changes.pieces import cut, join

MARKERS = [
    "-- migrate:down",
    "-- +goose Down",
    "-- +migrate Down",
    "--liquibase formatted sql",
    "--rollback DROP TABLE t;",
    "-- changeset eve:1",
    "---- create above / drop below ----",
    "-- rambler down",
    "# --- !Downs",
    "-- !Ups",
    "-- //@UNDO",
    "-- == Rollback ==",
]


def broken(text: str) -> str:
    return join(break_markers(cut(text)))


FRAMES = [
    "UPDATE t SET a = 'x\n{}\ny'",
    "UPDATE t SET a = E'it\\'s\n  {}\ny'",
    "UPDATE t SET a = 'x' -- c\n 'y\r{}\ny'",
    "DO $body$\n{}\nit's\n$body$",
    'UPDATE t SET "a\n{}" = 1',
    "UPDATE t SET a = 1 /* b\n{}\n*/",
    "UPDATE t SET a = 1 -- b\n{}\n",
]
CASES = [
    (frame, marker)
    for frame in FRAMES
    for marker in MARKERS
    if "--" not in frame.format("") or marker.startswith("--")  # outside of strings and comments # is no SQL
]


@pytest.mark.parametrize(("frame", "marker"), CASES)
def test_no_line_is_left_that_a_migration_tool_would_obey(marker: str, frame: str) -> None:
    text = broken(frame.format(marker))
    lines = [line.strip() for line in re.split(r"[\r\n]", text)]
    assert marker not in lines
    assert not any(line.startswith(marker) for line in lines)
    again = [piece.text for piece in cut(text)]
    assert again


def test_flyway_finds_no_placeholder() -> None:
    assert "${" not in broken("UPDATE t SET a = 'price ${x}', \"b${y}\" = $$ ${z} $$ -- ${c}\n")


def test_ordinary_text_stays_as_it_was_typed() -> None:
    text = "UPDATE t -- the gold ones\nSET a = 'two\n-- lines\n' /* and\nmore */ WHERE b = $$c\nd$$"
    assert broken(text) == text


def test_commented_lines_hold_no_marker_and_no_code() -> None:
    text = commented("DROP TABLE t\n-- migrate:down\r-- +goose Up\u2028x ${y}")
    assert all(line.startswith("-- |") for line in text.split("\n"))
    assert "${" not in text
    assert "\r" not in text


_line = st.sampled_from([*MARKERS, "x", "it's", "a\\", "''", "${p}", "", "$$", "\\'", "é"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(_line, max_size=6), breaks=st.sampled_from(["\n", "\r\n", "\r"]))
def test_the_value_stays_the_same_for_the_server(
    connection: psycopg.Connection[tuple[object, ...]], lines: list[str], breaks: str
) -> None:
    value = breaks.join(lines)
    plain = "'" + value.replace("'", "''") + "'"
    escaped = "E'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    dollars = f"$q${value}$q$"
    text = broken(f"SELECT {plain}, {escaped}, {dollars}")
    assert connection.execute(text.encode()).fetchone() == (value, value, value)
    assert "${" not in text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(_line.filter(bool), min_size=1, max_size=3))
def test_an_identifier_stays_the_same_for_the_server(
    connection: psycopg.Connection[tuple[object, ...]], lines: list[str]
) -> None:
    name = "\n".join(lines)[:40]
    text = broken('SELECT 1 AS "' + name.replace('"', '""') + '"')
    cursor = connection.execute(text.encode())
    assert cursor.description is not None
    assert cursor.description[0].name == name
