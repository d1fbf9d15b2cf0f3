"""An endpoint's secret → how the gateway proves itself to the cluster, to read and to try writes out.

The secret is a bearer token, a client certificate with its key as PEM, or a JSON object that may hold a
second identity for dry-runs beside the reader: ``{"token": …}``, ``{"certificate": PEM, "key": PEM}`` or
``{"in_cluster": true}``, and ``"dry_runs": {…}`` of the same shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its service account's token, replaced before it ends, and the cluster's authority."""
MOST_TOKEN: Final = 64 << 10

_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/=-]+")
"""A bearer token (RFC 6750, section 2.1)."""


class _Shown(msgspec.Struct, forbid_unknown_fields=True):
    token: str = ""
    certificate: str = ""
    key: str = ""
    in_cluster: bool = False


class _Bundle(_Shown, forbid_unknown_fields=True):
    dry_runs: _Shown | None = None


@dataclass(frozen=True, slots=True)
class Credential:
    """One identity of the gateway's in a cluster.

    Attributes:
        certificate: chain as PEM; empty: none.
        key: its key as PEM.
        token: gives the bearer token as it is now; None: none is shown.
        authority: PEM of the authority that a pod is given beside its token; empty: the registration's holds.
    """

    certificate: str = ""
    key: Secret | None = None
    token: Callable[[], Secret] | None = None
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """How the gateway proves itself.

    Attributes:
        reader: for everything but dry-runs.
        dry_runs: for these alone; None: there are none.
    """

    reader: Credential
    dry_runs: Credential | None = None


def credentials_of(secret: Secret) -> Credentials:
    """Read an endpoint's secret.

    Raises:
        UpstreamUnavailable: it can't be so; says what it can be, and nothing of what it holds.
    """
    raw = secret.reveal().strip()
    if raw.startswith(b"{"):
        try:
            bundle = msgspec.json.decode(raw, type=_Bundle)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _wrong() from None
        writer = None if bundle.dry_runs is None else _credential(bundle.dry_runs)
        return Credentials(_credential(bundle), writer)
    if b"-----BEGIN" in raw:
        try:
            text = raw.decode("ascii")
        except UnicodeDecodeError:
            raise _wrong() from None
        return Credentials(_credential(_Shown(certificate=text, key=text)))
    return Credentials(Credential(token=_fixed(raw)))


def _credential(shown: _Shown) -> Credential:
    given = (bool(shown.token), bool(shown.certificate or shown.key), shown.in_cluster)
    if sum(given) != 1:
        raise _wrong()
    if shown.in_cluster:
        return Credential(token=_account_token, authority=_account_authority())
    if shown.token:
        return Credential(token=_fixed(shown.token.encode()))
    if "PRIVATE KEY-----" not in shown.key or "BEGIN CERTIFICATE-----" not in shown.certificate:
        raise _wrong()
    return Credential(certificate=shown.certificate, key=Secret(shown.key.encode()))


def _fixed(token: bytes) -> Callable[[], Secret]:
    if len(token) > MOST_TOKEN or not _TOKEN.fullmatch(token):
        raise _wrong()
    return lambda: Secret(token)


def _account_token() -> Secret:
    try:
        token = (ACCOUNT / "token").read_bytes().strip()
    except OSError as error:
        raise UpstreamUnavailable(
            "the gateway runs in no pod with a service account, whose token this endpoint is read with",
            hint="give the endpoint a token or a client certificate",
        ) from error
    return _fixed(token)()


def _account_authority() -> str:
    try:
        return (ACCOUNT / "ca.crt").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _wrong() -> UpstreamUnavailable:
    return UpstreamUnavailable(
        "the endpoint's credential is neither a bearer token nor a client certificate with its key",
        hint='a token, PEM, or JSON: {"token": …}, {"certificate": …, "key": …}, {"in_cluster": true}',
    )
