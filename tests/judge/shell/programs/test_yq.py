"""yq expressions: verdicts, for mikefarah's yq and for the wrapper of jq alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shell_programs import Row, rows

from gateway.judge.shell.programs.yq import judge_program

CASES = rows("yq")
PIECES = [
    *(
        ".a",
        ".",
        "..",
        '"',
        '"a"',
        "\\(",
        "(",
        ")",
        "[",
        "]",
        "|",
        " ",
        "+",
        "*",
        "-",
        "/",
        "load",
        'load("x")',
    ),
    *(
        "eval",
        "system",
        "load(",
        ".length",
        "#",
        "$x",
        "env(A)",
        ",",
        ":",
        "?",
        "=",
        "select",
        "\n",
        "`",
        "'",
    ),
]
OPERATOR = re.compile(r"load|eval|system")

RULES = re.compile(
    r"""(?P<skip>[ \t\n]+|\#[^\n]*)|\.\.\.?|\.\[|[()\[\]{},;:]|\$[a-zA-Z_\-0-9]+|"(?:[^"\\]|\\.)*"
    |env\([^)]+\)|\."[^ "]+"\??|\.[^ ;}{:\[\],|.()=\n!]+\??|\.|(?P<danger>load|eval|system)|[a-zA-Z_]|.""",
    re.VERBOSE | re.DOTALL,
)
"""A rough yq of its own: tokens as its lexer has them, the dangerous ones named."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.place)
def test_expressions_get_their_verdict(case: Row) -> None:
    program = judge_program(case.text)
    assert program.verdict.decision.word == case.verdict, f"{case.text}: {program.verdict.reason}"
    assert program.verdict.rule.startswith("shell.yq.")
    assert program.text == (case.text if program.allowed else "")


@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join))
@settings(max_examples=1000, deadline=None)
def test_what_yq_would_take_for_an_operator_is_never_overlooked(text: str) -> None:
    program = judge_program(text)
    dangers = [found["danger"] for found in RULES.finditer(text) if found["danger"]]
    if program.allowed:
        assert dangers.count("load") == len(dangers) == len(program.reads), text


def test_files_are_told() -> None:
    assert judge_program('load("a.yml") * load_str("b")').reads == ("a.yml", "b")


@pytest.mark.parametrize(
    "text", ["(" * 90_000, ".a" * 45_000, '"' * 99_999, "." * 90_000, "a" * 99_999], ids=range(5)
)
@pytest.mark.timeout(20)
def test_large_expressions_are_read_in_linear_time(text: str) -> None:
    assert judge_program(text).verdict.rule
