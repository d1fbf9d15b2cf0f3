"""What the API says of SSH endpoints: where clients connect, whether one works, its right account."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.judge.shell.context import ShellContext
from gateway.protocols.ssh import harden, probe, upstream
from gateway.protocols.ssh.judging import context_of
from gateway.protocols.ssh.options import options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.secret import Secret
    from gateway.domain.session import Level
    from gateway.domain.verdict import Verdict
    from gateway.protocols.ssh.parts import Parts
    from gateway.protocols.ssh.probe import Probed


@dataclass(frozen=True, slots=True)
class SshFacts:
    """The SSH door as the API knows it.

    Attributes:
        host: name that native clients reach it by.
        port: its TCP port.
        parts: what its connections share.
        host_key: public key that it shows, as OpenSSH writes it.
    """

    host: str
    port: int
    parts: Parts
    host_key: str = ""

    async def check(self, endpoint: Endpoint, secret: Secret) -> Level:
        """Dial production as a session would, probe it, hang up.

        Raises:
            UpstreamUnavailable: it can't be reached, is another host, or refuses the gateway's credential.
            UpstreamTooOpen: it requires a kernel guard and the host has none.
        """
        level = (await self._probed(endpoint, secret)).level
        probe.check_requirement(endpoint, options_of(endpoint), level)
        return level

    async def _probed(self, endpoint: Endpoint, secret: Secret) -> Probed:
        dialled = await upstream.dial(upstream.target_of(endpoint), secret)
        try:
            return await probe.probe(dialled, options_of(endpoint))
        finally:
            dialled.close()

    async def judge(self, endpoint: Endpoint, secret: Secret, texts: Sequence[str]) -> tuple[Verdict, ...]:
        """Judge each text as a session's first unit, by what the host is.

        Raises:
            UpstreamUnavailable: the host can't be asked what it is.
        """
        context: ShellContext = context_of(
            endpoint, self.parts.catalogue, await self._probed(endpoint, secret), terminal=False
        )
        judge = self.parts.judge

        def verdicts() -> tuple[Verdict, ...]:
            return tuple(judge(text.encode("utf-8", "surrogateescape"), context).verdict for text in texts)

        return await asyncio.to_thread(verdicts)

    def harden(self, endpoint: Endpoint) -> str:
        """Return what makes the right account on the host."""
        return harden.harden(endpoint)


class KeyScan:
    """Asks SSH hosts who they are, as ``ssh-keyscan`` does."""

    async def scan(self, host: str, port: int) -> str:
        """Return the key that a host shows now, as OpenSSH writes it.

        Raises:
            UpstreamUnavailable: it can't be reached, or shows none.
        """
        key = await upstream.fetch_host_key(host, port)
        return " ".join(key.export_public_key().decode().split()[:2])
