"""What statements change for those behind them, as the proxy sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.verdict import Decision
from gateway.judge.postgres import SqlContext, judge
from gateway.judge.postgres.analysis import Effect
from gateway.judge.postgres.session import (
    Begin,
    CloseCursor,
    Commit,
    Deallocate,
    DeclareCursor,
    DiscardAll,
    PrepareStatement,
    Release,
    ResetAll,
    ResetSetting,
    Rollback,
    RollbackTo,
    Savepoint,
    SessionEffect,
    SetSetting,
)

EFFECTS: list[tuple[str, tuple[SessionEffect, ...]]] = [
    ('SET search_path TO a, "B c"', (SetSetting("search_path", ("a", "B c"), local=False),)),
    ("SET LOCAL work_mem = '1MB'", (SetSetting("work_mem", ("1MB",), local=True),)),
    ("SET Statement_Timeout = 500", (SetSetting("statement_timeout", ("500",), local=False),)),
    ("SET enable_seqscan = off", (SetSetting("enable_seqscan", ("off",), local=False),)),
    ("SET TIME ZONE 'UTC'", (SetSetting("timezone", ("UTC",), local=False),)),
    (
        "SELECT set_config('search_path', 'a, \"B\"\"x\", C', true)",
        (SetSetting("search_path", ("a", 'B"x', "c"), local=True, certain=False),),
    ),
    ("SELECT set_config('jit', $1, false)", (SetSetting("jit", (), local=False, certain=False),)),
    ("SET search_path TO DEFAULT", (ResetSetting("search_path"),)),
    ("RESET work_mem", (ResetSetting("work_mem"),)),
    ("RESET ALL", (ResetAll(),)),
    ("DISCARD ALL", (DiscardAll(),)),
    ("BEGIN", (Begin(),)),
    ("COMMIT AND CHAIN", (Commit(chain=True),)),
    ("ROLLBACK", (Rollback(chain=False),)),
    ('SAVEPOINT "A"', (Savepoint("A"),)),
    ("ROLLBACK TO a", (RollbackTo("a"),)),
    ("RELEASE a", (Release("a"),)),
    ("DEALLOCATE a", (Deallocate("a"),)),
    ("DEALLOCATE ALL", (Deallocate(None),)),
    ("CLOSE c", (CloseCursor("c"),)),
    ("CLOSE ALL", (CloseCursor(None),)),
    ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", (DeclareCursor("c", hold=True),)),
    ("DECLARE c CURSOR FOR SELECT 1", (DeclareCursor("c", hold=False),)),
    ("SELECT 1", ()),
    ("SHOW work_mem", ()),
]


@pytest.mark.parametrize(("text", "effects"), EFFECTS)
def test_effects(context: SqlContext, text: str, effects: tuple[SessionEffect, ...]) -> None:
    judgement = judge(text, context)
    assert judgement.verdict.decision is Decision.ALLOW
    assert judgement.session_effects == effects


def test_what_is_not_run_has_no_effects(context: SqlContext) -> None:
    assert judge("PREPARE q AS DELETE FROM t", context).session_effects == ()
    assert judge("SET transaction_read_only = off", context).session_effects == ()


def test_a_prepared_text_is_judged_again_where_it_is_executed(context: SqlContext) -> None:
    (effect,) = judge("PREPARE q (int) AS SELECT * FROM t WHERE id = $1", context).session_effects
    assert isinstance(effect, PrepareStatement)
    assert (effect.name, effect.analysis.tables) == ("q", ("t",))
    session = replace(context, prepared={effect.name: effect.text})
    assert judge("EXECUTE q (1)", session).verdict.decision is Decision.ALLOW
    assert judge("EXPLAIN ANALYZE EXECUTE q (1)", session).verdict.decision is Decision.ALLOW
    assert judge("EXECUTE q (nextval('s'))", session).verdict.decision is Decision.CHANGE


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("SELECT 1", Decision.ALLOW),
        ("DELETE FROM t", Decision.CHANGE),
        ("SELECT 1; SELECT 2", Decision.REFUSE),
        ("EXECUTE q", Decision.REFUSE),
        ("SHOW work_mem", Decision.ALLOW),
        ("SET ROLE x", Decision.REFUSE),
        ("lisst", Decision.REFUSE),
    ],
)
def test_what_a_parse_message_left_is_judged_where_it_is_executed(
    context: SqlContext, text: str, verdict: Decision
) -> None:
    session = replace(context, prepared={"q": text})
    assert judge("EXECUTE q", session).verdict.decision is verdict


def test_more_paths_than_anyone_needs_are_refused(context: SqlContext) -> None:
    many = "".join(f"SET search_path = a{number};" for number in range(10_000))
    assert judge(many + "SELECT 1", context).verdict.rule == "postgres.session.paths"


def test_pg_catalog_is_never_shadowed(context: SqlContext) -> None:
    assert judge("SET search_path = pg_catalog, a", context).verdict.decision is Decision.ALLOW
    assert judge('SET search_path = a, "pg_catalog"', context).verdict.decision is Decision.REFUSE
    assert judge('SET search_path = a, "PG_CATALOG"', context).verdict.decision is Decision.ALLOW
    assert judge("SET search_path = 'a, pg_catalog'", context).verdict.decision is Decision.ALLOW


@pytest.mark.parametrize(
    "path", ["a" * 64, "a, b\u00a0", "\u2003a", "a\x0b", "É", '"' + "é" * 32 + '"', "a,", '"a']
)
def test_a_path_that_a_server_may_read_otherwise_is_refused(context: SqlContext, path: str) -> None:
    text = f"SELECT set_config('search_path', '{path}', false)"
    assert judge(text, context).verdict.decision is Decision.REFUSE


def test_a_path_is_read_as_the_server_reads_it(context: SqlContext) -> None:
    text = """SELECT set_config('search_path', ' A , "B""c", größe', false)"""
    (effect,) = judge(text, context).session_effects
    assert effect == SetSetting("search_path", ("a", 'B"c', "größe"), local=False, certain=False)
    assert judge(f"SET search_path = {'a' * 63}", context).verdict.decision is Decision.ALLOW
    assert judge(f"SET search_path = b, '{'a' * 64}'", context).verdict.decision is Decision.REFUSE


@pytest.mark.parametrize(
    ("text", "title", "effect"),
    [
        ("UPDATE shop.customers SET a = 1", "UPDATE shop.customers", Effect.WRITES),
        ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", "SELECT", Effect.WRITES),
        ("DROP TABLE a.b", "DROP TABLE a.b", Effect.DEFINES),
        ("REVOKE ALL ON t FROM bob", "REVOKE t", Effect.DEFINES),
        ("VACUUM t", "VACUUM t", Effect.MAINTAINS),
        ("ANALYZE t", "ANALYZE t", Effect.MAINTAINS),
        ("CALL p()", "CALL", Effect.RUNS_CODE),
        ("LOCK t", "LOCK t", Effect.LOCKS),
        ("CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS ''", "CREATE FUNCTION s.f", Effect.DEFINES),
        ("BEGIN", "BEGIN", Effect.TRANSACTION),
        ("EXPLAIN SELECT 1", "EXPLAIN", Effect.READS),
        ("TRUNCATE a, b", "TRUNCATE a", Effect.WRITES),
    ],
)
def test_a_statement_is_named_by_what_it_is_about(
    context: SqlContext, text: str, title: str, effect: Effect
) -> None:
    (statement,) = judge(text, context).statements
    assert (statement.title, statement.effect) == (title, effect)


def test_tables_stand_in_order_the_target_first(context: SqlContext) -> None:
    (merge,) = judge("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", context).statements
    assert merge.tables == ("t", "s")
    (select,) = judge("SELECT * FROM a JOIN b ON EXISTS (SELECT FROM c)", context).statements
    assert select.tables == ("a", "b", "c")


def test_a_statement_that_could_be_planned_says_so(context: SqlContext) -> None:
    for text, explainable in (
        ("UPDATE t SET a = 1 WHERE b = lower('x')", True),
        ("UPDATE t SET a = nextval('s')", False),
        ("DELETE FROM t WHERE x = unknown_function()", False),
        ("SELECT * FROM t", True),
        ("SELECT * FROM t FOR UPDATE", True),
        ("TRUNCATE t", False),
    ):
        (statement,) = judge(text, context).statements
        assert statement.explainable is explainable, text
