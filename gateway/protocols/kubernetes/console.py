"""A client's end of an exec: its streams, the size of its terminal, and who listens to it at the moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from gateway.domain.errors import PeerError
from gateway.log import get_logger
from gateway.protocols.kubernetes.streams import Channel, Sized, Typed, TypedAll
from gateway.transport.once import Once

if TYPE_CHECKING:
    from gateway.protocols.kubernetes.streams import Said, Streams
    from gateway.terminal.programs import KeyLock

log = get_logger("protocols.kubernetes")


class Listens(Protocol):
    """What a client's input goes to."""

    def fed(self, data: bytes) -> None:
        """Take what the client sent."""

    def fed_up(self) -> None:
        """The client sends nothing more."""

    def resized(self, size: Sized) -> None:
        """The client's terminal has another size."""

    async def drain(self) -> None:
        """Wait until most of it has been taken."""


class Console:
    """A client's streams.

    Args:
        streams: as it speaks them.
        tty: whether it has a terminal, which shows one stream.

    Attributes:
        tty: as given.
        size: of the terminal, once it was told.
        standing: set once there is something to write to.
        gone: set once the client has left.
    """

    plain = False  # a kubelet's terminals are xterm

    def __init__(self, streams: Streams, *, tty: bool) -> None:
        self._streams = streams
        self._behind: Listens | None = None
        self._joined = asyncio.Event()
        self._all = False
        self.tty = tty
        self.size: Sized | None = None
        self.standing = asyncio.Event()
        self.gone = Once()

    async def listen(self) -> None:
        """Hand on what the client says, until it leaves."""
        try:
            early = await self._streams.ready()
            self.standing.set()
            await self._hand_on(early)
            while (said := await self._streams.heard()) is not None:
                await self._hand_on(said)
        except PeerError as error:
            log.info("client broke off", error=error.message)
        finally:
            self.gone.set()
            self.standing.set()

    async def _hand_on(self, said: list[Said]) -> None:
        for each in said:
            if isinstance(each, Sized):
                self.size = each
                if self._behind is not None:
                    self._behind.resized(each)
                continue
            await self._joined.wait()
            assert self._behind is not None
            match each:
                case Typed(data):
                    self._behind.fed(data)
                    await self._behind.drain()
                case TypedAll():
                    self._all = True
                    self._behind.fed_up()

    def join(self, behind: Listens) -> None:
        """Have something listen from here on."""
        self._behind = behind
        self._joined.set()
        if self.size is not None:
            behind.resized(self.size)
        if self._all:
            behind.fed_up()

    @property
    def columns(self) -> int:
        """The terminal's width in cells; 0: not known."""
        return self.size.columns if self.size is not None else 0

    def write(self, data: bytes, channel: Channel = Channel.STDOUT) -> None:
        """Send a piece of what a command wrote, or of what the gateway shows."""
        if data and not self.gone.is_set():
            self._streams.write(Channel.STDOUT if self.tty else channel, data)

    def say(self, text: str) -> None:
        """Say something in the gateway's own voice: on standard error, or on the terminal."""
        shown = text.replace("\n", "\r\n") if self.tty else text
        self.write(shown.encode(), Channel.STDERR)

    async def drain(self) -> None:
        """Wait until the client has taken most of what was sent, or has gone."""
        await self._streams.drain()

    def end(self, status: bytes) -> None:
        """Tell how it ended, and close the streams.

        Args:
            status: a Status object.
        """
        if not self.gone.is_set():
            self._streams.end(status)


class Locked:
    """Passes on the keys that a full-screen program may be sent.

    Args:
        behind: what runs.
        lock: of its keys.
    """

    def __init__(self, behind: Listens, lock: KeyLock) -> None:
        self._behind = behind
        self._lock = lock

    def fed(self, data: bytes) -> None:
        """Keys were typed."""
        passed = self._lock.pass_on(data)
        if passed:
            self._behind.fed(passed)

    def fed_up(self) -> None:
        """Nothing more will be typed."""
        self._behind.fed_up()

    def resized(self, size: Sized) -> None:
        """The terminal has another size."""
        self._behind.resized(size)

    async def drain(self) -> None:
        """Wait until most of it has been taken."""
        await self._behind.drain()
