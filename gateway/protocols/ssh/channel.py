"""One channel of a client's connection: what it asks for, what it sends, how fast it reads."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from enum import IntFlag
from typing import TYPE_CHECKING, Final

import asyncssh
from asyncssh.constants import EXTENDED_DATA_STDERR

from gateway.protocols.ssh import refusal
from gateway.protocols.ssh.units import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Feeds(Protocol):
        """What runs behind a channel: production's side of it."""

        def fed(self, data: bytes) -> None:
            """Take what the client sent."""

        def fed_up(self) -> None:
            """The client sends nothing more."""

        def hurry(self, *, hold: bool) -> None:
            """The client is slow, or reads again."""

        def resized(self, size: tuple[int, int, int, int]) -> None:
            """The client's terminal has another size."""

        def signalled(self, name: str) -> None:
            """The client sent a signal."""


_TERM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,63}")
"""A name of terminfo: never a path, which would name a file for programs to read."""

MOST_OUTPUT: Final = 256 << 10
"""Bytes that wait for a slow client before production is told to wait."""


class Slow(IntFlag):
    """Why output has to wait."""

    CHANNEL = 1
    """The client has not taken what was sent on this channel."""
    CONNECTION = 2
    """Its socket is full."""


class Channel(asyncssh.SSHServerSession[bytes]):
    """A session channel as its client opened it.

    Args:
        asked: told once the channel knows what it is to do.

    Attributes:
        command: the exec request's text; None: a shell or subsystem was asked for.
        subsystem: its name; empty: none.
        terminal: as asked for.
        gone: set once the channel is closed.
        busy: whether what it asked for is still being seen to, which may outlast the channel.
    """

    def __init__(self, asked: Callable[[Channel], None]) -> None:
        self._asked = asked
        self._chan: asyncssh.SSHServerChannel[bytes] | None = None
        self._behind: Feeds | None = None
        self._early: deque[bytes] = deque()
        self._eof = False
        self._slow = Slow(0)
        self._flushed = asyncio.Event()
        self._flushed.set()
        self.command: str | None = None
        self.subsystem = ""
        self.terminal: Terminal | None = None
        self.gone = asyncio.Event()
        self.busy = False

    # ---- what asyncssh tells ---------------------------------------------------------------------

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """The channel is open."""
        self._chan = chan
        chan.set_write_buffer_limits(MOST_OUTPUT, MOST_OUTPUT // 2)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed, by whomever."""
        del exc
        self._chan = None
        self._flushed.set()
        self.gone.set()

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

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """The client sent something; held back until something takes it."""
        del datatype
        if self._behind is not None:
            self._behind.fed(data)
            return
        self._early.append(data)
        if self._chan is not None:
            self._chan.pause_reading()

    def eof_received(self) -> bool:
        """The client sends nothing more, and still reads."""
        self._eof = True
        if self._behind is not None:
            self._behind.fed_up()
        return True

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self._flushed.clear()
        self.wait(Slow.CHANNEL, yes=True)

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._flushed.set()
        self.wait(Slow.CHANNEL, yes=False)

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

    def join(self, behind: Feeds) -> None:
        """Hand over to what runs, with all that the client sent so far."""
        self._behind = behind
        while self._early:
            behind.fed(self._early.popleft())
        if self._slow:
            behind.hurry(hold=True)
        if self._chan is not None:
            self._chan.resume_reading()
        if self._eof:
            behind.fed_up()

    def wait(self, why: Slow, *, yes: bool) -> None:
        """Have production wait with its output, or go on once nothing is slow any more."""
        before, self._slow = self._slow, self._slow | why if yes else self._slow & ~why
        if self._behind is not None and bool(before) is not bool(self._slow):
            self._behind.hurry(hold=bool(self._slow))

    def hold(self, *, hold: bool) -> None:
        """Take nothing more from the client while production is slow."""
        if self._chan is None:
            return
        if hold:
            self._chan.pause_reading()
        else:
            self._chan.resume_reading()

    def write(self, data: bytes, *, error: bool = False) -> None:
        """Send output; what can't be sent any more is dropped.

        Args:
            data: raw bytes.
            error: whether it is standard error's.
        """
        if self._chan is None or self._chan.is_closing():
            return
        self._chan.write(data, EXTENDED_DATA_STDERR if error else None)

    def say(self, text: str) -> None:
        """Say something in the gateway's own voice, on standard error."""
        if self.terminal is not None:
            text = text.replace("\n", "\r\n")
        self.write(text.encode(), error=True)

    async def flushed(self) -> None:
        """Return once the client has been sent all output, or is gone.

        A status that overtakes output makes clients drop what has not come yet.
        """
        if self._chan is None or self._chan.get_write_buffer_size() == 0:
            return
        self._flushed.clear()
        self._chan.set_write_buffer_limits(0, 0)
        await self._flushed.wait()

    def exit(self, status: int) -> None:
        """End with an exit status."""
        if self._chan is not None:
            self._chan.exit(status)

    def exit_by(self, signal: tuple[str, bool, str, str]) -> None:
        """End as a signal ended the command."""
        if self._chan is not None:
            self._chan.exit_with_signal(*signal)

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
