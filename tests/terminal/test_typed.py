"""What is typed for something else: the line before, short names of ls, the history in a pipeline."""

from __future__ import annotations

import subprocess

import pytest

from gateway.terminal.typed import MOST_PIPED, history_of, recalled, unaliased


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("!!", "tail -n 5 '/var/log/my app.log'"),
        ("!! | wc -l", "tail -n 5 '/var/log/my app.log' | wc -l"),
        ("ls -l !$", "ls -l '/var/log/my app.log'"),
        ("echo '!!'", "echo '!!'"),
        ("echo \\!!", "echo \\!!"),
        ("[ ! -f x ]", "[ ! -f x ]"),
        ("awk '$1 != 3' f", "awk '$1 != 3' f"),
        ("find . ! -name x", "find . ! -name x"),
    ],
)
def test_the_line_before_is_recalled(line: str, meant: str) -> None:
    assert recalled(line, ["ls", "tail -n 5 '/var/log/my app.log'"]) == meant


def test_nothing_is_recalled_where_nothing_was_entered() -> None:
    assert recalled("!!", []) is None
    assert recalled("echo a", []) == "echo a"


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("ll", "ls -alF"),
        ("ll /etc | head", "ls -alF /etc | head"),
        ("la", "ls -A"),
        ("l|cat", "ls -CF|cat"),
        ("llx", "llx"),
        ("ll=1", "ll=1"),
        ("echo ll", "echo ll"),
    ],
)
def test_short_names_of_ls_are_written_out(line: str, written: str) -> None:
    assert unaliased(line) == written


def test_history_prints_all_or_the_last() -> None:
    assert history_of("history", ["a", "b"]) == ("    1  a\n    2  b\n", "")
    assert history_of("history 1", ["a", "b"]) == ("    2  b\n", "")
    assert history_of("history 0", ["a"]) == ("", "")
    assert history_of("historyx", ["a"]) is None
    assert history_of("history -c", ["a"]) is None
    assert history_of("history || true", ["a"]) is None


def test_history_goes_through_a_pipe_as_it_is() -> None:
    lines = ["echo '$(id)' \\", 'grep "x" f', "%s"]
    asked = history_of("history | cut -c8- | tail -n 2", lines)
    assert asked is not None
    ran = subprocess.run(["/bin/sh", "-c", asked[1]], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == lines[-2:]


def test_a_long_history_hands_on_its_newest_lines() -> None:
    asked = history_of("history | cat", ["x" * 1000] * 100)
    assert asked is not None
    assert len(asked[1]) < MOST_PIPED + 100
    assert asked[1].startswith("printf '%s\\n' '   ")
