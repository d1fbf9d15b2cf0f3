"""What a command comes to: its effect leads to its verdict, and the worst decides."""

from __future__ import annotations

import pytest

from gateway.domain.verdict import Decision
from gateway.judge.shell.argument import Argument, known_texts, literal, literals
from gateway.judge.shell.finding import Effect, changes, reads, refuses, worst

READ = reads(literals("cat", "x"), "cat only reads.")
CHANGE = changes("shell.rm.removes", "rm removes.", effect=Effect.WRITES_FILE)
REFUSAL = refuses("shell.unknown", "It is not known.")


def test_every_effect_leads_to_a_verdict() -> None:
    allowed = {effect for effect in Effect if effect.decision is Decision.ALLOW}
    assert allowed == {Effect.READS, Effect.STATEFUL_READ}
    assert Effect.RUNS_CODE.decision is Decision.REFUSE
    assert Effect.WRITES_FILE.decision is Decision.CHANGE


def test_the_worst_decides_and_of_equals_the_first() -> None:
    other = changes("shell.mv.moves", "mv moves.")
    assert worst([READ, CHANGE, REFUSAL]) is REFUSAL
    assert worst([READ, CHANGE, other]) is CHANGE
    assert worst([READ]) is READ


def test_a_read_holds_nothing_that_is_none() -> None:
    with pytest.raises(ValueError, match="no read"):
        reads(literals("xargs", "rm"), "xargs runs rm.", nested=(CHANGE,))
    with pytest.raises(ValueError, match="no read"):
        reads(literals("rm"), "rm removes.", effect=Effect.WRITES_FILE)


def test_only_a_read_has_something_to_execute() -> None:
    assert READ.allowed
    assert READ.argv == (literal("cat"), literal("x"))
    assert CHANGE.argv == REFUSAL.argv == ()


def test_arguments_tell_what_they_surely_begin_with() -> None:
    assert Argument("abc").known_start == "abc"
    assert Argument(None, "/var/", many=True).known_start == "/var/"
    assert known_texts(literals("a", "b")) == ("a", "b")
    assert known_texts((literal("a"), Argument(None))) is None
