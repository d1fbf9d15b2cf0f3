"""What the API says of Docker endpoints: where clients connect, whether one works, its right socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.judge.docker.judge import judge
from gateway.protocols.docker import harden, upstream
from gateway.protocols.docker.units import request_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.secret import Secret
    from gateway.domain.session import Level
    from gateway.domain.verdict import Verdict
    from gateway.protocols.docker.parts import Parts
    from gateway.protocols.docker.upstream import Probed


@dataclass(frozen=True, slots=True)
class DockerFacts:
    """The Docker door as the API knows it.

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
            UpstreamUnavailable: it can't be reached, or is no engine.
            UpstreamTooOpen: it requires a socket that only reads, and this one writes.
        """
        level = (await self._probed(endpoint, secret)).level
        upstream.check_requirement(endpoint, level)
        return level

    async def _probed(self, endpoint: Endpoint, secret: Secret) -> Probed:
        engine = upstream.Engine(upstream.target_of(endpoint, secret))
        try:
            return await engine.probe()
        finally:
            engine.close()

    async def judge(self, endpoint: Endpoint, secret: Secret, texts: Sequence[str]) -> tuple[Verdict, ...]:
        """Judge each text (``METHOD PATH [BODY]``) as a session's first unit, by what the engine is.

        Raises:
            UpstreamUnavailable: the engine can't be asked what it is.
        """
        context = self.parts.context(endpoint, await self._probed(endpoint, secret), {})

        def verdicts() -> tuple[Verdict, ...]:
            return tuple(judge(request_of(text), context).verdict for text in texts)

        return await asyncio.to_thread(verdicts)

    def harden(self, endpoint: Endpoint) -> str:
        """Return what makes the right socket before the engine."""
        return harden.harden(endpoint)
