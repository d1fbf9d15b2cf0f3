"""What hides behind names, what was altered, what a version brought: judged under catalogues that hold it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from oracles import Oracle, read_snapshot, run

from gateway.domain.verdict import Decision
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, judge, judge_parameter_types

HERE = Path(__file__).parent


def _rows(name: str, columns: int) -> list[list[str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t", columns - 1) for line in lines if not line.startswith("#")]


ROWS = _rows("hidden.tsv", 2)
ALTERED = _rows("altered.tsv", 2)
RELEASES = _rows("releases.tsv", 3)


def _context(oracle: Oracle, database: str = "hidden", **lists: tuple[str, ...]) -> SqlContext:
    with oracle.connect(database) as connection:
        return SqlContext(read_snapshot(connection), load_postgres(), role="reader", lists=lists)


def _wrong(rows: list[list[str]], context: SqlContext) -> str:
    wrong = []
    for verdict, text in rows:
        found = judge(text, context).verdict
        if found.decision.word != verdict:
            wrong.append(f"{found.decision.word}, not {verdict}: {text}: {found.rule} {found.reason}")
    return "\n".join(wrong)


async def test_a_name_is_a_read_when_all_that_it_reaches_is(oracle: Oracle) -> None:
    assert _wrong(ROWS, _context(oracle)) == ""


async def test_the_order_of_questions_does_not_matter(oracle: Oracle) -> None:
    """Functions that call each other must not vouch for each other, whoever is asked first."""
    forwards, backwards = _context(oracle), _context(oracle)
    texts = [text for _, text in ROWS]
    first = {text: judge(text, forwards).verdict.decision for text in texts}
    second = {text: judge(text, backwards).verdict.decision for text in reversed(texts)}
    assert first == second


async def test_an_operator_lists_what_it_vouches_for(oracle: Oracle) -> None:
    context = _context(
        oracle,
        functions=("app.stable_pl", "app.check_it"),
        foreign_tables=("app.ft",),
        settings=("myapp.tenant",),
    )
    for text in (
        "SELECT app.stable_pl()",
        "SELECT 'x'::app.dom_pl",
        "SELECT * FROM app.ft",
        "SET myapp.tenant = '5'",
    ):
        assert judge(text, context).verdict.decision is Decision.ALLOW, text
    assert judge("SELECT app.pl_write()", context).verdict.decision is Decision.CHANGE


async def test_every_path_that_could_hold_is_looked_along(oracle: Oracle) -> None:
    context = _context(oracle)
    text = "SELECT helper()"
    assert judge(text, context).verdict.decision is Decision.ALLOW
    both = replace(context, search_paths=frozenset({("public",), ("evil",)}))
    assert judge(text, both).verdict.decision is Decision.CHANGE
    user = replace(context, search_paths=frozenset({("$user", "public")}), role="evil")
    assert judge(text, user).verdict.decision is Decision.CHANGE
    nobody = replace(context, role="")
    assert judge(text, nobody).verdict.decision is Decision.CHANGE


async def test_a_path_set_in_the_same_text_holds_behind_it(oracle: Oracle) -> None:
    context = _context(oracle)
    for text in (
        "SET search_path = evil; SELECT helper()",
        "SELECT set_config('search_path', 'evil', false); SELECT helper()",
        "SELECT set_config('search_path', 'evil', false), app.unq()",
        "BEGIN; SET LOCAL search_path = evil; ROLLBACK; SELECT helper()",
        "SET search_path = evil; RESET search_path; SELECT helper()",
    ):
        assert judge(text, context).verdict.decision is Decision.CHANGE, text


async def test_the_types_of_bind_values_are_judged(oracle: Oracle) -> None:
    context = _context(oracle)
    (bad,) = context.snapshot.types["dom_pl"]
    (good,) = context.snapshot.types["dom_ok"]
    assert judge_parameter_types([23, 0, good.oid], context) is None
    verdict = judge_parameter_types([23, bad.oid], context)
    assert verdict is not None
    assert verdict.decision is Decision.CHANGE
    verdict = judge_parameter_types([99_999_999], context)
    assert verdict is not None
    assert verdict.decision is Decision.REFUSE


async def test_titles_tables_and_explain(oracle: Oracle) -> None:
    context = _context(oracle)
    (update,) = judge("UPDATE app.t SET v = 1 WHERE id = 3", context).statements
    assert (update.title, update.tables, update.explainable) == ("UPDATE app.t", ("app.t",), True)
    (update,) = judge("UPDATE app.t SET v = app.stable_pl()", context).statements
    assert not update.explainable
    (insert,) = judge("INSERT INTO app.ruled VALUES (1)", context).statements
    assert not insert.explainable


async def test_what_somebody_altered_is_a_read_when_all_that_it_reaches_is(oracle: Oracle) -> None:
    assert _wrong(ALTERED, _context(oracle, "altered")) == ""


async def test_what_is_allowed_writes_nothing_and_the_danger_is_real(oracle: Oracle) -> None:
    wrote: dict[str, bool] = {}
    with oracle.connect("altered") as session:
        for verdict, text in ALTERED:
            run(session, "TRUNCATE app.t")
            run(session, "INSERT INTO app.t VALUES (0)")
            run(session, text)
            row = session.execute("SELECT count(*) FROM app.t").fetchone()
            assert row is not None
            wrote[text] = row != (1,)
            assert not (wrote[text] and verdict == "allow"), text
    assert sum(wrote.values()) > 25, [
        text for verdict, text in ALTERED if verdict != "allow" and not wrote[text]
    ]


async def test_parameters_of_a_type_that_somebody_made_sort(oracle: Oracle) -> None:
    context = _context(oracle, "altered")
    found = judge_parameter_types([23, 114], context)
    assert found is not None
    assert found.decision is Decision.CHANGE
    assert judge_parameter_types([23, 142, 1043], context) is None


async def test_an_operator_vouches_for_what_sorts(oracle: Oracle) -> None:
    context = _context(oracle, "altered", functions=("app.json_lt", "app.json_eq", "app.json_cmp"))
    for text in ("SELECT DISTINCT j FROM app.j", "SELECT to_json(1) UNION SELECT to_json(2)"):
        assert judge(text, context).verdict.decision is Decision.ALLOW, text


async def test_a_cast_whose_function_somebody_replaced(oracle: Oracle) -> None:
    define = (
        "CREATE OR REPLACE FUNCTION pg_catalog.polygon(circle) RETURNS polygon LANGUAGE sql IMMUTABLE STRICT"
    )
    text = "SELECT circle '<(1,1),1>'::polygon"
    with oracle.connect("altered") as session:
        session.execute(f"{define} AS 'SELECT pg_catalog.polygon(app.pl_write(), $1)'")
        assert judge(text, _context(oracle, "altered")).verdict.decision is Decision.CHANGE
        session.execute(f"{define} RETURN pg_catalog.polygon(12, $1)")
        assert judge(text, _context(oracle, "altered")).verdict.decision is Decision.ALLOW


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


async def test_what_a_version_brought_is_judged_by_version(oracle: Oracle) -> None:
    with oracle.connect("sample") as session:
        context = SqlContext(read_snapshot(session), load_postgres(), role=session.info.user)
        wrong = []
        for since, expected, text in RELEASES:
            found = judge(text, context).verdict
            ran = False
            if found.decision is Decision.ALLOW:
                run(session, "BEGIN READ ONLY")
                ran = run(session, text)
                run(session, "ROLLBACK")
            if oracle.version < int(since):
                fits = not ran and (found.decision is not Decision.ALLOW or expected == "allow")
            else:
                fits = found.decision.word == expected and ran is (expected == "allow")
            if not fits:
                wrong.append(f"{found.decision.word}, ran: {ran}: {text}: {found.reason}")
        assert not wrong, "\n".join(wrong)
