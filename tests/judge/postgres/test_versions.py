"""What the grammar of 18 takes for syntax may be somebody's function to an older server."""

from __future__ import annotations

import zlib
from dataclasses import replace

import msgspec
import pytest

from gateway.domain.verdict import Decision
from gateway.judge.postgres import Snapshot, SqlContext, judge
from gateway.judge.postgres.builtin import DATA
from gateway.judge.postgres.replaced import marked
from gateway.judge.postgres.snapshot import Function, Rows

ROWS = msgspec.json.decode(zlib.decompress(DATA.read_bytes()), type=Rows)
OURS = Function(
    20_000,
    "public",
    "json_object",
    "f",
    (23,),
    0,
    False,
    23,
    "v",
    "plpgsql",
    False,
    "bob",
    "",
    "",
    False,
    "",
    (),
    (),
)


def _context(context: SqlContext, major: int, *functions: Function) -> SqlContext:
    rows = msgspec.structs.replace(ROWS, version=major * 10_000, functions=(*ROWS.functions, *functions))
    return replace(context, snapshot=Snapshot(rows, complete=False))


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("SELECT JSON_ARRAY(1, 2)", 16),
        ("SELECT JSON_OBJECT('a': 1)", 16),
        ("SELECT JSON_ARRAYAGG(x) FROM t", 16),
        ("SELECT JSON_OBJECTAGG(k: v) FROM t", 16),
        ("SELECT x IS JSON FROM t", 16),
        ("SELECT JSON_SCALAR(1)", 17),
        ("SELECT JSON_SERIALIZE('{}')", 17),
        ("SELECT JSON('{}')", 17),
        ("SELECT JSON_VALUE('{}', '$')", 17),
        ("SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (a int)) j", 17),
        ("SELECT 1", 15),
    ],
)
def test_younger_syntax_is_no_read_on_an_older_server(context: SqlContext, text: str, since: int) -> None:
    for major in (15, 16, 17, 18):
        wanted = Decision.ALLOW if major >= since else Decision.REFUSE
        assert judge(text, _context(context, major)).verdict.decision is wanted, major


@pytest.mark.parametrize("major", [14, 19])
def test_a_server_whose_catalogue_was_not_reviewed_is_not_judged(context: SqlContext, major: int) -> None:
    assert judge("SELECT 1", _context(context, major)).verdict.rule == "postgres.version"


def test_a_built_in_that_somebody_replaced_is_no_built_in(context: SqlContext) -> None:
    ours = next(each for each in ROWS.functions if each.name == "lower" and each.arguments == (25,))
    others = tuple(each for each in ROWS.functions if each is not ours)
    functions = marked((*others, msgspec.structs.replace(ours, language="plpgsql")))
    replaced = replace(context, snapshot=Snapshot(msgspec.structs.replace(ROWS, functions=functions)))
    assert judge("SELECT lower('x')", replaced).verdict.rule == "postgres.function.replaced"
    assert judge("SELECT upper('x')", replaced).verdict.decision is Decision.ALLOW


def test_a_name_that_our_grammar_qualifies_is_looked_up_as_an_older_server_would(context: SqlContext) -> None:
    text = "SELECT json_object(1)"
    assert judge(text, _context(context, 15, OURS)).verdict.decision is Decision.CHANGE
    assert judge("SELECT json_object('{a,b}')", _context(context, 15)).verdict.decision is Decision.ALLOW
