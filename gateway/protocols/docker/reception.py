"""From a raw connection to a door: TLS, proof of identity by a client certificate, the first request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from gateway.domain.errors import AuthenticationFailed, GlassgateError, PeerError
from gateway.domain.identity import ClientCertificateEvidence
from gateway.log import get_logger
from gateway.protocols.docker import refusal
from gateway.protocols.docker.proxy import DockerDoor
from gateway.transport.authority import client_endpoint
from gateway.transport.http.connection import Connection
from gateway.transport.http.exchange import ClientLeft, ClientSide
from gateway.transport.http.head import NotUnderstood
from gateway.transport.stream import accept_tls, stream_over

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity
    from gateway.judge.docker.judgement import DockerJudgement
    from gateway.protocols.docker.parts import Parts
    from gateway.protocols.docker.units import DockerUnit
    from gateway.session.door import Door
    from gateway.session.line import Line
    from gateway.transport.accept import Arrival
    from gateway.transport.tls import ServerTls

CROWDED: Final = GlassgateError("the gateway has too many connections", hint="try again in a moment")
CLOSE_SECONDS: Final = 2.0
"""A client has so long to take what is left for it."""
TURNED_AWAY_SECONDS: Final = 5.0
"""A client without a session has so long to ask, and so to be told why there is none."""

log = get_logger("protocols.docker")


class Reception:
    """Serves the Docker port, and clients that another door has let in.

    Args:
        line: the straight line that every session follows.
        parts: what all connections share.
        tls: the gateway's certificate; asks clients for theirs.
        login_seconds: time a client has to say who it is and what it wants.
    """

    def __init__(self, line: Line, parts: Parts, tls: ServerTls, *, login_seconds: float = 20.0) -> None:
        self._line = line
        self._parts = parts
        self._tls = tls
        self._login_seconds = login_seconds

    async def serve(self, arrival: Arrival) -> None:
        """Serve one connection from its first byte to its last.

        Raises:
            PeerError: it broke the protocol before it could be answered.
        """
        stream = await accept_tls(arrival, self._tls.context)
        certificate = stream.peer_certificate()

        async def proven() -> tuple[Identity, str]:
            if certificate is None:
                raise AuthenticationFailed(
                    "docker shows no certificate of this gateway", hint="glassgate config docker ENDPOINT"
                )
            endpoint = client_endpoint(certificate)
            evidence = ClientCertificateEvidence(certificate, endpoint, arrival.source)
            return await self._line.authenticate(evidence), endpoint

        await self._serve(arrival, ClientSide(Connection.over(stream)), proven)

    async def open(self, arrival: Arrival, identity: Identity, endpoint: Endpoint) -> None:
        """Serve a client that another door has let in: bytes in the clear, its identity proven there.

        Raises:
            PeerError: it broke the protocol before it could be answered.
        """
        arrival.handed_over()
        stream = await stream_over(arrival.socket)

        async def proven() -> tuple[Identity, str]:
            return identity, endpoint.name

        await self._serve(arrival, ClientSide(Connection.over(stream)), proven)

    async def _serve(
        self, arrival: Arrival, side: ClientSide, proven: Callable[[], Awaitable[tuple[Identity, str]]]
    ) -> None:
        door: DockerDoor | None = None
        try:
            async with asyncio.timeout(self._login_seconds):
                first = await side.head()
            if first is None:
                return
            if arrival.crowded:
                await _turn_away(side, CROWDED)
                return
            identity, endpoint = await proven()
            arrival.settled()
            door = DockerDoor(self._parts, side, first, arrival)
            await self._line.run(identity, endpoint, cast("Door[DockerUnit, DockerJudgement]", door))
        except TimeoutError as error:
            raise PeerError("the client did not ask for anything in time") from error
        except ClientLeft:
            return
        except GlassgateError as error:
            log.info("no session", peer=arrival.peer, error=error.message)
            await _turn_away(side, error)
        except Exception:
            await _turn_away(side, refusal.FAULT)
            raise
        finally:
            if door is not None:
                door.close()
            await side.connection.leave(CLOSE_SECONDS)


async def _turn_away(side: ClientSide, error: GlassgateError) -> None:
    """Tell a client why no session stands, on whatever it asks for, until it leaves."""
    body, status = refusal.body(refusal.told(error)), refusal.status_of(error)
    try:
        async with asyncio.timeout(TURNED_AWAY_SECONDS):
            while True:
                closes = isinstance(error, NotUnderstood) or await side.body(0) is None
                side.answer(status, refusal.HEADERS, body, close=closes)
                if closes:
                    await side.linger()
                    return
                if await side.head() is None:
                    return
    except (TimeoutError, ClientLeft, NotUnderstood):
        return
