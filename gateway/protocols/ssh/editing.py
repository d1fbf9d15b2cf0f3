"""Where the file that an editor was asked for is edited instead: its place in the repository."""

from __future__ import annotations

import posixpath
import shlex
from typing import TYPE_CHECKING

from gateway.changes.git import shown_url
from gateway.changes.host.mapping import place_of
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.verdict import Verdict


def place_to_edit(verdict: Verdict, line: str, folder: str, endpoint: Endpoint) -> str:
    """Return where a file is edited in the repository, as a hint; empty where nothing is known of it.

    Args:
        verdict: on the line; of an editor, its rule says so.
        line: as typed, such as ``vi /etc/hosts``.
        folder: working folder; empty: not known.
        endpoint: whose repository and paths hold.
    """
    repository = endpoint.repository
    if repository is None or not verdict.rule.endswith(".editor"):
        return ""
    try:
        words = [word for word in shlex.split(line)[1:] if not word.startswith(("-", "+"))]
        path = posixpath.normpath(posixpath.join(folder, words[-1])) if words else ""
        if not path.startswith("/"):
            return ""
        place, _ = place_of(path, repository.paths)
    except (ValueError, InvalidInput):
        return ""
    return f"edit {place} in {shown_url(repository.url)} (branch {repository.branch})"
