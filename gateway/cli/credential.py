"""credential: what clients that fetch their credential by themselves are given."""

from __future__ import annotations

import json
import os
from datetime import UTC
from typing import Final

import typer

from gateway.cli.groups import group
from gateway.cli.options import client_of
from gateway.domain.errors import InvalidInput

VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
"""Of the exec credential's protocol, which answer alike."""

app = group("Print a credential for a client that fetches it by itself.", "credential kubernetes")


@app.callback()
def credential() -> None:
    """Print a credential for a client that fetches it by itself."""


@app.command("kubernetes")
def kubernetes(ctx: typer.Context) -> None:
    """Print a short-lived token as kubectl, client-go and what is built on them take it.

    A kubeconfig of `glassgate config kube` runs this whenever a token is needed; it asks nothing.

    Example:
      glassgate credential kubernetes
    """
    from gateway.web.shapes.identity import ClusterToken

    version = _version(os.environ.get("KUBERNETES_EXEC_INFO", ""))
    made = client_of(ctx).call("POST /v1/kubernetes/tokens", None, ClusterToken)
    ends = made.expires_at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    print(
        json.dumps(
            {
                "apiVersion": version,
                "kind": "ExecCredential",
                "status": {"token": made.token, "expirationTimestamp": ends},
            }
        )
    )


def _version(asked: str) -> str:
    """Return the version that a client asked for in its environment.

    Raises:
        InvalidInput: it is none that is known.
    """
    if not asked:
        return VERSIONS[0]
    try:
        version = json.loads(asked)["apiVersion"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput("KUBERNETES_EXEC_INFO can't be read") from error
    if version not in VERSIONS:
        raise InvalidInput(f"no exec credential of version {version}", hint=f"write {VERSIONS[0]}")
    return str(version)
