"""Make a bare repository whose first commit holds a folder: how the sample service gets its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


def found_repository(
    path: Path, source: Path, *, author: str, message: str, at: datetime, branch: str = "main"
) -> str:
    """Make a bare repository at ``path`` with one commit that holds everything below ``source``.

    Args:
        path: made; must not exist.
        source: folder whose files are committed, without symbolic links.
        author: ``Name <address>``.
        message: of the commit.
        at: the commit's time, with its zone.
        branch: name of the branch.

    Returns:
        The commit's id.
    """
    repository = Repo.init_bare(str(path), mkdir=True, default_branch=branch.encode())
    try:
        commit = Commit()
        commit.tree = _tree(repository, source)
        commit.author = commit.committer = author.encode()
        commit.author_time = commit.commit_time = int(at.timestamp())
        offset = at.utcoffset()
        commit.author_timezone = commit.commit_timezone = int(offset.total_seconds()) if offset else 0
        commit.message = message.encode() + b"\n"
        repository.object_store.add_object(commit)
        repository.refs[Ref(b"refs/heads/" + branch.encode())] = commit.id
        return commit.id.decode()
    finally:
        repository.close()


def _tree(repository: Repo, folder: Path) -> ObjectID:
    tree = Tree()
    for part in sorted(folder.iterdir()):
        if part.is_symlink() or part.name == "__pycache__":
            continue
        if part.is_dir():
            tree.add(part.name.encode(), 0o040000, _tree(repository, part))
        else:
            blob = Blob.from_string(part.read_bytes())
            repository.object_store.add_object(blob)
            tree.add(part.name.encode(), 0o100644, blob.id)
    repository.object_store.add_object(tree)
    return tree.id
