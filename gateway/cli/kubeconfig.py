"""Kubeconfigs: read an operator's to register a cluster, write an engineer's to reach one.

Source: k8s.io/client-go/tools/clientcmd/api/v1, whose members are named here as there.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gateway.cli.credentials import Credential, pair_of, token_of
from gateway.cli.profiles import home
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.cli.client import Client
    from gateway.web.shapes.endpoints import Connection

LONGEST: Final = 4 << 20
EXEC_VERSION: Final = "client.authentication.k8s.io/v1"


class _Member(msgspec.Struct, frozen=True, rename="kebab"):
    """What stands in a kubeconfig; members that make no difference to the gateway are passed over."""


class _Cluster(_Member, frozen=True):
    server: str = ""
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    proxy_url: str = ""


class _User(_Member, frozen=True):
    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(default="", name="tokenFile")
    impersonate: str = msgspec.field(default="", name="as")
    username: str = ""
    auth_provider: dict[str, Any] | None = None
    exec: dict[str, Any] | None = None


class _Context(_Member, frozen=True):
    cluster: str = ""
    user: str = ""


class _NamedCluster(_Member, frozen=True):
    name: str
    cluster: _Cluster


class _NamedUser(_Member, frozen=True):
    name: str
    user: _User


class _NamedContext(_Member, frozen=True):
    name: str
    context: _Context


class _Config(_Member, frozen=True):
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None
    current_context: str = ""


class Reached(msgspec.Struct, frozen=True):
    """A cluster as a kubeconfig reaches it.

    Attributes:
        server: URL of its API server.
        authority: PEM that its certificate is verified against; empty: the system's.
        credential: how its user proves itself.
    """

    server: str
    authority: str
    credential: Credential


def read_kubeconfig(path: Path, context: str = "") -> Reached:
    """Read one context of a kubeconfig.

    Args:
        path: the file.
        context: its name; empty: the current one.

    Raises:
        InvalidInput: the file can't be read or used; says what stands in the way.
    """
    config = _loaded(path)
    wanted = context or config.current_context
    where = next((one.context for one in config.contexts or () if one.name == wanted), None)
    if where is None:
        known = ", ".join(one.name for one in config.contexts or ()) or "none"
        problem = f"{path}: no context {wanted}" if wanted else f"{path}: no context is the current one"
        raise InvalidInput(problem, hint=f"--context; there are: {known}")
    cluster = next((one.cluster for one in config.clusters or () if one.name == where.cluster), None)
    user = next((one.user for one in config.users or () if one.name == where.user), None)
    if cluster is None or user is None:
        raise InvalidInput(f"{path}: the context {wanted} names a cluster or user that is not there")
    _check_usable(path, cluster, user)
    authority = _text(path, cluster.certificate_authority_data, cluster.certificate_authority)
    return Reached(cluster.server, authority, _credential(path, user))


def _loaded(path: Path) -> _Config:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        text = path.read_bytes()[:LONGEST].decode()
        return msgspec.convert(YAML(typ="safe", pure=True).load(text) or {}, _Config)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: {error}") from error
    except (YAMLError, msgspec.ValidationError, RecursionError) as error:
        words = str(error).partition("\n")[0]
        raise InvalidInput(f"{path} is no kubeconfig: {words}") from error


def _check_usable(path: Path, cluster: _Cluster, user: _User) -> None:
    """Refuse what the gateway would do otherwise than kubectl does, instead of leaving it out in silence."""
    account = "make a service account for the gateway, and give its token: --token-file"
    for given, words, hint in (
        (cluster.insecure_skip_tls_verify, "does not verify the cluster's certificate", "give its authority"),
        (cluster.tls_server_name, "verifies another name than the server's own", "use that name in --server"),
        (cluster.proxy_url, "goes through a proxy", "the gateway must reach the cluster itself"),
        (user.impersonate, "acts as somebody else", account),
        (user.exec, "runs a program for its credential", account),
        (user.auth_provider, "asks another service for its credential", account),
        (user.username, "uses a password", account),
    ):
        if given:
            raise InvalidInput(f"{path}: that context {words}, which the gateway does not do", hint=hint)


def _credential(path: Path, user: _User) -> Credential:
    if user.token_file or user.token:
        return token_of(_beside(path, user.token_file) if user.token_file else user.token, str(path))
    certificate = _text(path, user.client_certificate_data, user.client_certificate)
    key = _text(path, user.client_key_data, user.client_key)
    if not certificate or not key:
        raise InvalidInput(
            f"{path}: that context's user has neither a token nor a client certificate with its key",
            hint="--context names another; or --token-file",
        )
    return pair_of(certificate, key, str(path))


def _text(path: Path, encoded: str, file: str) -> str:
    """Return what stands in a kubeconfig as base64, or beside it as a file."""
    if not encoded:
        return _beside(path, file) if file else ""
    try:
        return base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: what should be PEM in base64 is not") from error


def _beside(path: Path, file: str) -> str:
    """Read a file that a kubeconfig names; relative names are taken from where the kubeconfig lies."""
    named = path.parent / file
    try:
        return named.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{named}: {error}") from error


def written(client: Client, way: Connection) -> bytes:
    """Return the kubeconfig by which kubectl reaches a cluster through the gateway.

    It holds no secret: the token comes from ``glassgate credential kubernetes``, run by the client itself.
    As JSON, which every YAML reader takes.

    Args:
        client: whose profile it is for.
        way: of a Kubernetes endpoint, asked over verified TLS.
    """
    host = f"[{way.host}]" if ":" in way.host else way.host
    cluster = {"server": f"https://{host}:{way.port}/endpoints/{way.endpoint}"}
    if client.profile.ca:
        authority = Path(client.profile.ca).read_bytes()
        cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
    command, *words = own_command()
    environment = {"GLASSGATE_HOME": str(home().absolute())}
    if given := os.environ.get("GLASSGATE_CA"):
        environment["GLASSGATE_CA"] = str(Path(given).absolute())
    asks = {
        "apiVersion": EXEC_VERSION,
        "command": command,
        "args": [
            *(*words, "--profile", client.profile.label, "--url", client.profile.url),
            *("credential", "kubernetes"),
        ],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "interactiveMode": "Never",
        "provideClusterInfo": False,
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": way.endpoint, "cluster": cluster}],
        "users": [{"name": way.user, "user": {"exec": asks}}],
        "contexts": [{"name": way.endpoint, "context": {"cluster": way.endpoint, "user": way.user}}],
        "current-context": way.endpoint,
    }
    return json.dumps(config, indent=2).encode() + b"\n"


def own_command() -> list[str]:
    """Return the words that run this command from anywhere."""
    beside = Path(sys.executable).with_name("glassgate")
    return [str(beside)] if beside.is_file() else [sys.executable, "-m", "gateway.cli.main"]
