"""Groups of commands: all made alike."""

from __future__ import annotations

import typer


def group(words: str, *example: str) -> typer.Typer:
    """Return an empty group: plain help, completion left to the top level.

    Args:
        words: its one-line help.
        example: commands of it as they are typed, without the program's name.
    """
    words += "\n\nExample:\n" + "\n".join(f"  glassgate {each}" for each in example)
    return typer.Typer(help=words, no_args_is_help=True, rich_markup_mode=None, add_completion=False)
