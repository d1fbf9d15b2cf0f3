"""Text → statements: bounds, spans, encodings."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pgparse
import pytest
from corpora import cases
from google.protobuf.json_format import MessageToDict
from postgast import parse as parse_protobuf

from gateway.domain.verdict import Decision
from gateway.judge.postgres import SqlContext, judge
from gateway.judge.postgres.parse import MAX_BYTES, MAX_NESTING, NotParsed, nesting, parse


def test_spans_are_bytes_of_the_text() -> None:
    text = "SELECT 'é'; DELETE FROM t ; SELECT 2"
    raw = text.encode()
    pieces = [raw[statement.start : statement.end].decode().strip() for statement in parse(text)]
    assert pieces == ["SELECT 'é'", "DELETE FROM t", "SELECT 2"]


@pytest.mark.parametrize("text", ["", ";", ";;", "-- x", "/* x */", "  \n\t "])
def test_nothing_is_no_statement(text: str) -> None:
    assert parse(text) == ()


def test_a_nul_is_refused_before_the_parser_would_stop_at_it() -> None:
    with pytest.raises(NotParsed) as caught:
        parse("SELECT 1\0; DELETE FROM t")
    assert caught.value.rule == "nul"


def test_half_a_surrogate_is_no_text() -> None:
    with pytest.raises(NotParsed) as caught:
        parse("SELECT '\ud800'")
    assert caught.value.rule == "encoding"


def test_fifty_megabytes_are_refused_at_once() -> None:
    before = time.process_time()
    with pytest.raises(NotParsed) as caught:
        parse("SELECT '" + "x" * (50 << 20) + "'")
    assert caught.value.rule == "length"
    assert time.process_time() - before < 1


@pytest.mark.parametrize("run", ["/*", "+", "+-", "/**/", "*+"])
def test_runs_that_take_the_scanner_long_are_refused_at_once(run: str) -> None:
    began = time.process_time()
    with pytest.raises(NotParsed, match="operator characters in a row"):
        parse("SELECT 1 " + run * (MAX_BYTES // len(run) - 10))
    assert time.process_time() - began < 0.5


def test_banners_of_operator_characters_are_read() -> None:
    banner = "=" * 900
    assert parse(f"/*{banner}*/ SELECT '{banner}' --{banner}")


def test_ten_thousand_statements_are_judged_in_time(context: SqlContext) -> None:
    before = time.process_time()
    judgement = judge("SELECT 1, 2 FROM t;" * 10_000, context)
    assert time.process_time() - before < 10
    assert judgement.verdict.decision is Decision.ALLOW
    assert len(judgement.statements) == 10_000
    assert judge("SELECT 1;" * 10_000 + "DELETE FROM t", context).verdict.decision is Decision.CHANGE
    assert judge("SELECT 1;" * 100_000, context).verdict.rule == "postgres.length"


DEEP = {
    "sum": ("SELECT ", "1+", "1", ""),
    "not": ("SELECT ", "NOT ", "true", ""),
    "parentheses": ("SELECT ", "(", "1", ")"),
    "sub-select": ("SELECT ", "(SELECT ", "1", ")"),
    "union": ("", "SELECT 1 UNION ", "SELECT 1", ""),
    "union with commas": ("", "SELECT 1, 2 UNION ", "SELECT 1, 2", ""),
    "join": ("SELECT * FROM t ", "JOIN t ON true ", "", ""),
    "call": ("SELECT ", "abs(", "1", ")"),
    "call with commas": ("SELECT ", "mod(1, ", "1", ")"),
    "case": ("SELECT ", "CASE WHEN true THEN ", "1", " END"),
    "array": ("SELECT ", "ARRAY[", "1", "]"),
    "cte": ("", "WITH a AS (", "SELECT 1", ") SELECT 1"),
    "cast": ("SELECT 1", "::int", "", ""),
    "subscript": ("SELECT a", "[1]", "", ""),
    "strings": ("SELECT ", "'),('||", "'x'", ""),
}


JUDGE = """
import json, sys
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, judge
from gateway.judge.postgres.builtin import builtin
context = SqlContext(builtin(), load_postgres())
for shape, text in json.load(sys.stdin).items():
    print(json.dumps([shape, judge(text, context).verdict.decision.word]), flush=True)
