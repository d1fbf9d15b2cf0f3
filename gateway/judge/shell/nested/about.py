"""Calls that only print something about the command itself."""

from __future__ import annotations

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.finding import Finding, reads
from gateway.judge.shell.nested.table import Split, Table


def about(options: Table, name: Argument, split: Split, *asking: str) -> Finding | None:
    """Return the finding on a call with ``--help`` or ``--version``; None for others.

    That option alone is put down: whatever stands beside it was not judged.

    Args:
        options: of the command.
        name: the command's.
        split: its arguments.
        asking: names of the options that make it print and end.
    """
    asked = [each for each in split.given if set(each.option.names) & set(asking)]
    if not asked:
        return None
    return reads((name, *options.emit(asked[:1])), f"{name.text} only prints something about itself.")
