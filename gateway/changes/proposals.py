"""Which way a change request is proposed in: a migration, a host's files, compose services, manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.changes import proposal
from gateway.changes.cluster.parts import speaks_of_objects
from gateway.changes.cluster.proposal import ClusterProposal
from gateway.changes.containers.parts import speaks_of_containers
from gateway.changes.containers.proposal import ContainerProposal
from gateway.changes.host.proposal import HostProposal
from gateway.domain.change import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.changes.proposal import Base
    from gateway.changes.repository import GitRepository
    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.store.changes import StoredChange


class Proposes(Protocol):
    """What each way can do; the module of that name is the way of migrations."""

    async def look(
        self, source: GitRepository, commit: str, change: StoredChange, repository: Repository
    ) -> Base:
        """Read what a proposal needs of the repository at a commit, reserved paths left empty."""

    def render(
        self, change: StoredChange, repository: Repository, base: Base
    ) -> tuple[tuple[FilePatch, ...], tuple[str, ...]]:
        """Return the proposed files against a base, and what a reader must know beside them."""

    def unseen(self, change: StoredChange) -> tuple[FilePatch, ...]:
        """Return the proposed files where the repository can't be looked at: against what production has."""

    def edited(
        self, change: StoredChange, repository: Repository, files: Mapping[str, bytes]
    ) -> tuple[FilePatch, ...]:
        """Return edited files as a patch, checked."""

    def check_way_back(
        self,
        change: StoredChange,
        repository: Repository,
        files: Sequence[FilePatch],
        no_way_back: str | None,
    ) -> tuple[FilePatch, ...]:
        """Return the files with a way back, or with the reason why there is none."""

    def renumber(
        self, change: StoredChange, repository: Repository, files: Sequence[FilePatch], base: Base
    ) -> tuple[FilePatch, ...]:
        """Return edited files as they go onto a fresh base."""

    def numbered(self, repository: Repository, files: Sequence[FilePatch]) -> tuple[str, ...]:
        """Return the paths that no other change request may take."""

    def detail(self, change: StoredChange, files: Sequence[FilePatch] | None, where: str) -> str:
        """Return one sentence on what the proposed patch is."""


_HOST, _CONTAINERS, _CLUSTER = HostProposal(), ContainerProposal(), ClusterProposal()


def proposes(change: StoredChange) -> Proposes:
    """Return the way in which a change request is proposed."""
    if change.request.kind is ChangeKind.DATA:
        return proposal
    if speaks_of_objects(change):
        return _CLUSTER
    return _CONTAINERS if speaks_of_containers(change) else _HOST
