"""From a raw connection to a door: key exchange, proof of identity, then the line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import asyncssh

from gateway.domain.errors import AnotherKind, GlassgateError, NotAuthorised, PeerError
from gateway.log import get_logger
from gateway.protocols.ssh import algorithms
from gateway.protocols.ssh.asking import ask_for_access
from gateway.protocols.ssh.client import Client
from gateway.protocols.ssh.connection import Connection, accept
from gateway.protocols.ssh.forwarding import Ways
from gateway.protocols.ssh.lobby import Lobby
from gateway.protocols.ssh.proxy import SshDoor

if TYPE_CHECKING:
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.client import Login
    from gateway.protocols.ssh.parts import Parts
    from gateway.protocols.ssh.units import ShellUnit
    from gateway.session.door import Door, Openings
    from gateway.session.line import Line
    from gateway.transport.accept import Arrival

VERSION: Final = "Glassgate"
CROWDED: Final = b"the gateway has too many connections; try again in a moment\r\n"

log = get_logger("protocols.ssh")


class Reception:
    """Serves the SSH port.

    Args:
        line: the straight line that every session follows.
        parts: what all connections share.
        host_key: the gateway's own.
        names: by which clients may call the gateway itself.
        login_seconds: time a client has to say who it is.
    """

    def __init__(
        self,
        line: Line,
        parts: Parts,
        host_key: asyncssh.SSHKey,
        *,
        names: frozenset[str] = frozenset(),
        login_seconds: float = 20.0,
    ) -> None:
        self._line = line
        self._parts = parts
        self._names = names
        self._openings: Openings = {}
        self._login_seconds = login_seconds
        self._options = asyncssh.SSHServerConnectionOptions(
            config=None,
            server_version=VERSION,
            server_host_keys=[host_key],
            kex_algs=algorithms.KEX,
            encryption_algs=algorithms.ENCRYPTION,
            mac_algs=algorithms.MACS,
            signature_algs=algorithms.SIGNATURES,
            compression_algs=None,
            host_based_auth=False,
            kbdint_auth=False,
            gss_host=None,
            x509_trusted_certs=None,
            agent_forwarding=False,
            x11_forwarding=False,
            allow_scp=False,
            line_editor=False,
            encoding=None,
            login_timeout=login_seconds,
            keepalive_interval=0,  # TCP's own tell of a peer that vanished; a stopped client is not gone
        )

    def reach(self, openings: Openings) -> None:
        """Learn how the other doors are reached.

        Args:
            openings: kind → door.
        """
        self._openings = openings

    async def serve(self, arrival: Arrival) -> None:
        """Serve one connection from its first byte to its last.

        Raises:
            PeerError: it broke the protocol, or proved nobody, before it could be answered.
        """
        if arrival.crowded:
            await arrival.send(CROWDED)
            return
        ways = Ways(self._line, self._openings, self._names, arrival)
        client = Client(self._line, ways, arrival.source)
        connection = await self._logged_in(arrival, client)
        arrival.settled()
        door = SshDoor(self._parts, connection, client, arrival)
        assert client.login is not None
        async with asyncio.TaskGroup() as group:
            ways.begin(client.login, group)
            try:
                await self._session(client.login, client, door, ways)
            except GlassgateError as error:
                log.info("no session", peer=arrival.peer, error=error.message)
                await door.turn_away(error)
            except Exception:
                await door.turn_away(GlassgateError("the gateway failed; its log says why"))
                raise
            finally:
                ways.close()
                door.close()

    async def _logged_in(self, arrival: Arrival, client: Client) -> Connection:
        arrival.handed_over()
        try:
            async with asyncio.timeout(self._login_seconds):
                return await accept(arrival.socket, self._options, client)
        except TimeoutError as error:
            raise PeerError("the client did not log in in time") from error
        except (asyncssh.Error, OSError) as error:
            raise PeerError(f"the client did not log in: {error}") from error

    async def _session(self, login: Login, client: Client, door: SshDoor, ways: Ways) -> None:
        identity = login.identity or await self._line.authenticate(login.evidence)
        lobby = Lobby(self._line, client, login, ways)
        name = login.endpoint or (door.passage.endpoint if door.passage is not None else "")
        if not name:
            await lobby.serve_nowhere(identity)
            return
        governed = cast("Door[ShellUnit, ShellJudgement]", door)
        try:
            await self._line.run(identity, name, governed)
        except AnotherKind as another:
            await lobby.serve_other(identity, another.endpoint)
        except NotAuthorised as missing:
            await ask_for_access(self._line.requests, client, identity, name, missing)
            identity = await self._line.authenticate(login.evidence)  # who waited may have been let go
            await self._line.run(identity, name, governed)
