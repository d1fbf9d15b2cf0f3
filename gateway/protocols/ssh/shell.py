"""The governed shell of an SSH channel: its terminal, and the host that it looks at."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import GlassgateError, InvalidInput
from gateway.domain.unit import Admitted
from gateway.judge.shell.cursor import MAX_LENGTH
from gateway.protocols.ssh import refusal
from gateway.protocols.ssh.editing import instead_of
from gateway.protocols.ssh.patch import PLAIN
from gateway.protocols.ssh.units import ShellUnit
from gateway.terminal.desk import INTERRUPT, until_gone
from gateway.terminal.desk import Desk as TerminalDesk
from gateway.terminal.looking import MOST_NAMES, UNFINISHED, moved, names_in
from gateway.terminal.shell import GovernedShell, Place, Ran

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.channel import Channel
    from gateway.protocols.ssh.lane import Feeds
    from gateway.protocols.ssh.production import HostReads
    from gateway.protocols.ssh.running import Stage
    from gateway.protocols.ssh.units import Terminal
    from gateway.session.line import Session

_SIGNALLED: Final = 128
_SIGNALS: Final = {"HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "SEGV": 11, "PIPE": 13, "TERM": 15}


class _Screen:
    """A channel as a terminal that is shown something."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.taken = asyncio.Event()
        self.taken.set()

    def write(self, data: bytes) -> None:
        """Show something."""
        self._channel.write(data)

    async def drain(self) -> None:
        """Wait until the client reads again."""
        await self.taken.wait()

    @property
    def columns(self) -> int:
        """The terminal's width in cells; 0: not known."""
        return self._channel.terminal.size[0] if self._channel.terminal is not None else 0

    @property
    def plain(self) -> bool:
        """Whether the terminal knows no colour."""
        return self._channel.terminal is None or self._channel.terminal.kind in PLAIN


class Desk(TerminalDesk):
    """A client's terminal between commands: what is typed goes to the shell.

    Args:
        channel: the client's.
    """

    def __init__(self, channel: Channel) -> None:
        self._shown = _Screen(channel)
        super().__init__(self._shown)
        self.shell: GovernedShell | None = None

    def hurry(self, *, hold: bool) -> None:
        """The client is slow, or reads again: keys wait for what they would have shown."""
        if hold:
            self._shown.taken.clear()
        else:
            self._shown.taken.set()

    def resized(self, size: tuple[int, int, int, int]) -> None:
        """The terminal has another size."""
        del size
        if self.shell is not None:
            self.shell.resized()

    def signalled(self, name: str) -> None:
        """A signal stands for its key."""
        if name == "INT":
            self.fed(INTERRUPT)


class OnStage:
    """A channel as a command of the shell sees it: its end is not the channel's.

    Args:
        channel: the client's.
        desk: takes the keys that the command does not.

    Attributes:
        status: how the command ended, as a shell tells it.
    """

    def __init__(self, channel: Channel, desk: Desk) -> None:
        self._channel = channel
        self._desk = desk
        self._early = False
        self.status = 0
        self.gone = channel.gone

    @property
    def terminal(self) -> Terminal | None:
        """The client's terminal."""
        return self._channel.terminal

    def join(self, behind: Feeds) -> None:
        """Send what is typed to the command; a Ctrl-C that came before it was there is for it."""
        self._channel.join(behind)
        self._early = self._desk.interrupted()
        if self._early:
            behind.fed(INTERRUPT)

    def left(self, data: bytes) -> None:
        """Keep keys that the command did not read for the next line, as a terminal does."""
        self._desk.fed(data)

    def forget(self) -> None:
        """Drop what was typed for the next line, as a terminal does at Ctrl-C; an early one has done so."""
        if not self._early:
            self._desk.forget()
        self._early = False

    def hold(self, *, hold: bool) -> None:
        """Take nothing more from the client while the host is slow."""
        self._channel.hold(hold=hold)

    def write(self, data: bytes, *, error: bool = False) -> None:
        """Show output; a terminal has one stream."""
        del error
        self._channel.write(data)

    def say(self, text: str) -> None:
        """Say something in the gateway's own voice, in order with the output."""
        self._channel.write(on_terminal(text))

    async def flushed(self) -> None:
        """The prompt follows the output on the same stream: nothing can overtake it."""

    def exit(self, status: int) -> None:
        """Keep the exit status."""
        self.status = status

    def exit_by(self, signal: tuple[str, bool, str, str]) -> None:
        """Keep the signal, as a shell tells it."""
        self.status = _SIGNALLED + _SIGNALS.get(signal[0], 0)


