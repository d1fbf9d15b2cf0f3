"""sed scripts: verdicts, round trips, and real seds that run what is allowed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shell_programs import Row, bent, present, rows, run

from gateway.judge.shell.finding import Effect
from gateway.judge.shell.programs.sed import judge_program, read

CASES = rows("sed")
SEDS = present(["sed"], ["sed", "-n"], ["sed", "-E"], ["busybox", "sed"])
PIECES = [
    *(
        "p",
        "d",
        "s/",
        "y/",
        "/",
        "\\",
        "\n",
        ";",
        "{",
        "}",
        "[",
        "]",
        "e",
        "w PWN",
        "r in",
        "a foo",
        "i\\\n",
        "#",
    ),
    *(
        "#n\n",
        "1",
        "$",
        ",",
        "!",
        "\\,",
        "g",
        "b",
        ":a",
        "ta",
        "/a/",
        "s/a/b/",
        "s/[/]/x/",
        " ",
        "\\\n",
        "touch PWN",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.place)
def test_scripts_get_their_verdict(case: Row) -> None:
    program = judge_program(case.text)
    assert program.verdict.decision.word == case.verdict, f"{case.text}: {program.verdict.reason}"
    assert program.verdict.rule.startswith("shell.sed.")


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.verdict == "allow"], ids=lambda case: case.place
)
def test_canonical_text_reads_as_the_same_script(case: Row) -> None:
    program = judge_program(case.text)
    assert read(program.text) == read(case.text)
    assert judge_program(program.text).text == program.text


@pytest.mark.parametrize("sed", SEDS, ids=" ".join)
def test_canonical_text_does_what_the_original_did(sed: list[str], tmp_path: Path) -> None:
    compared = 0
    for case in CASES:
        if case.verdict != "allow":
            continue
        canonical = run([*sed, "-e", judge_program(case.text).text, "in"], tmp_path / "run")
        assert canonical.wrote == (), case.text
        original = run([*sed, "-e", case.text, "in"], tmp_path / "run")
        if original.complaints:  # another dialect's script
            continue
        compared += 1
        assert canonical == original, case.text
    assert compared > 40


@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join))
@settings(max_examples=500, deadline=None)
def test_any_text_has_a_verdict_and_an_allowed_one_reads_the_same_again(text: str) -> None:
    program = judge_program(text)
    if program.allowed:
        assert read(program.text).text == program.text


@pytest.mark.skipif(not SEDS, reason="no sed is on this machine")
def test_bent_scripts_that_are_allowed_write_nothing_in_any_sed(tmp_path: Path) -> None:
    random_ = random.Random(20)
    texts = [case.text for case in CASES]
    allowed = 0
    for _ in range(2000):
        text = bent(texts, PIECES, random_)
        program = judge_program(text)
        if not program.allowed or any(name in program.text for name in ("\nb", "\nt", "\nT")):
            continue
        allowed += 1
        sed = SEDS[allowed % len(SEDS)]
        assert run([*sed, "-e", program.text, "in"], tmp_path / "run").wrote == (), (text, program.text)
    assert allowed > 100


def test_a_slash_in_brackets_gets_another_delimiter() -> None:
    assert judge_program(r"s/a\/[/]b/\/x/").text == "s,a/[/]b,/x,"
    assert judge_program("/[/]/p").text == r"\,[/],p"


def test_files_are_told_and_sandboxes_know() -> None:
    assert judge_program("r /etc/hosts\nR x").reads == ("/etc/hosts", "x")
    assert not judge_program("r /etc/hosts").sandboxed
    assert not judge_program("w /dev/stdout").sandboxed
    assert judge_program("s/w/r/").sandboxed


def test_the_effect_is_named() -> None:
    assert judge_program("s/a/b/w x").effect is Effect.WRITES_FILE
    assert judge_program("s/a/b/e").effect is Effect.RUNS_CODE
    assert judge_program("s/a").effect is Effect.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "{" * 90_000,
        "p;" * 45_000,
        "s/[" + "[" * 90_000,
        "s/[[:x/]/y/;" * 8_000,
        "a " + "\\\n" * 45_000,
        "\n" * 99_000,
    ],
    ids=range(6),
)
@pytest.mark.timeout(20)
def test_large_scripts_are_read_in_linear_time(text: str) -> None:
    assert judge_program(text).verdict.rule
