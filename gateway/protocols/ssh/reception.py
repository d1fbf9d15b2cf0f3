"""From a raw connection to a door: key exchange, proof of identity, then the line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import asyncssh

from gateway.domain.errors import GlassgateError, InvalidInput, NotAuthorised, PeerError
from gateway.log import get_logger
from gateway.protocols.ssh import algorithms
from gateway.protocols.ssh.asking import ask_for_access
from gateway.protocols.ssh.client import Client
from gateway.protocols.ssh.connection import Connection, accept
from gateway.protocols.ssh.proxy import SshDoor

if TYPE_CHECKING:
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.client import Login
    from gateway.protocols.ssh.parts import Parts
    from gateway.protocols.ssh.units import ShellUnit
    from gateway.session.door import Door
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
        login_seconds: time a client has to say who it is.
    """

    def __init__(
        self, line: Line, parts: Parts, host_key: asyncssh.SSHKey, *, login_seconds: float = 20.0
    ) -> None:
        self._line = line
        self._parts = parts
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

    async def serve(self, arrival: Arrival) -> None:
        """Serve one connection from its first byte to its last.

        Raises:
            PeerError: it broke the protocol, or proved nobody, before it could be answered.
        """
        if arrival.crowded:
            await arrival.send(CROWDED)
            return
        client = Client(self._line, arrival.source)
        connection = await self._logged_in(arrival, client)
        arrival.settled()
        door = SshDoor(self._parts, connection, client, arrival)
        try:
            assert client.login is not None
            await self._session(client.login, client, door)
        except GlassgateError as error:
            log.info("no session", peer=arrival.peer, error=error.message)
            await door.turn_away(error)
        except Exception:
            await door.turn_away(GlassgateError("the gateway failed; its log says why"))
            raise
        finally:
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

    async def _session(self, login: Login, client: Client, door: SshDoor) -> None:
        identity = login.identity or await self._line.authenticate(login.evidence)
        if not login.endpoint:
            raise InvalidInput(
                "the login name does not say where to", hint=f"ssh {identity.name}+ENDPOINT@GATEWAY"
            )
        governed = cast("Door[ShellUnit, ShellJudgement]", door)
        try:
            await self._line.run(identity, login.endpoint, governed)
        except NotAuthorised as missing:
            await ask_for_access(self._line.requests, client, identity, login.endpoint, missing)
            identity = await self._line.authenticate(login.evidence)  # who waited may have been let go
            await self._line.run(identity, login.endpoint, governed)
