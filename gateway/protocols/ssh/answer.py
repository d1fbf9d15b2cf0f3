"""What a host prints to a line of the gateway's own: kept up to a bound, shown to nobody."""

from __future__ import annotations

import asyncssh

from gateway.transport.once import Once


class Answer(asyncssh.SSHClientSession[bytes]):
    """Keeps what a line prints; one that prints more is hung up on.

    Args:
        most: bytes that are kept of each stream.

    Attributes:
        output: what came on standard output.
        error: what came on standard error.
        status: exit status; None: none was told.
        overfull: whether there was more.
        done: set once the channel is closed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._chan: asyncssh.SSHClientChannel[bytes] | None = None
        self.output = bytearray()
        self.error = bytearray()
        self.status: int | None = None
        self.overfull = False
        self.done = Once()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is open."""
        self._chan = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """The host printed something."""
        kept = self.output if datatype is None else self.error
        if len(kept) + len(data) > self._most:
            self.overfull = True
            self.hang_up()
        else:
            kept += data

    def exit_status_received(self, status: int) -> None:
        """The line has ended."""
        self.status = status

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed."""
        del exc
        self._chan = None
        self.done.set()

    def hang_up(self) -> None:
        """Take nothing more."""
        if self._chan is not None:
            self._chan.abort()
