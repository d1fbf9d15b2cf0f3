from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from gateway.changes.diff import MAX_DIFF, unified
from gateway.domain.change import FilePatch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, b"a\nb\n"),
        (b"a\nb\nc\n", b"a\nB\nc\nd\n"),
        (b"a\nb", b"a\nb\nc"),
        (b"a\n", None),
    ],
)
def test_git_applies_the_diff(tmp_path: Path, old: bytes | None, new: bytes | None) -> None:
    if old is not None:
        (tmp_path / "x.sql").write_bytes(old)
    text = unified((FilePatch("x.sql", old, new),))
    if new is None:
        text = text.replace("deleted file\n", "deleted file mode 100644\n")
    subprocess.run(["git", "apply", "-"], input=text.encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "x.sql").exists() == (new is not None)
    if new is not None:
        assert (tmp_path / "x.sql").read_bytes() == new


def test_nothing_in_a_diff_is_obeyed_by_a_terminal() -> None:
    text = unified((FilePatch("x.sql", b"a\x1b[2J\n", "b\u202e\x07\r\tz\n".encode()),))
    assert all(each.isprintable() or each in "\n\t" for each in text)
    assert "-a" in text
    assert "\tz" in text


def test_a_diff_is_bounded() -> None:
    assert len(unified((FilePatch("x.sql", None, b"a\n" * 1_000_000),))) < MAX_DIFF + 100
    big = b"".join(b"%d\n" % number for number in range(30_000))
    assert "30,000 lines become 30,001 lines" in unified((FilePatch("x.sql", big, big + b"x\n"),))


def test_binary_files_are_only_named() -> None:
    assert "Binary files differ" in unified((FilePatch("x.bin", b"\0", b"\0\1"),))
