"""Every row of the corpora gets its verdict; what is allowed has one text, which is judged the same."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

from corpora import cases

from gateway.domain.verdict import Decision
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge
from gateway.judge.shell.read import read


def test_every_row_gets_its_verdict(context: ShellContext) -> None:
    wrong = []
    for case in cases("shell"):
        verdict = judge(case.text, context).verdict
        if verdict.decision.word != case.verdict:
            wrong.append(
                f"{case.place}: {verdict.decision.word} {verdict.rule} {verdict.reason}\n  {case.text}"
            )
    assert not wrong, "\n".join(wrong)


def test_only_what_is_allowed_has_a_text_and_every_refusal_a_sentence(context: ShellContext) -> None:
    for case in cases("shell"):
        judged = judge(case.text, context)
        assert bool(judged.canonical) == (judged.verdict.decision is Decision.ALLOW), case.text
        assert judged.verdict.rule.startswith("shell."), case.text
        assert judged.verdict.reason.endswith("."), (case.text, judged.verdict.reason)
        assert bool(judged.writes) or judged.verdict.decision is not Decision.CHANGE, case.text


def test_the_canonical_text_reads_as_a_line_of_its_own(context: ShellContext) -> None:
    for case in cases("shell"):
        judged = judge(case.text, context)
        if judged.canonical:
            assert read(judged.canonical).lists, case.text


def test_nothing_is_allowed_for_want_of_bash_that_bash_is_refused(context: ShellContext) -> None:
    plain = replace(context, shell="sh")
    for case in cases("shell"):
        judged = judge(case.text, plain)
        assert not judged.bash, case.text
        if judged.verdict.decision is Decision.ALLOW:
            assert judge(case.text, context).verdict.decision is Decision.ALLOW, case.text


def test_the_corpora_are_of_a_size_that_says_something() -> None:
    counts = Counter(case.verdict for case in cases("shell"))
    assert counts["allow"] > 1000
    assert counts["change"] > 500
    assert counts["refuse"] > 150


def test_two_thousand_lines_are_judged_in_a_second(context: ShellContext) -> None:
    texts = [case.text for case in cases("shell")]
    start = time.process_time()
    for text in texts:
        judge(text, context, plans=False)
    assert len(texts) / (time.process_time() - start) > 1000  # of 3,000; the rest is for a busy machine
