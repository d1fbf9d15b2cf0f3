"""What the judge says of a text: a verdict, and what each statement of it would do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.postgres.session import SessionEffect


class Effect(Enum):
    """What a statement would do, whatever word it begins with."""

    READS = "reads"
    WRITES = "writes rows"
    DEFINES = "changes definitions or rights"
    MAINTAINS = "maintains the server"
    RUNS_CODE = "runs code"
    LOCKS = "locks"
    SESSION = "changes its session only"
    TRANSACTION = "controls its transaction"
    LEAVES = "leaves the glass"
    UNKNOWN = "can't be told"


class Doubt(Enum):
    """What kind of thing stands against a statement."""

    WRITES = "writes"
    LEAVES = "leaves"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Issue:
    """Something in a statement that is not a read.

    Attributes:
        decision: change or refuse.
        rule: the verdict's rule.
        reason: one sentence.
        doubt: whether it is known to write, to leave the glass, or not known at all. In a statement that is a
            change anyway, what isn't known doesn't make it worse.
    """

    decision: Decision
    rule: str
    reason: str
    doubt: Doubt

    @property
    def verdict(self) -> Verdict:
        """As the unit's verdict."""
        return Verdict(self.decision, self.rule, self.reason)


def unknown(rule: str, reason: str) -> Issue:
    """Not understood or not known: not run."""
    return Issue(Decision.REFUSE, f"postgres.{rule}", reason, Doubt.UNKNOWN)


def leaves(rule: str, reason: str) -> Issue:
    """Loosens the session or reaches out of it: not run."""
    return Issue(Decision.REFUSE, f"postgres.{rule}", reason, Doubt.LEAVES)


def writes(rule: str, reason: str) -> Issue:
    """Known or presumed to change production: an artifact can carry it."""
    return Issue(Decision.CHANGE, f"postgres.{rule}", reason, Doubt.WRITES)


def worst(issues: Iterable[Issue]) -> Issue | None:
    """The issue that decides: the severest, of equal ones the first."""
    return max(issues, key=lambda issue: issue.decision, default=None)


@dataclass(frozen=True, slots=True)
class StatementAnalysis:
    """One statement of a text.

    Attributes:
        kind: node type, such as ``SelectStmt``.
        start: first byte in the text's UTF-8.
        end: byte behind the last; None: to the end of the text.
        verdict: of this statement alone.
        effect: what it would do.
        tables: relations it names, qualified where the text or the catalogue tells, in order.
        title: one line, such as ``UPDATE customers``.
        explainable: whether EXPLAIN of it is a read: everything that planning would execute is.
        session_effects: what it changes for those behind it, once the server has run it.
    """

    kind: str
    start: int
    end: int | None
    verdict: Verdict
    effect: Effect
    tables: tuple[str, ...]
    title: str
    explainable: bool
    session_effects: tuple[SessionEffect, ...]


class Keep(Enum):
    """How long a judgement holds under the same context."""

    NEVER = "never"
    """It rests on names prepared in the session."""
    EXACT = "exact"
    """For this very text."""
    MASKED = "masked"
    """For this text with any other integers too: a sole SELECT on which none bears."""


@dataclass(frozen=True, slots=True)
class SqlJudgement:
    """The judge's whole answer to a text.

    Attributes:
        verdict: the worst of its statements.
        statements: in order; empty where it could not be parsed or holds none.
        keep: how long it holds.
        position: the character that the parser stumbled over, counted from 1; 0 where it is none.
        session_effects: of all statements, in order; looked at for every unit, so gathered once.
    """

    verdict: Verdict
    statements: tuple[StatementAnalysis, ...]
    keep: Keep = Keep.EXACT
    position: int = 0
    session_effects: tuple[SessionEffect, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        effects = tuple(effect for statement in self.statements for effect in statement.session_effects)
        object.__setattr__(self, "session_effects", effects)
