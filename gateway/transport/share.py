"""One port served by several processes: connections are lent by the one that accepts them.

A socket travels as ancillary data of a UNIX socket (``SCM_RIGHTS``, unix(7)), one for each byte. The way back
is a byte for each client that has logged in, for each connection that is closed, and each second: that is all
that the accepting process must know to keep its bounds, and to lend the next one where there are fewest.
"""

from __future__ import annotations

import asyncio
import socket
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.transport.accept import Listener

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.transport.accept import Arrival

CONNECTION: Final = b"c"
SETTLED: Final = b"s"
LEFT: Final = b"l"
READY: Final = b"r"
"""The process takes connections from now on; told first, and once."""
ALIVE: Final = b"a"
ALIVE_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 5.0
"""A process that has told nothing for so long hangs: it is lent no more, and holds no others up."""


class Lent:
    """What a process was lent, as the accepting one sees it.

    Args:
        channel: a UNIX stream socket to the process; closed by ``close``.

    Attributes:
        connected: connections that it has.
    """

    def __init__(self, channel: socket.socket) -> None:
        channel.setblocking(False)
        self._channel = channel
        self._half_open = 0
        self._heard = monotonic()
        self.connected = 0

    @property
    def silent(self) -> bool:
        """Whether the process hangs, as far as can be told."""
        return monotonic() - self._heard > SILENT_SECONDS

    @property
    def half_open(self) -> int:
        """How many are not logged in yet; none where it hangs: those would hold others up for good."""
        return 0 if self.silent else self._half_open

    @property
    def settled(self) -> int:
        """How many are logged in."""
        return self.connected - self._half_open

    def lend(self, sock: socket.socket) -> bool:
        """Let the process have a connection; False where it is gone, or takes none for the moment."""
        if self.silent:
            return False
        try:
            socket.send_fds(self._channel, [CONNECTION], [sock.fileno()])
        except OSError:
            return False
        self.connected += 1
        self._half_open += 1
        return True

    def heard(self, told: bytes) -> None:
        """Count what the process tells."""
        self._heard = monotonic()
        self._half_open -= told.count(SETTLED)
        self.connected -= told.count(LEFT)

    def close(self) -> None:
        """Lend nothing more: the process reads that as the end."""
        self._channel.close()


class Borrower(Listener):
    """Serves the connections that another process accepts.

    Args:
        channel: a UNIX stream socket to that process.
        tell: brings it what it counts.
    """

    def __init__(self, channel: socket.socket, tell: Callable[[bytes], None]) -> None:
        super().__init__([channel], connections=1 << 30, half_open=1 << 30)
        channel.setblocking(False)
        self._channel = channel
        self._tell = tell

    def settle(self) -> None:
        """See :class:`Listener`; the lender counts too."""
        super().settle()
        self._tell(SETTLED)

    def left(self) -> None:
        """See :class:`Listener`; the lender counts too."""
        super().left()
        self._tell(LEFT)

    async def run(self, serve: Callable[[Arrival], Awaitable[None]]) -> None:
        """Serve each connection in a task of its own, until the lender lends no more.

        Args:
            serve: the door; its errors end that connection alone.
        """
        loop = asyncio.get_running_loop()
        news, ended = asyncio.Event(), False
        loop.add_reader(self._channel, news.set)
        try:
            async with asyncio.TaskGroup() as group:
                pulse = group.create_task(self._pulse())
                while not ended:
                    await news.wait()
                    news.clear()
                    ended = self._take(lambda arrival: group.create_task(self.serve(arrival, serve)))
                pulse.cancel()
        finally:
            loop.remove_reader(self._channel)

    async def _pulse(self) -> None:
        while True:
            self._tell(ALIVE)
            await asyncio.sleep(ALIVE_SECONDS)

    def _take(self, begin: Callable[[Arrival], object]) -> bool:
        """Take all that has been lent by now; returns whether nothing more will be."""
        while True:
            try:
                told, handles, _, _ = socket.recv_fds(self._channel, 1, 1)
            except BlockingIOError:
                return False
            except OSError:
                return True
            if not told:
                return True
            if not handles:  # out of file descriptors: the kernel has closed what was lent
                self._tell(SETTLED + LEFT)
            for handle in handles:
                sock = socket.socket(fileno=handle)
                try:
                    address = sock.getpeername()
                except OSError:  # gone by now
                    sock.close()
                    self._tell(SETTLED + LEFT)
                else:
                    begin(self.arrived(sock, address))