class LookedAt:
    """The host of one governed shell.

    Args:
        session: admits and records.
        channel: the client's.
        reads: the gateway's own, for completion and folders.
        forward: runs what was admitted, on a stage.
        desk: takes the keys again once a command has ended.
        commands: names to complete.
        home: the login's.
    """

    def __init__(
        self,
        session: Session[ShellUnit, ShellJudgement],
        channel: Channel,
        *,
        reads: HostReads,
        forward: Callable[[Stage, Admitted[ShellUnit, ShellJudgement]], Awaitable[None]],
        desk: Desk,
        commands: Sequence[str],
        home: str,
    ) -> None:
        self._session = session
        self._channel = channel
        self._reads = reads
        self._forward = forward
        self._desk = desk
        self.name = session.endpoint.name
        self.commands = commands
        self.home = home

    def remaining(self) -> float:
        """Return the seconds that are left of the grant."""
        return self._session.remaining()

    async def run(self, line: str, place: Place) -> Ran:
        """Judge a line, and run it before the client's terminal or say there why it was not run."""
        terminal = self._channel.terminal
        unit = ShellUnit(
            line.encode(),
            terminal=terminal,
            folder=place.folder,
            variables=place.variables,
            status=place.status,
            mark=secrets.token_hex(8) if terminal is not None else "",
        )
        outcome = await self._session.admit(unit)
        if not isinstance(outcome, Admitted):
            if outcome.verdict.rule in UNFINISHED:
                return Ran(place, unfinished=True)
            filed = await self._session.file_change(outcome)
            folder = place.folder or self.home
            instead = instead_of(outcome.verdict, line, folder, self._session.endpoint)
            self._channel.write(on_terminal(refusal.refused(outcome.verdict, filed, terminal, instead)))
            return Ran(replace(place, status=refusal.REFUSED))
        if not outcome.judged.canonical:
            return Ran(place)
        stage = OnStage(self._channel, self._desk)
        try:
            await self._forward(stage, outcome)
        except GlassgateError as error:
            stage.say(refusal.told(error))
            stage.status = refusal.status_of(error)
        finally:
            self._channel.join(self._desk)
        return Ran(await moved(place, outcome.judged, stage.status, self._ask, self._tell))

    async def _ask(self, line: str, folder: str) -> tuple[int, bytes]:
        read = await self._reads.ran(line, folder=folder, most=MOST_NAMES)
        return read.status, read.output

    def _tell(self, error: GlassgateError) -> int:
        self._channel.write(on_terminal(refusal.told(error)))
        return refusal.status_of(error)

    async def entries(self, folder: str, place: Place) -> Sequence[str]:
        """Return the names in a folder, those of folders with a slash behind; none where it can't be read."""
        return await names_in(folder, place, self._ask)


def on_terminal(text: str) -> bytes:
    """Return text as a terminal shows it that translates nothing."""
    return text.replace("\n", "\r\n").encode()


async def script_of(channel: Channel) -> bytes:
    """Return what a client without a terminal sends to its shell: a script, judged as one line.

    Raises:
        InvalidInput: it is longer than a line that is judged.
    """
    desk = Desk(channel)
    channel.join(desk)
    script = b""
    while data := await until_gone(desk.read(), channel.gone):
        script += data
        if len(script) > MAX_LENGTH:
            raise InvalidInput(f"a script of more than {MAX_LENGTH:,} bytes is not judged")
    return script
