from __future__ import annotations

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.changes.pieces import cut, join
from gateway.changes.values import put_values
from gateway.domain.errors import InvalidInput

INT, BIGINT, TEXT, BOOL, JSONB, INTS = 23, 20, 25, 16, 3802, 1007


def put(text: str, literals: list[str], types: list[int]) -> str:
    return join(put_values(cut(text), literals, types))


def test_values_stand_where_their_placeholders_stood() -> None:
    text = "UPDATE c SET name = $2, note = '$1 stays' WHERE id = $1 -- $2 stays\nAND \"$1\" = 1"
    assert put(text, ["'42'", "'O''Brien'"], [INT, TEXT]) == (
        "UPDATE c SET name = 'O''Brien', note = '$1 stays' WHERE id = 42 -- $2 stays\nAND \"$1\" = 1"
    )


@pytest.mark.parametrize(
    ("literal", "oid", "expected"),
    [
        ("'7'", INT, "7"),
        ("'-7'", INT, "'-7'::integer"),
        ("'7'", BIGINT, "'7'::bigint"),
        ("'t'", BOOL, "'t'::boolean"),
        ("'7'", 0, "'7'"),
        ("'7'", TEXT, "'7'"),
        ("NULL", INT, "NULL"),
        (" E'a\\\\b'", TEXT, "E'a\\\\b'"),
        ("'{\"a\": 1}'", JSONB, "'{\"a\": 1}'::jsonb"),
        ("'7'::integer", INT, "'7'::integer"),
        ("'7'", 16999, "'7'"),
    ],
)
def test_a_literal_says_its_type_where_a_bare_one_could_be_taken_for_another(
    literal: str, oid: int, expected: str
) -> None:
    assert put("SELECT $1", [literal], [oid]) == f"SELECT {expected}"


def test_a_literal_never_merges_with_what_stands_beside_it() -> None:
    assert put("SELECT $1[1]", ["'{1,2}'"], [INTS]) == "SELECT ('{1,2}'::integer[])[1]"
    assert put("SELECT a=$1 AND b", ["'1'"], [INT]) == "SELECT a=1 AND b"
    assert put("SELECT -$1", ["'-5'"], [INT]) == "SELECT -'-5'::integer"
    assert put("SELECT 'a' $1", ["'b'"], [0]) == "SELECT 'a' 'b'"


@pytest.mark.parametrize("literal", ["'a'; DROP TABLE t", "'a' -- x", "'a' /* x", "'open", ""])
def test_what_is_no_literal_is_never_put_in(literal: str) -> None:
    with pytest.raises(InvalidInput):
        put("SELECT $1", [literal], [0])


def test_a_placeholder_without_a_value_is_said() -> None:
    with pytest.raises(InvalidInput, match=r"value \$2 and 1 were bound"):
        put("SELECT $1, $2", ["'a'"], [0])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])),
    number=st.integers(-(2**31), 2**31 - 1),
)
def test_the_server_reads_the_same_values_from_the_statement(
    connection: psycopg.Connection[tuple[object, ...]], value: str, number: int
) -> None:
    row = connection.execute(
        "SELECT quote_nullable(%s::text), quote_nullable(%s::int)", (value, number)
    ).fetchone()
    assert row is not None
    text = put("SELECT $1::text, $2, pg_typeof($2)::text", [str(row[0]), str(row[1])], [TEXT, INT])
    assert connection.execute(text.encode()).fetchone() == (value, number, "integer")
