"""A sed script that holds what nobody knows writes and runs nothing, whatever that is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge

EVIL = [
    "w out",
    "/;w out",
    "x/;e touch pwned;s/x/",
    "x/e;s/x/touch pwned",
    "1e touch pwned",
    "1{e touch pwned",
    "/w out",
    "x/w out",
    "e",
    "ew out",
    "1p;e touch pwned",
    "1p;W out",
    "r /etc/hostname",
    "x/\ne touch pwned\ns/x/",
]
LINES = [
    'sed "s/^/$x: /" f',
    'sed "s/x/$x/" f',
    'sed -n "/$x/p" f',
    'sed -n "${x}p" f',
    'sed "s/x/y/$x" f',
    'sed -n -e "s/$x/y/p" -e "2d" f',
    'sed "/$x/d;s/1/2/" f',
]


@pytest.mark.skipif(shutil.which("sed") is None, reason="there is no sed here")
@pytest.mark.parametrize("line", LINES)
def test_it_writes_and_runs_nothing(line: str, context: ShellContext, tmp_path: Path) -> None:
    judged = judge(f"while IFS= read -r x; do {line}; done < values", context)
    assert "'--sandbox'" in judged.canonical
    (tmp_path / "f").write_text("x1\nx2\n", encoding="utf-8")
    (tmp_path / "values").write_text("\n".join(EVIL) + "\n", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    subprocess.run(["/bin/sh", "-c", judged.canonical], cwd=tmp_path, capture_output=True, check=False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_the_sandbox_some_of_them_would(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x1\n", encoding="utf-8")
    for value in EVIL:
        for line in LINES:
            script = f"x=$1; {line}"
            subprocess.run(
                ["/bin/sh", "-c", script, "sh", value], cwd=tmp_path, capture_output=True, check=False
            )
    assert (tmp_path / "pwned").exists()
