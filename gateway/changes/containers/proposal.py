"""Change requests of container engines: services of a compose file, files that containers have."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.changes.containers.parts import all_parts
from gateway.changes.containers.patches import compose_files, patches, places, unseen_files
from gateway.changes.files import FilesProposal
from gateway.changes.proposal import Base

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.changes.repository import GitRepository
    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.store.changes import StoredChange


class ContainerProposal(FilesProposal):
    """See :class:`FilesProposal`."""

    async def look(
        self, source: GitRepository, commit: str, change: StoredChange, repository: Repository
    ) -> Base:
        """See :meth:`FilesProposal.look`."""
        held = await source.held(commit, compose_files(change, repository))
        more = await asyncio.to_thread(places, change, repository, held)
        return Base(commit, (), (), held | await source.held(commit, more))

    def patches(
        self, change: StoredChange, repository: Repository, held: Mapping[str, bytes]
    ) -> tuple[tuple[FilePatch, ...], tuple[str, ...]]:
        """See :meth:`FilesProposal.patches`."""
        return patches(change, repository, held)

    def in_production(self, change: StoredChange, repository: Repository) -> Mapping[str, bytes]:
        """See :meth:`FilesProposal.in_production`."""
        return unseen_files(change, repository)

    def in_short(self, change: StoredChange, where: str) -> str:
        """See :meth:`FilesProposal.in_short`."""
        touched = dict.fromkeys(part.name for part in all_parts(change) if part.name)
        what = ", ".join(touched) or change.request.title
        return f"a change of {what} in {where}"
