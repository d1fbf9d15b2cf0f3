"""What commands print: tables, facts, JSON; text from people neutralised, colour only where it is wanted."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from getpass import getpass
from typing import Any, TextIO

from gateway.cli.columns import fitted
from gateway.domain.display import display

STYLES = {
    "good": "32",
    "bad": "31",
    "warn": "33",
    "dim": "2",
    "bold": "1",
    "add": "32",
    "remove": "31",
    "place": "36",
}
"""Names of looks → ANSI SGR codes, the same in light and dark terminals."""


def coloured(stream: TextIO | None = None) -> bool:
    """Whether colour is wanted: a terminal, and neither NO_COLOR nor TERM=dumb."""
    target = stream or sys.stdout
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return target.isatty()


def styled(text: str, style: str, *, stream: TextIO | None = None) -> str:
    """Return the text in a look, where colour is wanted; the text must be neutralised already."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if coloured(stream) else text


def say(text: str, style: str = "") -> None:
    """Print one line of ours."""
    print(styled(text, style) if style else text)


def complain(message: str, hint: str = "") -> None:
    """Print an error and what to do next on standard error."""
    head = styled("glassgate:", "bad", stream=sys.stderr)
    print(f"{head} {display(message, multiline=True)}", file=sys.stderr)
    if hint:
        print(styled(f"  → {display(hint, multiline=True)}", "dim", stream=sys.stderr), file=sys.stderr)


def ask_secret(words: str, *, twice: bool = False, empty: bool = False) -> str:
    """Ask the person at the terminal for a secret; nothing shows, and the prompt shows only once nothing can.

    Args:
        words: the prompt, without its colon.
        twice: ask again until both entries are the same.
        empty: whether an empty answer is one.
    """
    while True:
        answer = getpass(f"{words}: ")
        if not answer and not empty:
            continue
        if not twice or answer == getpass("Once more: "):
            return answer
        complain("these two differ")


def print_json(value: Any) -> None:
    """Print one JSON value: indented for a terminal, on one line for a pipe.

    Args:
        value: builtins, or the bytes of a JSON text.
    """
    data = json.loads(value) if isinstance(value, bytes | str) else value
    terminal = sys.stdout.isatty()
    # A terminal gets ASCII alone, since JSON leaves directional overrides and C1 controls as they are.
    print(json.dumps(data, indent=2 if terminal else None, ensure_ascii=terminal))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print a table: fitted to a terminal, aligned and never cut for a pipe.

    Where a terminal is too narrow for the columns, each row is told in lines of its own.

    Args:
        heads: of the columns.
        rows: cells as text from anywhere; neutralised here.
        empty: said where there are no rows.
    """
    cells = [[display(cell) for cell in row] for row in rows]
    if not cells:
        print(styled(empty, "dim"))
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    laid = fitted([heads, *cells], width)
    if laid is None:
        for row in cells:
            facts(zip(map(str.lower, heads), row, strict=True))
            print()
        return
    for line in laid[0]:
        say(line, "bold")
    for lines in laid[1:]:
        print("\n".join(lines))


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values, one pair a line; empty values are left out."""
    kept = [(name, display(value, multiline=True)) for name, value in pairs if value]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        first, *rest = value.splitlines() or [""]
        print(f"{styled(name.ljust(width), 'dim')}  {first}")
        for line in rest:
            print(f"{' ' * width}  {line}")


def diff(text: str) -> None:
    """Print a unified diff, coloured where colour is wanted."""
    for line in text.splitlines():
        safe = display(line)
        if line.startswith(("+++", "---")):
            say(safe, "bold")
        elif line.startswith("@@"):
            say(safe, "place")
        elif line.startswith("+"):
            say(safe, "add")
        elif line.startswith("-"):
            say(safe, "remove")
        else:
            print(safe)
