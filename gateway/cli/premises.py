"""The gateway's own premises, looked at on its machine: configuration, keys, folders, policy, store."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.access.policy import Policy
from gateway.domain.errors import GlassgateError
from gateway.settings import load_settings
from gateway.store.pool import Store
from gateway.web.shapes.gateway import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings

FREE_BYTES = 1 << 30
"""Less free space than this is a finding: a full disk ends every session."""


def look(config: Path) -> list[Finding]:
    """Look at everything that a configuration file leads to, without changing any of it.

    Args:
        config: ``gateway.toml``.
    """
    try:
        settings = load_settings(config)
    except GlassgateError as error:
        return [Finding(part="configuration", good=False, message=error.message, mend=error.hint)]
    findings = [Finding(part="configuration", good=True, message=str(config))]
    for part, looks in LOOKS.items():
        try:
            findings.append(Finding(part=part, good=True, message=looks(settings)))
        except GlassgateError as error:
            findings.append(Finding(part=part, good=False, message=error.message, mend=error.hint))
    return findings


def _data(settings: Settings) -> str:
    folder = settings.data_folder
    if not folder.exists():
        return f"{folder} will be made at the first start"
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o022:
        raise GlassgateError(f"{folder} can be written by others", hint=f"chmod go-w {folder}")
    return str(folder)


def _master_key(settings: Settings) -> str:
    if os.environ.get("GLASSGATE_MASTER_KEY"):
        return "given by GLASSGATE_MASTER_KEY"
    file = settings.master_key_file
    if not file.exists():
        return f"{file} will be made at the first start"
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise GlassgateError(f"{file} can be read by others", hint=f"chmod 600 {file}")
    return f"{file}; keep a copy elsewhere: without it no recording can be read"


def _recordings(settings: Settings) -> str:
    folder = settings.recordings_folder
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise GlassgateError(f"{there} can't be written", hint="give it to the gateway's account")
    free = shutil.disk_usage(there).free
    if free < FREE_BYTES:
        raise GlassgateError(
            f"{there} has {free >> 20} MiB left", hint="free space: a full disk ends every session"
        )
    return f"{folder}, {free >> 30} GiB free"


def _policy(settings: Settings) -> str:
    policy = Policy.load(settings.policies_folder)
    return f"{settings.policies_folder}, roles {', '.join(sorted(policy.roles))}"


def _store(settings: Settings) -> str:
    if not settings.database.url:
        return "embedded PostgreSQL; started by the gateway itself"

    async def ping() -> None:
        store = await Store.open(settings.database.url, min_size=1, max_size=1)
        try:
            await store.ping()
        finally:
            await store.close()

    asyncio.run(ping())
    return "database.url answers"


LOOKS: dict[str, Callable[[Settings], str]] = {
    "data folder": _data,
    "master key": _master_key,
    "recordings": _recordings,
    "policy": _policy,
    "store": _store,
}
"""Part → looks at it: returns what it saw, raises what is wrong and how to mend it."""
