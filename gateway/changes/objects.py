"""Objects and refs of repositories on this machine, by dulwich; every call blocks on the disk."""

from __future__ import annotations

import stat
import time
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dulwich.errors import FileFormatException, GitProtocolError, NotGitRepository, ObjectMissing
from dulwich.file import FileLocked
from dulwich.object_store import commit_tree_changes
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from gateway.changes.git import have_git, shown_url
from gateway.changes.paths import folder as folder_parts
from gateway.domain.errors import Conflict, InvalidInput, NotFound, RepositoryUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dulwich.objects import ShaFile

    from gateway.domain.change import FilePatch

HEADS = "refs/heads/"
_LOCK_TRIES = 50
_LOCK_SECONDS = 0.02
_MAX_NAMES = 50_000
_MAX_BLOB = 16 << 20
_MAX_SEARCHED = 1 << 20
_SUBMODULE = 0o160000
_REGULAR = (0o100644, 0o100755)
_HOOKS = (
    *("pre-receive", "update", "post-receive", "post-update", "proc-receive", "reference-transaction"),
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


@dataclass(frozen=True, slots=True)
class Objects:
    """A repository's objects, through the gateway's own bare repository for it.

    Attributes:
        url: address of the repository.
        own: folder of the gateway's own bare repository.
        path: folder of the repository where it is on this machine, else None.
    """

    url: str
    own: Path
    path: Path | None

    def make_own(self) -> None:
        """Make the gateway's own bare repository where it is missing."""
        self._open().close()

    def holds(self, commit: str) -> bool:
        """Whether a commit is at hand."""
        with self._open() as repo, translated(self.url):
            return ObjectID(commit.encode()) in repo.object_store

    def _open(self) -> Repo:
        """Open the gateway's own bare repository, made when first needed."""
        with translated(self.url):
            if not (self.own / "HEAD").exists():
                self.own.mkdir(parents=True, exist_ok=True, mode=0o700)
                Repo.init_bare(str(self.own)).close()
            return Repo(str(self.own))

    def _local(self) -> Repo:
        """Open the repository in its folder."""
        with translated(self.url):
            return Repo(str(self.path))

    def heads(self) -> Mapping[str, str]:
        """Return the branches of the repository in its folder."""
        with self._local() as repo, translated(self.url):
            prefix = HEADS.encode()
            found = repo.refs.as_dict(Ref(prefix.rstrip(b"/")))
            return {
                name.decode(errors="replace").removeprefix(HEADS): sha.decode() for name, sha in found.items()
            }

    def link(self) -> None:
        """Let our own repository see the objects of the one in the folder."""
        with self._local() as source, self._open() as repo, translated(self.url):
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

    def names(self, commit: str, folder: str) -> tuple[str, ...]:
        """Return the names of the files of one folder; see ``GitRepository.names``."""
        with self._open() as repo, translated(self.url):
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

    def read(self, commit: str, path: str) -> bytes | None:
        """Return a file's bytes; see ``GitRepository.read``."""
        with self._open() as repo, translated(self.url):
            entry = _file_entry(repo, self._tree(repo, commit), path)
            if entry is None:
                return None
            blob = repo.object_store[entry[1]]
            if not isinstance(blob, Blob) or blob.raw_length() > _MAX_BLOB:
                raise InvalidInput(f"{path} is larger than {_MAX_BLOB >> 20} MB or no file")
            return blob.data

    def holding(self, commit: str, folder: str, endings: tuple[str, ...], word: bytes) -> Mapping[str, bytes]:
        """Return the files below a folder that hold a word; see ``GitRepository.holding``."""
        with self._open() as repo, translated(self.url):
            tree = self._tree(repo, commit)
            for part in folder_parts(folder):
                entry = _entry(tree, part)
                child = None if entry is None or entry[0] == _SUBMODULE else repo.object_store[entry[1]]
                if not isinstance(child, Tree):
                    return {}
                tree = child
            names = "".join(f"{part}/" for part in folder_parts(folder))
            found = islice(_files(repo, tree, names), _MAX_NAMES)
            blobs = ((path, repo.object_store[blob]) for path, blob in found if path.endswith(endings))
            return {
                path: blob.data
                for path, blob in blobs
                if isinstance(blob, Blob) and blob.raw_length() <= _MAX_SEARCHED and word in blob.data
            }

    def commit(self, parent: str | None, new: NewCommit) -> str:
        """Make a commit; see ``GitRepository.commit``."""
        with self._open() as repo, translated(self.url):
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

    def takes_objects(self) -> bool:
        """Whether dulwich may write to the folder: no hook would run, and its files are ours anyway."""
        with self._local() as repo, translated(self.url):
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

    def push(self, commit: str, branch: str, expected: str | None) -> None:
        """Push into the folder, without git; see ``GitRepository.push``."""
        if not have_git() and not self.takes_objects():
            raise RepositoryUnavailable(
                f"the repository {shown_url(self.url)} has hooks, and this machine has no git to run them",
                hint="install git where the gateway runs",
            )
        with self._local() as target, self._open() as repo, translated(self.url):
            for each in _missing(repo, target, commit):
                target.object_store.add_object(each)
            moved = _move(target, Ref((HEADS + branch).encode()), expected, commit)
        if not moved:
            raise branch_moved(self.url, branch)


def branch_moved(url: str, branch: str) -> Conflict:
    """Return the error for a branch that is not where it was expected."""
    return Conflict(
        f"the branch {branch} of {shown_url(url)} exists already or has moved",
        hint="try again; if a branch of an earlier try is in the way, delete it in the repository",
    )


def _files(repo: Repo, tree: Tree, folder: str) -> Iterator[tuple[str, ObjectID]]:
    """Yield the regular files of a tree and of those below it."""
    for name, mode, sha in tree.items():
        path = f"{folder}{name.decode(errors='replace')}"
        if stat.S_ISREG(mode):
            yield path, sha
        elif stat.S_ISDIR(mode):
            child = repo.object_store[sha]
            if isinstance(child, Tree):
                yield from _files(repo, child, f"{path}/")


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
        if not stat.S_ISDIR(entry[0]) or entry[0] == _SUBMODULE:
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


def _move(target: Repo, ref: Ref, expected: str | None, commit: str) -> bool:
    """Point a branch to a commit if it stands where it is expected; waits for a lock, as git does."""
    sha, message = ObjectID(commit.encode()), b"glassgate: push"
    for left in reversed(range(_LOCK_TRIES)):
        try:
            if expected is not None:
                return target.refs.set_if_equals(ref, ObjectID(expected.encode()), sha, message=message)
            return _free(target, ref) and target.refs.add_if_new(ref, sha, message=message)
        except FileLocked:
            if not left:
                raise
            time.sleep(_LOCK_SECONDS)
    raise AssertionError  # the last try returned or raised


def _free(target: Repo, ref: Ref) -> bool:
    """Whether no branch stands in a new branch's way: ``change`` and ``change/3`` can't both exist."""
    taken = {bytes(name) for name in target.refs.allkeys()}
    parts = bytes(ref).split(b"/")
    above = {b"/".join(parts[:count]) for count in range(3, len(parts))}
    return not taken & above and not any(name.startswith(bytes(ref) + b"/") for name in taken)


@contextmanager
def translated(url: str) -> Iterator[None]:
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
