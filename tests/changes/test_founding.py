"""A founded repository is what git itself expects."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from gateway.changes.founding import found_repository


def git(repository: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", f"--git-dir={repository}", *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_git_reads_the_founded_repository(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "migrations").mkdir(parents=True)
    (source / "migrations" / "0001_first.sql").write_text("SELECT 1;\n")
    (source / "README").write_text("sample\n")
    commit = found_repository(
        tmp_path / "sample.git",
        source,
        author="Sample <sample@example.com>",
        message="Import",
        at=datetime(2026, 9, 1, tzinfo=UTC),
    )
    assert git(tmp_path / "sample.git", "rev-parse", "main") == commit
    assert git(tmp_path / "sample.git", "fsck", "--strict") == ""
    assert git(tmp_path / "sample.git", "show", "main:migrations/0001_first.sql") == "SELECT 1;"
    assert git(tmp_path / "sample.git", "log", "--format=%an %ae %aI %s") == (
        "Sample sample@example.com 2026-09-01T00:00:00+00:00 Import"
    )
