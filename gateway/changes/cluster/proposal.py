"""Change requests of clusters: patches of the manifests that declare their objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.changes.cluster.manifests import ENDINGS, place, root
from gateway.changes.cluster.parts import all_parts
from gateway.changes.cluster.patches import patches
from gateway.changes.files import FilesProposal
from gateway.changes.proposal import Base
from gateway.changes.yaml_text import written
from gateway.judge.kubernetes.writes import json_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.changes.repository import GitRepository
    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.store.changes import StoredChange


class ClusterProposal(FilesProposal):
    """See :class:`FilesProposal`."""

    async def look(
        self, source: GitRepository, commit: str, change: StoredChange, repository: Repository
    ) -> Base:
        """Read the repository's manifests that may declare one of the change request's objects."""
        held: dict[str, bytes] = {}
        paths = [file.path for file in change.request.files] if change.edited else []
        for part in all_parts(change):
            if part.name and not part.by_hand:
                folder = root(part, repository.paths)
                held |= await source.holding(commit, folder, ENDINGS, part.name.encode())
                paths.append(place(part, repository.paths)[0])
        return Base(commit, (), (), held | await source.held(commit, paths))

    def patches(
        self, change: StoredChange, repository: Repository, held: Mapping[str, bytes]
    ) -> tuple[tuple[FilePatch, ...], tuple[str, ...]]:
        """See :meth:`FilesProposal.patches`."""
        return patches(change, repository, held)

    def in_production(self, change: StoredChange, repository: Repository) -> Mapping[str, bytes]:
        """See :meth:`FilesProposal.in_production`."""
        held: dict[str, bytes] = {}
        for part in all_parts(change):
            old = json_of(part.old.encode()) if part.old else None
            if isinstance(old, dict):
                held.setdefault(place(part, repository.paths)[0], written(old).encode())
        return held

    def in_short(self, change: StoredChange, where: str) -> str:
        """See :meth:`FilesProposal.in_short`."""
        return f"a patch of the manifest in {where}: {change.request.title}"
