"""jq filters: verdicts, and a real jq that runs what is allowed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shell_programs import Row, present, rows, run

from gateway.judge.shell.programs.jq import judge_program, read

CASES = rows("jq")
PIECES = [
    *(
        ".",
        ".a",
        "..",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "|",
        ",",
        ":",
        ";",
        '"',
        "\\(",
        "\\",
        "#",
        "\n",
        " ",
        "?",
        "//",
    ),
    *(
        "?//",
        "as",
        "$x",
        "def f:",
        "f",
        "if",
        "then",
        "else",
        "end",
        "reduce",
        "foreach",
        "try",
        "catch",
        "label",
    ),
    *("import", "include", "1", "-", "+", "=", "|=", "@base64", '"a"', "input", "env", "break", "and", "not"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.place)
def test_filters_get_their_verdict(case: Row) -> None:
    program = judge_program(case.text)
    assert program.verdict.decision.word == case.verdict, f"{case.text}: {program.verdict.reason}"
    assert program.verdict.rule.startswith("shell.jq.")
    if program.allowed:
        assert read(program.text) == program.text


@pytest.mark.skipif(not present(["jq"]), reason="jq is not on this machine")
def test_canonical_text_does_what_the_original_did(tmp_path: Path) -> None:
    compared = 0
    for case in CASES:
        if case.verdict != "allow" or "now" in case.text:
            continue
        canonical = run(["jq", "-n", judge_program(case.text).text], tmp_path / "run")
        assert canonical.wrote == (), case.text
        original = run(["jq", "-n", case.text], tmp_path / "run")
        if original.status == 3:  # newer than this jq
            continue
        compared += 1
        assert (canonical.status, canonical.output) == (original.status, original.output), case.text
    assert compared > 60


@given(st.lists(st.sampled_from(PIECES), max_size=15).map(" ".join))
@settings(max_examples=250, deadline=None)
def test_any_text_has_a_verdict_and_an_allowed_one_reads_the_same_again(text: str) -> None:
    program = judge_program(text)
    if program.allowed:
        assert read(program.text) == program.text
        assert "import" not in program.text.split()


@pytest.mark.skipif(not present(["jq"]), reason="jq is not on this machine")
def test_jq_understands_nothing_that_is_refused_for_its_syntax(tmp_path: Path) -> None:
    random_ = random.Random(20)
    wrong = []
    for _ in range(300):
        text = random_.choice(CASES).text
        place = random_.randrange(len(text) + 1)
        text = text[:place] + random_.choice(PIECES) + text[place:]
        program = judge_program(text)
        if program.verdict.rule == "shell.jq.syntax" and "\\" not in text:
            outcome = run(["jq", "-n", text], tmp_path / "run")
            if outcome.status not in {2, 3}:
                wrong.append(text)
    assert len(wrong) < 5, wrong


def test_comments_are_gone() -> None:
    assert judge_program(".a # import\n|  .b").text == ".a | .b"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 90_000,
        "[" * 90_000,
        '"\\(' * 30_000,
        "-" * 90_000,
        ".a" * 45_000,
        "1+" * 45_000 + "1",
        "#" * 99_000,
    ],
    ids=range(7),
)
@pytest.mark.timeout(20)
def test_large_filters_are_read_in_linear_time(text: str) -> None:
    assert judge_program(text).verdict.rule
