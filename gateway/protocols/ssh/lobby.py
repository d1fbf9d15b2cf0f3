"""A login that is no session on a host: it is there for its ways, or its endpoint is another door's.

It holds no grant and reaches nothing by itself. Whatever leads on from here is a session of the door that it
leads to, with a recording of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import GlassgateError, InvalidInput, StoreUnavailable
from gateway.protocols.ssh import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity
    from gateway.protocols.ssh.channel import Channel
    from gateway.protocols.ssh.client import Client, Login
    from gateway.protocols.ssh.forwarding import Ways
    from gateway.session.line import Line

PROVE_SECONDS: Final = 60.0
"""A login without a way is looked at again after so long: it may have been revoked."""
DIAL_STDIO: Final = ["docker", "system", "dial-stdio"]
"""What docker runs by itself for ``ssh://`` (docker/cli, cli/connhelper/connhelper.go, since 18.09)."""

_DOORS: Final = {
    EndpointKind.POSTGRES: (
        "{0} is a PostgreSQL server; nothing runs there over SSH",
        "glassgate connect {0}; or `ssh -N -L 5432:{0}:5432 {1}@GATEWAY`, then psql at localhost",
    ),
    EndpointKind.DOCKER: (
        "{0} is a Docker engine; over SSH it takes docker's own connection and nothing else",
        "DOCKER_HOST=ssh://{1}+{0}@GATEWAY docker ps; or glassgate connect {0} -- docker ps",
    ),
    EndpointKind.KUBERNETES: (
        "{0} is a Kubernetes cluster; nothing runs there over SSH",
        "glassgate connect {0} -- kubectl get pods",
    ),
}
"""By kind: what an endpoint is, and how it is reached."""


class Lobby:
    """Where a client stays that has no session.

    Args:
        line: proves it again.
        client: whose channels are answered here.
        login: what it has proven.
        ways: which it opens.
    """

    def __init__(self, line: Line, client: Client, login: Login, ways: Ways) -> None:
        self._line = line
        self._client = client
        self._login = login
        self._ways = ways

    async def serve_nowhere(self, identity: Identity) -> None:
        """Serve a login that names no endpoint until the client leaves.

        Raises:
            AuthenticationFailed: it proves nobody any more, and has no way open.
        """
        told = InvalidInput(
            "the login name does not say where to",
            hint=f"ssh {identity.name}+ENDPOINT@GATEWAY; as it is, it serves -J and -L to endpoints",
        )

        async def tell(_channel: Channel) -> None:
            raise told

        await self._stay(tell)

    async def serve_other(self, identity: Identity, endpoint: Endpoint) -> None:
        """Serve a login to an endpoint of another door's until the client leaves.

        Raises:
            AuthenticationFailed: it proves nobody any more, and has no way open.
        """

        async def hand_over(channel: Channel) -> None:
            words = (channel.command or "").split()
            if endpoint.kind is EndpointKind.DOCKER and words == DIAL_STDIO:
                await self._ways.hand_over(channel, endpoint)
            elif endpoint.kind is EndpointKind.DOCKER and words[-2:] == DIAL_STDIO[-2:]:
                raise InvalidInput(
                    "which socket the engine listens at is the gateway's to know",
                    hint=f"leave the path out: DOCKER_HOST=ssh://{identity.name}+{endpoint.name}@GATEWAY",
                )
            else:
                what, how = _DOORS[endpoint.kind]
                names = endpoint.name, identity.name
                raise InvalidInput(what.format(*names), hint=how.format(*names))

        await self._stay(hand_over)

    async def _stay(self, answer: Callable[[Channel], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as group:
            accepting = group.create_task(self._accept(answer, group))
            try:
                while not await self._left():
                    if self._ways.unused:
                        await self._prove()
            finally:
                accepting.cancel()

    async def _left(self) -> bool:
        """Wait for the client to leave, for a while."""
        try:
            async with asyncio.timeout(PROVE_SECONDS):
                return await self._client.gone.wait()
        except TimeoutError:
            return False

    async def _prove(self) -> None:
        try:
            await self._line.authenticate(self._login.evidence)
        except StoreUnavailable:
            return  # nothing can be opened either until it is back

    async def _accept(self, answer: Callable[[Channel], Awaitable[None]], group: asyncio.TaskGroup) -> None:
        while True:
            group.create_task(self._answer(answer, await self._client.next_channel()))

    async def _answer(self, answer: Callable[[Channel], Awaitable[None]], channel: Channel) -> None:
        try:
            await answer(channel)
        except GlassgateError as error:
            await channel.refuse(refusal.told(error), refusal.status_of(error))
        finally:
            channel.busy = False
