"""One client's connection: how it proves who it is, and the channels that it opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncssh
from asyncssh.constants import (
    DISC_NO_MORE_AUTH_METHODS_AVAILABLE,
    OPEN_ADMINISTRATIVELY_PROHIBITED,
    OPEN_RESOURCE_SHORTAGE,
)

from gateway.domain.errors import GlassgateError
from gateway.domain.identity import DatabaseTokenEvidence, SshKeyEvidence
from gateway.domain.secret import Secret
from gateway.log import get_logger
from gateway.protocols.ssh import refusal
from gateway.protocols.ssh.channel import Channel
from gateway.protocols.ssh.connection import Connection
from gateway.protocols.ssh.lane import Slow
from gateway.transport.once import Once, first

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.domain.identity import Identity
    from gateway.protocols.ssh.connection import WayChannel
    from gateway.protocols.ssh.forwarding import Ways
    from gateway.protocols.ssh.way import Forwarded
    from gateway.session.line import Line

MOST_CHANNELS: Final = 64
"""Channels open at once on one connection; what hosts allow by default is ten."""
MOST_ATTEMPTS: Final = 20
"""Keys and passwords tried on one connection: agents offer all keys that they hold."""
LONGEST_PASSWORD: Final = 1024

log = get_logger("protocols.ssh")


@dataclass(frozen=True, slots=True)
class Login:
    """A client that has proven who it is.

    Attributes:
        evidence: what was shown and verified.
        identity: whom it proved; None: the key whose signature was verified is yet to be turned into one.
        endpoint: what it wants to look at.
    """

    evidence: SshKeyEvidence | DatabaseTokenEvidence
    identity: Identity | None
    endpoint: str


def split_login(login: str) -> tuple[str, str]:
    """Split ``USER+ENDPOINT`` at the last plus; the endpoint is empty where there is none."""
    name, plus, endpoint = login.rpartition("+")
    return (name, endpoint) if plus else (login, "")


class Client(asyncssh.SSHServer):
    """A client as asyncssh tells of it.

    Args:
        line: proves identities.
        ways: which it opens to other doors.
        source: the peer's address.

    Attributes:
        login: what was proven; None until authentication is complete.
        gone: set once the connection is lost or closed.
    """

    def __init__(self, line: Line, ways: Ways, source: str) -> None:
        self._line = line
        self._ways = ways
        self._source = source
        self._attempts = 0
        self._proving: Login | None = None
        self._open: set[Channel] = set()
        self._waiting: list[Channel] = []
        self._asked = Once()
        self._connection: Connection | None = None
        self._full = False
        self.login: Login | None = None
        self.gone = Once()

    # ---- authentication --------------------------------------------------------------------------

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """The transport stands."""
        assert isinstance(conn, Connection)
        self._connection = conn

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        del exc
        self._connection = None
        self.gone.set()

    def begin_auth(self, username: str) -> bool:
        """Nobody comes in without proof."""
        del username
        return True

    def password_auth_supported(self) -> bool:
        """A token of the gateway's serves as the password."""
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Prove an identity by the gateway's token."""
        self._count()
        name, endpoint = split_login(username)
        if len(password) > LONGEST_PASSWORD:
            return False
        evidence = DatabaseTokenEvidence(name, Secret(password), self._source)
        try:
            identity = await self._line.authenticate(evidence)
        except GlassgateError as error:
            log.info("not proven", source=self._source, error=error.message)
            return False
        self._proving = Login(evidence, identity, endpoint)
        return True

    def public_key_auth_supported(self) -> bool:
        """People's registered keys serve."""
        return True

    async def validate_certificate(self, username: str, certificate: bytes) -> bool:
        """Say whether a signature by a certificate's key would be proof; as ``validate_public_key``."""
        return await self._recognises(username, certificate)

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Say whether a signature by this key would be proof; asyncssh verifies the signature after this.

        Between this method's return and ``auth_completed`` nothing else of this connection runs, so that
        what it leaves is what the verified signature was made with.
        """
        return await self._recognises(username, key.public_data)

    async def _recognises(self, username: str, key: bytes) -> bool:
        self._count()
        name, endpoint = split_login(username)
        evidence = SshKeyEvidence(name, key, self._source)
        try:
            if not await self._line.recognises(name, evidence.public_key):
                return False
        except GlassgateError as error:
            log.info("keys can't be looked up", source=self._source, error=error.message)
            return False
        self._proving = Login(evidence, None, endpoint)
        return True

    def auth_completed(self) -> None:
        """The last thing shown has been verified."""
        self.login = self._proving

    def _count(self) -> None:
        self._attempts += 1
        self._proving = None
        if self._attempts > MOST_ATTEMPTS:
            raise asyncssh.DisconnectError(
                DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many attempts on one connection"
            )

    # ---- channels --------------------------------------------------------------------------------

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], Channel]:
        """A client opens a channel."""
        self._open = {each for each in self._open if each.busy or not each.gone.is_set()}
        crowded = len(self._open) >= MOST_CHANNELS or len(self._waiting) >= MOST_CHANNELS
        if self._connection is None or crowded:
            raise asyncssh.ChannelOpenError(OPEN_RESOURCE_SHORTAGE, refusal.CROWDED)
        channel = Channel(self.hand_back)
        channel.wait(Slow.CONNECTION, yes=self._full)
        self._open.add(channel)
        return self._connection.session_channel(), channel

    def full(self, *, yes: bool) -> None:
        """The connection takes nothing more, or takes something again."""
        self._full = yes
        for channel in (*self._open, *self._ways.lanes()):
            if self._full is not yes:
                return  # what the last one had kept has filled the socket again
            channel.wait(Slow.CONNECTION, yes=yes)

    async def next_channel(self) -> Channel:
        """Wait for the next channel that asks for something."""
        channel = await self.next_channel_before()
        assert channel is not None
        return channel

    async def next_channel_before(self, *ends: Once) -> Channel | None:
        """Wait for the next channel that asks for something; None once one of these has happened."""
        while not any(each.is_set() for each in ends):
            if self._waiting:
                return self._waiting.pop(0)
            if self._asked.is_set():
                self._asked = Once()
            await first(self._asked, *ends)
        return None

    def hand_back(self, channel: Channel) -> None:
        """Have a channel come again as the next one that asks for something."""
        self._waiting.append(channel)
        self._asked.set()

    def channels(self) -> list[Channel]:
        """Return the open channels."""
        return [each for each in self._open if not each.gone.is_set()]

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> tuple[WayChannel, Awaitable[Forwarded]]:
        """A client wants a connection to somewhere: there are ways to the gateway's own endpoints."""
        del orig_host, orig_port
        if self._connection is None:
            raise _forbidden(refusal.CLOSED)
        return self._connection.way_channel(), self._forwarded(dest_host, dest_port)

    async def _forwarded(self, host: str, port: int) -> Forwarded:
        lane = await self._ways.forward(host, port)
        lane.wait(Slow.CONNECTION, yes=self._full)
        return lane

    # ---- what there is not -----------------------------------------------------------------------

    def unix_connection_requested(self, dest_path: str) -> bool:
        """Sockets are not forwarded."""
        del dest_path
        raise _forbidden(refusal.SOCKETS)

    def tun_requested(self, unit: int | None) -> bool:
        """There are no tunnels."""
        del unit
        raise _forbidden(refusal.TUNNELS)

    def tap_requested(self, unit: int | None) -> bool:
        """There are no tunnels."""
        del unit
        raise _forbidden(refusal.TUNNELS)

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        """Nothing listens on the gateway for a client."""
        del listen_host, listen_port
        self._debug(refusal.LISTENING)
        return False

    def unix_server_requested(self, listen_path: str) -> bool:
        """Nothing listens on the gateway for a client."""
        del listen_path
        self._debug(refusal.LISTENING)
        return False

    def _debug(self, reason: str) -> None:
        """A global request has no room for a reason: ``ssh -v`` shows it."""
        if self._connection is not None:
            self._connection.send_debug(reason, always_display=True)


def _forbidden(reason: str) -> asyncssh.ChannelOpenError:
    return asyncssh.ChannelOpenError(OPEN_ADMINISTRATIVELY_PROHIBITED, reason)
