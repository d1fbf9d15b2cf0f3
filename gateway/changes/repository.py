"""The service's repository: its base read, commits made without a work tree, branches pushed.

A repository in a folder is read in place by dulwich; one behind a transport is fetched, one commit deep, by
``git``. New objects are made in a bare repository of the gateway's own, so that a refused push leaves nothing
behind. A folder without hooks takes the push from dulwich; where hooks, another owner or a transport stand in
between, ``git`` pushes.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from gateway.changes.git import PROTOCOLS, have_git, run_git, shown_url
from gateway.changes.objects import HEADS, NewCommit, Objects, Person, branch_moved
from gateway.changes.paths import normalise
from gateway.domain.change import FilePatch
from gateway.domain.errors import Conflict, InvalidInput, RepositoryUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LIST_SECONDS = 20.0
_FETCH_SECONDS = 60.0
_PUSH_SECONDS = 60.0


class GitRepository:
    """One repository, by its address. Use one object per address within a process: it holds the lock.

    Args:
        url: address: a folder, ``file://``, ``https://``, ``ssh://`` or ``user@host:path``.
        own: folder of the gateway's own bare repository for it.

    Attributes:
        path: the repository's folder where it is on this machine, else None.

    Raises:
        InvalidInput: the address is malformed or its transport not allowed.
    """

    def __init__(self, url: str, own: Path) -> None:
        self.url = url
        self.own = own
        self.path = local_path(url)
        self._objects = Objects(url, own, self.path)
        self._lock = asyncio.Lock()

    async def heads(self) -> Mapping[str, str]:
        """Return the branches and the commits they point to.

        Raises:
            RepositoryUnavailable: it is gone or can't be read.
        """
        if self.path is not None:
            return await asyncio.to_thread(self._objects.heads)
        async with self._lock:
            await asyncio.to_thread(self._objects.make_own)
            ran = await run_git(("ls-remote", "--heads", "--", self.url), cwd=self.own, seconds=_LIST_SECONDS)
        if ran.status:
            raise RepositoryUnavailable(f"the repository {shown_url(self.url)} can't be read: {ran.said}")
        rows = (line.split("\t", 1) for line in ran.out.splitlines() if "\t" in line)
        return {name.removeprefix(HEADS): commit for commit, name in rows}

    async def base(self, branch: str) -> str:
        """Return the commit that the branch points to, with its tree at hand.

        Raises:
            RepositoryUnavailable: the repository is gone, has no commits, or no such branch.
        """
        heads = await self.heads()
        shown = shown_url(self.url)
        if not heads:
            raise RepositoryUnavailable(
                f"the repository {shown} has no commits yet",
                hint=f"push a first commit to its branch {branch}",
            )
        if branch not in heads:
            known = ", ".join(sorted(heads)[:8])
            raise RepositoryUnavailable(
                f"the repository {shown} has no branch {branch}",
                hint=f"it has {known}; set the endpoint's repository.branch",
            )
        await self.bring(branch, heads[branch])
        return heads[branch]

    async def bring(self, branch: str, commit: str) -> None:
        """Have a branch's commit at hand."""
        if self.path is not None:
            await asyncio.to_thread(self._objects.link)
            return
        async with self._lock:
            if await asyncio.to_thread(self._objects.holds, commit):
                return
            reference = f"+{HEADS}{branch}:refs/glassgate/{HEADS}{branch}"
            arguments = ("fetch", "--quiet", "--no-tags", "--depth=1", "--", self.url, reference)
            ran = await run_git(arguments, cwd=self.own, seconds=_FETCH_SECONDS)
        if ran.status:
            raise RepositoryUnavailable(f"the repository {shown_url(self.url)} can't be fetched: {ran.said}")

    async def names(self, commit: str, folder: str) -> tuple[str, ...]:
        """Return the names of the files of one folder.

        Raises:
            NotFound: there is no such folder.
        """
        return await asyncio.to_thread(self._objects.names, commit, folder)

    async def read(self, commit: str, path: str) -> bytes | None:
        """Return a file's bytes, None where there is none.

        Raises:
            InvalidInput: the path leads over a symbolic link, a submodule or a file.
        """
        return await asyncio.to_thread(self._objects.read, commit, path)

    async def held(self, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the bytes of those files that there are, by path.

        Raises:
            InvalidInput: a path leads over a symbolic link, a submodule or a file.
        """
        found = {path: await self.read(commit, path) for path in paths}
        return {path: content for path, content in found.items() if content is not None}

    async def holding(
        self, commit: str, folder: str, endings: tuple[str, ...], word: bytes
    ) -> Mapping[str, bytes]:
        """Return the files below a folder that hold a word, by path; none where there is no such folder.

        Args:
            commit: with its tree at hand.
            folder: empty for the whole repository.
            endings: of the files' names.
            word: that they hold.
        """
        return await asyncio.to_thread(self._objects.holding, commit, folder, endings, word)

    async def commit(self, parent: str | None, new: NewCommit) -> str:
        """Make a commit on top of another, in the gateway's own repository.

        Args:
            parent: commit with its tree at hand; None: a first commit.
            new: what it says and changes; every path is normalised already.

        Raises:
            InvalidInput: a path leads over a symbolic link, a submodule or a file.
        """
        async with self._lock:
            return await asyncio.to_thread(self._objects.commit, parent, new)

    async def push(self, commit: str, branch: str, *, expected: str | None) -> None:
        """Point a branch to a commit of ours.

        Args:
            commit: made by ``commit``.
            branch: without ``refs/heads/``.
            expected: what the branch points to now; None: it must not exist.

        Raises:
            Conflict: the branch exists, or points elsewhere.
            RepositoryUnavailable: the push was refused or the repository is gone.
        """
        if self.path is not None and (not have_git() or await asyncio.to_thread(self._objects.takes_objects)):
            await asyncio.to_thread(self._objects.push, commit, branch, expected)
            return
        async with self._lock:
            lease = f"--force-with-lease={HEADS}{branch}:{expected or ''}"
            arguments = (
                "push",
                "--porcelain",
                "--no-verify",
                lease,
                "--",
                self.url,
                f"{commit}:{HEADS}{branch}",
            )
            ran = await run_git(arguments, cwd=self.own, seconds=_PUSH_SECONDS)
        if ran.status:
            _raise_refusal(self.url, branch, ran.out, ran.said)


def local_path(url: str) -> Path | None:
    """Return the folder that an address names, None where it needs a transport.

    Raises:
        InvalidInput: the address is empty, looks like an option, or uses a transport that is not allowed.
    """
    if not url or url.startswith("-") or any(not each.isprintable() for each in url):
        raise InvalidInput(
            "the repository's address is empty or malformed", hint="set the endpoint's repository.url"
        )
    if "://" in url:
        parts = urlsplit(url)
        if parts.scheme not in PROTOCOLS:
            raise InvalidInput(
                f"the repository's address uses {parts.scheme}, not one of {', '.join(PROTOCOLS)}"
            )
        return Path(unquote(parts.path)) if parts.scheme == "file" else None
    before, colon, _ = url.partition(":")
    if colon and "/" not in before:
        if url.startswith(f"{before}::"):
            raise InvalidInput(
                "the repository's address names a remote helper", hint="use https, ssh or a folder"
            )
        return None
    return Path(url).expanduser().resolve()


def _raise_refusal(url: str, branch: str, out: str, said: str) -> None:
    """Turn git's own words into one of our errors."""
    refused = next((line.split("\t")[-1] for line in out.splitlines() if line.startswith("!")), "")
    if any(word in refused for word in ("stale info", "non-fast-forward", "fetch first", "already exists")):
        raise branch_moved(url, branch)
    if "remote rejected" in refused:
        raise RepositoryUnavailable(
            f"the repository {shown_url(url)} refused the push: {said}",
            hint="the repository's own rules say no; its owner can tell why",
        )
    raise RepositoryUnavailable(f"the repository {shown_url(url)} could not be pushed to: {said}")


@dataclass(slots=True)
class Repositories:
    """The repositories that this gateway works with.

    Attributes:
        folder: where the gateway's own bare repositories stand.
        committer: who stands in every commit as the committer.
    """

    folder: Path
    committer: Person
    _known: dict[str, GitRepository] = field(default_factory=dict)

    def at(self, url: str) -> GitRepository:
        """Return the repository of this address.

        Raises:
            InvalidInput: the address is malformed or its transport not allowed.
        """
        if url not in self._known:
            name = hashlib.sha256(url.encode()).hexdigest()[:24]
            self._known[url] = GitRepository(url, self.folder / f"{name}.git")
        return self._known[url]

    async def publish_file(self, url: str, branch: str, path: str, data: bytes, message: str) -> str:
        """Put one file onto a branch, made where it is missing; a branch that moved is tried again.

        Args:
            url: address of the repository.
            branch: without ``refs/heads/``.
            path: of the file.
            data: its new bytes.
            message: of the commit.

        Returns:
            The branch's commit that holds the file.

        Raises:
            RepositoryUnavailable: it is gone or refuses the push.
            Conflict: others moved the branch each time.
            InvalidInput: the path must not go into git.
        """
        repository = self.at(url)
        file = FilePatch(normalise(path, root=""), None, data)
        tries = 5
        for left in reversed(range(tries)):
            tip = (await repository.heads()).get(branch)
            if tip is not None:
                await repository.bring(branch, tip)
                if await repository.read(tip, file.path) == file.new:
                    return tip
            new = NewCommit((file,), message, self.committer, self.committer, int(time.time()))
            commit = await repository.commit(tip, new)
            try:
                await repository.push(commit, branch, expected=tip)
            except Conflict:
                if not left:
                    raise
            else:
                return commit
        raise AssertionError  # the last try returned or raised
