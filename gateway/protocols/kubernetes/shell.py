"""The governed shell of a container: its client's terminal, and the container that it looks at."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import GlassgateError, UpstreamUnavailable
from gateway.domain.unit import Admitted, Origin
from gateway.protocols.kubernetes import refusal
from gateway.protocols.kubernetes.remote import exit_code
from gateway.protocols.kubernetes.running import run_command, run_into
from gateway.protocols.kubernetes.streams import Channel
from gateway.protocols.kubernetes.units import LineUnit
from gateway.terminal.desk import Desk, until_gone
from gateway.terminal.looking import MOST_NAMES, UNFINISHED, moved, names_in
from gateway.terminal.shell import GovernedShell, Place, Ran

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.judge.kubernetes.judgement import KubernetesJudgement
    from gateway.protocols.kubernetes.console import Console
    from gateway.protocols.kubernetes.remote import Remote
    from gateway.protocols.kubernetes.running import Governed
    from gateway.protocols.kubernetes.streams import Sized
    from gateway.protocols.kubernetes.upstream import Upstream

SECONDS: Final = 5.0
"""A read of ours may take so long."""
TERMINAL: Final = "terminal xterm 80x24"
"""What the recording says of a command's terminal until its size is told."""


class ShellDesk(Desk):
    """The desk of a shell whose client may change its window.

    Attributes:
        shell: is told of it.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.shell: GovernedShell | None = None

    def resized(self, size: Sized) -> None:
        """The terminal has another size."""
        del size
        if self.shell is not None:
            self.shell.resized()

    async def drain(self) -> None:
        """Keys wait here."""


class InContainer:
    """What one governed shell looks at.

    Args:
        session: admits and records.
        upstream: its cluster.
        console: the client's end.
        asked: the exec in whose place the shell stands.
        desk: takes the keys again once a command has ended.
        commands: names to complete.

    Attributes:
        running: whether a command runs: a shell at its prompt is idle.
    """

    home = ""

    def __init__(
        self,
        session: Governed,
        upstream: Upstream,
        console: Console,
        asked: KubernetesJudgement,
        *,
        desk: ShellDesk,
        commands: Sequence[str],
    ) -> None:
        self._session = session
        self._upstream = upstream
        self._console = console
        self._asked = asked
        self._desk = desk
        where = f"{asked.namespace}/{asked.name}"
        self.name = f"{session.endpoint.name} {where}" + (f" {asked.container}" if asked.container else "")
        self.commands = commands
        self.running = False

    def remaining(self) -> float:
        """Return the seconds that are left of the grant."""
        return self._session.remaining()

    async def run(self, line: str, place: Place) -> Ran:
        """Judge a line, and run it before the client's terminal or say there why it was not run."""
        size = self._console.size
        unit = LineUnit(
            line.encode(),
            shell=self._asked,
            terminal=True,
            folder=place.folder,
            variables=place.variables,
            status=place.status,
            size=None if size is None else (size.columns, size.rows),
            context=f"{TERMINAL}, {self.name}",
        )
        outcome = await self._session.admit(unit)
        if not isinstance(outcome, Admitted):
            if outcome.verdict.rule in UNFINISHED:
                return Ran(place, unfinished=True)
            filed = await self._session.file_change(outcome)
            self._console.say(refusal.refused_text(outcome.verdict, filed))
            return Ran(replace(place, status=refusal.REFUSED))
        judged = outcome.judged.shell
        assert judged is not None
        if outcome.judged.request is None:
            return Ran(await moved(place, judged, 0, self._ran, self._tell))
        self.running = True
        try:
            told = await run_command(
                self._session, self._upstream, outcome, self._console, left=self._desk.fed
            )
            status = exit_code(told)
        except GlassgateError as error:
            self._console.say(f"{refusal.text(error.message, error.hint)}\n")
            status = refusal.FAILED
        finally:
            self.running = False
            self._console.join(self._desk)
        return Ran(await moved(place, judged, status, self._ran, self._tell))

    def _tell(self, error: GlassgateError) -> int:
        self._console.say(f"{refusal.text(error.message, error.hint)}\n")
        return refusal.FAILED

    async def entries(self, folder: str, place: Place) -> Sequence[str]:
        """Return the names in a folder, those of folders with a slash behind; none where it can't be read."""
        return await names_in(folder, place, self._ran)

    async def _ran(self, line: str, folder: str) -> tuple[int, bytes]:
        """Run a line of the gateway's own; return its exit status and what it printed.

        Raises:
            UpstreamUnavailable: it is no read, took too long, printed too much, or the cluster has gone.
        """
        unit = LineUnit(line.encode(), shell=self._asked, folder=folder, origin=Origin.GATEWAY)
        admitted = await self._session.admit(unit)
        if not isinstance(admitted, Admitted):
            raise UpstreamUnavailable(f"the gateway does not read it itself: {admitted.verdict.reason}")
        printed = _Printed()
        try:
            async with asyncio.timeout(SECONDS):
                status = await run_into(self._session, self._upstream, admitted, printed, _unheard)
        except TimeoutError as error:
            raise UpstreamUnavailable("the container did not answer in time") from error
        return exit_code(status), bytes(printed.data)


class _Printed:
    """Keeps what a line of the gateway's own prints."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes, channel: Channel) -> None:
        if channel is Channel.STDOUT:
            self.data += data
        if len(self.data) > MOST_NAMES:
            raise UpstreamUnavailable("the container printed more than is taken")

    async def drain(self) -> None:
        return


def _unheard(remote: Remote) -> None:
    """Nobody types to a line of the gateway's own."""
    remote.fed_up()


async def run_shell(
    session: Governed,
    upstream: Upstream,
    console: Console,
    asked: KubernetesJudgement,
    *,
    commands: Sequence[str],
    shells: dict[GovernedShell, InContainer],
) -> int:
    """Serve the governed shell until its client leaves.

    Args:
        session: admits and records.
        upstream: its cluster.
        console: the client's end.
        asked: the exec in whose place it stands.
        commands: names to complete.
        shells: that stand; this one for as long as it does.

    Returns:
        Exit status.
    """
    desk = ShellDesk(console)
    host = InContainer(session, upstream, console, asked, desk=desk, commands=commands)
    desk.shell = shell = GovernedShell(desk, host)
    console.join(desk)
    shells[shell] = host
    try:
        return await until_gone(shell.run(), console.gone) or 0
    finally:
        del shells[shell]
