"""What the API says of Kubernetes endpoints: where clients connect, whether one works, its right identity."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.domain.http import Request
from gateway.protocols.kubernetes import harden
from gateway.protocols.kubernetes.judging import context_of
from gateway.protocols.kubernetes.probe import check_requirement, probe
from gateway.protocols.kubernetes.upstream import Upstream, targets_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.secret import Secret
    from gateway.domain.session import Level
    from gateway.domain.verdict import Verdict
    from gateway.protocols.kubernetes.parts import Parts
    from gateway.protocols.kubernetes.probe import Cluster


@dataclass(frozen=True, slots=True)
class KubernetesFacts:
    """The Kubernetes door as the API knows it.

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
        """Reach the API server as a session would, probe it, hang up.

        Raises:
            UpstreamUnavailable: it can't be reached or refuses the gateway's credential.
            UpstreamTooOpen: it requires an identity that only reads, and the probe found more.
        """
        cluster, _ = await self._probed(endpoint, secret)
        check_requirement(endpoint, cluster.level)
        return cluster.level

    async def _probed(self, endpoint: Endpoint, secret: Secret) -> tuple[Cluster, bool]:
        targets = targets_of(endpoint, secret)
        dry_runs = targets.dry_runs is not None
        upstream = Upstream(targets.reader)
        try:
            return await probe(upstream, dry_runs=dry_runs), dry_runs
        finally:
            upstream.abort()

    async def judge(self, endpoint: Endpoint, secret: Secret, texts: Sequence[str]) -> tuple[Verdict, ...]:
        """Judge each text as a session's first unit, by what the cluster is.

        Args:
            endpoint: whose cluster it is.
            secret: the gateway's credential there.
            texts: ``METHOD TARGET``, and a body behind a line feed.

        Raises:
            UpstreamUnavailable: the cluster can't be asked what it is.
        """
        cluster, dry_runs = await self._probed(endpoint, secret)
        context = context_of(self.parts, endpoint, cluster, dry_runs=dry_runs)
        judge = self.parts.judge

        def verdicts() -> tuple[Verdict, ...]:
            return tuple(judge(request_of(text), context).verdict for text in texts)

        return await asyncio.to_thread(verdicts)

    def harden(self, endpoint: Endpoint) -> str:
        """Return the YAML that makes the right identities in the cluster."""
        return harden.harden(endpoint)


def request_of(text: str) -> Request:
    """Return the request that a text stands for, as it stands in recordings."""
    line, _, body = text.partition("\n")
    method, _, target = line.partition(" ")
    return Request(method, target, (), body.encode("utf-8", "surrogateescape") or None)
