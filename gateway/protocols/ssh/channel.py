"""One session channel of a client's connection: what it asks for, how it ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

import asyncssh

from gateway.protocols.ssh import refusal
from gateway.protocols.ssh.lane import Lane
from gateway.protocols.ssh.units import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncssh.channel import SSHChannel

_TERM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,63}")
"""A name of terminfo: never a path, which would name a file for programs to read."""


class Channel(Lane, asyncssh.SSHServerSession[bytes]):
    """A session channel as its client opened it.

    Args:
        asked: told once the channel knows what it is to do.

    Attributes:
        command: the exec request's text; None: a shell or subsystem was asked for.
        subsystem: its name; empty: none.
        terminal: as asked for.
        busy: whether what it asked for is still being seen to, which may outlast the channel.
    """

    def __init__(self, asked: Callable[[Channel], None]) -> None:
        super().__init__()
        self._asked = asked
        self._session: asyncssh.SSHServerChannel[bytes] | None = None
        self.command: str | None = None
        self.subsystem = ""
        self.terminal: Terminal | None = None
        self.busy = False

    # ---- what asyncssh tells ---------------------------------------------------------------------

    def connection_made(self, chan: SSHChannel[bytes]) -> None:
        """The channel is open."""
        self._session = cast("asyncssh.SSHServerChannel[bytes]", chan)
        super().connection_made(chan)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed, by whomever."""
        self._session = None
        super().connection_lost(exc)

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        """The client wants a terminal."""
        modes = term_modes if isinstance(term_modes, dict) else {}
        kind = term_type if _TERM.fullmatch(term_type) else "dumb"
        self.terminal = Terminal(kind, term_size, tuple(modes.items()))
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """The client's terminal has another size."""
        size = (width, height, pixwidth, pixheight)
        if self.terminal is not None and self.terminal.size == size:
            return
        if self.terminal is not None:
            self.terminal = Terminal(self.terminal.kind, size, self.terminal.modes)
        if self._behind is not None:
            self._behind.resized(size)

    def exec_requested(self, command: str) -> bool:
        """The client wants a command line run."""
        self.command = command
        return True

    def shell_requested(self) -> bool:
        """The client wants a shell."""
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        """The client wants a subsystem."""
        self.subsystem = subsystem
        return True

    def session_started(self) -> None:
        """What the channel is to do is known."""
        self.busy = True
        self._asked(self)

    def signal_received(self, signal: str) -> None:
        """The client sent a signal for the command."""
        if self._behind is not None:
            self._behind.signalled(signal)

    def break_received(self, msec: int) -> bool:
        """The client sent a break: what a terminal's line does on Ctrl-C."""
        del msec
        if self._behind is not None:
            self._behind.signalled("INT")
        return True

    @property
    def interactive(self) -> bool:
        """Whether a person's shell was asked for."""
        return self.terminal is not None and self.command is None and not self.subsystem

    # ---- what the door does ----------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Say something in the gateway's own voice, on standard error."""
        if self.terminal is not None:
            text = text.replace("\n", "\r\n")
        self.write(text.encode(), error=True)

    def left(self, data: bytes) -> None:
        """Drop what was sent to a command that had ended: there is nothing else that would read it."""

    def exit(self, status: int) -> None:
        """End with an exit status."""
        if self._session is not None:
            self._session.exit(status)

    def exit_by(self, signal: tuple[str, bool, str, str]) -> None:
        """End as a signal ended the command."""
        if self._session is not None:
            self._session.exit_with_signal(*signal)

    async def refuse(self, said: str, status: int = refusal.REFUSED) -> None:
        """End without having run anything.

        Args:
            said: why.
            status: exit status.
        """
        self.say(said)
        await self.flushed()
        self.exit(status)
        self.busy = False
