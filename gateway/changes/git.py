"""Runs ``git`` itself, where its transports or the other side's hooks need it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.changes.shown import one_line
from gateway.domain.errors import RepositoryUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PROTOCOLS = ("file", "git", "http", "https", "ssh")
_QUIET = (
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "push.gpgSign=false",
)
_KEPT_ENVIRONMENT = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
]
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_MAX_SAID = 600
_MAX_OUTPUT = 8 << 20


@dataclass(frozen=True, slots=True)
class Ran:
    """How a git command ended.

    Attributes:
        status: its exit status.
        out: its standard output.
        said: its standard error, on one line, made safe to show, without credentials.
    """

    status: int
    out: str
    said: str


def have_git() -> bool:
    """Whether the machine has git."""
    return shutil.which("git") is not None


def shown_url(url: str) -> str:
    """Return a repository's address as it may be shown: without credentials."""
    return one_line(_CREDENTIALS.sub("", url), _MAX_SAID)


async def run_git(arguments: Sequence[str], *, cwd: Path, seconds: float) -> Ran:
    """Run one git command without any terminal, prompt or hook of ours.

    Args:
        arguments: behind ``git``.
        cwd: a repository of the gateway's own.
        seconds: it is killed after so long, with all that it started.

    Raises:
        RepositoryUnavailable: git is missing or took too long.
    """
    if not have_git():
        raise RepositoryUnavailable(
            "the repository needs git itself, and this machine has none",
            hint="install git where the gateway runs",
        )
    process = await asyncio.create_subprocess_exec(
        "git",
        *_QUIET,
        *arguments,
        cwd=cwd,
        env=_environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError:
        raise RepositoryUnavailable(
            f"the repository did not answer within {seconds:.0f} s",
            hint="try again; if it stays so, `glassgate doctor` looks at the repository",
        ) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return Ran(process.returncode or 0, out[:_MAX_OUTPUT].decode(errors="replace"), _said(err))


def _environment() -> dict[str, str]:
    """Return git's environment: the operator's credentials and proxies, nothing that points elsewhere."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=10",
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "GIT_ALLOW_PROTOCOL": ":".join(PROTOCOLS),
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "C",
    }


def _said(err: bytes) -> str:
    """Return what git said, fit to be shown: bounded, without controls, credentials and its own advice."""
    lines = err[:_MAX_OUTPUT].decode(errors="replace").splitlines()
    kept = [line.strip() for line in lines if line.strip() and not line.startswith("hint:")]
    return one_line(_CREDENTIALS.sub("", " / ".join(kept)), _MAX_SAID)
