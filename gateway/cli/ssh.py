"""The real ssh, led through the gateway: a key of the profile's own, the gateway's host key pinned."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.cli.profiles import home, write_private
from gateway.domain.errors import ConfigurationBroken, Conflict, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.cli.client import Client
    from gateway.web.shapes.endpoints import Connection

KEEP_SECONDS: Final = 600
"""A shared connection stays open so long behind its last command."""


@dataclass(frozen=True, slots=True)
class Way:
    """How ssh reaches hosts through the gateway.

    Attributes:
        host: of the gateway's door.
        port: of the gateway's door.
        key: private key that the gateway knows as the person's.
        known_hosts: holds the gateway's host key and nothing else.
    """

    host: str
    port: int
    key: Path
    known_hosts: Path

    def argv(self, user: str, words: Iterable[str], *, terminal: bool = False) -> list[str]:
        """Return ssh's command line, which reads no configuration file.

        Args:
            user: login name, ``NAME+ENDPOINT``.
            words: the command to run there; none: a shell.
            terminal: ask for a terminal for the command as well.
        """
        argv = ["ssh", "-F", "none", "-p", str(self.port)]
        for name, value in self._options().items():
            argv += ["-o", f"{name}={value}"]
        return [*argv, *(["-t"] if terminal else []), "-l", user, "--", self.host, *words]

    def section(self, endpoint: str, user: str) -> str:
        """Return an endpoint's part of an ssh_config; one login serves all commands of some minutes.

        Args:
            endpoint: its name, by which ssh will know it.
            user: login name, ``NAME+ENDPOINT``.
        """
        options = {
            "HostName": self.host,
            "Port": str(self.port),
            "User": user,
            **self._options(),
            "ControlMaster": "auto",
            "ControlPath": "~/.ssh/glassgate-%C",
            "ControlPersist": str(KEEP_SECONDS),
        }
        lines = "".join(f"    {name} {value}\n" for name, value in options.items())
        return f"Host {endpoint}\n{lines}"

    def _options(self) -> dict[str, str]:
        return {
            "IdentityFile": _quoted(self.key),
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "PreferredAuthentications": "publickey",
            "UserKnownHostsFile": _quoted(self.known_hosts),
            "GlobalKnownHostsFile": "none",
            "StrictHostKeyChecking": "yes",
            "UpdateHostKeys": "no",
        }


def open_way(client: Client, connection: Connection) -> Way:
    """Make what ssh needs: a registered key, and the gateway's host key as the gateway itself says it.

    Args:
        client: whose profile it is for.
        connection: of an endpoint that is reached by SSH, asked over verified TLS.

    Raises:
        InvalidInput: the gateway says no host key.
        ConfigurationBroken: the profile's key can't be read.
        GlassgateError: the key can't be registered.
    """
    if not connection.host_key:
        raise InvalidInput(f"the gateway says no host key of its door for {connection.kind}")
    name, _, _ = connection.user.rpartition("+")
    key = _registered_key(client, name)
    known = home() / f"{client.profile.label}.known_hosts"
    port = connection.ssh_port or connection.port
    shown = connection.host if port == _SSH else f"[{connection.host}]:{port}"
    write_private(known, f"{shown} {connection.host_key}\n".encode())
    with suppress(OSError):  # for the sockets of shared connections: ssh doesn't make it for them
        (Path.home() / ".ssh").mkdir(mode=0o700, exist_ok=True)
    return Way(connection.host, port, key, known)


_SSH: Final = 22


def _registered_key(client: Client, name: str) -> Path:
    """Return the person's key in the profile's folder; registered unless a certificate stands for it."""
    from gateway.cli.certificate import stands
    from gateway.web.shapes.identity import NewSshKey, SshKeyFacts, SshKeyList

    path = key_path(client, name)
    if stands(path):
        return path
    line = public_line(path)
    listed = client.call("GET /v1/ssh-keys", None, SshKeyList)
    if any((each.name, each.fingerprint) == (name, _fingerprint(line)) for each in listed.keys):
        return path
    try:
        added = client.call("POST /v1/ssh-keys", NewSshKey(line=line, label="glassgate connect"), SshKeyFacts)
    except Conflict as error:
        raise Conflict(
            f"{path} is registered as somebody else's key", hint=f"remove {path}; another is made then"
        ) from error
    print(f"Registered key {added.id} of {added.name}: {added.fingerprint}", file=sys.stderr)
    return path


def key_path(client: Client, name: str) -> Path:
    """Return where a person's key lies in the profile's folder."""
    return home() / f"{client.profile.label}.{_file_name(name)}.id_ed25519"


def public_line(path: Path) -> str:
    """Return the public half of a private key, made where that is yet to be."""
    return _line_of(path) if path.exists() else make_key(path)


def make_key(path: Path) -> str:
    """Make an Ed25519 key pair; the public half lies beside the private one, as ssh-keygen leaves it.

    Args:
        path: of the private key; an older one is replaced.

    Returns:
        The public key, as OpenSSH writes it.
    """
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.OpenSSH, s.NoEncryption())
    line = key.public_key().public_bytes(s.Encoding.OpenSSH, s.PublicFormat.OpenSSH).decode()
    write_private(path, private)
    write_private(path.with_name(f"{path.name}.pub"), f"{line}\n".encode())
    return line


def _line_of(path: Path) -> str:
    """Return the public half of a private key."""
    from cryptography.hazmat.primitives import serialization as s

    try:
        key = s.load_ssh_private_key(path.read_bytes(), password=None)
        return key.public_key().public_bytes(s.Encoding.OpenSSH, s.PublicFormat.OpenSSH).decode()
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationBroken(f"{path}: {error}", hint=f"remove {path}; another is made then") from error


def _fingerprint(line: str) -> str:
    """Return a public key's fingerprint as OpenSSH shows it."""
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)


def _quoted(path: Path) -> str:
    """Return a path as an option of ssh_config takes it."""
    text = str(path.absolute()).replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
