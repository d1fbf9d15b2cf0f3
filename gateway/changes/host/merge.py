"""An edit made on a host's file, carried over to the repository's file where that is not the same."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import pairwise

_CONTEXT = 3
_MOST_LINES = 20_000


def carried_over(old: bytes, new: bytes, other: bytes) -> bytes | None:
    """Apply what turned ``old`` into ``new`` to ``other``; None where a place in it can't be found for sure.

    Args:
        old: the host's file as it was.
        new: the host's file as it would have been.
        other: the repository's file.
    """
    if other == old:
        return new
    before, after, there = (each.splitlines(keepends=True) for each in (old, new, other))
    if max(map(len, (before, after, there))) > _MOST_LINES:
        return None
    edits = []
    for tag, begin, end, start, stop in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            place = _place(before, begin, end, there)
            if place is None:
                return None
            edits.append((place, place + end - begin, after[start:stop]))
    if any(this[1] > following[0] for this, following in pairwise(edits)):
        return None
    for begin, end, lines in reversed(edits):
        there[begin:end] = lines
    return b"".join(there)


def _place(before: list[bytes], begin: int, end: int, there: list[bytes]) -> int | None:
    """Return where lines of one file stand in another, with as much context as makes that certain."""
    for context in range(_CONTEXT, -1, -1):
        first, last = max(0, begin - context), min(len(before), end + context)
        wanted = before[first:last]
        if not wanted:
            continue
        found = [at for at in range(len(there) - len(wanted) + 1) if there[at : at + len(wanted)] == wanted]
        if len(found) == 1:
            return found[0] + begin - first
        if len(found) > 1:
            return None
    return None
