"""Random text never crashes the judge, and what it allows never holds a word for a write outside quotes."""

from __future__ import annotations

import re

from corpora import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.verdict import Decision
from gateway.judge.postgres import SqlContext, judge

TEXTS = [case.text for case in cases("postgres") if len(case.text) < 400]
WORDS = sorted({word for text in TEXTS for word in re.findall(r"\w+|[^\w\s]", text)})


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_gets_a_verdict(context: SqlContext, text: str) -> None:
    assert judge(text, context).verdict.reason


@given(st.lists(st.sampled_from(WORDS), max_size=25))
@settings(max_examples=500, deadline=None)
def test_any_row_of_words_gets_a_verdict(context: SqlContext, words: list[str]) -> None:
    assert judge(" ".join(words), context).verdict.reason


@given(st.sampled_from(TEXTS), st.data())
@settings(max_examples=500, deadline=None)
def test_a_text_with_a_piece_cut_out_or_doubled_gets_a_verdict(
    context: SqlContext, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    other = data.draw(st.sampled_from(TEXTS))
    for changed in (text[:start] + text[end:], text[:end] + text[start:], text[:start] + other + text[end:]):
        assert judge(changed, context).verdict.reason


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_compound_is_never_better_than_its_worst_part(context: SqlContext, texts: list[str]) -> None:
    # Two texts that are none by themselves may well be one together: an open quote closes the other.
    texts = [text for text in texts if judge(text, context).verdict.rule != "postgres.syntax"]
    parts = [judge(text, context).verdict.decision for text in texts] or [Decision.ALLOW]
    whole = judge("\n;\n".join(texts), context).verdict.decision
    named = any(re.search(r"\bexecute\b", text, re.IGNORECASE) for text in texts)
    assert whole >= max(parts) or named or whole is Decision.REFUSE
