"""What to do in the place of an editor on the host: the file's place in the repository, or the repository."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING, Final

from gateway.changes.git import shown_url
from gateway.changes.host.mapping import place_of
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.verdict import Verdict

_BARE_SHELL: Final = re.compile(r"\s*(exec\s+)?(/usr/bin/|/bin/)?(ba|da|z|k)?sh(\s+(-l|-s|--login|-))*\s*")
"""What editors that work on hosts ask for; the script that installs their server comes on standard input."""
_EDITORS_SERVER: Final = re.compile(
    r"\b(vscode|cursor|windsurf|codium|zed|fleet|positron)[\w.-]*-server|code-server|vscode-remote"
    r"|JetBrains|\.zed_server",
    re.IGNORECASE,
)


def instead_of(verdict: Verdict, line: str, folder: str, endpoint: Endpoint) -> str:
    """Return what to do in the place of a line that was not run, as a hint; empty where nothing is known.

    Args:
        verdict: on the line.
        line: as typed, or the script that was sent.
        folder: working folder; empty: not known.
        endpoint: whose repository and paths hold.
    """
    if _BARE_SHELL.fullmatch(line) or _EDITORS_SERVER.search(line):
        where = "the endpoint's repository"
        if endpoint.repository is not None:
            where = f"{shown_url(endpoint.repository.url)} (branch {endpoint.repository.branch})"
        return (
            "for a shell, log in with a terminal and without a command; editors that work on hosts, such as "
            f"VS Code Remote, install a server there: open {where} in the editor instead, and read this "
            "host with ssh in its terminal"
        )
    return _place_to_edit(verdict, line, folder, endpoint)


def _place_to_edit(verdict: Verdict, line: str, folder: str, endpoint: Endpoint) -> str:
    """Return where a file is edited in the repository, such as that of ``vi /etc/hosts``."""
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
