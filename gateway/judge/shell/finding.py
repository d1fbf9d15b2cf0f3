"""What one command comes to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.shell.argument import Argument


class Effect(StrEnum):
    """What a command would do, as far as that is known before it runs."""

    READS = "reads"
    STATEFUL_READ = "stateful-read"
    """Reads, and leaves a small trace in the system's state: a module loaded, a log opened, a cache."""
    WRITES_FILE = "writes-file"
    """Makes, changes, moves or removes files or their metadata."""
    CHANGES_DATA = "changes-data"
    """Changes what a server holds: rows, keys, objects of a cluster, containers."""
    CHANGES_SYSTEM = "changes-system"
    """Changes services, processes, packages, accounts, kernel, network or clock."""
    RUNS_CODE = "runs-code"
    """Runs a program or code that can't be judged."""
    OPENS_DOOR = "opens-door"
    """Opens a shell, an editor, a REPL or a tunnel, whose input nobody judges."""
    REACHES_OUT = "reaches-out"
    """Speaks to a server that the endpoint does not list."""
    UNKNOWN = "unknown"
    """Not understood, or not known."""

    @property
    def decision(self) -> Decision:
        """The verdict that this effect alone leads to."""
        return _DECISIONS[self]


_DECISIONS = {
    Effect.READS: Decision.ALLOW,
    Effect.STATEFUL_READ: Decision.ALLOW,
    Effect.WRITES_FILE: Decision.CHANGE,
    Effect.CHANGES_DATA: Decision.CHANGE,
    Effect.CHANGES_SYSTEM: Decision.CHANGE,
    Effect.RUNS_CODE: Decision.REFUSE,
    Effect.OPENS_DOOR: Decision.REFUSE,
    Effect.REACHES_OUT: Decision.REFUSE,
    Effect.UNKNOWN: Decision.REFUSE,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one command comes to.

    Attributes:
        verdict: its rule is named ``shell.<command>.<what>``.
        effect: what it would do.
        argv: the rebuilt command line to execute, the command's name first; empty unless allowed.
        profile: kernel-guard profile: ``plain``, ``procs``, ``bus``, ``engine`` or ``net``.
        nested: findings on the commands that it runs in turn.
    """

    verdict: Verdict
    effect: Effect
    argv: tuple[Argument, ...] = ()
    profile: str = "plain"
    nested: tuple[Finding, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether it only reads."""
        return self.verdict.decision is Decision.ALLOW


def reads(
    argv: tuple[Argument, ...],
    reason: str,
    *,
    rule: str = "shell.read",
    effect: Effect = Effect.READS,
    profile: str = "plain",
    nested: tuple[Finding, ...] = (),
) -> Finding:
    """A command that only reads.

    Args:
        argv: the rebuilt command line.
        reason: one sentence.
        rule: the rule that decided.
        effect: ``reads`` or ``stateful-read``.
        profile: kernel-guard profile.
        nested: findings on what it runs in turn; all of them reads.

    Raises:
        ValueError: the effect or a nested finding is no read.
    """
    if effect.decision is not Decision.ALLOW or not all(each.allowed for each in nested):
        raise ValueError("a read can't hold what is no read")
    return Finding(Verdict(Decision.ALLOW, rule, reason), effect, argv, profile, nested)


def changes(
    rule: str, reason: str, *, effect: Effect = Effect.CHANGES_SYSTEM, nested: tuple[Finding, ...] = ()
) -> Finding:
    """A command that is known or presumed to change production."""
    return Finding(Verdict(Decision.CHANGE, rule, reason), effect, nested=nested)


def refuses(
    rule: str, reason: str, *, effect: Effect = Effect.UNKNOWN, nested: tuple[Finding, ...] = ()
) -> Finding:
    """A command that is not run and that no artifact could carry."""
    return Finding(Verdict(Decision.REFUSE, rule, reason), effect, nested=nested)


def worst(findings: Iterable[Finding]) -> Finding:
    """The finding that decides: the worst verdict, and of equals the first.

    Raises:
        ValueError: there is none.
    """
    return max(findings, key=lambda each: each.verdict.decision)
