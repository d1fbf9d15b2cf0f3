"""A channel of a client's connection as bytes: what the client sends, how fast it reads."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, Final

from asyncssh.constants import EXTENDED_DATA_STDERR
from asyncssh.session import SSHSession

from gateway.transport.once import Once

if TYPE_CHECKING:
    from typing import Protocol

    from asyncssh.channel import SSHChannel

    class Feeds(Protocol):
        """What runs behind a channel: production's side of it, or another door's."""

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


MOST_OUTPUT: Final = 256 << 10
"""Bytes that wait for a slow client before what is behind the channel is told to wait."""


class Slow(IntFlag):
    """Why output has to wait."""

    CHANNEL = 1
    """The client has not taken what was sent on this channel."""
    CONNECTION = 2
    """Its socket is full."""


class Lane(SSHSession[bytes]):
    """A channel's bytes, both ways, each at its reader's pace.

    Attributes:
        opened: set once the channel is open.
        gone: set once it is closed.
    """

    def __init__(self) -> None:
        self._channel: SSHChannel[bytes] | None = None
        self._behind: Feeds | None = None
        self._early: list[bytes] = []
        self._eof = False
        self._held = False
        self._slow = Slow(0)
        self._flushed: Once | None = None
        self.opened = Once()
        self.gone = Once()

    # ---- what asyncssh tells ---------------------------------------------------------------------

    def connection_made(self, chan: SSHChannel[bytes]) -> None:
        """The channel is open."""
        self._channel = chan
        chan.set_write_buffer_limits(MOST_OUTPUT, MOST_OUTPUT // 2)
        self.opened.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed, by whomever."""
        del exc
        self._channel = None
        if self._flushed is not None:
            self._flushed.set()
        self.gone.set()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """The client sent something; held back until something takes it."""
        del datatype
        if self._behind is not None:
            self._behind.fed(data)
            return
        self._early.append(data)
        if self._channel is not None:
            self._channel.pause_reading()

    def eof_received(self) -> bool:
        """The client sends nothing more, and still reads."""
        self._eof = True
        if self._behind is not None:
            self._behind.fed_up()
        return True

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self.wait(Slow.CHANNEL, yes=True)

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._flushed is not None:
            self._flushed.set()
        self.wait(Slow.CHANNEL, yes=False)

    # ---- what the door does ----------------------------------------------------------------------

    def join(self, behind: Feeds) -> None:
        """Hand over to what runs, with all that the client sent so far."""
        self._behind = behind
        while self._early:
            behind.fed(self._early.pop(0))
        if self._slow:
            behind.hurry(hold=True)
        if self._channel is not None and not self._held:
            self._channel.resume_reading()
        if self._eof:
            behind.fed_up()

    def wait(self, why: Slow, *, yes: bool) -> None:
        """Have what is behind wait with its output, or go on once nothing is slow any more."""
        before, self._slow = self._slow, self._slow | why if yes else self._slow & ~why
        if self._behind is not None and bool(before) is not bool(self._slow):
            self._behind.hurry(hold=bool(self._slow))

    def hold(self, *, hold: bool) -> None:
        """Take nothing more from the client while what is behind is slow."""
        self._held = hold
        if self._channel is None:
            return
        if hold:
            self._channel.pause_reading()
        else:
            self._channel.resume_reading()

    def write(self, data: bytes, *, error: bool = False) -> None:
        """Send output; what can't be sent any more is dropped.

        Args:
            data: raw bytes.
            error: whether it is standard error's.
        """
        if self._channel is None or self._channel.is_closing():
            return
        self._channel.write(data, EXTENDED_DATA_STDERR if error else None)

    def finish(self) -> None:
        """Send nothing more, and still read."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.write_eof()

    async def flushed(self) -> None:
        """Return once the client has been sent all output, or is gone.

        A status that overtakes output makes clients drop what has not come yet.
        """
        if self._channel is None or self._channel.get_write_buffer_size() == 0:
            return
        if self._flushed is None or self._flushed.is_set():
            self._flushed = Once()
        self._channel.set_write_buffer_limits(0, 0)
        await self._flushed.wait()
