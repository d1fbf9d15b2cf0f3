"""Change requests whose artifact is a commit of files: what hosts, engines and clusters have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.changes.paths import normalise
from gateway.changes.proposal import UNKNOWN
from gateway.changes.secrets_found import holds_secret
from gateway.changes.shown import one_line
from gateway.domain.change import FilePatch
from gateway.domain.display import counted
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.changes.proposal import Base
    from gateway.changes.repository import GitRepository
    from gateway.domain.endpoint import Repository
    from gateway.store.changes import StoredChange

MAX_FILES: Final = 50
MAX_FILE: Final = 4 << 20


class FilesProposal(ABC):
    """A way of proposing files; git is the way back, and nothing has numbers."""

    @abstractmethod
    async def look(
        self, source: GitRepository, commit: str, change: StoredChange, repository: Repository
    ) -> Base:
        """Read the repository's files that a change request looks at.

        Raises:
            InvalidInput: a path that git could not hold, or that leads over a link.
        """

    @abstractmethod
    def patches(
        self, change: StoredChange, repository: Repository, held: Mapping[str, bytes]
    ) -> tuple[tuple[FilePatch, ...], tuple[str, ...]]:
        """Return the proposed files, and what a reviewer must know beside them.

        Args:
            change: with its units.
            repository: where it goes.
            held: the repository's files that it looks at, those that there are.

        Raises:
            InvalidInput: a path that git could not hold.
        """

    @abstractmethod
    def in_production(self, change: StoredChange, repository: Repository) -> Mapping[str, bytes]:
        """Return the files as production has them, by their paths in the repository.

        Raises:
            InvalidInput: a path that git could not hold.
        """

    @abstractmethod
    def in_short(self, change: StoredChange, where: str) -> str:
        """Return what a change request proposes, in a sentence, where its files are not known."""

    def render(
        self, change: StoredChange, repository: Repository, base: Base
    ) -> tuple[tuple[FilePatch, ...], tuple[str, ...]]:
        """Return the proposed files against a base, and what a reader must know beside them.

        Raises:
            InvalidInput: a path that git could not hold.
        """
        proposed, notes = self.patches(change, repository, base.held)
        return _onto(base, change.request.files, proposed) if change.edited else proposed, notes

    def unseen(self, change: StoredChange) -> tuple[FilePatch, ...]:
        """Return the proposed files where the repository can't be looked at: against what production has.

        Raises:
            InvalidInput: a path that git could not hold.
        """
        repository = change.repository or UNKNOWN
        return self.patches(change, repository, self.in_production(change, repository))[0]

    def edited(
        self, change: StoredChange, repository: Repository, files: Mapping[str, bytes]
    ) -> tuple[FilePatch, ...]:
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
        self,
        change: StoredChange,
        repository: Repository,
        files: Sequence[FilePatch],
        no_way_back: str | None,
    ) -> tuple[FilePatch, ...]:
        """Return the files as they are: a commit of files is its own way back."""
        del change, repository, no_way_back
        return tuple(files)

    def renumber(
        self, change: StoredChange, repository: Repository, files: Sequence[FilePatch], base: Base
    ) -> tuple[FilePatch, ...]:
        """Return edited files as they go onto a base: with the modes of the proposed ones."""
        return _onto(base, files, self.patches(change, repository, base.held)[0])

    def numbered(self, repository: Repository, files: Sequence[FilePatch]) -> tuple[str, ...]:
        """Return nothing: these files have no numbers that could be taken."""
        del repository, files
        return ()

    def detail(self, change: StoredChange, files: Sequence[FilePatch] | None, where: str) -> str:
        """Return one sentence on what the proposed patch is."""
        if files:
            first = files[0].path
            rest = f" and {counted(len(files) - 1, 'more file')}" if len(files) > 1 else ""
            return one_line(f"{first}{rest}: {change.request.title}", 300)
        return one_line(self.in_short(change, where), 300)


def _onto(base: Base, files: Sequence[FilePatch], proposed: Sequence[FilePatch]) -> tuple[FilePatch, ...]:
    """Return edited files against a base, each a program or a link if that was proposed under its name."""
    modes = {file.path: file.mode for file in proposed if file.new is not None}
    return tuple(
        replace(file, old=base.held.get(file.path), mode=modes.get(file.path, file.mode)) for file in files
    )
