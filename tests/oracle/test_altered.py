"""What came with the server and was altered since, judged under and run on a database where it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracles import Oracle, read_snapshot, run

from gateway.domain.verdict import Decision
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, judge, judge_parameter_types

ROWS = [
    line.split("\t", 1)
    for line in (Path(__file__).parent / "altered.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


def _context(oracle: Oracle, database: str = "altered", **lists: tuple[str, ...]) -> SqlContext:
    with oracle.connect(database) as connection:
        return SqlContext(read_snapshot(connection), load_postgres(), role="reader", lists=lists)


async def test_what_somebody_altered_is_a_read_when_all_that_it_reaches_is(oracle: Oracle) -> None:
    context = _context(oracle)
    wrong = []
    for verdict, text in ROWS:
        found = judge(text, context).verdict
        if found.decision.word != verdict:
            wrong.append(f"{found.decision.word}, not {verdict}: {text}: {found.rule} {found.reason}")
    assert not wrong, "\n".join(wrong)


async def test_what_is_allowed_writes_nothing_and_the_danger_is_real(oracle: Oracle) -> None:
    wrote: dict[str, bool] = {}
    with oracle.connect("altered") as session:
        for verdict, text in ROWS:
            run(session, "TRUNCATE app.t")
            run(session, "INSERT INTO app.t VALUES (0)")
            run(session, text)
            row = session.execute("SELECT count(*) FROM app.t").fetchone()
            assert row is not None
            wrote[text] = row != (1,)
            assert not (wrote[text] and verdict == "allow"), text
    assert sum(wrote.values()) > 25, [
        text for verdict, text in ROWS if verdict != "allow" and not wrote[text]
    ]


async def test_parameters_of_a_type_that_somebody_made_sort(oracle: Oracle) -> None:
    context = _context(oracle)
    found = judge_parameter_types([23, 114], context)
    assert found is not None
    assert found.decision is Decision.CHANGE
    assert judge_parameter_types([23, 142, 1043], context) is None


async def test_an_operator_lists_what_it_vouches_for(oracle: Oracle) -> None:
    context = _context(oracle, functions=("app.json_lt", "app.json_eq", "app.json_cmp"))
    for text in ("SELECT DISTINCT j FROM app.j", "SELECT to_json(1) UNION SELECT to_json(2)"):
        assert judge(text, context).verdict.decision is Decision.ALLOW, text


async def test_a_cast_whose_function_somebody_replaced(oracle: Oracle) -> None:
    define = (
        "CREATE OR REPLACE FUNCTION pg_catalog.polygon(circle) RETURNS polygon LANGUAGE sql IMMUTABLE STRICT"
    )
    text = "SELECT circle '<(1,1),1>'::polygon"
    with oracle.connect("altered") as session:
        session.execute(f"{define} AS 'SELECT pg_catalog.polygon(app.pl_write(), $1)'")
        assert judge(text, _context(oracle)).verdict.decision is Decision.CHANGE
        session.execute(f"{define} RETURN pg_catalog.polygon(12, $1)")
        assert judge(text, _context(oracle)).verdict.decision is Decision.ALLOW


async def test_nothing_of_a_fresh_server_counts_as_altered(oracle: Oracle) -> None:
    context = _context(oracle, "postgres")
    assert not context.snapshot.handled
    for function in context.snapshot.functions_by_oid.values():
        if function.language != "sql" or function.schema == "information_schema":
            continue
        assert function.builtin, function
    assert context.snapshot.own_operators == context.snapshot.operators_by_oid.keys()
    assert all(each.builtin for each in context.snapshot.relations_by_oid.values())


@pytest.mark.parametrize("schema", ["pg_catalog", "information_schema"])
async def test_every_view_and_function_in_sql_of_a_fresh_server_is_a_read(
    oracle: Oracle, schema: str
) -> None:
    context = _context(oracle, "postgres")
    for function in context.snapshot.functions_by_oid.values():
        if function.schema == schema and function.language == "sql":
            given = ", ".join("NULL" for _ in function.arguments)
            found = judge(f'SELECT {schema}."{function.name}"({given})', context).verdict
            assert found.decision is Decision.ALLOW, (function, found)
    for relation in context.snapshot.relations_by_oid.values():
        if relation.schema == schema:
            found = judge(f"SELECT * FROM {schema}.{relation.name}", context).verdict
            assert found.decision is Decision.ALLOW, (relation, found)
