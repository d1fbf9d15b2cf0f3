"""Change requests of container engines: services of a compose file, files that containers have."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.changes.containers.parts import all_parts
from gateway.changes.containers.patches import compose_files, patches, places, unseen_files
from gateway.changes.host.proposal import check_way_back, edited, numbered, renumber
from gateway.changes.proposal import UNKNOWN, Base
from gateway.changes.shown import one_line
from gateway.domain.display import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.changes.repository import GitRepository
    from gateway.domain.change import FilePatch
    from gateway.domain.endpoint import Repository
    from gateway.store.changes import StoredChange

__all__ = [
    "check_way_back",
    "detail",
    "edited",
    "look",
    "notes",
    "numbered",
    "render",
    "renumber",
    "unseen",
]


async def look(source: GitRepository, commit: str, change: StoredChange, repository: Repository) -> Base:
    """Read the repository's files that the change request looks at.

    Raises:
        InvalidInput: a path that git could not hold, or that leads over a link.
    """
    held = await _read(source, commit, compose_files(change, repository))
    held |= await _read(source, commit, await asyncio.to_thread(places, change, repository, held))
    return Base(commit, (), (), held)


async def _read(source: GitRepository, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
    found = {path: await source.read(commit, path) for path in paths}
    return {path: content for path, content in found.items() if content is not None}


def render(change: StoredChange, repository: Repository, base: Base) -> tuple[FilePatch, ...]:
    """Return the proposed files against a base.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    if change.edited:
        return tuple(replace(file, old=base.held.get(file.path)) for file in change.request.files)
    return patches(change, repository, base.held)[0]


def unseen(change: StoredChange) -> tuple[FilePatch, ...]:
    """Return the proposed files where the repository can't be looked at: against what containers have.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    repository = change.repository or UNKNOWN
    return patches(change, repository, unseen_files(change, repository))[0]


def notes(change: StoredChange, repository: Repository, base: Base) -> tuple[str, ...]:
    """Return what a reader must know beside the patch."""
    return patches(change, repository, base.held)[1]


def detail(change: StoredChange, files: Sequence[FilePatch] | None, where: str) -> str:
    """Return one sentence on what the proposed patch is."""
    if files:
        first = files[0].path
        rest = f" and {counted(len(files) - 1, 'more file')}" if len(files) > 1 else ""
        return one_line(f"{first}{rest}: {change.request.title}", 300)
    touched = dict.fromkeys(part.name for part in all_parts(change) if part.name)
    what = ", ".join(touched) or change.request.title
    return one_line(f"a change of {what} in {where}", 300)
