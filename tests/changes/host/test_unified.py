"""Diffs applied to copies, beside the real patch."""

from __future__ import annotations

import difflib
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.changes.host.unified import applied, diffs_in, stripped

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c c\n", "\n", "--- x\n"]), max_size=12)


def diff_of(old: list[str], new: list[str]) -> bytes:
    return "".join(difflib.unified_diff(old, new, "a/f", "b/f")).encode()


@given(LINES, LINES)
def test_a_diff_leads_from_one_file_to_the_other(old: list[str], new: list[str]) -> None:
    text = diff_of(old, new)
    found = diffs_in(text)
    if old == new:
        assert found is None
        return
    assert found is not None
    (diff,) = found
    assert (diff.old, diff.new) == ("a/f", "b/f")
    assert applied(diff.hunks, "".join(old).encode()) == "".join(new).encode()


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed (apt install patch)")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, LINES)
def test_what_fits_is_what_patch_makes(tmp_path: Path, old: list[str], new: list[str]) -> None:
    text = diff_of(old, new)
    found = diffs_in(text)
    content = "".join(old).encode()
    ours = applied(found[0].hunks, content) if found and old and new else None
    if found is None or ours is None:
        return
    (tmp_path / "f").write_bytes(content)
    argv = ["patch", "-s", "-F0", "-r-", "--no-backup-if-mismatch", "--posix", "f"]
    done = subprocess.run(argv, input=text, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done
    assert (tmp_path / "f").read_bytes() == ours


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no diff\n",
        b"--- a\n+++ b\n",
        b"--- a\n+++ b\n@@ -1,2 +1 @@\n-a\n",  # cut off
        b"--- a\n+++ b\n@@ -1 +1 @@\nx\n",
        b"--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n",
    ],
)
def test_what_is_no_whole_diff_is_none(text: bytes) -> None:
    assert diffs_in(text) is None


def test_a_missing_last_line_feed_is_kept_apart() -> None:
    text = b"--- a\n+++ b\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n"
    found = diffs_in(text)
    assert found is not None
    assert applied(found[0].hunks, b"a") == b"b\n"
    assert applied(found[0].hunks, b"a\n") is None


def test_git_s_heads_and_a_mail_around_it_are_skipped() -> None:
    text = b"From me\n\ndiff --git a/x b/x\nindex 1..2 100644\n--- a/x\t2026\n+++ b/x\n"
    text += b"@@ -1 +1 @@ f()\n-a\n+b\n-- \n2.4\n"
    found = diffs_in(text)
    assert found is not None
    assert [(each.old, each.new) for each in found] == [("a/x", "b/x")]


def test_a_place_that_is_there_twice_is_none() -> None:
    text = b"--- a\n+++ b\n@@ -9 +9 @@\n-a\n+b\n"
    found = diffs_in(text)
    assert found is not None
    assert applied(found[0].hunks, b"a\n") == b"b\n"
    assert applied(found[0].hunks, b"a\nx\na\n") is None


@pytest.mark.parametrize(
    ("name", "components", "left"),
    [("a/b/c", None, "c"), ("a/b/c", 0, "a/b/c"), ("a/b/c", 1, "b/c"), ("/a/b", 1, "a/b"), ("a", 3, "")],
)
def test_names_lose_their_folders(name: str, components: int | None, left: str) -> None:
    assert stripped(name, components) == left
