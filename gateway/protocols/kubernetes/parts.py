"""What all Kubernetes connections of a gateway share."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Final

from gateway.protocols.kubernetes.probe import Cluster, probe
from gateway.protocols.kubernetes.upstream import Targets, targets_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.http import Request
    from gateway.domain.secret import Secret
    from gateway.judge.kubernetes.catalogue import KubernetesCatalogue
    from gateway.judge.kubernetes.context import KubernetesContext
    from gateway.judge.kubernetes.judgement import KubernetesJudgement
    from gateway.judge.shell.catalogue import ShellCatalogue
    from gateway.judge.shell.context import ShellContext
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.kubernetes.upstream import Upstream

PROBE_SECONDS: Final = 60.0
"""A cluster that was probed is not probed again for this long."""
MOST_KEPT: Final = 256


class Clusters:
    """What clusters are, as probed lately, and how they are reached."""

    def __init__(self) -> None:
        self._probed: dict[tuple[str, int], tuple[float, Cluster]] = {}
        self._targets: dict[tuple[str, int], tuple[Secret, Targets]] = {}

    def targets(self, endpoint: Endpoint, secret: Secret) -> Targets:
        """Return how an endpoint is reached; a TLS context takes milliseconds to make.

        Raises:
            UpstreamUnavailable: its credential can't be used.
        """
        key = (endpoint.name, endpoint.version)
        known = self._targets.get(key)
        if known is not None and known[0] == secret:
            return known[1]
        if len(self._targets) >= MOST_KEPT:
            self._targets.clear()
        targets = targets_of(endpoint, secret)
        self._targets[key] = (secret, targets)
        return targets

    async def probed(self, upstream: Upstream, *, dry_runs: bool) -> Cluster:
        """Return what a cluster is, probing it where it was not of late.

        Raises:
            UpstreamUnavailable: it can't be asked.
        """
        key = (upstream.target.endpoint, upstream.target.version)
        known = self._probed.get(key)
        if known is not None and monotonic() - known[0] < PROBE_SECONDS:
            return known[1]
        found = await probe(upstream, dry_runs=dry_runs)
        if len(self._probed) >= MOST_KEPT:
            self._probed.clear()
        self._probed[key] = (monotonic(), found)
        return found

    def forget(self, endpoint: Endpoint) -> None:
        """Probe again at the next connection: an operator may be mending the role."""
        self._probed.pop((endpoint.name, endpoint.version), None)


@dataclass(slots=True)
class Shells:
    """What is known of commands, for what is run in pods.

    Attributes:
        catalogue: as in force now.
    """

    catalogue: ShellCatalogue

    def replace(self, catalogue: ShellCatalogue) -> None:
        """Take another catalogue into force for sessions that begin from now on."""
        self.catalogue = catalogue


@dataclass(slots=True)
class Parts:
    """What all connections share.

    Attributes:
        catalogue: of the Kubernetes API, as in force now.
        shells: of commands, for what is run in pods.
        judge: of requests.
        judge_line: of lines of the governed shell.
        clusters: as probed.
    """

    catalogue: KubernetesCatalogue
    shells: Shells
    judge: Callable[[Request, KubernetesContext], KubernetesJudgement]
    judge_line: Callable[[bytes, ShellContext], ShellJudgement]
    clusters: Clusters = field(default_factory=Clusters)

    def replace(self, catalogue: KubernetesCatalogue) -> None:
        """Take another catalogue into force for sessions that begin from now on."""
        self.catalogue = catalogue
