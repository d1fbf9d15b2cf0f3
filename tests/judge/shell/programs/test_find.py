"""find: verdicts, and a real find that runs what is allowed, whatever its words become."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from shell_programs import find_rows, present, run

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.finding import Effect, Finding, changes, reads, refuses
from gateway.judge.shell.programs.find import Found, judge

FINDS = present(["find"], ["busybox", "find"])
Word = str | Mapping[str, object]


def argument(word: Word) -> Argument:
    if isinstance(word, str):
        return Argument(word)
    return Argument(None, str(word.get("starts", "")), many=bool(word.get("many")), word=word)


def judge_command(argv: tuple[Argument, ...]) -> Finding:
    """A judge that knows two readers and one command that changes."""
    if argv[0].text in {"cat", "wc", "ls"}:
        return reads((argv[0], *literals("--"), *argv[1:]), "It reads.")
    if argv[0].text == "rm":
        return changes("shell.rm.removes", "rm removes.", effect=Effect.WRITES_FILE)
    return refuses("shell.unknown", "It is not known.")


def dotted(word: Argument) -> Argument | None:
    if isinstance(word.word, Mapping) and word.word.get("wildcard"):
        return Argument(None, "./", many=True, word=word.word)
    return None


@pytest.mark.parametrize(("verdict", "argv", "place"), find_rows(), ids=lambda value: str(value)[:40])
def test_finds_get_their_verdict(verdict: str, argv: list[Word], place: str) -> None:
    finding = judge(tuple(argument(word) for word in argv), judge_command, dotted)
    assert finding.verdict.decision.word == verdict, f"{place}: {finding.verdict}"
    assert finding.verdict.rule.startswith("shell.find.")
    assert bool(finding.argv) == finding.allowed


def test_what_find_puts_in_is_an_argument_that_expands() -> None:
    seen: list[tuple[Argument, ...]] = []

    def remember(argv: tuple[Argument, ...]) -> Finding:
        seen.append(argv)
        return judge_command(argv)

    judge(literals("find", "/var/log", "/var/lib", "-exec", "cat", "{}", "+"), remember)
    judge(literals("find", ".", "-execdir", "cat", "{}", "x{}", ";"), remember)
    assert seen[0][1] == Argument(None, "/var/l", many=True, word=Found("{}"))
    assert seen[1][1:] == (Argument(None, "", word=Found("{}")), Argument(None, "x", word=Found("x{}")))


def test_the_rebuilt_command_stands_in_the_rebuilt_find() -> None:
    finding = judge(literals("find", "--", ".", "-exec", "cat", "{}", "+", "-print"), judge_command)
    assert [each.text for each in finding.argv] == ["find", ".", "-exec", "cat", "--", "{}", "+", "-print"]
    assert len(finding.nested) == 1


def test_a_change_within_decides_and_is_told() -> None:
    finding = judge(literals("find", ".", "-exec", "rm", "{}", ";"), judge_command)
    assert (finding.verdict.rule, finding.effect) == ("shell.find.exec", Effect.WRITES_FILE)
    assert finding.nested[0].verdict.rule == "shell.rm.removes"


def test_the_guard_of_what_it_runs_is_its_own() -> None:
    def other(argv: tuple[Argument, ...]) -> Finding:
        return reads(argv, "It looks.", effect=Effect.STATEFUL_READ, profile="procs")

    finding = judge(literals("find", ".", "-exec", "ss", "{}", ";"), other)
    assert (finding.profile, finding.effect) == ("procs", Effect.STATEFUL_READ)


VALUES = [";", "+", "-delete", "{}", "d", "(", "!", "-exec", "", "x", ",", "-fprint", "PWN"]
PARTS: list[list[Word]] = [
    ["-name", "x*"],
    ["-print"],
    ["-o"],
    ["!"],
    ["-maxdepth", "2"],
    ["-delete"],
    ["("],
    [")"],
    ["-name", {"starts": ""}],
    ["-path", {"starts": "d/", "many": True}],
    ["-printf", {"starts": ""}],
]
STARTS: list[Word] = [".", "d", {"starts": "d/", "many": True}]
INNER: list[Word] = ["{}", {"starts": ""}, "-delete", "x", "a{}", {"starts": "d/", "many": True}, "+"]


@pytest.mark.skipif(not FINDS, reason="no find is on this machine")
def test_whatever_its_words_become_an_allowed_find_removes_and_writes_nothing(tmp_path: Path) -> None:
    random_ = random.Random(20)
    folder = tmp_path / "run"
    (folder / "d").mkdir(parents=True)
    names = ["x1", "-delete", ";", "y z"]
    for name in names:
        (folder / "d" / name).write_text("hi", encoding="utf-8")
    allowed = 0
    for _ in range(1500):
        words: list[Word] = ["find", *random_.choices(STARTS, k=random_.randint(0, 2))]
        for _ in range(random_.randint(1, 3)):
            words += random_.choice(PARTS)
            if random_.random() < 0.6:
                words += ["-exec", "cat", *random_.choices(INNER, k=2), *random_.choice([[";"], ["{}", "+"]])]
        finding = judge(tuple(argument(word) for word in words), judge_command)
        if not finding.allowed:
            continue
        allowed += 1
        argv: list[str] = []
        for each in finding.argv[1:]:
            count = random_.randint(0, 3) if each.many else 1
            argv += (
                [each.text]
                if each.text is not None
                else [each.prefix + random_.choice(VALUES) for _ in range(count)]
            )
        outcome = run([*FINDS[allowed % len(FINDS)], *argv], folder)
        assert outcome.wrote == ("d",), argv
        assert sorted(path.name for path in (folder / "d").iterdir()) == sorted(names), argv
    assert allowed > 100
