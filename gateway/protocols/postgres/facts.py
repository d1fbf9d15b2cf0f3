"""What the API says of PostgreSQL endpoints: where clients connect, whether one works, its right role."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import UpstreamUnavailable
from gateway.judge.postgres import SqlContext
from gateway.judge.postgres.settings import split_path
from gateway.protocols.postgres import harden, probe, upstream
from gateway.protocols.postgres.startup import Startup, production_parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.secret import Secret
    from gateway.domain.session import Level
    from gateway.domain.verdict import Verdict
    from gateway.protocols.postgres.parts import Parts
    from gateway.protocols.postgres.upstream import Target

_WHO: Final = "SELECT pg_catalog.current_setting('search_path'), current_user"


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """The PostgreSQL door as the API knows it.

    Attributes:
        host: name that native clients reach it by.
        port: its TCP port.
        parts: what its connections share.
    """

    host: str
    port: int
    parts: Parts

    @property
    def host_key(self) -> str:
        """None: TLS proves the door."""
        return ""

    async def check(self, endpoint: Endpoint, secret: Secret) -> Level:
        """Dial production as a session would, probe it, hang up.

        Raises:
            UpstreamUnavailable: it can't be reached or refuses the gateway's credential.
            UpstreamTooOpen: it requires a read-only role and the probe found more.
        """
        dialled = await upstream.dial(_target(endpoint), secret)
        try:
            level = await probe.probe(dialled)
        finally:
            dialled.close()
        probe.check_requirement(endpoint, level)
        return level

    async def judge(self, endpoint: Endpoint, secret: Secret, texts: Sequence[str]) -> tuple[Verdict, ...]:
        """Judge each text as a session's first unit, by the endpoint's own catalogue.

        Raises:
            UpstreamUnavailable: the catalogue can't be read.
        """
        target = _target(endpoint)
        feed = self.parts.catalogues.feed(target, secret, endpoint.settings.lists)
        dialled = await upstream.dial(target, secret)
        try:
            ((path, role),) = await dialled.ask(_WHO)
        finally:
            dialled.close()
        snapshot = await feed.first()
        start = split_path((path or b"").decode("utf-8", "replace"))
        if start is None:
            raise UpstreamUnavailable("production's search_path can't be read")
        context = SqlContext(
            snapshot=snapshot,
            catalogue=feed.catalogue,
            search_paths=frozenset({start}),
            start_path=start,
            role=(role or b"").decode("utf-8", "replace"),
            lists=feed.lists,
        )
        judge = self.parts.verdicts.judge

        def verdicts() -> tuple[Verdict, ...]:
            return tuple(judge(text.encode("utf-8", "surrogateescape"), context).verdict for text in texts)

        return await asyncio.to_thread(verdicts)

    def harden(self, endpoint: Endpoint) -> str:
        """Return the SQL that makes the right role on the server."""
        return harden.harden(endpoint)


def _target(endpoint: Endpoint) -> Target:
    """How a session without settings of its own would log in to the endpoint's default database."""
    startup = Startup(minor=0, negotiate=None, login=endpoint.username, database="", parameters={})
    return upstream.target_of(endpoint, production_parameters(startup, endpoint))
