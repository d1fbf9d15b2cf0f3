"""A short-lived SSH certificate of the profile's key, beside the key and in the person's agent."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.cli.profiles import write_private
from gateway.cli.ssh import key_path, public_line

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.cli.client import Client

SOON = 60.0
"""Seconds before its end in which a certificate is not used any more."""


def beside(key: Path) -> Path:
    """Return where ssh looks for a key's certificate."""
    return key.with_name(f"{key.name}-cert.pub")


def certify(client: Client, name: str) -> datetime:
    """Have the profile's key signed by the gateway, and hand both to the agent where there is one.

    Args:
        client: logged in.
        name: whose key it is.

    Returns:
        When the certificate is over.

    Raises:
        GlassgateError: the key can't be read, or the gateway does not sign it.
    """
    from gateway.web.shapes.identity import NewSshCertificate, SshCertificate

    path = key_path(client, name)
    question = NewSshCertificate(line=public_line(path))
    made = client.call("POST /v1/ssh-certificates", question, SshCertificate)
    write_private(beside(path), f"{made.line}\n".encode())
    seconds = int((made.expires_at - datetime.now(UTC)).total_seconds())
    if os.environ.get("SSH_AUTH_SOCK") and seconds > 0:
        _into_agent(path, seconds)
    return made.expires_at


def _into_agent(path: Path, seconds: int) -> None:
    """Add key and certificate to the agent until the certificate's end; ssh goes on without an agent, too."""
    argv = ["ssh-add", "-q", "-t", str(seconds), str(path)]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and a path of our own
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        print(f"ssh-add: {error.strerror}", file=sys.stderr)
        return
    if done.returncode:
        print(f"The agent did not take the key: {done.stderr.strip()}", file=sys.stderr)


def stands(key: Path) -> bool:
    """Whether a key has a certificate beside it that is good for a while."""
    from cryptography.hazmat.primitives.serialization import SSHCertificate, load_ssh_public_identity

    try:
        found = load_ssh_public_identity(beside(key).read_bytes())
    except (OSError, ValueError):
        return False
    now = datetime.now(UTC).timestamp()
    return isinstance(found, SSHCertificate) and found.valid_before > now + SOON
