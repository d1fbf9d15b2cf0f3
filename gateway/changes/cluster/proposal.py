"""Change requests of clusters: patches of the manifests that declare their objects; git is the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.changes.cluster.manifests import ENDINGS, place, root
from gateway.changes.cluster.parts import all_parts
from gateway.changes.cluster.patches import patches
from gateway.changes.host import proposal as host_proposal
from gateway.changes.proposal import UNKNOWN, Base
from gateway.changes.shown import one_line
from gateway.changes.yaml_text import written
from gateway.domain.display import counted
from gateway.judge.kubernetes.writes import json_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.changes.repository import GitRepository
    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.store.changes import StoredChange

edited = host_proposal.edited
check_way_back = host_proposal.check_way_back
renumber = host_proposal.renumber
numbered = host_proposal.numbered


async def look(source: GitRepository, commit: str, change: StoredChange, repository: Repository) -> Base:
    """Read the repository's manifests that may declare one of the change request's objects.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    held: dict[str, bytes] = {}
    for part in all_parts(change):
        if part.name and not part.by_hand:
            folder = root(part, repository.paths)
            held |= await source.holding(commit, folder, ENDINGS, part.name.encode())
            path = place(part, repository.paths)[0]
            there = await source.read(commit, path)
            if there is not None:
                held[path] = there
    edits = change.request.files if change.edited else ()
    for file in edits:
        there = await source.read(commit, file.path)
        if there is not None:
            held[file.path] = there
    return Base(commit, (), (), held)


def render(change: StoredChange, repository: Repository, base: Base) -> tuple[FilePatch, ...]:
    """Return the proposed files against a base.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    if change.edited:
        return tuple(replace(file, old=base.held.get(file.path)) for file in change.request.files)
    return patches(change, repository, base.held)[0]


def unseen(change: StoredChange) -> tuple[FilePatch, ...]:
    """Return the proposed files where the repository can't be looked at: against what the cluster has.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    repository = change.repository or UNKNOWN
    held: dict[str, bytes] = {}
    for part in all_parts(change):
        old = json_of(part.old.encode()) if part.old else None
        if isinstance(old, dict):
            held.setdefault(place(part, repository.paths)[0], written(old).encode())
    return patches(change, repository, held)[0]


def notes(change: StoredChange, repository: Repository, base: Base) -> tuple[str, ...]:
    """Return what a reader must know beside the patch."""
    return patches(change, repository, base.held)[1]


def detail(change: StoredChange, files: Sequence[FilePatch] | None, where: str) -> str:
    """Return one sentence on what the proposed patch is."""
    if files:
        first = files[0].path
        rest = f" and {counted(len(files) - 1, 'more file')}" if len(files) > 1 else ""
        return one_line(f"{first}{rest}: {change.request.title}", 300)
    return one_line(f"a patch of the manifest in {where}: {change.request.title}", 300)
