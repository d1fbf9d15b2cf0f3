"""What expands where ``--`` ends no options never becomes an option, in the shells that run it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge


@pytest.mark.parametrize("shell", ["bash", "dash"])
@pytest.mark.parametrize("line", ['for d in *; do find "$d"; done', "for d in *; do find $d; done", "find *"])
def test_a_file_named_like_an_action_is_left_alone(
    line: str, shell: str, tmp_path: Path, context: ShellContext
) -> None:
    for name in ("a", "-delete", "-a b"):
        (tmp_path / name).touch()
    canonical = judge(line, context).canonical
    assert canonical
    ran = subprocess.run([shell, "-c", canonical], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "a\n" in ran.stdout
    assert {each.name for each in tmp_path.iterdir()} == {"a", "-delete", "-a b"}


def test_each_value_of_a_variable_must_fit(context: ShellContext) -> None:
    def word(line: str) -> str:
        return judge(line, context).verdict.decision.word

    assert word("for s in nginx redis; do service $s status; done") == "allow"
    assert word("for s in nginx ../x; do service $s status; done") == "change"
    assert word("for a in status restart; do service nginx $a; done") == "change"
    assert word("x=nginx; while true; do service $x status; x=../y; done") == "change"
