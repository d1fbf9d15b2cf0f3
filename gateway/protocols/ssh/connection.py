"""A client's connection with back-pressure: asyncssh itself writes on when the client has stopped reading.

A window says what a client may be sent on one channel, and a client may open it to 4 GB and read nothing. So
what waits in the socket's own buffer counts too: while it is full, production is told to wait, and nothing
more is read from the client, whose requests would be answered into that buffer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import asyncssh

from gateway.protocols.ssh import refusal
from gateway.protocols.ssh.bounds import BoundedChannel
from gateway.protocols.ssh.swift import Swift

if TYPE_CHECKING:
    import socket

    from asyncssh.packet import SSHPacket

    from gateway.protocols.ssh.client import Client

WINDOW: Final = 1 << 20
"""Bytes that a client may send ahead of a command that does not read them."""
PACKET: Final = 32768
MOST_UNSENT: Final = 256 << 10
"""Bytes that wait for a client that does not read."""


class SessionChannel(BoundedChannel, asyncssh.SSHServerChannel[bytes]):
    """A session channel without the client's environment, agent and display; ``ssh -v`` shows why.

    A variable would be kept, without a bound, for nobody.
    """

    _told: frozenset[str] = frozenset()

    def _process_env_request(self, packet: SSHPacket) -> bool:
        """Refuse a variable of the client's."""
        del packet
        return self._without(refusal.VARIABLES)

    def _process_x11_req_request(self, packet: SSHPacket) -> bool:
        """Refuse the client's display."""
        del packet
        return self._without(refusal.DISPLAY)

    def _process_auth_agent_req_at_openssh_dot_com_request(self, packet: SSHPacket) -> bool:  # type: ignore[override]
        """Refuse the client's agent."""
        del packet
        return self._without(refusal.AGENT)

    def _without(self, reason: str) -> bool:
        """Refuse a request that has no room for a reason; say it once beside."""
        if reason not in self._told:
            self._told |= {reason}
            self._conn.send_debug(reason, always_display=True)
        return False


class WayChannel(BoundedChannel, asyncssh.SSHTCPChannel[bytes]):
    """A channel to another door."""


class Connection(Swift, asyncssh.SSHServerConnection):
    """One client's connection. Made by ``accept``.

    Args:
        loop: the running one.
        options: of the server, one object for all connections: 5 KiB. What differs, asyncssh would have in
            there too; ``tests/protocols/ssh/test_swift.py`` holds where it keeps it.
        client: is told of all that comes, and when the socket is full.

    Attributes:
        proven: done once the client has proven who it is.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        options: asyncssh.SSHServerConnectionOptions,
        client: Client,
    ) -> None:
        super().__init__(loop, options)
        self.proven = loop.create_future()
        self._wait, self._waiter = "auth", self.proven
        self._protocol_factory = lambda: client
        self._pipe: asyncio.Transport | None = None
        self._client_side = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected."""
        self._pipe = cast("asyncio.Transport", transport)
        self._pipe.set_write_buffer_limits(MOST_UNSENT)
        super().connection_made(transport)

    async def reload_config(self) -> None:
        """Nothing of ours depends on the login name; asyncssh would build its options anew, in a thread."""

    async def _validate_openssh_certificate(
        self, username: str, cert: asyncssh.SSHCertificate
    ) -> asyncssh.SSHKey | None:
        """Have a certificate looked at where identities are proven; asyncssh knows nothing of our names."""
        good = await self._client_side.validate_certificate(username, cert.public_data)
        return cert.key if good else None

    def session_channel(self) -> SessionChannel:
        """Return a channel for a session of raw bytes, without a line editor."""
        loop = asyncio.get_running_loop()
        return SessionChannel(
            self,
            loop,
            allow_pty=True,
            line_editor=False,
            line_echo=False,
            line_history=0,
            max_line_length=0,
            encoding=None,
            errors="strict",
            window=WINDOW,
            max_pktsize=PACKET,
        )

    def way_channel(self) -> WayChannel:
        """Return a channel for a connection to another door."""
        loop = asyncio.get_running_loop()
        return WayChannel(self, loop, encoding=None, errors="strict", window=WINDOW, max_pktsize=PACKET)

    def pause_writing(self) -> None:
        """The socket is full."""
        self._client_side.full(yes=True)
        if self._pipe is not None and not self._pipe.is_closing():
            self._pipe.pause_reading()

    def resume_writing(self) -> None:
        """The socket has room again."""
        if self._pipe is not None and not self._pipe.is_closing():
            self._pipe.resume_reading()
        self._client_side.full(yes=False)


async def accept(
    sock: socket.socket, options: asyncssh.SSHServerConnectionOptions, client: Client
) -> Connection:
    """Speak SSH on an accepted socket until its client has proven who it is.

    Args:
        sock: connected; closed by asyncssh from here on.
        options: of the server.
        client: proves, and opens channels.

    Raises:
        asyncssh.Error: the client broke the protocol, or proved nobody.
        OSError: the connection broke.
    """
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(loop, options, client), sock=sock)
    try:
        await connection.proven
    except BaseException:
        connection.abort()
        raise
    return connection
