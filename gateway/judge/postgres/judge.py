"""Text → judgement."""

from __future__ import annotations

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.postgres.analysis import SqlJudgement
from gateway.judge.postgres.context import SqlContext
from gateway.judge.postgres.parse import GRAMMAR, NotParsed, parse
from gateway.judge.postgres.statements import Judge

OLDEST = 15
"""Oldest server major version whose catalogue was reviewed."""


def judge(text: str, context: SqlContext) -> SqlJudgement:
    """Judge everything in a text, as the server would run it: all of it, or none.

    Args:
        text: as the server will get it.
        context: everything else the verdict depends on.
    """
    if not OLDEST <= context.snapshot.major <= GRAMMAR:
        return _refused("version", f"PostgreSQL {context.snapshot.major} is not known to the judge.")
    try:
        statements = parse(text)
    except NotParsed as error:
        return _refused(error.rule, error.message, error.position)
    judge_ = Judge(context, text.encode())
    analyses = tuple(judge_.statement(statement) for statement in statements)
    if not analyses:
        return SqlJudgement(Verdict(Decision.ALLOW, "postgres.empty", "There is nothing in it to run."), ())
    worst = max((analysis.verdict for analysis in analyses), key=lambda verdict: verdict.decision)
    return SqlJudgement(worst, analyses, judge_.keep)


def not_utf8() -> SqlJudgement:
    """The judgement of bytes that are not UTF-8."""
    return _refused("encoding", "The text is not valid UTF-8.")


def _refused(rule: str, reason: str, position: int = 0) -> SqlJudgement:
    return SqlJudgement(Verdict(Decision.REFUSE, f"postgres.{rule}", reason), (), position=position)
