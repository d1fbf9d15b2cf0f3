"""Where an endpoint of each kind is, and what the gateway shows there: options of ``endpoint add``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gateway.cli.credentials import IN_CLUSTER, bundled, file_text, pair_of, token_of
from gateway.cli.kubeconfig import read_kubeconfig
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.cli.credentials import Credential

PORTS: Final = {"postgres": 5432, "ssh": 22, "docker": 2376, "kubernetes": 6443}
"""Kind → the usual port."""
_INSIDE: Final = "https://kubernetes.default.svc:443"
"""A cluster's own name for its API server, from within its pods."""


@dataclass(frozen=True, slots=True)
class Told:
    """What ``endpoint add`` was told that only some kinds know.

    Attributes:
        host: address, folder or path of a unix socket, or URL of a Docker engine.
        port: TCP port; None: the usual one.
        tls: verify-full, require or off; empty: as the kind has it.
        ca_file: PEM of the authority that signed the server's certificate.
        client_certificate: the gateway's certificate there.
        client_key: its key.
        server: URL of a Kubernetes API server.
        kubeconfig: an operator's, to read server and credential from.
        context: which of it.
        token_file: holds a bearer token.
        in_cluster: the gateway runs in that cluster, with a service account.
        dry_run_token_file: holds the bearer token for dry-runs alone.
    """

    host: str = ""
    port: int | None = None
    tls: str = ""
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    server: str = ""
    kubeconfig: Path | None = None
    context: str = ""
    token_file: Path | None = None
    in_cluster: bool = False
    dry_run_token_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an endpoint is.

    Attributes:
        host: address, or path of a unix socket.
        port: TCP port; 0: none.
        tls: verify-full, require or off.
        ca: PEM of the authority; empty: the system's.
        secret: the gateway's credential there; None: as registered, or told by other options.
    """

    host: str
    port: int
    tls: str
    ca: str
    secret: str | None = field(default=None, repr=False)


def place_of(kind: str, told: Told) -> Place:
    """Return where an endpoint is.

    Args:
        kind: protocol.
        told: by the options.

    Raises:
        InvalidInput: something is missing, can't be, or says nothing of that kind.
    """
    _check_options(kind, told)
    if kind == "docker":
        return _engine(told)
    if kind == "kubernetes":
        return _cluster(told)
    if not told.host:
        raise InvalidInput("--host is missing", hint="its address, or the folder of its unix socket")
    port = told.port or PORTS.get(kind, PORTS["postgres"])
    return Place(told.host, port, told.tls or "verify-full", file_text(told.ca_file))


def _check_options(kind: str, told: Told) -> None:
    cluster: dict[str, object] = {
        "--server": told.server,
        "--kubeconfig": told.kubeconfig,
        "--context": told.context,
        "--token-file": told.token_file,
        "--in-cluster": told.in_cluster,
        "--dry-run-token-file": told.dry_run_token_file,
    }
    pair: dict[str, object] = {
        "--client-certificate": told.client_certificate,
        "--client-key": told.client_key,
    }
    address: dict[str, object] = {"--host": told.host, "--port": told.port}
    foreign = {"docker": cluster, "kubernetes": address}.get(kind, cluster | pair)
    for option, given in foreign.items():
        if given:
            raise InvalidInput(
                f"{option} says nothing of a {kind} endpoint", hint="glassgate endpoint add -h"
            )
    if (told.client_certificate is None) != (told.client_key is None):
        raise InvalidInput(
            "a client certificate goes with its key", hint="--client-certificate, --client-key"
        )


def _pair(told: Told) -> Credential | None:
    if told.client_certificate is None or told.client_key is None:
        return None
    certificate, key = file_text(told.client_certificate), file_text(told.client_key)
    return pair_of(certificate, key, str(told.client_certificate))


# ---- Docker engines ----------------------------------------------------------------------------------


def _engine(told: Told) -> Place:
    """Read ``--host`` as ``DOCKER_HOST`` is written: a path, ``unix://``, ``tcp://`` or a plain address."""
    host = told.host.removeprefix("unix://")
    pair = _pair(told)
    secret = None if pair is None else bundled(pair)
    if host.startswith("/"):
        if told.port or told.ca_file or pair or told.tls not in {"", "off"}:
            raise InvalidInput("a unix socket has neither port nor TLS", hint=f"--host {host} alone")
        return Place(host, 0, "off", "", "")
    if not host:
        raise InvalidInput("--host is missing", hint="--host /run/docker.sock or tcp://docker.internal:2376")
    address, port = _address(host if "://" in host else f"tcp://{host}", "tcp", "--host")
    return Place(
        address,
        told.port or port or PORTS["docker"],
        told.tls or "verify-full",
        file_text(told.ca_file),
        secret,
    )


# ---- Kubernetes clusters -----------------------------------------------------------------------------


def _cluster(told: Told) -> Place:
    server, authority, reader = told.server, file_text(told.ca_file), _reader(told)
    if told.kubeconfig is not None:
        if server or reader is not None or told.ca_file is not None:
            raise InvalidInput(
                "a kubeconfig says where the cluster is, its authority and the credential",
                hint="--kubeconfig FILE [--context NAME] without --server, --ca-file or a credential",
            )
        reached = read_kubeconfig(told.kubeconfig, told.context)
        server, authority, reader = reached.server, reached.authority, reached.credential
    elif told.context:
        raise InvalidInput("--context is one of a kubeconfig", hint="--kubeconfig FILE --context NAME")
    elif told.in_cluster:
        server = server or _INSIDE
    if not server:
        raise InvalidInput(
            "--server is missing", hint="--server https://HOST:6443, --kubeconfig FILE, or --in-cluster"
        )
    host, port = _address(server, "https", "--server")
    return Place(host, port or 443, told.tls or "verify-full", authority, _secret(told, reader))


def _reader(told: Told) -> Credential | None:
    given = [
        credential
        for credential in (
            token_of(file_text(told.token_file), str(told.token_file)) if told.token_file else None,
            _pair(told),
            IN_CLUSTER if told.in_cluster else None,
        )
        if credential is not None
    ]
    if len(given) > 1:
        raise InvalidInput(
            "one credential is enough",
            hint="--token-file, --client-certificate with --client-key, or --in-cluster",
        )
    return given[0] if given else None


def _secret(told: Told, reader: Credential | None) -> str | None:
    tries = told.dry_run_token_file
    if reader is None:
        if tries is not None:
            raise InvalidInput(
                "the credential for dry-runs is kept beside the reader's", hint="give both: --token-file FILE"
            )
        return None
    return bundled(reader, None if tries is None else token_of(file_text(tries), str(tries)))


def _address(url: str, scheme: str, option: str) -> tuple[str, int | None]:
    """Return host and port of a URL that says no more than these.

    Raises:
        InvalidInput: it is no such URL.
    """
    example = f"{scheme}://HOST:PORT"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"{option} {url}: {error}", hint=f"{option} {example}") from error
    if parts.scheme != scheme or not parts.hostname:
        raise InvalidInput(f"{option} {url} is no {scheme} URL", hint=f"{option} {example}")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise InvalidInput(
            f"{option} {url} says more than where the server is", hint=f"only {example}: no path, no login"
        )
    return parts.hostname, port
