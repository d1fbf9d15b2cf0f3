"""What the API says of PostgreSQL endpoints: where clients connect, whether one works, its right role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.protocols.postgres import harden, probe, upstream
from gateway.protocols.postgres.startup import Startup, production_parameters

if TYPE_CHECKING:
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.secret import Secret
    from gateway.domain.session import Level


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """The PostgreSQL door as the API knows it.

    Attributes:
        host: name that native clients reach it by.
        port: its TCP port.
    """

    host: str
    port: int

    async def check(self, endpoint: Endpoint, secret: Secret) -> Level:
        """Dial production as a session would, probe it, hang up.

        Raises:
            UpstreamUnavailable: it can't be reached or refuses the gateway's credential.
            UpstreamTooOpen: it requires a read-only role and the probe found more.
        """
        startup = Startup(minor=0, negotiate=None, login=endpoint.username, database="", parameters={})
        target = upstream.target_of(endpoint, production_parameters(startup, endpoint))
        dialled = await upstream.dial(target, secret)
        try:
            level = await probe.probe(dialled)
        finally:
            dialled.close()
        probe.check_requirement(endpoint, level)
        return level

    def harden(self, endpoint: Endpoint) -> str:
        """Return the SQL that makes the right role on the server."""
        return harden.harden(endpoint)
