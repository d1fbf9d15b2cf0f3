"""The ways that a client opens through its connection to other doors of the gateway, and to nothing else.

What comes in by a way is served by that door as if it had come to the door's own port: it proves itself
there, as the same identity, and all of its session is that door's. Here is decided where a way leads, and how
many there are.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from asyncssh import ChannelOpenError
from asyncssh.constants import OPEN_ADMINISTRATIVELY_PROHIBITED, OPEN_RESOURCE_SHORTAGE

from gateway.domain.display import display
from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import GlassgateError, InvalidInput, NotFound
from gateway.domain.session import Passage
from gateway.log import get_logger
from gateway.protocols.ssh import refusal
from gateway.protocols.ssh.way import Forwarded, open_way
from gateway.transport.once import Once, first

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from socket import socket
    from typing import Any

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity
    from gateway.protocols.ssh.channel import Channel
    from gateway.protocols.ssh.client import Login
    from gateway.protocols.ssh.lane import Lane
    from gateway.session.door import Opening, Openings
    from gateway.session.line import Line
    from gateway.transport.accept import Arrival

DOOR: Final = "SSH"
MOST_WAYS: Final = 32
"""Ways open at once through one connection."""
LONGEST_SHOWN: Final = 100
"""Characters of a name that is none."""
USUAL_PORTS: Final = {
    EndpointKind.SSH: (22,),
    EndpointKind.POSTGRES: (5432,),
    EndpointKind.DOCKER: (2375, 2376),
    EndpointKind.KUBERNETES: (443, 6443),
}
"""Where clients of a kind go unless told otherwise."""

log = get_logger("protocols.ssh")


class Ways:
    """The ways of one connection.

    Args:
        line: proves the client again for each way, and knows the endpoints.
        openings: the other doors.
        names: of the gateway itself, as clients may call it.
        arrival: the connection.
    """

    def __init__(self, line: Line, openings: Openings, names: frozenset[str], arrival: Arrival) -> None:
        self._line = line
        self._openings = openings
        self._names = names
        self._arrival = arrival
        self._login: Login | None = None
        self._group: asyncio.TaskGroup | None = None
        self._begun = Once()
        self._closed = Once()
        self._open: set[Lane] = set()
        self._opening = 0

    def begin(self, login: Login, group: asyncio.TaskGroup) -> None:
        """The client is logged in: ways may be opened, until ``close``.

        Args:
            login: what it has proven.
            group: owns what the ways do.
        """
        self._login, self._group = login, group
        self._begun.set()

    def close(self) -> None:
        """Open no more: the connection is about to end, and its ways with it."""
        self._closed.set()
        self._begun.set()

    @property
    def unused(self) -> bool:
        """Whether there is no way at the moment."""
        return not self._open and not self._opening

    def lanes(self) -> tuple[Lane, ...]:
        """Return the channels of the ways that stand."""
        return tuple(self._open)

    # ---- where a way leads -----------------------------------------------------------------------

    async def forward(self, host: str, port: int) -> Forwarded:
        """Open a way to where a client asks for a connection to.

        Args:
            host: an endpoint's name, or the gateway's own.
            port: of the endpoint, or of a door of the gateway.

        Raises:
            ChannelOpenError: there is no such way, or too many.
        """
        lane = Forwarded()
        self._opening += 1
        try:
            if self._opening + len(self._open) > MOST_WAYS:
                raise ChannelOpenError(OPEN_RESOURCE_SHORTAGE, refusal.MANY_WAYS)
            opening, passage = await self._target(host.lower(), port)
            near, arrival = self._bring(opening, passage)
            assert self._group is not None
            self._group.create_task(self._forwarded(lane, near, opening.serve(arrival)))
        except GlassgateError as error:
            log.info("no way", peer=self._arrival.peer, error=error.message)
            said = f"{error.message} ({error.hint})" if error.hint else error.message
            raise ChannelOpenError(OPEN_ADMINISTRATIVELY_PROHIBITED, display(said)) from error
        finally:
            self._opening -= 1
        self._open.add(lane)
        return lane

    async def hand_over(self, channel: Channel, endpoint: Endpoint) -> None:
        """Hand a session channel's bytes to an endpoint's own door, the identity proven; wait for its end.

        Args:
            channel: asks for nothing else.
            endpoint: of a kind whose door takes such a client.

        Raises:
            GlassgateError: the client does not prove who it is any more, or there are too many ways.
        """
        if self._opening + len(self._open) >= MOST_WAYS:
            raise InvalidInput(refusal.MANY_WAYS)
        self._open.add(channel)
        try:
            identity = await self._proven()
            opening = self._openings[endpoint.kind]
            assert opening.open is not None
            near, arrival = self._bring(opening, Passage(identity, endpoint.name, DOOR))
            await self._carry(channel, near, opening.open(arrival, identity, endpoint))
        finally:
            self._open.discard(channel)
        await channel.flushed()
        channel.exit(0)

    async def _proven(self) -> Identity:
        """Have the client's evidence prove its identity again: what it was shown with may be gone by now."""
        await self._begun.wait()
        if self._login is None:
            raise NotFound(refusal.CLOSED)
        return await self._line.authenticate(self._login.evidence)

    async def _target(self, host: str, port: int) -> tuple[Opening, Passage]:
        """Return the door that a client asks for, and what binds it there."""
        if self._arrival.passage is not None:
            raise InvalidInput(refusal.WAY_IN_A_WAY)
        identity = await self._proven()
        try:
            endpoint = await self._line.resolve(host, identity, None)
        except NotFound:
            door = next((each for each in self._openings.values() if each.port == port), None)
            if host not in self._names or door is None:
                shown = host if len(host) <= LONGEST_SHOWN else host[:LONGEST_SHOWN] + "…"
                raise NotFound(refusal.FORWARDING.format(shown)) from None
            return door, Passage(identity, "", DOOR)
        return self._door_of(endpoint, port), Passage(identity, endpoint.name, DOOR)

    def _door_of(self, endpoint: Endpoint, port: int) -> Opening:
        opening = self._openings.get(endpoint.kind)
        usual = USUAL_PORTS[endpoint.kind]
        if opening is None or port not in (*usual, opening.port, endpoint.port):
            raise NotFound(
                f"{endpoint.name} is reached as what it is, {endpoint.kind.value}, and not at port {port}",
                hint=f"forward to {endpoint.name}:{usual[0]}",
            )
        return opening

    # ---- what goes through it --------------------------------------------------------------------

    def _bring(self, opening: Opening, passage: Passage) -> tuple[socket, Arrival]:
        """Make both ends of a way; whoever calls sees to them without waiting for anything first."""
        if self._closed.is_set():
            raise NotFound(refusal.CLOSED)
        log.info("way opened", peer=self._arrival.peer, identity=passage.identity.name, to=passage.endpoint)
        return opening.bring(self._arrival, passage)

    async def _forwarded(self, lane: Forwarded, near: socket, serving: Coroutine[Any, Any, None]) -> None:
        try:
            await self._carry(lane, near, serving)
            lane.end()
            await first(lane.gone, self._closed)
        finally:
            self._open.discard(lane)

    async def _carry(self, lane: Lane, near: socket, serving: Coroutine[Any, Any, None]) -> None:
        """Let a way stand until the door has served, or the channel is closed and the door has noticed."""
        served = Once()

        async def serve() -> None:
            try:
                await serving
            finally:
                served.set()

        async with asyncio.TaskGroup() as group:
            group.create_task(serve())
            await first(lane.opened, self._closed)
            if not lane.opened.is_set():
                near.close()
                return
            way = await open_way(lane, near)
            try:
                await first(served, lane.gone)
                await first(way.ended, lane.gone)  # the door's last bytes, as fast as the client takes them
            finally:
                way.abort()
