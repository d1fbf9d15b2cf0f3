"""Every row of the corpora gets its verdict."""

from __future__ import annotations

from collections import Counter

from corpora import cases

from gateway.judge.postgres import SqlContext, VerdictCache, judge


def test_every_row_gets_its_verdict(context: SqlContext) -> None:
    wrong = []
    for case in cases("postgres"):
        verdict = judge(case.text, context).verdict
        if verdict.decision.word != case.verdict:
            wrong.append(
                f"{case.place}: {verdict.decision.word} {verdict.rule} {verdict.reason}\n  {case.text}"
            )
    assert not wrong, "\n".join(wrong)


def test_the_cache_answers_as_the_judge_does(context: SqlContext) -> None:
    cache = VerdictCache()
    texts = [case.text for case in cases("postgres")]
    for text in texts + texts[::-1]:
        assert cache.judge(text.encode(), context).verdict == judge(text, context).verdict, text


def test_the_corpora_are_of_a_size_that_says_something() -> None:
    counts = Counter(case.verdict for case in cases("postgres"))
    assert counts["allow"] > 800
    assert counts["change"] > 200
    assert counts["refuse"] > 150
