"""The commands that people have put into containers: each is started once, by who made it.

A docker client makes a command on one connection and starts it on another, so the table is the gateway's:
what a session may start is what its own identity made at its own endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from gateway.domain.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.domain.ids import EndpointId, IdentityId
    from gateway.judge.docker.context import Exec
    from gateway.judge.shell.judgement import ShellJudgement

    Owner: TypeAlias = tuple[EndpointId, IdentityId]

MOST: Final = 1000
"""Commands that are remembered of one person at one endpoint."""
KEPT_SECONDS: Final = 24 * 3600.0


class Resized(Protocol):
    """What runs before a terminal."""

    def resized(self, columns: int, rows: int) -> None:
        """The client's terminal has another size."""


@dataclass(slots=True)
class Held:
    """One command.

    Attributes:
        exec: as the judge knows it.
        judged: the judgement of what it runs.
        console: rows and columns of its terminal, once they were said.
        taken: whether what the client sends goes to it.
        status: exit status, of a governed shell that has ended.
        runs: what is told of the terminal's size while it runs.
        made: when.
    """

    exec: Exec
    judged: ShellJudgement | None
    console: tuple[int, int] | None = None
    taken: bool = False
    status: int | None = None
    runs: Resized | None = None
    made: float = 0.0


class Execs:
    """One person's commands at one endpoint.

    Attributes:
        known: as the judge looks at them.
        shown: containers whose output is shown to them, with what leaves it.
        awaited: containers whose end they wait for, with what leaves that.
    """

    def __init__(self) -> None:
        self.known: dict[str, Exec] = {}
        self.shown: list[tuple[str, Callable[[], None]]] = []
        self.awaited: list[tuple[str, Callable[[], None]]] = []
        self._held: dict[str, Held] = {}

    def add(self, number: str, held: Held) -> None:
        """Remember a command.

        Args:
            number: its id.
            held: not started yet.
        """
        self._forget_old()
        held.made = monotonic()
        self._held[number] = held
        self.known[number] = held.exec

    def get(self, number: str) -> Held | None:
        """Return a command by its id."""
        return self._held.get(number)

    def started(self, number: str) -> Held:
        """Note that a command is being started, whatever comes of that.

        Raises:
            Conflict: it is, by another connection, since it was judged.
        """
        held = self._held[number]
        if held.exec.started:
            raise Conflict("the command was started before; each is started once")
        held.exec = self.known[number] = replace(held.exec, started=True)
        return held

    def leave(self, container: str) -> bool:
        """Show a container's output no more, and have nobody wait for its end.

        ``docker attach`` does both, and makes Ctrl-C a signal that it wants sent to the container.

        Returns:
            Whether the output was shown.
        """
        shown = any(name == container for name, _ in self.shown)
        for name, leave in (*self.shown, *self.awaited) if shown else ():
            if name == container:
                leave()
        return shown

    def _forget_old(self) -> None:
        """Forget what was made long ago, and the oldest where there are too many, but nothing that runs."""
        until = monotonic() - KEPT_SECONDS
        over = len(self._held) - MOST + 1
        for number, held in list(self._held.items()):
            if over <= 0 and held.made >= until:
                break
            if held.runs is None:
                del self._held[number], self.known[number]
                over -= 1


class ExecTable:
    """Everybody's commands."""

    def __init__(self) -> None:
        self._of: dict[Owner, Execs] = {}

    def of(self, owner: Owner) -> Execs:
        """Return one person's commands at one endpoint."""
        return self._of.setdefault(owner, Execs())
