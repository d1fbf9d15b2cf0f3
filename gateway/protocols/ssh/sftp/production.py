"""The host's own SFTP server: requests of ours, answers by number."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import asyncssh

from gateway.domain.errors import PeerError, UpstreamUnavailable
from gateway.protocols.ssh.sftp.wire import VERSION, Frames, Packet, packet

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER_SECONDS: Final = 30.0
_INIT: Final = 1
_HELLO: Final = -1


class HostSftp(asyncssh.SSHClientSession[bytes]):
    """Between the gateway and a host's SFTP server.

    Args:
        answered: is told of answers to requests that were passed on, by number.

    Attributes:
        closed: set once the host has closed the channel.
    """

    def __init__(self, answered: Callable[[Packet], None]) -> None:
        self._answered = answered
        self._frames = Frames()
        self._chan: asyncssh.SSHClientChannel[bytes] | None = None
        self._waiting: dict[int, asyncio.Future[Packet]] = {}
        self._next = 0
        self.closed = asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is open."""
        self._chan = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """The server answered."""
        if datatype is not None:
            return
        try:
            for each in self._frames.feed(data):
                number = _HELLO if self._next == 0 else each.number
                waiting = self._waiting.pop(number, None)
                if waiting is None:
                    self._answered(each)
                elif not waiting.done():
                    waiting.set_result(each)
        except PeerError:
            self.hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed."""
        del exc
        self._chan = None
        self.closed.set()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(UpstreamUnavailable("the host's SFTP server has gone"))
        self._waiting.clear()

    async def hello(self) -> None:
        """Agree on the protocol's version.

        Raises:
            UpstreamUnavailable: the host has no SFTP server, or one of another kind.
        """
        answer = await self._ask(_HELLO, packet(_INIT, VERSION))
        self._next = 1
        if answer.kind != _INIT + 1 or answer.number < VERSION:
            raise UpstreamUnavailable("the host's SFTP server speaks another version")

    async def ask(self, kind: int, body: bytes) -> Packet:
        """Send a request of the gateway's own; return its answer.

        Raises:
            UpstreamUnavailable: the server has gone, or does not answer.
        """
        number = self.number()
        return await self._ask(number, packet(kind, number, body))

    def number(self) -> int:
        """Return a fresh number."""
        self._next = self._next % 0xFFFF_FFFF + 1
        return self._next

    def send(self, data: bytes) -> None:
        """Send a request; its answer goes to ``answered``."""
        if self._chan is not None and not self._chan.is_closing():
            self._chan.write(data)

    def hold(self, *, hold: bool) -> None:
        """Take no answers while the client is slow."""
        if self._chan is None:
            return
        if hold:
            self._chan.pause_reading()
        else:
            self._chan.resume_reading()

    def hang_up(self) -> None:
        """Close the channel."""
        if self._chan is not None:
            self._chan.abort()

    async def _ask(self, number: int, data: bytes) -> Packet:
        if self.closed.is_set():
            raise UpstreamUnavailable("the host's SFTP server has gone")
        waiting: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        self.send(data)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await waiting
        except TimeoutError as error:
            raise UpstreamUnavailable("the host's SFTP server does not answer") from error
        finally:
            self._waiting.pop(number, None)
