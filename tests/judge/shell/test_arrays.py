"""Arrays: what is evaluated in subscripts is an integer, what a key holds stays text, and meaning is kept."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from corpora import cases

from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge

EVIL = [
    "$(touch pwned)",
    "`touch pwned`",
    "a[$(touch pwned)]",
    "x[`touch pwned`]",
    "0]+b[$(touch pwned)",
    "[$(touch pwned)]=1",
    "[0]=$(touch pwned)",
    "a[$(touch pwned)]=1",
    "(x $(touch pwned))",
    "0$(touch pwned)",
    "1 ? a[$(touch pwned)] : 0",
    "@",
    "*",
    "]",
    "[",
    "'",
    '"',
    "\\",
    "-1",
    "a b",
    "k\ty",
    "12",
    "x",
]
"""What files and variables hold."""
HARMLESS = [case.text for case in cases("shell") if case.place.startswith("arrays.jsonl")]
"""Lines that are allowed, and print what they would."""
BENT = [case.text for case in cases("shell") if case.place.startswith("arrays_bent.jsonl")]
"""Lines that look for a way around: those that are allowed run, and write nothing."""


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder with files whose names and lines are a nuisance."""
    folder = tmp_path / "scratch"
    (folder / "d").mkdir(parents=True)
    for name in [*(each for each in EVIL if "/" not in each), "n.log", "m.log", "-i", "-oout", "-delete"]:
        (folder / name).write_text("1\n", encoding="utf-8")
    (folder / "names").write_text("\n".join(EVIL) + "\n", encoding="utf-8")
    return folder


def run(text: str, folder: Path) -> tuple[int, bytes]:
    """How bash ends with a text, and what it prints."""
    variables = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env=variables,
        input=b"a[$(touch pwned)]\n",
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("line", HARMLESS)
def test_arrays_are_read_and_mean_what_they_say(line: str, scratch: Path, context: ShellContext) -> None:
    judged = judge(line, replace(context, terminal=False))
    assert judged.canonical, (line, judged.verdict)
    assert judged.bash
    assert run(judged.canonical, scratch) == run(line, scratch), judged.canonical
    again = judge(judged.canonical, replace(context, terminal=False))
    assert again.canonical, (judged.canonical, again.verdict)


def test_nothing_that_is_allowed_of_bent_lines_writes(scratch: Path, context: ShellContext) -> None:
    before = sorted(each.name for each in scratch.iterdir())
    ran = 0
    for line in BENT:
        judged = judge(line, context)
        if judged.canonical:
            ran += 1
            run(judged.canonical, scratch)
            assert sorted(each.name for each in scratch.iterdir()) == before, (line, judged.canonical)
    assert ran > 50
    assert (scratch / "names").read_text(encoding="utf-8") == "\n".join(EVIL) + "\n"


def test_without_bash_there_are_no_arrays(context: ShellContext) -> None:
    plain = replace(context, shell="sh")
    for line in (
        *HARMLESS,
        "mapfile x",
        "read -a x",
        "declare -a x",
        "declare -A x",
        "echo ${x[0]} ${!x[@]}",
    ):
        assert not judge(line, plain).canonical, line


@pytest.mark.parametrize(
    "line",
    [
        "x=1; x=(a)",
        "x=(a); x=1",
        "x=(a); read x",
        "x=(a); for x in b; do ls; done",
        "x=(a); ((x++))",
        "x=(a); declare -A x",
        "declare -A x; x=(a b)",
        "declare -A x; x[a]=1; (unset x); unset x; x[a]=1",
        "echo ${m[a]}; declare -A m",
        "echo $((a[0] = 1))",
        "echo ${a[i++]:-x}",
        "echo ${BASH_REMATCH[1]}",
        "echo ${BASH_ALIASES[ls]}",
        'x=rm; cmd=(ls); cmd[0]=$y; "${cmd[@]}"',
        'cmd=(ls); for i in 1 2; do "${cmd[@]}" f; cmd=(rm); done',
        'cmd=(ls); if true; then cmd=(rm); fi; "${cmd[@]}" f',
        'cmd=(ls); mapfile -t cmd < f; "${cmd[@]}"',
        'd=(/dev/sda); cat "${d[@]}"',
    ],
)
def test_what_is_not_sure_of_arrays_is_not_allowed(line: str, context: ShellContext) -> None:
    assert not judge(line, context).canonical


def test_arrays_are_no_plain_variables_afterwards(context: ShellContext) -> None:
    held = replace(context, variables={"x": "5"})
    judged = judge("x=(a b); y=${x[1]}", held)
    assert judged.variables == {"y": "b"}
    assert "x" in judged.forgotten
    assert not judge("x+=(a)", held).canonical
