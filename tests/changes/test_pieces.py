from __future__ import annotations

import pytest

from gateway.changes.pieces import cut, join, statements
from gateway.domain.errors import InvalidInput
from gateway.judge.postgres.tokens import TokenKind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "UPDATE t SET a = 'é' || E'\\n' -- hi\n/* c /* d */ */ WHERE b[$2] = $$x$$",
        "SELECT \"Ünïcode\", U&\"d\\0061t\", b'01', x'1F', 1.5e3, $1::int, a->>'b'",
        "\ufeff\nDELETE FROM t;\r\n;",
    ],
)
def test_the_pieces_joined_are_the_text(text: str) -> None:
    try:
        assert join(cut(text)) == text
    except InvalidInput:
        assert text.startswith("\ufeff")


def test_what_stands_in_strings_and_comments_is_no_syntax() -> None:
    pieces = cut("SELECT '$1; DROP', \"$2;\", $$ $3; $$ -- $4;\n, $5")
    assert [piece.text for piece in pieces if piece.kind is TokenKind.PARAMETER] == ["$5"]
    assert len(statements(pieces)) == 1


def test_an_open_string_is_not_understood() -> None:
    with pytest.raises(InvalidInput, match="can't be read as SQL"):
        cut("UPDATE t SET a = 'open")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A; B;", ["A", " B"]),
        (";;;", []),
        ("-- only a comment\n", []),
        ("CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b); SELECT 1", 2),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; END; SELECT 3",
            2,
        ),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1; SELECT 2'; SELECT 3", 2),
    ],
)
def test_statements_end_where_the_server_would_end_them(text: str, expected: list[str] | int) -> None:
    found = [join(each) for each in statements(cut(text))]
    assert found == expected if isinstance(expected, list) else len(found) == expected
