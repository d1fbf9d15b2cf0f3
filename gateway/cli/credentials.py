"""What the gateway proves itself by at engines and clusters, read from an operator's files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, section 2.1."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One credential, checked as far as it can be without its server.

    Attributes:
        token: bearer token; empty: none.
        certificate: chain as PEM; empty: none.
        key: its key as PEM.
        in_cluster: the gateway's own pod has it.
    """

    token: str = ""
    certificate: str = ""
    key: str = ""
    in_cluster: bool = False

    def members(self) -> dict[str, object]:
        """Return what the endpoint's secret says of it."""
        if self.in_cluster:
            return {"in_cluster": True}
        if self.token:
            return {"token": self.token}
        return {"certificate": self.certificate, "key": self.key}


IN_CLUSTER: Final = Credential(in_cluster=True)


def bundled(reader: Credential, dry_runs: Credential | None = None) -> str:
    """Return the endpoint's secret.

    Args:
        reader: for everything but dry-runs.
        dry_runs: for these alone.
    """
    members = reader.members()
    if dry_runs is not None:
        members["dry_runs"] = dry_runs.members()
    return json.dumps(members)


def token_of(text: str, where: str) -> Credential:
    """Read a bearer token.

    Args:
        text: as a file holds it.
        where: what to call that file.

    Raises:
        InvalidInput: it is none.
    """
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise InvalidInput(
            f"{where} holds no bearer token", hint="one word, as kubectl create token prints it"
        )
    return Credential(token=token)


def pair_of(certificate: str, key: str, where: str) -> Credential:
    """Read a client's certificate and its key.

    Args:
        certificate: chain as PEM.
        key: as PEM, without a passphrase.
        where: what to call the file that is wrong.

    Raises:
        InvalidInput: one can't be read, or they don't belong together.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as s

    def public(of: object) -> bytes:
        return of.public_key().public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]

    try:
        first = x509.load_pem_x509_certificates(certificate.encode())[0]
        private = s.load_pem_private_key(key.encode(), password=None)
        fits = public(first) == public(private)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput(
            f"{where}: no client certificate with its key: {error}", hint="PEM, the key without a passphrase"
        ) from error
    if not fits:
        raise InvalidInput(f"{where}: the certificate is not of that key", hint="give the pair")
    return Credential(certificate=certificate, key=key)


def file_text(path: Path | None) -> str:
    """Return what a file holds; empty without one.

    Raises:
        InvalidInput: it can't be read.
    """
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: {error}") from error
