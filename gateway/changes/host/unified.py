"""Unified diffs as ``patch`` reads them, applied to copies: exactly, or not at all.

The format is that of POSIX, "diff utility", section "Diff -u Format"; what stands around hunks is skipped.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Final

_HUNK: Final = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")
_NOWHERE: Final = "/dev/null"
MOST_LINES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place of a file that gets other lines.

    Attributes:
        line: of the old file, from 0, where it begins.
        old: lines that stand there, each with its line feed.
        new: lines that come in their place.
    """

    line: int
    old: tuple[bytes, ...]
    new: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a diff says of one file.

    Attributes:
        old: its name as it was; empty: there was none.
        new: its name as it becomes; empty: it goes.
        hunks: in order.
    """

    old: str
    new: str
    hunks: tuple[Hunk, ...]


def diffs_in(text: bytes) -> tuple[FileDiff, ...] | None:
    """Return the files that a unified diff speaks of; None where it is none, or one that is cut off."""
    lines = _lines(text)
    if len(lines) > MOST_LINES:
        return None
    found: list[FileDiff] = []
    at = 0
    while at + 1 < len(lines):
        if not (lines[at].startswith(b"--- ") and lines[at + 1].startswith(b"+++ ")):
            at += 1
            continue
        old, new = _name(lines[at]), _name(lines[at + 1])
        at += 2
        hunks: list[Hunk] = []
        while at < len(lines) and (head := _HUNK.match(lines[at])):
            read = _hunk(head, lines, at + 1)
            if read is None:
                return None
            hunk, at = read
            hunks.append(hunk)
        if not hunks or not (old or new):
            return None
        found.append(FileDiff(old, new, tuple(hunks)))
    return tuple(found) or None


def applied(hunks: tuple[Hunk, ...], content: bytes) -> bytes | None:
    """Return a file with hunks applied; None where one of them does not fit exactly, or fits twice."""
    lines = _lines(content)
    begin = moved = 0
    out: list[bytes] = []
    for hunk in hunks:
        place = _place(lines, hunk, begin, hunk.line + moved)
        if place is None:
            return None
        out += [*lines[begin:place], *hunk.new]
        begin = place + len(hunk.old)
        moved = place - hunk.line
    return b"".join([*out, *lines[begin:]])


def stripped(name: str, components: int | None) -> str:
    """Return a diff's name as ``patch -p`` takes it; None: no ``-p`` was given, and folders don't count."""
    if components is None:
        return posixpath.basename(name)
    return "/".join(re.split("/+", name)[components:])


def _lines(text: bytes) -> list[bytes]:
    """The lines of a text, each with its line feed; only that ends a line."""
    return _LINE.findall(text)


def _name(line: bytes) -> str:
    """The name in a ``---`` or ``+++`` line, without the time behind it; empty: there is no such file."""
    name = line[4:].split(b"\t")[0].strip().decode("utf-8", "surrogateescape")
    return "" if name == _NOWHERE else name


def _hunk(head: re.Match[bytes], lines: list[bytes], at: int) -> tuple[Hunk, int] | None:
    """Read a hunk's lines; return it and where the next thing begins."""
    first, olds, news = (int(each) if each is not None else 1 for each in head.groups())
    old: list[bytes] = []
    new: list[bytes] = []
    while at < len(lines) and (len(old) < olds or len(new) < news or lines[at].startswith(b"\\")):
        sign, rest = lines[at][:1], lines[at][1:]
        if sign == b"\\":  # the line before it has no line feed
            for side, signs in ((old, b" -"), (new, b" +")):
                if side and lines[at - 1][:1] in (bytes([each]) for each in signs):
                    side[-1] = side[-1].removesuffix(b"\n")
        elif sign in (b" ", b"\n", b"\r"):  # an empty line of context often loses its space on the way
            kept = rest if sign == b" " else lines[at]
            old.append(kept)
            new.append(kept)
        elif sign == b"-":
            old.append(rest)
        elif sign == b"+":
            new.append(rest)
        else:
            return None
        at += 1
    if (len(old), len(new)) != (olds, news):
        return None
    return Hunk(max(first - 1, 0) if olds else first, tuple(old), tuple(new)), at


def _place(lines: list[bytes], hunk: Hunk, begin: int, wanted: int) -> int | None:
    """Where a hunk's old lines stand: where it says, else at the one other place."""
    size = len(hunk.old)
    if not size:
        return wanted if begin <= wanted <= len(lines) else None
    if wanted >= begin and tuple(lines[wanted : wanted + size]) == hunk.old:
        return wanted
    places = [
        at
        for at in range(begin, len(lines) - size + 1)
        if lines[at] == hunk.old[0] and tuple(lines[at : at + size]) == hunk.old
    ]
    return places[0] if len(places) == 1 else None
