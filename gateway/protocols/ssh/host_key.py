"""The gateway's own host key: made at first start, kept for its eyes only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import asyncssh

from gateway.domain.errors import ConfigurationBroken

if TYPE_CHECKING:
    from pathlib import Path

KEY_FILE: Final = "host_ed25519"


def open_host_key(folder: Path) -> asyncssh.SSHKey:
    """Read the gateway's host key from the folder; make one at first start.

    Args:
        folder: made where missing, for the gateway's eyes only.

    Raises:
        ConfigurationBroken: the file is there and can't be used.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / KEY_FILE
    if not path.exists():
        _make(path)
    try:
        return asyncssh.import_private_key(path.read_bytes())
    except (OSError, asyncssh.KeyImportError) as error:
        raise ConfigurationBroken(
            f"{path}: {error}", hint="put the gateway's host key back, or remove the file to have a new one"
        ) from error


def public_line(key: asyncssh.SSHKey) -> str:
    """Return a key's public half as OpenSSH writes it, without a comment."""
    return " ".join(key.export_public_key().decode().split()[:2])


def _make(path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519", comment="glassgate")
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.export_private_key())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    path.with_suffix(".pub").write_bytes(key.export_public_key())
