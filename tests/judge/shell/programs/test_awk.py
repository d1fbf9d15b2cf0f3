"""awk programs: verdicts, round trips, and real awks that run what is allowed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shell_programs import Row, bent, present, rows, run

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.programs.awk.emit import emit
from gateway.judge.shell.programs.awk.judge import is_assignment, judge_program, may_be_set, opens_network
from gateway.judge.shell.programs.awk.parser import read
from gateway.judge.shell.programs.awk.tree import (
    Assign,
    Binary,
    Call,
    Chain,
    Evaluate,
    Expression,
    Field,
    ForIn,
    Getline,
    If,
    In,
    Increment,
    Index,
    Name,
    Number,
    Print,
    Regex,
    Rule,
    Source,
    Statement,
    String,
    Ternary,
    Unary,
    While,
)

CASES = rows("awk")
AWKS = present(["gawk"], ["mawk"], ["original-awk"], ["busybox", "awk"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.place)
def test_programs_get_their_verdict(case: Row) -> None:
    program = judge_program(case.text)
    assert program.verdict.decision.word == case.verdict, f"{case.text}: {program.verdict.reason}"
    assert program.verdict.rule.startswith("shell.awk.")
    assert bool(program.text) == (case.verdict == "allow" and case.text != "")


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.verdict == "allow"], ids=lambda case: case.place
)
def test_canonical_text_reads_as_the_same_tree(case: Row) -> None:
    program = judge_program(case.text)
    assert read(program.text) == read(case.text)
    assert judge_program(program.text).text == program.text


@pytest.mark.parametrize("awk", AWKS, ids=lambda awk: awk[0])
def test_canonical_text_does_what_the_original_did(awk: list[str], tmp_path: Path) -> None:
    compared = 0
    for case in CASES:
        if case.verdict != "allow" or "rand" in case.text or "systime" in case.text:
            continue
        canonical = run([*awk, judge_program(case.text).text, "in"], tmp_path / "run")
        assert canonical.wrote == (), case.text
        original = run([*awk, case.text, "in"], tmp_path / "run")
        if original.complaints:  # another dialect's program, or one that complains
            continue
        compared += 1
        assert (canonical.status, canonical.output) == (original.status, original.output), case.text
    assert compared > 40


# -- trees

NAMES = st.sampled_from(["a", "b", "x1", "NF", "NR", "_"])
ARRAYS = st.sampled_from(["arr", "t"])
NUMBERS = st.sampled_from(["0", "12", ".5", "1e3", "3."]).map(Number)
PRINTED = st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters='"\\')
STRINGS = st.text(PRINTED, max_size=6).map(String)
REGEXES = st.sampled_from(
    ["a", r"[\/]", "[^]a]", r"\/x", "[[:alpha:]]+", "", "=a", "[[]", r"\[", 'x#y"', r"\\"]
)
CHAINS = [("+", "-"), ("*", "/", "%"), ("&&",), ("||",), ("~", "!~"), ("",)]


@st.composite
def targets(draw: st.DrawFn, depth: int) -> Name | Index | Field:
    """A variable, an element or a field."""
    match draw(st.integers(0, 2)):
        case 0:
            return Name(draw(NAMES))
        case 1:
            keys = draw(st.lists(expressions(depth), min_size=1, max_size=2))
            return Index(draw(ARRAYS), tuple(keys))
        case _:
            return Field(draw(st.one_of(NUMBERS, NAMES.map(Name))))


@st.composite
def operands(draw: st.DrawFn, depth: int) -> Expression:
    """An expression, or a regular expression that stands for a match."""
    return Regex(draw(REGEXES)) if draw(st.integers(0, 5)) == 0 else draw(expressions(depth))


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> Expression:
    """Any expression of at most a depth."""
    less = depth - 1
    match draw(st.integers(0, 13 if depth else 2)):
        case 0:
            return draw(NUMBERS)
        case 1:
            return draw(STRINGS)
        case 2:
            return Name(draw(NAMES))
        case 3:
            return draw(targets(less))
        case 4 | 5:
            operators = st.sampled_from(draw(st.sampled_from(CHAINS)))
            rest = draw(st.lists(st.tuples(operators, operands(less)), min_size=1, max_size=3))
            return Chain(draw(operands(less)), tuple(rest))
        case 6:
            operator = draw(st.sampled_from(["<", "<=", "==", "!=", ">", ">=", "^"]))
            return Binary(operator, draw(operands(less)), draw(operands(less)))
        case 7:
            return Unary(draw(st.sampled_from(["!", "-", "+"])), draw(operands(less)))
        case 8:
            return Ternary(draw(operands(less)), draw(operands(less)), draw(operands(less)))
        case 9:
            keys = draw(st.lists(expressions(less), min_size=1, max_size=2))
            return In(tuple(keys), draw(ARRAYS))
        case 10:
            operator = draw(st.sampled_from(["=", "+=", "-=", "*=", "/=", "%=", "^="]))
            return Assign(operator, draw(targets(less)), draw(operands(less)))
        case 11:
            return Increment(
                draw(st.sampled_from(["++", "--"])), draw(targets(less)), before=draw(st.booleans())
            )
        case 12:
            return Getline(draw(st.one_of(st.none(), targets(less))), None)
        case _:
            return Call("split", (draw(operands(less)), Name("arr"), draw(operands(less))))


@st.composite
def statements(draw: st.DrawFn, depth: int = 2) -> Statement:
    """Any statement of at most a depth."""
    match draw(st.integers(0, 5 if depth else 2)):
        case 0:
            return Evaluate(draw(expressions()))
        case 1:
            return Print("print", tuple(draw(st.lists(expressions(), max_size=3))))
        case 2:
            return Print("printf", (draw(expressions()),), ">", String("/dev/stderr"))
        case 3:
            otherwise = draw(st.one_of(st.none(), st.tuples(statements(depth - 1))))
            return If(draw(expressions()), (draw(statements(depth - 1)),), otherwise)
        case 4:
            return While(draw(expressions()), (draw(statements(depth - 1)),), after=draw(st.booleans()))
        case _:
            return ForIn(draw(NAMES), draw(ARRAYS), (draw(statements(depth - 1)),))


@st.composite
def sources(draw: st.DrawFn) -> Source:
    """Any program."""
    items = []
    for _ in range(draw(st.integers(1, 3))):
        patterns = draw(st.lists(operands(2), max_size=2))
        items.append(Rule("", tuple(patterns), tuple(draw(st.lists(statements(), min_size=1, max_size=2)))))
    return Source(tuple(items))


@given(sources())
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_any_tree_survives_its_canonical_text(source: Source) -> None:
    assert read(emit(source)) == source


PIECES = [
    *(
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "/",
        '"',
        "\\",
        "\n",
        "#",
        ";",
        ",",
        "$",
        "!",
        "~",
        "<",
        ">",
        ">>",
        "|",
        "|&",
    ),
    *(
        "=",
        "==",
        "+",
        "++",
        "-",
        "*",
        "%",
        "^",
        "?",
        ":",
        "&&",
        "||",
        "@",
        " ",
        "\\\n",
        "1",
        "x",
        "a[1]",
        "$1",
    ),
    *("print", "getline", "if", "else", "for", "while", "do", "in", "BEGIN", "END", "function f(a)", "next"),
    *('"touch PWN"', 'system("touch PWN")', '> "PWN"', '| "touch PWN"', "/[/]/", "/a/", "length", "f(1)"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@settings(max_examples=200, deadline=None)
def test_any_text_has_a_verdict_and_an_allowed_one_reads_the_same_again(text: str) -> None:
    program = judge_program(text)
    if program.allowed:
        assert read(program.text) == read(text)


@pytest.mark.skipif(not AWKS, reason="no awk is on this machine")
def test_bent_programs_that_are_allowed_write_nothing_in_any_awk(tmp_path: Path) -> None:
    random_ = random.Random(20)
    texts = [case.text for case in CASES]
    allowed = 0
    for _ in range(1500):
        text = bent(texts, PIECES, random_)
        program = judge_program(text)
        if not program.allowed or "while" in text or "for" in text or "do" in text:
            continue
        allowed += 1
        awk = AWKS[allowed % len(AWKS)]
        assert run([*awk, program.text, "in"], tmp_path / "run").wrote == (), (text, program.text)
    assert allowed > 50


# -- the rest of the interface


def judge_line(line: str) -> tuple[Verdict, str]:
    """A judge of lines that knows two commands."""
    if line == "sort -n":
        return Verdict(Decision.ALLOW, "shell.read", "It reads."), "'sort' '-n' \"\\\""
    if line.startswith("rm"):
        return Verdict(Decision.CHANGE, "shell.rm.removes", "rm removes."), ""
    return Verdict(Decision.REFUSE, "shell.unknown", "It is not known."), ""


def test_a_command_that_is_a_read_is_run_in_its_canonical_form() -> None:
    program = judge_program('{ print $1 | "sort -n" } END { close("sort -n") }', judge_line)
    assert program.allowed
    assert not program.sandboxed
    quoted = "'sort' '-n' \\\"\\\\\\\""
    assert program.text == f'{{ print($(1)) | "{quoted}"; }} END {{ close("{quoted}"); }}'


def test_a_command_that_is_none_decides() -> None:
    assert judge_program('{ system("rm x") }', judge_line).verdict.decision is Decision.CHANGE
    assert judge_program('{ print | "sh" }', judge_line).verdict.decision is Decision.REFUSE
    assert judge_program("{ system(x) }", judge_line).effect is Effect.RUNS_CODE


def test_files_that_a_program_reads_are_told() -> None:
    program = judge_program('{ getline a < "/etc/hosts"; getline < "-" }')
    assert program.reads == ("/etc/hosts", "-")
    assert not program.sandboxed
    assert judge_program("{ print }").sandboxed


def test_operands_are_told_apart() -> None:
    assert is_assignment("FS=:")
    assert not is_assignment("./FS=:")
    assert may_be_set("OFS")
    assert not may_be_set("ENVIRON")
    assert opens_network("/inet/tcp/0/host/80")
    assert not opens_network("/etc/inetd.conf")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "{" * 50_000,
        "BEGIN {" + "x = 1;" * 16_000 + "}",
        "{ print " + "a " * 45_000 + "}",
        "{ if (x) y\n" + "\n" * 90_000 + "else z }",
        "!" * 100_000,
        "{ print " + "$" * 90_000 + "1 }",
        '"' + "\\" * 99_000,
        "/" + "[" * 99_000,
        "x" * 200_000,
        "{ x = " + "a ? b : " * 12_000 + "c }",
    ],
    ids=range(11),
)
@pytest.mark.timeout(20)
def test_large_programs_are_read_in_linear_time(text: str) -> None:
    assert judge_program(text).verdict.rule
