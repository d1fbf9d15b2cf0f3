"""Where a host's file stands in the repository that its image is built from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.changes.paths import normalise, slug

if TYPE_CHECKING:
    from collections.abc import Mapping

UNMAPPED: Final = "files"
"""Folder for files of the host that no mapping speaks of."""


def place_of(path: str, mapping: Mapping[str, str]) -> tuple[str, bool]:
    """Return a file's path in the repository, and whether the mapping says so.

    Args:
        path: absolute, on the host.
        mapping: host path → repository path; the longest that fits decides. A folder covers what lies below
            it, with ``/**`` behind both or without.

    Raises:
        InvalidInput: it is no path that git could hold, or one that a change request may not touch.
    """
    best = _best(path, mapping)
    if best is None:
        return normalise(f"{UNMAPPED}{path}", root=""), False
    rest = path[len(_folder(best)) :].lstrip("/")
    target = _folder(mapping[best]).strip("/")
    return normalise("/".join(part for part in (target, rest) if part), root=""), True


def root_of(path: str, mapping: Mapping[str, str]) -> str | None:
    """Return the folder of the repository that a mapping gives for a path; None where none speaks of it.

    Args:
        path: absolute, on the host.
        mapping: as for :func:`place_of`.
    """
    best = _best(path, mapping)
    return None if best is None else _folder(mapping[best]).strip("/")


def request_place(number: int, title: str) -> str:
    """Return the path of the page that describes what a person must turn into code."""
    return normalise(f"changes/{number:04d}-{slug(title)}.md", root="")


def _best(path: str, mapping: Mapping[str, str]) -> str | None:
    """The longest key of a mapping that covers a path."""
    keys = (key for key in mapping if _covers(key, path))
    return max(keys, key=lambda key: len(_folder(key)), default=None)


def _folder(pattern: str) -> str:
    return pattern.removesuffix("**").rstrip("/")


def _covers(pattern: str, path: str) -> bool:
    folder = _folder(pattern)
    return path == folder or path.startswith(f"{folder}/")