"""


@pytest.fixture(scope="module", params=[100, 5_000, 60_000])
def judged(request: pytest.FixtureRequest) -> tuple[int, dict[str, str], str]:
    """A depth, what a process of its own said to each shape, and how it ended."""
    texts = {
        shape: head + opening * request.param + core + closing * request.param
        for shape, (head, opening, core, closing) in DEEP.items()
    }
    done = subprocess.run(
        [sys.executable, "-c", JUDGE],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    said = dict(json.loads(line) for line in done.stdout.splitlines())
    return request.param, said, f"status {done.returncode} {done.stderr[-500:]}"


@pytest.mark.parametrize("shape", DEEP)
def test_no_depth_of_nesting_breaks_the_process(judged: tuple[int, dict[str, str], str], shape: str) -> None:
    depth, said, ended = judged
    assert shape in said, ended
    assert ended == "status 0 "
    assert said[shape] == ("allow" if depth == 100 else said[shape]) != "change"


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("SELECT " + "1+" * 999 + "1", 1_000),
        ("SELECT " + "1, " * 999 + "1", 0),
        ("SELECT 1;" * 1_000, 0),
        ("SELECT 1, 2 UNION " * 999 + "SELECT 1", 1_000),
    ],
)
def test_the_bound_of_nesting_is_no_lower_than_what_nests(text: str, depth: int) -> None:
    assert depth <= nesting(text.encode()) < max(4_000, depth * 4)


def test_large_flat_statements_are_judged(context: SqlContext) -> None:
    rows = ", ".join(f"({n}, 'name {n}', now())" for n in range(5_000))
    assert judge(f"INSERT INTO t VALUES {rows}", context).verdict.decision is Decision.CHANGE
    values = ", ".join(str(n) for n in range(50_000))
    assert judge(f"SELECT * FROM t WHERE id IN ({values})", context).verdict.decision is Decision.ALLOW
    tests = " OR ".join(f"id = {n}" for n in range(4_000))
    assert judge(f"SELECT * FROM t WHERE {tests}", context).verdict.decision is Decision.ALLOW
    joined = " || ".join(f"'{n}'" for n in range(300))
    assert judge(f"SELECT {joined}", context).verdict.decision is Decision.ALLOW


def test_the_text_stays_below_the_cap() -> None:
    assert MAX_BYTES >= 1 << 20
    assert MAX_NESTING <= 48_000


def test_names_are_cut_where_the_server_cuts_them(context: SqlContext) -> None:
    long = "nextval" + "x" * 80
    (statement,) = parse(f"SELECT {long}('s')")
    called = statement.node["targetList"][0]["ResTarget"]["val"]["FuncCall"]["funcname"][0]["String"]["sval"]
    assert called == long[:63]
    assert judge(f"SELECT {'é' * 40}('s')", context).verdict.rule == "postgres.function.name"


def test_the_json_tree_says_what_the_protobuf_tree_says() -> None:
    """Two outputs of one parser: a field lost by one of them would be a field nobody judged."""
    for case in cases("postgres"):
        try:
            statements = parse(case.text)
        except NotParsed:
            continue
        tree = MessageToDict(parse_protobuf(case.text))
        for statement, other in zip(statements, tree.get("stmts", []), strict=True):
            ((kind, node),) = other["stmt"].items()
            assert _plain(kind) == _plain(statement.kind)
            assert _shape(statement.node) == _shape(node), case.place


def _shape(value: object) -> object:
    """The names of a tree's fields, leaving out what only one of the outputs spells out."""
    if isinstance(value, dict):
        # One of them spells out empty strings.
        shape = {
            str(key).replace("_", "").lower(): _shape(inner) for key, inner in value.items() if inner != ""
        }
        return {key: inner for key, inner in shape.items() if key not in IMPLIED}
    if isinstance(value, list):
        return [_shape(inner) for inner in value]
    return None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


IMPLIED = {
    "location", "namelocation", "stmtlocation", "liststart", "listend", "rexprliststart", "rexprlistend",
}  # fmt: skip


def test_an_older_grammar_sees_the_same_calls_and_relations() -> None:
    """Where both grammars parse an allowed text, nothing in it means something else to the older one."""
    compared = 0
    for case in cases("postgres"):
        if case.verdict != "allow":
            continue
        try:
            old = pgparse.parse(case.text)
        except pgparse.PGQueryError:
            continue
        new = [{"RawStmt": {"stmt": {each.kind: each.node}}} for each in parse(case.text)]
        assert _named(old) == _named(new), case.place
        compared += 1
    assert compared > 900


def _named(tree: object) -> list[tuple[str, str]]:
    """Statements, function calls, relations and types in a tree, whatever else is in it."""
    found: list[tuple[str, str]] = []
    work = [tree]
    while work:
        each = work.pop()
        if isinstance(each, list):
            work.extend(each)
        elif isinstance(each, dict):
            if "funcname" in each:
                found.append(("call", json.dumps([_string(part) for part in each["funcname"]])))
            if "relname" in each:
                found.append(("relation", f"{each.get('schemaname', '')}.{each['relname']}"))
            found.extend(("statement", key) for key in each if key.endswith("Stmt") and key != "RawStmt")
            work.extend(each.values())
    return sorted(found)


def _string(part: dict[str, dict[str, str]]) -> str:
    (inner,) = part.values()
    return inner.get("sval", inner.get("str", ""))
