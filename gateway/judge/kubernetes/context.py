"""Everything that the verdict on a request to a cluster depends on, beside the request itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.judge.kubernetes.catalogue import KubernetesCatalogue
    from gateway.judge.shell.context import ShellContext


@dataclass(frozen=True, slots=True)
class KubernetesContext:
    """What is known of the cluster and of the session.

    Attributes:
        catalogue: what is known of paths, resources and parameters.
        shell: for what is run in pods, where no guard is ever in force.
        dry_runs: whether the gateway has an identity at the cluster that can do dry-runs and nothing else.
        secrets: whether the grant includes the values of Secrets.
        customs: API groups that custom resource definitions serve: the cluster's own API server does their
            dry-runs, which another server behind it (an aggregated one) might do for real.
    """

    catalogue: KubernetesCatalogue
    shell: ShellContext
    dry_runs: bool = False
    secrets: bool = False
    customs: frozenset[str] = frozenset()
