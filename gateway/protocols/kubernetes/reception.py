"""From a raw connection to a door: encryption, the first request, the token in it, then the line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from gateway.domain.errors import GlassgateError, PeerError
from gateway.domain.identity import ClusterTokenEvidence
from gateway.log import get_logger
from gateway.protocols.kubernetes import refusal
from gateway.protocols.kubernetes.entrance import Bearers, asked_of
from gateway.protocols.kubernetes.proxy import KubernetesDoor
from gateway.transport.http.connection import Connection
from gateway.transport.http.exchange import ClientSide
from gateway.transport.stream import accept_tls

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from gateway.domain.identity import Identity
    from gateway.domain.secret import Secret
    from gateway.judge.kubernetes.judgement import KubernetesJudgement
    from gateway.protocols.kubernetes.parts import Parts
    from gateway.protocols.kubernetes.units import KubernetesUnit
    from gateway.session.door import Door
    from gateway.session.line import Line
    from gateway.transport.accept import Arrival
    from gateway.transport.tls import ServerTls

ALPN: Final = "http/1.1"
LEAVE_SECONDS: Final = 2.0
"""A client has so long to take what is left for it."""
CROWDED: Final = "the gateway has too many connections; try again in a moment"

log = get_logger("protocols.kubernetes")


class Reception:
    """Serves the Kubernetes port.

    Args:
        line: the straight line that every session follows.
        parts: what all connections share.
        tls: the gateway's certificate.
        login_seconds: time a client has to send its first request.
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
        client: ClientSide | None = None
        door: KubernetesDoor | None = None
        try:
            async with asyncio.timeout(self._login_seconds) as clock:
                stream = await accept_tls(arrival, self._tls.context)
                client = ClientSide(Connection.over(stream))
                head = await client.head()
                if head is None:
                    return
                if arrival.crowded:
                    await _say(client, refusal.answer(refusal.UNAVAILABLE, CROWDED))
                    return
                asked = asked_of(head)
                clock.reschedule(None)

            def prove(token: Secret) -> Awaitable[Identity]:
                return self._line.authenticate(ClusterTokenEvidence(token, arrival.source))

            identity = await prove(asked.token)
            arrival.settled()
            bearers = Bearers(prove, identity, asked.token)
            door = KubernetesDoor(self._parts, client, asked, arrival, bearers)
            governed = cast("Door[KubernetesUnit, KubernetesJudgement]", door)
            await self._line.run(identity, asked.endpoint, governed)
        except GlassgateError as error:
            log.info("no session", peer=arrival.peer, error=error.message)
            if client is not None:
                await _say(client, refusal.of_error(error))
        except TimeoutError as error:
            raise PeerError("the client sent no request in time") from error
        except Exception:
            if client is not None:
                failed = "the gateway failed; its log says why"
                await _say(client, refusal.answer(refusal.INTERNAL, failed))
            raise
        finally:
            # Not before a refusal was said: what ends a session before it stands comes out of the line too.
            if door is not None:
                door.close()
            if client is not None:
                client.connection.close()
                # One that takes nothing any more keeps no memory of ours.
                asyncio.get_running_loop().call_later(LEAVE_SECONDS, client.connection.abort)


async def _say(client: ClientSide, said: refusal.Answer) -> None:
    """Answer for the last time."""
    headers = (("Content-Type", refusal.JSON), *said.headers)
    client.answer(said.code, headers, said.body, close=True)
    await client.linger()
