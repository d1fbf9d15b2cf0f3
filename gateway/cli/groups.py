"""Groups of commands: all made alike."""

from __future__ import annotations

import typer


def group(words: str) -> typer.Typer:
    """Return an empty group: plain help, completion left to the top level.

    Args:
        words: its one-line help.
    """
    return typer.Typer(help=words, no_args_is_help=True, rich_markup_mode=None, add_completion=False)
