"""Change requests of hosts: patches of the files that their image is built from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.changes.files import FilesProposal
from gateway.changes.host.mapping import place_of
from gateway.changes.host.parts import FilePart, all_parts
from gateway.changes.host.patches import patches, places
from gateway.changes.proposal import Base

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.changes.repository import GitRepository
    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.store.changes import StoredChange


class HostProposal(FilesProposal):
    """See :class:`FilesProposal`."""

    async def look(
        self, source: GitRepository, commit: str, change: StoredChange, repository: Repository
    ) -> Base:
        """See :meth:`FilesProposal.look`."""
        return Base(commit, (), (), await source.held(commit, places(change, repository)))

    def patches(
        self, change: StoredChange, repository: Repository, held: Mapping[str, bytes]
    ) -> tuple[tuple[FilePatch, ...], tuple[str, ...]]:
        """See :meth:`FilesProposal.patches`."""
        return patches(change, repository, held)

    def in_production(self, change: StoredChange, repository: Repository) -> Mapping[str, bytes]:
        """See :meth:`FilesProposal.in_production`."""
        held: dict[str, bytes | None] = {}
        for _, part in all_parts(change):
            if isinstance(part, FilePart):
                held.setdefault(place_of(part.path, repository.paths)[0], part.old)
        return {path: content for path, content in held.items() if content is not None}

    def in_short(self, change: StoredChange, where: str) -> str:
        """See :meth:`FilesProposal.in_short`."""
        touched = dict.fromkeys(part.path for _, part in all_parts(change) if isinstance(part, FilePart))
        what = ", ".join(touched) or change.request.title
        return f"a patch of {what} in {where}"
