"""Files that a judged command opens for reading."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.paths import unopened


def let_be_read(command: str, files: Iterable[Argument], context: ShellContext) -> None:
    """Let files be opened for reading.

    Raises:
        Stop: opening one of them may act: a device, a pipe.
    """
    for file in files:
        why = unopened(file, context.folder)
        if why is not None:
            reason = f"{command}: {file.known_start or 'a path'} {why}."
            raise stop(command, "path", reason, Effect.CHANGES_SYSTEM)
