"""A drafted patch as a terminal shows it: in colour, one screen at most, nothing in it obeyed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.domain.display import counted, display
from gateway.terminal.screen import width_of

if TYPE_CHECKING:
    from gateway.domain.unit import Filed
    from gateway.protocols.ssh.units import Terminal

USUAL: Final = (80, 24)
"""Columns and rows of a client that has no terminal, or does not say how large it is."""
AROUND: Final = 8
"""Rows that the reason, the change request and the prompt take."""
LEAST: Final = 6
MOST: Final = 60
PLAIN: Final = frozenset({"dumb", "vt52", "vt100", "vt102"})
"""Terminals that know no colour."""
_MOST_ROWS_OF_LINE: Final = 3
_RESET: Final = "\x1b[0m"
_COLOURS: Final = (
    ("diff --git", "\x1b[1m"),
    ("+++", "\x1b[1m"),
    ("---", "\x1b[1m"),
    ("@@", "\x1b[36m"),
    ("+", "\x1b[32m"),
    ("-", "\x1b[31m"),
)


def patch(filed: Filed, terminal: Terminal | None) -> str:
    """Return a change request's patch with a line feed behind each line; empty where there is none to show.

    Args:
        filed: the change request.
        terminal: the client's; None: it has none, and is shown no colour.
    """
    lines = filed.diff.splitlines()
    columns, rows = terminal.size[:2] if terminal is not None else USUAL
    columns, room = columns or USUAL[0], min(MOST, max(LEAST, (rows or USUAL[1]) - AROUND))
    coloured = terminal is not None and terminal.kind not in PLAIN
    shown: list[str] = []
    for line in lines:
        text = _cut(display(line), columns)
        room -= max(1, -(-width_of(text) // columns))
        if room < 0:
            break
        shown.append(_in_colour(text) if coloured else text)
    rest = len(lines) - len(shown)
    if rest:
        shown.append(f"… {counted(rest, 'more line')}: glassgate change show {filed.change}")
    return "".join(f"{line}\n" for line in shown)


def _cut(text: str, columns: int) -> str:
    """Return a line that is not longer than a few rows."""
    most = columns * _MOST_ROWS_OF_LINE - 1
    return text if len(text) <= most else f"{text[:most]}…"


def _in_colour(text: str) -> str:
    colour = next((colour for begins, colour in _COLOURS if text.startswith(begins)), "")
    return f"{colour}{text}{_RESET}" if colour else text
