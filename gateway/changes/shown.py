"""Data in headers, messages and diffs: on one line where it must be, bounded, nothing obeyed or hidden."""

from __future__ import annotations

from gateway.domain.display import display

CUT = "\n… cut here\n"


def one_line(text: str, limit: int) -> str:
    """Return text on one line, runs of white space as one space, cut at the limit."""
    return display(" ".join(text[: 4 * limit].split()), limit=limit)


def block(text: str, limit: int) -> str:
    """Return text of several lines with its line feeds and tabs, cut at the limit."""
    shown = display(text[: limit + 1], multiline=True)
    return shown if len(text) <= limit else shown[:limit] + CUT
