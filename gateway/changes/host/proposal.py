"""Change requests of hosts: patches of the files that their image is built from; git is the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.changes.host.mapping import place_of
from gateway.changes.host.parts import FilePart, all_parts
from gateway.changes.host.patches import patches, places
from gateway.changes.paths import normalise
from gateway.changes.proposal import UNKNOWN, Base
from gateway.changes.secrets_found import holds_secret
from gateway.changes.shown import one_line
from gateway.domain.change import FilePatch
from gateway.domain.display import counted
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.changes.repository import GitRepository
    from gateway.domain.endpoint import Repository
    from gateway.store.changes import StoredChange

MAX_FILES: Final = 50
MAX_FILE: Final = 4 << 20


async def look(source: GitRepository, commit: str, change: StoredChange, repository: Repository) -> Base:
    """Read the repository's files that the change request looks at.

    Raises:
        InvalidInput: a path that git could not hold, or that leads over a link.
    """
    held = {}
    for path in places(change, repository):
        content = await source.read(commit, path)
        if content is not None:
            held[path] = content
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
    """Return the proposed files where the repository can't be looked at: against what the host has.

    Raises:
        InvalidInput: a path that git could not hold.
    """
    repository = change.repository or UNKNOWN
    held: dict[str, bytes | None] = {}
    for _, part in all_parts(change):
        if isinstance(part, FilePart):
            held.setdefault(place_of(part.path, repository.paths)[0], part.old)
    there = {path: content for path, content in held.items() if content is not None}
    return patches(change, repository, there)[0]


def notes(change: StoredChange, repository: Repository, base: Base) -> tuple[str, ...]:
    """Return what a reader must know beside the patch."""
    return patches(change, repository, base.held)[1]


def edited(change: StoredChange, repository: Repository, files: Mapping[str, bytes]) -> tuple[FilePatch, ...]:
    """Return edited files as a patch, checked: paths that git can hold, sizes, no secrets.

    Raises:
        InvalidInput: a path or a content that can't be; the message names it.
    """
    del change, repository
    if not files or len(files) > MAX_FILES:
        raise InvalidInput(f"a change request has 1 to {MAX_FILES} files, this one {len(files)}")
    found = {}
    for path, content in files.items():
        clean = normalise(path, root="")
        if len(content) > MAX_FILE:
            raise InvalidInput(f"{clean} is larger than {MAX_FILE >> 20} MB")
        if holds_secret(content.decode("utf-8", "replace")):
            raise InvalidInput(
                f"{clean} holds what looks like a secret",
                hint="put a reference to your secret store there, and give the value at deployment",
            )
        found[clean] = FilePatch(clean, None, content)
    return tuple(found.values())


def check_way_back(
    change: StoredChange, repository: Repository, files: Sequence[FilePatch], no_way_back: str | None
) -> tuple[FilePatch, ...]:
    """Return the files as they are: a commit of files is its own way back."""
    del change, repository, no_way_back
    return tuple(files)


def renumber(
    change: StoredChange, repository: Repository, files: Sequence[FilePatch], base: Base
) -> tuple[FilePatch, ...]:
    """Return the files as they are: they have no numbers."""
    del change, repository, base
    return tuple(files)


def numbered(repository: Repository, files: Sequence[FilePatch]) -> tuple[str, ...]:
    """Return nothing: files of hosts have no numbers that could be taken."""
    del repository, files
    return ()


def detail(change: StoredChange, files: Sequence[FilePatch] | None, where: str) -> str:
    """Return one sentence on what the proposed patch is."""
    if files:
        first = files[0].path
        rest = f" and {counted(len(files) - 1, 'more file')}" if len(files) > 1 else ""
        return one_line(f"{first}{rest}: {change.request.title}", 300)
    touched = dict.fromkeys(part.path for _, part in all_parts(change) if isinstance(part, FilePart))
    what = ", ".join(touched) or change.request.title
    return one_line(f"a patch of {what} in {where}", 300)
