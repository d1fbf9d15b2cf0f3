"""Accept raw connections, bounded, and tell what they open with before anything is read from them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final, Protocol

from gateway.domain.errors import ConfigurationBroken, GlassgateError, PeerError
from gateway.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.domain.session import Passage

BACKLOG: Final = 1024
REST_SECONDS: Final = 0.2
"""Out of file descriptors, accepting rests this long instead of spinning."""
KEEPALIVE: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""A peer that vanished without a word is noticed within two minutes."""

log = get_logger("transport")


class Arrival:
    """A connection as accepted: a raw socket nothing has been read from.

    Attributes:
        socket: non-blocking; of a connection that came in through another door, one end of a socket pair.
        peer: address and port, as shown in records; says so where it came in through another door.
        source: address alone.
        crowded: whether the gateway is full, so that the door refuses it in its own protocol.
        passage: what binds a connection that came in through another door; None: it came by itself.
    """

    __slots__ = ("_listener", "_owned", "_settled", "crowded", "passage", "peer", "socket", "source")

    def __init__(self, sock: socket.socket, address: tuple[str, int], listener: Listener) -> None:
        self.socket = sock
        self.source = host = address[0]
        self.peer = f"[{host}]:{address[1]}" if ":" in host else f"{host}:{address[1]}"
        self.crowded = listener.full
        self.passage: Passage | None = None
        self._listener = listener
        self._owned = True
        self._settled = False

    @classmethod
    def through(cls, outer: Arrival, sock: socket.socket, passage: Passage, listener: Listener) -> Arrival:
        """Return what comes in through another door: it has proven somebody, so it is not half-open."""
        made = cls(sock, ("", 0), listener)
        made.source = outer.source
        made.peer = f"{outer.peer} through {passage.identity.name}'s {passage.door} login"
        made.passage = passage
        made._settled = True
        return made

    async def peek(self, size: int) -> bytes:
        """Return up to ``size`` bytes that have arrived, without taking them; waits for the first.

        Returns:
            At least one byte, or nothing where the peer closed.
        """
        await _readable(self.socket)
        return self.waiting(size)

    def waiting(self, size: int) -> bytes:
        """Return up to ``size`` bytes that have arrived already, without taking them or waiting.

        Raises:
            PeerError: the connection broke.
        """
        try:
            return self.socket.recv(size, socket.MSG_PEEK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise PeerError("the connection broke") from error

    async def take(self, size: int) -> bytes:
        """Read exactly ``size`` bytes and not one more.

        Raises:
            PeerError: the peer closed or broke off before that.
        """
        loop = asyncio.get_running_loop()
        data = b""
        while len(data) < size:
            try:
                piece = await loop.sock_recv(self.socket, size - len(data))
            except OSError as error:
                raise PeerError("the connection broke") from error
            if not piece:
                raise PeerError("the connection closed in the middle of a message")
            data += piece
        return data

    async def send(self, data: bytes) -> None:
        """Write all of it in the clear.

        Raises:
            PeerError: the connection broke.
        """
        try:
            await asyncio.get_running_loop().sock_sendall(self.socket, data)
        except OSError as error:
            raise PeerError("the connection broke") from error

    def handed_over(self) -> None:
        """A transport owns the socket from here on and closes it."""
        self._owned = False

    def settled(self) -> None:
        """The peer is logged in: it no longer counts as half-open."""
        if not self._settled:
            self._settled = True
            self._listener.settle()

    def close(self) -> None:
        """Close what is still ours and give the place back."""
        self.settled()
        if self._owned:
            self.socket.close()


class Share(Protocol):
    """Another process's share of a listener's connections.

    Attributes:
        connected: how many it has.
        half_open: how many of them are not logged in yet.
    """

    connected: int

    @property
    def half_open(self) -> int:
        """See above."""

    def lend(self, sock: socket.socket) -> bool:
        """Let the process have a connection that nothing was read from; returns whether it takes it."""


class Listener:
    """A listening address. Made by ``open``; ``run`` accepts until cancelled.

    Args:
        sockets: bound and listening.
        connections: clients at once; more are told that the gateway is full.
        half_open: clients at once that are not logged in yet; further ones wait in the kernel's backlog.
    """

    def __init__(self, sockets: list[socket.socket], *, connections: int, half_open: int) -> None:
        self._sockets = sockets
        self._connections = connections
        self._most_half_open = half_open
        self._open = 0
        self._shares: list[Share] = []
        self.half_open = 0

    @classmethod
    def open(cls, host: str, port: int, *, connections: int = 2000, half_open: int = 256) -> Listener:
        """Bind every address the name stands for.

        Args:
            host: name or address.
            port: TCP port; 0: any free one.
            connections: clients at once.
            half_open: clients at once that are not logged in yet.

        Raises:
            ConfigurationBroken: the address can't be bound; says why.
        """
        sockets: list[socket.socket] = []
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            for family, kind, number, _, address in dict.fromkeys(found):
                chosen = sockets[0].getsockname()[1] if sockets else port
                sockets.append(_bind(family, kind, number, (address[0], chosen, *address[2:])))
        except OSError as error:
            for sock in sockets:
                sock.close()
            raise ConfigurationBroken(
                f"can't listen on {host}:{port}: {error.strerror or error}",
                hint="stop what uses the port, or set another one in gateway.toml under [listen]",
            ) from error
        return cls(sockets, connections=connections, half_open=half_open)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._sockets[0].getsockname()[1])

    @property
    def full(self) -> bool:
        """Whether more clients are connected than may be."""
        return self.connected > self._connections

    @property
    def connected(self) -> int:
        """Connections open at the moment, in every process that takes its share."""
        return self._open + sum(share.connected for share in self._shares)

    def share(self, share: Share) -> None:
        """Have another process take its share of the connections from now on."""
        self._shares.append(share)

    def keep(self, share: Share) -> None:
        """Lend a process no more; what it still has counts no longer."""
        self._shares.remove(share)

    def settle(self) -> None:
        """A client has logged in, or is gone."""
        self.half_open -= 1

    def left(self) -> None:
        """A connection is closed."""
        self._open -= 1

    def close(self) -> None:
        """Accept no more; what is open goes on."""
        for sock in self._sockets:
            sock.close()

    async def run(self, serve: Callable[[Arrival], Awaitable[None]]) -> None:
        """Accept and serve each connection in a task of its own, until cancelled.

        Args:
            serve: the door; its errors end that connection alone.
        """
        async with asyncio.TaskGroup() as group:
            for sock in self._sockets:
                group.create_task(self._accept(sock, serve, group))

    async def _accept(
        self, listening: socket.socket, serve: Callable[[Arrival], Awaitable[None]], group: asyncio.TaskGroup
    ) -> None:
        loop = asyncio.get_running_loop()
        while listening.fileno() != -1:
            if self.half_open + sum(share.half_open for share in self._shares) >= self._most_half_open:
                await asyncio.sleep(REST_SECONDS / 10)
                continue
            try:
                sock, address = await loop.sock_accept(listening)
            except OSError as error:
                if listening.fileno() == -1:
                    return
                log.warning("connection not accepted", error=str(error))
                await asyncio.sleep(REST_SECONDS)
                continue
            if not self._lent(sock):
                group.create_task(self.serve(self.arrived(sock, address), serve))

    def _lent(self, sock: socket.socket) -> bool:
        """Lend a connection to the process that has fewest; False where that is this one."""
        share = min(self._shares, key=lambda each: each.connected, default=None)
        if share is None or share.connected > self._open or self.connected >= self._connections:
            return False
        if not share.lend(sock):
            return False
        sock.close()
        return True

    def arrived(self, sock: socket.socket, address: tuple[str, int]) -> Arrival:
        """Count a connection as this process's own; the caller has it served by ``serve``."""
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            _tune(sock)
        self._open += 1
        self.half_open += 1
        return Arrival(sock, address, self)

    def bring(self, outer: Arrival, passage: Passage) -> tuple[socket.socket, Arrival]:
        """Make the connection by which a client of another door reaches this one.

        Args:
            outer: the client's connection to the other door.
            passage: what binds the new one.

        Returns:
            The other door's end, which it closes, and the arrival, which it has served by ``serve``.

        Raises:
            PeerError: there is no socket left for it.
        """
        try:
            near, far = socket.socketpair()
        except OSError as error:
            raise PeerError("the gateway has no connection left", hint="try again in a moment") from error
        for sock in (near, far):
            sock.setblocking(False)
        self._open += 1
        return near, Arrival.through(outer, far, passage, self)

    async def serve(self, arrival: Arrival, serve: Callable[[Arrival], Awaitable[None]]) -> None:
        """Serve a connection to its end; errors end it alone.

        Args:
            arrival: of this listener.
            serve: the door.
        """
        try:
            await serve(arrival)
        except GlassgateError as error:
            _log_end(arrival, error)
        except Exception:
            log.exception("connection failed", peer=arrival.peer)
        finally:
            arrival.close()
            self.left()


def _log_end(arrival: Arrival, error: GlassgateError) -> None:
    log.info("connection refused", peer=arrival.peer, error=error.message)


def _bind(family: int, kind: int, number: int, address: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, kind, number)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        option = getattr(socket, name, None)  # macOS names the first one otherwise
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(sock, wake)
    try:
        await ready
    finally:
        loop.remove_reader(sock)
