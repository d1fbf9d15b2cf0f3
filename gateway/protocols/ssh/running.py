"""A command that runs on a host: its output to the client and into the recording, the client's input to it.

A status may arrive before the last output has been delivered, where the client is slow: so the client is told
how the command ended only once the host has closed the channel and all of its output has been sent on.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, Protocol

import asyncssh

from gateway.protocols.ssh.upstream import SIGNALS
from gateway.session.life import SessionOver
from gateway.transport.once import Once

if TYPE_CHECKING:
    from gateway.domain.ids import UnitNumber
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.lane import Feeds
    from gateway.protocols.ssh.units import ShellUnit, Terminal
    from gateway.session.line import Session

STDOUT: Final = 1
STDERR: Final = 2
MOST_INPUT: Final = 256 << 10
"""Bytes that wait for a slow command before the client is told to wait."""


class Stage(Protocol):
    """What a command runs before: a client's channel, or the governed shell's part of one."""

    gone: Once

    @property
    def terminal(self) -> Terminal | None:
        """The client's terminal."""

    def join(self, behind: Feeds) -> None:
        """Hand over what the client sends."""

    def left(self, data: bytes) -> None:
        """Take what the client sent and the command did not read."""

    def hold(self, *, hold: bool) -> None:
        """Take nothing more from the client while production is slow."""

    def write(self, data: bytes, *, error: bool = False) -> None:
        """Send output."""

    def say(self, text: str) -> None:
        """Say something in the gateway's own voice."""

    async def flushed(self) -> None:
        """Return once the client has been sent all output, or is gone."""

    def exit(self, status: int) -> None:
        """End with an exit status."""

    def exit_by(self, signal: tuple[str, bool, str, str]) -> None:
        """End as a signal ended the command."""


class Running(asyncssh.SSHClientSession[bytes]):
    """Between a client's channel and production's.

    Args:
        session: records.
        number: of the unit.
        channel: where it runs.
        token: stands in the environment of all that the unit starts.
        recorded: whether output is kept.

    Attributes:
        token: as given.
        started: set once production was asked to run it, whatever came of that.
        closed: set once production has closed its channel.
    """

    def __init__(
        self,
        session: Session[ShellUnit, ShellJudgement],
        number: UnitNumber,
        channel: Stage,
        *,
        token: str,
        recorded: bool,
    ) -> None:
        self._session = session
        self._number = number
        self._channel = channel
        self._recorded = recorded
        self._chan: asyncssh.SSHClientChannel[bytes] | None = None
        self._began = perf_counter_ns()
        self._size = 0
        self._status: int | None = None
        self._signal: tuple[str, bool, str, str] | None = None
        self._said = False
        self.token = token
        self.started = Once()
        self.closed = Once()

    # ---- what asyncssh tells of production's side --------------------------------------------------

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is open."""
        self._chan = chan
        chan.set_write_buffer_limits(MOST_INPUT, MOST_INPUT // 2)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """The command wrote something: recorded, then sent on."""
        self._size += len(data)
        if self._recorded:
            try:
                self._session.output(self._number, STDERR if datatype else STDOUT, data)
            except SessionOver:
                return  # the line is ending the session; nothing unrecorded is shown
        self._channel.write(data, error=bool(datatype))

    def eof_received(self) -> bool:
        """The command writes nothing more; what it reads may still come."""
        return True

    def pause_writing(self) -> None:
        """The command reads slowly."""
        self._channel.hold(hold=True)

    def resume_writing(self) -> None:
        """The command has caught up."""
        self._channel.hold(hold=False)

    def exit_status_received(self, status: int) -> None:
        """The command has ended."""
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: FBT001
        """A signal has ended the command."""
        self._signal = (signal, core_dumped, msg, lang)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed, all output delivered."""
        del exc
        self._chan = None
        self.closed.set()

    # ---- what the client's channel tells -----------------------------------------------------------

    def fed(self, data: bytes) -> None:
        """Send on what the client sent, as long as there is a command to take it."""
        if self.ended or self._chan is None:
            self._channel.left(data)
        elif not self._chan.is_closing():
            self._chan.write(data)

    def fed_up(self) -> None:
        """The client sends nothing more."""
        if self._chan is not None:
            self._chan.write_eof()

    def hurry(self, *, hold: bool) -> None:
        """The client is slow, or reads again."""
        if self._chan is None:
            return
        if hold:
            self._chan.pause_reading()
        else:
            self._chan.resume_reading()

    def resized(self, size: tuple[int, int, int, int]) -> None:
        """The client's terminal has another size."""
        self._session.event("window", f"unit {self._number}: {size[0]}x{size[1]}")
        if self._chan is not None:
            self._chan.change_terminal_size(*size)

    def signalled(self, name: str) -> None:
        """Send a signal to the command's process group."""
        if self._chan is not None and name in SIGNALS and not self._chan.is_closing():
            self._chan.send_signal(name)

    # ---- what the door does ------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether production said how the command ended."""
        return self._status is not None or self._signal is not None

    def drop(self) -> None:
        """Take nothing more of what the command writes."""
        if self._chan is not None:
            self._chan.abort()

    async def finish(self) -> None:
        """Tell recording and client how the command ended."""
        if self._signal is not None:
            self._answered(f"signal {self._signal[0]}")
        elif self._status is not None:
            self._answered(f"exit {self._status}")
        else:
            self._answered("lost", "the host closed the channel without a status")
        await self._channel.flushed()
        if self._signal is not None:
            self._channel.exit_by(self._signal)
        elif self._status is not None:
            self._channel.exit(self._status)

    def cut(self, why: str) -> None:
        """Record that the command was ended before its own end."""
        self._answered("cut", why)

    def _answered(self, tag: str, error: str = "") -> None:
        """Record the end that came first."""
        if self._said:
            return
        self._said = True
        try:
            self._session.answered(
                self._number,
                tag=tag,
                rows=None,
                size=self._size,
                nanoseconds=perf_counter_ns() - self._began,
                error_code=tag if error else "",
                error_message=error,
            )
        except SessionOver:
            return  # the recording is lost, which the line says by itself
