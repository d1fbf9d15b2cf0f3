"""A proposed patch as unified diff text; colour is the command line's."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING

from gateway.changes.shown import block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.domain.change import FilePatch

MAX_DIFF = 1 << 18
"""Characters of a diff that are shown."""
_MAX_COMPARED = 20_000


def unified(files: Sequence[FilePatch]) -> str:
    """Return the patch as ``git diff`` writes it, safe on a terminal, cut at ``MAX_DIFF`` characters."""
    return block("".join(_file(each) for each in files), MAX_DIFF)


def _file(patch: FilePatch) -> str:
    """Return one file's part of the diff."""
    head = f"diff --git a/{patch.path} b/{patch.path}\n"
    if patch.old is None:
        head += f"new file mode {patch.mode:o}\n"
    if patch.new is None:
        head += "deleted file\n"
    if patch.old is not None and patch.old == patch.new:
        head += f"new mode {patch.mode:o}\n"
    if _binary(patch.old) or _binary(patch.new):
        return f"{head}Binary files differ\n"
    old, new = _lines(patch.old), _lines(patch.new)
    if len(old) + len(new) > _MAX_COMPARED and old and new:
        return f"{head}{len(old):,} lines become {len(new):,} lines\n"
    names = (
        "/dev/null" if patch.old is None else f"a/{patch.path}",
        "/dev/null" if patch.new is None else f"b/{patch.path}",
    )
    out = [
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in unified_diff(old, new, *names)
    ]
    return head + "".join(out)


def _binary(data: bytes | None) -> bool:
    return data is not None and b"\0" in data


def _lines(data: bytes | None) -> list[str]:
    """Return the lines of a file, each with its line feed; only that ends a line."""
    text = (data or b"").decode(errors="replace")
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines
