"""What hides behind names, judged under the catalogue of a database that holds it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from oracles import Oracle, read_snapshot

from gateway.domain.verdict import Decision
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, judge, judge_parameter_types

ROWS = [
    line.split("\t", 1)
    for line in (Path(__file__).parent / "hidden.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


def _context(oracle: Oracle, **lists: tuple[str, ...]) -> SqlContext:
    with oracle.connect("hidden") as connection:
        return SqlContext(read_snapshot(connection), load_postgres(), role="reader", lists=lists)


async def test_a_name_is_a_read_when_all_that_it_reaches_is(oracle: Oracle) -> None:
    context = _context(oracle)
    wrong = []
    for verdict, text in ROWS:
        found = judge(text, context).verdict
        if found.decision.word != verdict:
            wrong.append(f"{found.decision.word}, not {verdict}: {text}: {found.rule} {found.reason}")
    assert not wrong, "\n".join(wrong)


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
