"""Modes as chmod makes them: the real chmod is the witness."""

from __future__ import annotations

import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from gateway.changes.host.modes import changed_mode

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("before", [0o644, 0o755, 0o600, 0o4711])
@pytest.mark.parametrize(
    "typed", ["0640", "755", "u+x", "go-rwx", "a+X", "u=rw,go=r", "g=u", "o=", "u+s", "+t", "ug+w-x", "=rx"]
)
def test_a_mode_becomes_what_chmod_makes_of_it(tmp_path: Path, before: int, typed: str) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(before)
    subprocess.run(f"umask 0; chmod {typed} {path}", shell=True, check=True)
    assert changed_mode(before, typed) == stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("typed", ["", "u+q", "9", "rwx", "--reference=x"])
def test_what_chmod_does_not_take_is_no_mode(typed: str) -> None:
    assert changed_mode(0o644, typed) is None
