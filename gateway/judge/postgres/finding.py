"""What one statement comes to, and its putting into words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.postgres.analysis import Effect, Issue, Keep, StatementAnalysis
from gateway.judge.postgres.definitions import title_of
from gateway.judge.postgres.parse import Statement
from gateway.judge.postgres.session import SessionEffect


@dataclass(frozen=True, slots=True)
class Finding:
    """What one statement comes to, before it is put into words.

    Attributes:
        issue: what decides; None: a read.
        effect: what it would do.
        tables: relations it names.
        explainable: whether EXPLAIN of it is a read.
        effects: what it changes in the session.
        keep: how long that holds.
    """

    issue: Issue | None
    effect: Effect
    tables: tuple[str, ...] = ()
    explainable: bool = False
    effects: tuple[SessionEffect, ...] = ()
    keep: Keep = Keep.EXACT


def analysis(statement: Statement, finding: Finding) -> StatementAnalysis:
    """Put a finding into words."""
    title = title_of(statement.kind, statement.node, finding.tables)
    if finding.issue is None:
        verdict = Verdict(
            Decision.ALLOW, f"postgres.read.{finding.effect.name.lower()}", f"{title} only reads."
        )
        if finding.effect in {Effect.SESSION, Effect.TRANSACTION}:
            verdict = Verdict(
                Decision.ALLOW,
                f"postgres.{finding.effect.name.lower()}",
                f"{title} changes this session only.",
            )
    else:
        verdict = finding.issue.verdict
    return StatementAnalysis(
        statement.kind,
        statement.start,
        statement.end,
        verdict,
        finding.effect,
        finding.tables,
        title,
        finding.explainable,
        finding.effects if finding.issue is None else (),
    )


def named_tables(node: object) -> Iterator[str]:
    """Every relation named anywhere in a tree, in order, each once."""
    seen: set[str] = set()
    work = [node]
    while work:
        each = work.pop()
        if isinstance(each, dict):
            if "relname" in each:
                name = ".".join(str(each[part]) for part in ("schemaname", "relname") if part in each)
                if name not in seen:
                    seen.add(name)
                    yield name
            work.extend(reversed(list(each.values())))
        elif isinstance(each, list):
            work.extend(reversed(each))
