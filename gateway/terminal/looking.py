"""What each host of a governed shell does alike: where it stands after a line, what a folder holds."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, Protocol

from gateway.domain.errors import GlassgateError
from gateway.terminal.shell import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.judge.shell.judgement import ShellJudgement

MOST_NAMES: Final = 256 << 10
"""Bytes of a folder's names that completion takes."""
UNFINISHED: Final = frozenset(
    f"shell.syntax.{what}" for what in ("unfinished", "quote", "document", "continuation")
)
"""Rules that refuse a line which goes on in the next one."""


class Asks(Protocol):
    """Runs a line of the gateway's own."""

    async def __call__(self, line: str, folder: str) -> tuple[int, bytes]:
        """Return its exit status and what it printed.

        Raises:
            GlassgateError: it was not run.
        """


async def moved(
    place: Place, judged: ShellJudgement, status: int, ask: Asks, told: Callable[[GlassgateError], int]
) -> Place:
    """Return where the shell stands after a line; a folder that can't be entered is not entered.

    Args:
        place: where it stood.
        judged: the line, which was allowed.
        status: how it ended.
        ask: looks whether a folder can be entered.
        told: tells the client that this could not be asked, and returns the status that says so.
    """
    held = {**place.variables, **judged.variables}
    variables = {name: value for name, value in held.items() if name not in judged.forgotten}
    if judged.folder is None or judged.folder == place.folder:
        return Place(place.folder, variables, status)
    try:
        entered, _ = await ask(f"cd -- {shlex.quote(judged.folder)} && pwd", place.folder)
    except GlassgateError as error:
        return Place(place.folder, variables, told(error))
    return Place(judged.folder if entered == 0 else place.folder, variables, status)


async def names_in(folder: str, place: Place, ask: Asks) -> tuple[str, ...]:
    """Return the names in a folder, those of folders with a slash behind; none where it can't be read."""
    try:
        _, printed = await ask(f"ls -1Ap -- {shlex.quote(folder)}", place.folder)
    except GlassgateError:
        return ()
    names = printed.decode("utf-8", "replace").split("\n")
    return tuple(name for name in names if name and name.isprintable())
