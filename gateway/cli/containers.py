"""The real docker and kubectl, led through the gateway: their settings, and what runs with them."""

from __future__ import annotations

import os
import shlex
import signal
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from gateway.cli.durations import moment_text
from gateway.cli.kubeconfig import written
from gateway.cli.profiles import home, write_private
from gateway.domain.errors import ConfigurationBroken, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.cli.client import Client
    from gateway.web.shapes.endpoints import Connection

KINDS: Final = ("docker", "kubernetes")
_OVERRIDING: Final = {
    "docker": frozenset({"DOCKER_CONTEXT", "DOCKER_TLS"}),
    "kubernetes": frozenset[str](),
}
"""Kind → variables that would lead its clients elsewhere than to the gateway."""


def look(client: Client, way: Connection, program: str, command: Sequence[str]) -> int:
    """Run a client of an engine or a cluster through the gateway, with credentials that are gone afterwards.

    Args:
        client: logged in.
        way: of a docker or kubernetes endpoint.
        program: where the command's first word lies.
        command: words as typed.

    Returns:
        Its exit status; 128 and the signal's number where one ended it.
    """
    told = _Told()
    with tempfile.TemporaryDirectory(prefix="glassgate-") as folder:
        settings = settled(client, way, Path(folder))[0]
        kept = {name: value for name, value in os.environ.items() if name not in _OVERRIDING[way.kind]}
        return told.run([program, *command[1:]], {**kept, **settings})


def settled(client: Client, way: Connection, folder: Path) -> tuple[dict[str, str], str]:
    """Write what the clients of an endpoint need into a folder.

    Args:
        client: logged in.
        way: of a docker or kubernetes endpoint.
        folder: for its owner's eyes only.

    Returns:
        The environment that leads there, and what to know of the credential in the folder, if there is one.
    """
    if way.kind == "docker":
        return _certified(client, way, folder)
    path = folder / "config"
    write_private(path, written(client, way))
    return {"KUBECONFIG": str(path)}, ""


def _certified(client: Client, way: Connection, folder: Path) -> tuple[dict[str, str], str]:
    """Make a key, have it signed, and write both beside the authority, named as docker looks for them."""
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import ec

    from gateway.web.shapes.identity import DockerCertificate, NewDockerCertificate

    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    question = NewDockerCertificate(endpoint=way.endpoint, public_key=public.decode())
    made = client.call("POST /v1/docker/certificates", question, DockerCertificate)
    private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    write_private(folder / "key.pem", private)
    write_private(folder / "cert.pem", made.certificate.encode())
    write_private(folder / "ca.pem", _authority(client))
    host = f"[{way.host}]" if ":" in way.host else way.host
    settings = {
        "DOCKER_HOST": f"tcp://{host}:{way.port}",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(folder),
    }
    ends = f"glassgate token machine remove {made.id} ends it before"
    return settings, f"good until {moment_text(made.expires_at)}; {ends}"


def _authority(client: Client) -> bytes:
    """Return what the profile trusts the gateway by: its pinned authority, else the system's."""
    trusted = client.profile.ca or ssl.get_default_verify_paths().cafile
    if not trusted:
        raise ConfigurationBroken("this system has no file of authorities", hint="glassgate login pins one")
    try:
        return Path(trusted).read_bytes()
    except OSError as error:
        raise ConfigurationBroken(f"{trusted}: {error.strerror}", hint="glassgate login pins it") from error


def kept_folder(client: Client, way: Connection) -> Path:
    """Return where the profile keeps what an endpoint's clients need, made for its owner's eyes only."""
    folder = (home() / f"{client.profile.label}.{way.endpoint}").absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def print_settings(client: Client, way: Connection) -> None:
    """Write what an endpoint's clients need, and print the lines by which a shell leads them there.

    Args:
        client: logged in.
        way: of a docker or kubernetes endpoint.
    """
    settings, note = settled(client, way, kept_folder(client, way))
    for name, value in settings.items():
        print(f"export {name}={shlex.quote(value)}")
    if note:
        print(f"# {note}")
    if way.ssh_port:
        user = quote(way.user, safe="+")
        print(f"# or by ssh, with a key of yours: export DOCKER_HOST=ssh://{user}@{way.host}:{way.ssh_port}")
    if not way.access:
        hint = f'You have no grant yet: glassgate request {way.endpoint} --for 1h --reason "…"'
        print(hint, file=sys.stderr)


def require_kind(way: Connection, kind: str, what: str) -> None:
    """Make sure that an endpoint is of a kind.

    Raises:
        InvalidInput: it is of another.
    """
    if way.kind != kind:
        raise InvalidInput(f"{way.endpoint} is no {what}", hint=f"glassgate connect {way.endpoint}")


class _Told:
    """Signals that would end this process, passed on to its command instead: the folder is to go too.

    They are listened to before the folder is made and before the command runs: one that came between
    would leave the key behind, or the command without the one who waits for it.
    """

    def __init__(self) -> None:
        """Listen from now on."""
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda received, _: self._pass_on(received))

    def _pass_on(self, received: int) -> None:
        if self._child is None:
            self._early.append(received)
        else:
            self._child.send_signal(received)

    def run(self, command: list[str], environment: dict[str, str]) -> int:
        """Run a command to its end: a terminal's signals reach it by themselves, others are passed on.

        Raises:
            InvalidInput: it can't be started.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        if self._early:
            return 128 + self._early[0]
        # Handlers, not SIG_IGN: the child would inherit that.
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, lambda *_: None)
        try:
            self._child = subprocess.Popen(command, env=environment)  # noqa: S603 - typed by the person
        except OSError as error:
            raise InvalidInput(f"{command[0]}: {error.strerror or error}") from error
        for received in self._early:
            self._child.send_signal(received)
        status = self._child.wait()
        return status if status >= 0 else 128 - status
