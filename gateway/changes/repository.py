"""The service's repository: its base read, commits made without a work tree, branches pushed.

A repository in a folder is read in place by dulwich; one behind a transport is fetched, one commit deep, by ``git``.
New objects are made in a bare repository of the gateway's own, so that a refused push leaves nothing behind. A folder
without hooks takes the push from dulwich; where hooks, another owner or a transport stand in between, ``git`` pushes.
"""

from __future__ import annotations

import asyncio
import hashlib
import stat
import time
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dulwich.errors import FileFormatException, GitProtocolError, NotGitRepository, ObjectMissing
from dulwich.object_store import commit_tree_changes
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from gateway.changes.git import PROTOCOLS, have_git, run_git, shown_url
from gateway.changes.paths import folder as folder_parts
from gateway.changes.paths import normalise
from gateway.domain.change import FilePatch
from gateway.domain.errors import Conflict, InvalidInput, NotFound, RepositoryUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dulwich.objects import ShaFile

_LIST_SECONDS = 20.0
_FETCH_SECONDS = 60.0
_PUSH_SECONDS = 60.0
_MAX_NAMES = 50_000
_MAX_BLOB = 16 << 20
_REGULAR = (0o100644, 0o100755)
_HEADS = "refs/heads/"
_HOOKS = (
    "pre-receive",
    "update",
    "post-receive",
    "post-update",
    "proc-receive",
    "reference-transaction",
    "push-to-checkout",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who stands in a commit.

    Attributes:
        name: for people.
        email: address.
    """

    name: str
    email: str

    @property
    def ident(self) -> bytes:
        """As git writes it: no angle brackets, no line breaks, never empty."""
        cleaned = [
            "".join(each for each in text if each.isprintable() and each not in "<>").strip(" .,:;\"'")
            for text in (self.name, self.email)
        ]
        return f"{cleaned[0] or 'unknown'} <{cleaned[1].replace(' ', '')}>".encode()


@dataclass(frozen=True, slots=True)
class NewCommit:
    """A commit to be made.

    Attributes:
        files: what it changes; the old bytes are not looked at.
        message: whole text.
        author: who wrote the change.
        committer: who put it into git.
        at: seconds since 1970, for both.
    """

    files: tuple[FilePatch, ...]
    message: str
    author: Person
    committer: Person
    at: int


@dataclass(slots=True)
class GitRepository:
    """One repository, by its address. Use one object per address within a process: it holds the lock.

    Attributes:
        url: address: a folder, ``file://``, ``https://``, ``ssh://`` or ``user@host:path``.
        own: folder of the gateway's own bare repository for it.
    """

    url: str
    own: Path
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def path(self) -> Path | None:
        """The repository's folder where it is on this machine, else None."""
        return local_path(self.url)

    async def heads(self) -> Mapping[str, str]:
        """Return the branches and the commits they point to.

        Raises:
            RepositoryUnavailable: it is gone or can't be read.
        """
        if self.path is not None:
            return await asyncio.to_thread(self._local_heads)
        async with self._lock:
            self._open().close()
            ran = await run_git(("ls-remote", "--heads", "--", self.url), cwd=self.own, seconds=_LIST_SECONDS)
        if ran.status:
            raise RepositoryUnavailable(f"the repository {shown_url(self.url)} can't be read: {ran.said}")
        rows = (line.split("\t", 1) for line in ran.out.splitlines() if "\t" in line)
        return {name.removeprefix(_HEADS): commit for commit, name in rows}

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
        await self.fetch(branch, heads[branch])
        return heads[branch]

    async def fetch(self, branch: str, commit: str) -> None:
        """Have a branch's commit at hand."""
        if self.path is not None:
            await asyncio.to_thread(self._link_to_local)
            return
        async with self._lock:
            with self._open() as repo:
                if ObjectID(commit.encode()) in repo.object_store:
                    return
            reference = f"+{_HEADS}{branch}:refs/glassgate/{_HEADS}{branch}"
            arguments = ("fetch", "--quiet", "--no-tags", "--depth=1", "--", self.url, reference)
            ran = await run_git(arguments, cwd=self.own, seconds=_FETCH_SECONDS)
        if ran.status:
            raise RepositoryUnavailable(f"the repository {shown_url(self.url)} can't be fetched: {ran.said}")

    async def names(self, commit: str, folder: str) -> tuple[str, ...]:
        """Return the names of the files of one folder.

        Raises:
            NotFound: there is no such folder.
        """
        return await asyncio.to_thread(self._names, commit, folder)

    async def read(self, commit: str, path: str) -> bytes | None:
        """Return a file's bytes, None where there is none.

        Raises:
            InvalidInput: the path leads over a symbolic link, a submodule or a file.
        """
        return await asyncio.to_thread(self._read, commit, path)

    async def commit(self, parent: str | None, new: NewCommit) -> str:
        """Make a commit on top of another, in the gateway's own repository.

        Args:
            parent: commit with its tree at hand; None: a first commit.
            new: what it says and changes; every path is normalised already.

        Raises:
            InvalidInput: a path leads over a symbolic link, a submodule or a file.
        """
        async with self._lock:
            return await asyncio.to_thread(self._commit, parent, new)

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
        if self.path is not None and (not have_git() or await asyncio.to_thread(self._takes_objects)):
            await asyncio.to_thread(self._push_local, commit, branch, expected)
            return
        async with self._lock:
            lease = f"--force-with-lease={_HEADS}{branch}:{expected or ''}"
            arguments = (
                "push",
                "--porcelain",
                "--no-verify",
                lease,
                "--",
                self.url,
                f"{commit}:{_HEADS}{branch}",
            )
            ran = await run_git(arguments, cwd=self.own, seconds=_PUSH_SECONDS)
        if ran.status:
            _raise_refusal(self.url, branch, ran.out, ran.said)

    # --- in a thread, by dulwich

    def _open(self) -> Repo:
        """Open the gateway's own bare repository, made when first needed."""
        with _translated(self.url):
            if not (self.own / "HEAD").exists():
                self.own.mkdir(parents=True, exist_ok=True, mode=0o700)
                Repo.init_bare(str(self.own)).close()
            return Repo(str(self.own))

    def _local(self) -> Repo:
        """Open the repository in its folder."""
        with _translated(self.url):
            return Repo(str(self.path))

    def _local_heads(self) -> Mapping[str, str]:
        with self._local() as repo, _translated(self.url):
            prefix = _HEADS.encode()
            found = repo.refs.as_dict(Ref(prefix.rstrip(b"/")))
            return {
                name.decode(errors="replace").removeprefix(_HEADS): sha.decode()
                for name, sha in found.items()
            }

    def _link_to_local(self) -> None:
        """Let our own repository see the objects of the one in the folder."""
        with self._local() as source, self._open() as repo, _translated(self.url):
            objects = str(Path(source.object_store.path).resolve())
            linked = Path(repo.object_store.path) / "info" / "alternates"
            if not linked.exists() or linked.read_text().strip() != objects:
                linked.parent.mkdir(exist_ok=True)
                linked.write_text(objects + "\n")

    def _tree(self, repo: Repo, commit: str) -> Tree:
        found = repo.object_store[ObjectID(commit.encode())]
        if not isinstance(found, Commit):
            raise RepositoryUnavailable(
                f"the repository {shown_url(self.url)} names {commit}, which is no commit"
            )
        tree = repo.object_store[found.tree]
        assert isinstance(tree, Tree)
        return tree

    def _names(self, commit: str, folder: str) -> tuple[str, ...]:
        with self._open() as repo, _translated(self.url):
            tree = self._tree(repo, commit)
            for part in folder_parts(folder):
                entry = _entry(tree, part)
                if entry is None or not stat.S_ISDIR(entry[0]):
                    raise NotFound(
                        f"the repository {shown_url(self.url)} has no folder {folder} on its base branch",
                        hint="make it there (with a .gitkeep), or set the endpoint's repository.migrations",
                    )
                child = repo.object_store[entry[1]]
                assert isinstance(child, Tree)
                tree = child
            names = [name for name, mode, _ in tree.items() if stat.S_ISREG(mode)]
            return tuple(name.decode(errors="replace") for name in names[:_MAX_NAMES])

    def _read(self, commit: str, path: str) -> bytes | None:
        with self._open() as repo, _translated(self.url):
            entry = _file_entry(repo, self._tree(repo, commit), path)
            if entry is None:
                return None
            blob = repo.object_store[entry[1]]
            if not isinstance(blob, Blob) or blob.raw_length() > _MAX_BLOB:
                raise InvalidInput(f"{path} is larger than {_MAX_BLOB >> 20} MB or no file")
            return blob.data

    def _commit(self, parent: str | None, new: NewCommit) -> str:
        with self._open() as repo, _translated(self.url):
            store = repo.object_store
            tree = self._tree(repo, parent) if parent else Tree()
            if not parent:
                store.add_object(tree)
            changes: list[tuple[bytes, int | None, ObjectID | None]] = []
            for file in new.files:
                _file_entry(repo, tree, file.path)
                if file.new is None:
                    changes.append((file.path.encode(), None, None))
                    continue
                blob = Blob.from_string(file.new)
                store.add_object(blob)
                changes.append((file.path.encode(), file.mode, blob.id))
            made = Commit()
            made.tree = commit_tree_changes(store, tree, changes)
            made.parents = [ObjectID(parent.encode())] if parent else []
            made.author, made.committer = new.author.ident, new.committer.ident
            made.author_time = made.commit_time = new.at
            made.author_timezone = made.commit_timezone = 0
            made.encoding = b"UTF-8"
            made.message = new.message.encode()
            store.add_object(made)
            return made.id.decode()

    def _takes_objects(self) -> bool:
        """Whether the folder may be written by dulwich: no hook would run, and the files would be ours anyway."""
        with self._local() as repo, _translated(self.url):
            config = repo.get_config_stack()
            control = Path(repo.controldir())
            for section, name in (
                (b"core", b"hooksPath"),
                (b"core", b"sharedRepository"),
                (b"receive", b"fsckObjects"),
            ):
                try:
                    config.get((section,), name)
                except KeyError:
                    continue
                return False
            hooked = any((control / "hooks" / hook).exists() for hook in _HOOKS)
            return not hooked and control.stat().st_uid == Path(self.own).stat().st_uid

    def _push_local(self, commit: str, branch: str, expected: str | None) -> None:
        if not have_git() and not self._takes_objects():
            raise RepositoryUnavailable(
                f"the repository {shown_url(self.url)} has hooks, and this machine has no git to run them",
                hint="install git where the gateway runs",
            )
        with self._local() as target, self._open() as repo, _translated(self.url):
            for each in _missing(repo, target, commit):
                target.object_store.add_object(each)
            ref, sha = Ref((_HEADS + branch).encode()), ObjectID(commit.encode())
            message = b"glassgate: push"
            if expected is None:
                moved = _free(target, ref) and target.refs.add_if_new(ref, sha, message=message)
            else:
                moved = target.refs.set_if_equals(ref, ObjectID(expected.encode()), sha, message=message)
        if not moved:
            raise _branch_moved(self.url, branch)


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


def _entry(tree: Tree, name: str) -> tuple[int, ObjectID] | None:
    """Return mode and object of one name in a tree."""
    try:
        return tree[name.encode()]
    except KeyError:
        return None


def _file_entry(repo: Repo, tree: Tree, path: str) -> tuple[int, ObjectID] | None:
    """Return a file's entry, None where it would be new.

    Raises:
        InvalidInput: the path leads over something that is no folder, or names something that is no file.
    """
    *folders, name = path.split("/")
    for part in folders:
        entry = _entry(tree, part)
        if entry is None:
            return None
        if not stat.S_ISDIR(entry[0]) or entry[0] == 0o160000:
            raise InvalidInput(f"{path} leads over {part}, which is no folder in the repository")
        child = repo.object_store[entry[1]]
        assert isinstance(child, Tree)
        tree = child
    entry = _entry(tree, name)
    if entry is not None and entry[0] not in _REGULAR:
        raise InvalidInput(f"{path} is a symbolic link, a submodule or a folder in the repository")
    return entry


def _missing(repo: Repo, target: Repo, commit: str) -> list[ShaFile]:
    """Return the objects of a commit that the target lacks, what is pointed to before what points."""
    found: list[ShaFile] = []
    waiting = [ObjectID(commit.encode())]
    while waiting:
        sha = waiting.pop()
        if sha in target.object_store:
            continue
        each = repo.object_store[sha]
        found.append(each)
        if isinstance(each, Commit):
            waiting += [each.tree, *each.parents]
        elif isinstance(each, Tree):
            waiting += [entry for _, mode, entry in each.items() if mode != 0o160000]
    return found[::-1]


def _free(target: Repo, ref: Ref) -> bool:
    """Whether no branch stands in a new branch's way: ``change`` and ``change/3`` can't both exist."""
    taken = {bytes(name) for name in target.refs.allkeys()}
    parts = bytes(ref).split(b"/")
    above = {b"/".join(parts[:count]) for count in range(3, len(parts))}
    return not taken & above and not any(name.startswith(bytes(ref) + b"/") for name in taken)


def _branch_moved(url: str, branch: str) -> Conflict:
    return Conflict(
        f"the branch {branch} of {shown_url(url)} exists already or has moved",
        hint="try again; if a branch of an earlier try is in the way, delete it in the repository",
    )


def _raise_refusal(url: str, branch: str, out: str, said: str) -> None:
    """Turn git's own words into one of our errors."""
    refused = next((line.split("\t")[-1] for line in out.splitlines() if line.startswith("!")), "")
    if any(word in refused for word in ("stale info", "non-fast-forward", "fetch first", "already exists")):
        raise _branch_moved(url, branch)
    if "remote rejected" in refused:
        raise RepositoryUnavailable(
            f"the repository {shown_url(url)} refused the push: {said}",
            hint="the repository's own rules say no; its owner can tell why",
        )
    raise RepositoryUnavailable(f"the repository {shown_url(url)} could not be pushed to: {said}")


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn what dulwich and the file system raise into our own error."""
    try:
        yield
    except NotGitRepository:
        raise RepositoryUnavailable(
            f"there is no git repository at {shown_url(url)}", hint="set the endpoint's repository.url"
        ) from None
    except (
        OSError,
        KeyError,
        ValueError,
        ObjectMissing,
        FileFormatException,
        GitProtocolError,
        zlib.error,
    ) as error:
        raise RepositoryUnavailable(
            f"the repository {shown_url(url)} can't be read or written: {type(error).__name__} {error}"
        ) from error


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
        local_path(url)
        if url not in self._known:
            name = hashlib.sha256(url.encode()).hexdigest()[:24]
            self._known[url] = GitRepository(url, self.folder / f"{name}.git")
        return self._known[url]

    async def publish_file(self, url: str, branch: str, path: str, data: bytes, message: str) -> str:
        """Put one file onto a branch, made where it is missing, and push it; a branch that moved is tried again.

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
                await repository.fetch(branch, tip)
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
