from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from gateway.changes.git import run_git, shown_url
from gateway.domain.errors import RepositoryUnavailable


def program(folder: Path, script: str) -> None:
    path = folder / "git"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


async def test_a_git_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, f"sleep 60 & echo $! > {tmp_path}/child; wait")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    began = time.monotonic()
    with pytest.raises(RepositoryUnavailable, match="did not answer within 1 s"):
        await run_git(("fetch",), cwd=tmp_path, seconds=1)
    assert time.monotonic() - began < 10
    status = Path(f"/proc/{int((tmp_path / 'child').read_text())}/status")
    for _ in range(200):
        if not status.exists() or "State:\tZ" in status.read_text():
            return
        await asyncio.sleep(0.01)
    pytest.fail("the child lives on")


async def test_git_gets_neither_our_environment_nor_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "env; tty >&2; cat")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GLASSGATE_DATABASE_URL", "postgresql://secret")
    ran = await run_git(("status",), cwd=tmp_path, seconds=10)
    assert "GIT_TERMINAL_PROMPT=0" in ran.out
    assert "GIT_DIR" not in ran.out
    assert "postgresql://secret" not in ran.out
    assert "not a tty" in ran.said


async def test_what_git_says_is_fit_to_be_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(
        tmp_path,
        r"printf 'fatal: https://eve:pw@forge/x \033[2J\nhint: do this\nremote: %05000d' 1 >&2; exit 128",
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ran = await run_git(("push",), cwd=tmp_path, seconds=10)
    assert ran.status == 128
    assert ran.said.isprintable()
    assert "eve:pw" not in ran.said
    assert "hint" not in ran.said
    assert len(ran.said) <= 600


async def test_a_machine_without_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RepositoryUnavailable, match="this machine has none"):
        await run_git(("fetch",), cwd=tmp_path, seconds=1)


def test_addresses_are_shown_without_credentials() -> None:
    assert shown_url("https://eve:pw@forge/x.git") == "https://forge/x.git"
    assert shown_url("git@forge:x.git") == "git@forge:x.git"
