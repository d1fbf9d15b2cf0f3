"""What is kept, and under what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.verdict import Decision
from gateway.judge.postgres import SqlContext, VerdictCache


def test_a_text_is_judged_once(context: SqlContext) -> None:
    cache = VerdictCache()
    assert cache.lookup(b"SELECT 'x'", context) is None
    first = cache.judge(b"SELECT 'x'", context)
    assert cache.lookup(b"SELECT 'x'", context) is first


def test_other_integers_are_the_same_text(context: SqlContext) -> None:
    cache = VerdictCache()
    first = cache.judge(b"SELECT abalance FROM pgbench_accounts WHERE aid = 4711;", context)
    assert cache.lookup(b"SELECT abalance FROM pgbench_accounts WHERE aid = 5;", context) is first


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        (b"SELECT lo_open(1, 262144)", b"SELECT lo_open(1, 131072)"),
        (b"SET statement_timeout = 5", b"SET statement_timeout = 6"),
        (b"SELECT a1 FROM t", b"SELECT a2 FROM t"),
        (b"SELECT '1'", b"SELECT '2'"),
        (b"SELECT $1", b"SELECT $2"),
        (b"SELECT 5 x", b"SELECT ? x"),
        (b"SELECT 1.5", b"SELECT 1.6"),
        (b"SELECT 1 -- 1", b"SELECT 1 -- 2"),
        (b"SELECT 1; SELECT 2", b"SELECT 1; SELECT 3"),
        (b"FETCH 1 FROM c", b"FETCH 2 FROM c"),
    ],
)
def test_what_bears_on_the_judgement_is_never_masked(context: SqlContext, kept: bytes, asked: bytes) -> None:
    cache = VerdictCache()
    cache.judge(kept, context)
    assert cache.lookup(asked, context) is None


def test_what_rests_on_prepared_names_is_not_kept(context: SqlContext) -> None:
    cache = VerdictCache()
    session = replace(context, prepared={"q": "SELECT 1"})
    assert cache.judge(b"EXECUTE q", session).verdict.decision is Decision.ALLOW
    assert cache.lookup(b"EXECUTE q", session) is None
    changed = replace(context, prepared={"q": "DELETE FROM t"})
    assert cache.judge(b"EXECUTE q", changed).verdict.decision is Decision.CHANGE


def test_each_context_has_verdicts_of_its_own(context: SqlContext) -> None:
    cache = VerdictCache()
    text = b"SET myapp.x = 'y'"
    assert cache.judge(text, context).verdict.decision is Decision.REFUSE
    listed = replace(context, lists={"settings": ("myapp.x",)})
    assert cache.lookup(text, listed) is None
    assert cache.judge(text, listed).verdict.decision is Decision.ALLOW
    assert cache.judge(text, context).verdict.decision is Decision.REFUSE


def test_equal_contexts_share_a_token(context: SqlContext) -> None:
    assert replace(context).token == context.token
    assert replace(context, prepared={"a": "SELECT 1"}).token == context.token
    assert replace(context, search_paths=frozenset({("x",)})).token != context.token
    assert replace(context, role="x").token != context.token


def test_the_cache_is_bounded(context: SqlContext) -> None:
    cache = VerdictCache(entries=10, size=200)
    for number in range(100):
        cache.judge(f"SELECT 'a{number}'".encode(), context)
    assert len(cache._exact) <= 10
    assert sum(len(text) for text, _ in cache._exact) <= 200
    cache.judge(b"SELECT '" + b"x" * 20_000 + b"'", context)
    assert len(cache._exact) <= 10


def test_bytes_that_are_no_text_are_refused(context: SqlContext) -> None:
    assert VerdictCache().judge(b"SELECT '\xff'", context).verdict.rule == "postgres.encoding"
