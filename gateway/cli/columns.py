"""Columns of a table in a terminal: words wrap below each other, and nothing is cut in the middle of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP: Final = "  "
_UNBROKEN: Final = 16
"""Characters to which a longer word is broken rather than the table given up."""
_WORDS: Final = re.compile(r"\S+?(?:(?<=[^\W\d][-/._@])(?=\w)|\s+|$)")
"""What stays together: up to a space, or to a joint of a name such as ``payments-orders-db``."""


def fitted(rows: Sequence[Sequence[str]], width: int) -> list[list[str]] | None:
    """Lay out a table.

    Args:
        rows: heads first; cells neutralised.
        width: of the terminal, in characters.

    Returns:
        Its lines, a list for each row; None where its columns can't stand beside each other.
    """
    from rich.cells import cell_len

    across = list(zip(*rows, strict=True))
    wanted = [max(map(cell_len, cells)) for cells in across]
    least = [max(map(_longest, cells)) for cells in across]
    room = width - len(GAP) * (len(across) - 1)
    if sum(least) > room:
        return None
    widths = list(wanted)
    while sum(widths) > room:
        # The widest that can still give is narrowed first, and no further than the next widest.
        at = max((at for at in range(len(widths)) if widths[at] > least[at]), key=lambda at: widths[at])
        widths[at] -= 1
    return [_lines(row, widths) for row in rows]


def _longest(cell: str) -> int:
    """Width of the longest word, no more than what is broken anyway."""
    from rich.cells import cell_len

    return min(_UNBROKEN, max((cell_len(word.rstrip()) for word in _WORDS.findall(cell)), default=0))


def _lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    from rich.cells import cell_len

    wrapped = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for at in range(max(map(len, wrapped))):
        cells = [cell[at] if at < len(cell) else "" for cell in wrapped]
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True))
        lines.append(GAP.join(padded).rstrip())
    return lines


def _wrapped(cell: str, width: int) -> list[str]:
    """Wrap at spaces; a word that is wider than the column is broken."""
    from rich.cells import cell_len, chop_cells

    lines = [""]
    for word in _WORDS.findall(cell):
        if cell_len(lines[-1]) + cell_len(word.rstrip()) <= width:
            lines[-1] += word
            continue
        pieces = chop_cells(word, width) if cell_len(word.rstrip()) > width else [word]
        lines = [*(line for line in lines if line), *pieces]
    return [line.rstrip() for line in lines]
