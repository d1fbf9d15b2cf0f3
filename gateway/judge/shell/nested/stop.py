"""How a judge of one command ends early: with the finding that decides."""

from __future__ import annotations

from gateway.judge.shell.finding import Effect, Finding, changes, refuses
from gateway.judge.shell.programs.program import Program


class Stop(Exception):
    """Ends a judgement.

    Attributes:
        finding: what it comes to.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.verdict.reason)
        self.finding = finding


def stop(command: str, what: str, reason: str, effect: Effect = Effect.UNKNOWN) -> Stop:
    """Return the end of a judgement on something that is no read.

    Args:
        command: its name.
        what: last part of the rule.
        reason: one sentence.
        effect: what it would do; says whether it is a change or refused.
    """
    program, _, _ = command.partition(" ")
    rule = f"shell.{program}.{what}"
    if effect.decision is Effect.UNKNOWN.decision:
        return Stop(refuses(rule, reason, effect=effect))
    return Stop(changes(rule, reason, effect=effect))


def unless_allowed(inner: Finding) -> Finding:
    """Return a finding on what a command runs in turn, where that only reads.

    Raises:
        Stop: it is no read: its own verdict is that of the command around it.
    """
    if inner.allowed:
        return inner
    make = refuses if inner.effect.decision is Effect.UNKNOWN.decision else changes
    raise Stop(make(inner.verdict.rule, inner.verdict.reason, effect=inner.effect, nested=(inner,)))


def unless_reads(program: Program) -> Program:
    """Return a program that only reads.

    Raises:
        Stop: it is no read.
    """
    if program.allowed:
        return program
    make = refuses if program.effect.decision is Effect.UNKNOWN.decision else changes
    raise Stop(make(program.verdict.rule, program.verdict.reason, effect=program.effect))
