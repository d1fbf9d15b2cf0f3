"""The gateway's authority over SSH certificates of people: signs them, and reads what clients show.

Source: OpenSSH's PROTOCOL.certkeys.
"""

from __future__ import annotations

import base64
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    SSHCertificate,
    SSHCertificateBuilder,
    SSHCertificateType,
)

from gateway.domain.errors import AuthenticationFailed, ConfigurationBroken, InvalidInput

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

KEY_FILE: Final = "user_ca_ed25519"
LONGEST: Final = 16384
"""Bytes of a certificate."""
CLOCKS_DIFFER: Final = 300
"""Seconds that a certificate is good before it was made, for clients whose clock is behind."""
_SUFFIX: Final = b"-cert-v01@openssh.com"
_EXTENSIONS: Final = (b"permit-pty",)


@dataclass(frozen=True, slots=True)
class Certified:
    """What a genuine certificate says.

    Attributes:
        principal: the one login name that it is for.
        secret: by which the store knows it.
    """

    principal: str
    secret: str


def is_certificate(blob: bytes) -> bool:
    """Whether a key in its wire form is an OpenSSH certificate."""
    return _kind(blob).endswith(_SUFFIX)


def _kind(blob: bytes) -> bytes:
    return blob[4 : 4 + int.from_bytes(blob[:4], "big")] if len(blob) > 4 else b""


@final
class SshAuthority:
    """Signs people's SSH keys, for hours.

    Args:
        key: the authority's own.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = _raw(key.public_key())

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the authority's key from a folder; make one at first start.

        Args:
            folder: made where missing, for the gateway's eyes only.

        Raises:
            ConfigurationBroken: the file is there and can't be used.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / KEY_FILE
        if not path.exists():
            _make(path)
        hint = "put the authority's key back, or remove the file: people log in with --ssh again then"
        try:
            key = serialization.load_ssh_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigurationBroken(f"{path}: {error}", hint=hint) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigurationBroken(f"{path} is no Ed25519 key", hint=hint)
        return cls(key)

    def sign(self, line: str, *, principal: str, secret: str, serial: int, ends: datetime) -> str:
        """Return a certificate over a public key, as a ``-cert.pub`` file holds it.

        Args:
            line: the public key, read by ``read_public_key`` before.
            principal: the one login name that it is for.
            secret: by which the store knows it; stands in the certificate's key id.
            serial: its number in the store.
            ends: when it is over.

        Raises:
            InvalidInput: certificates are not made over keys of that kind.
        """
        key = serialization.load_ssh_public_key(" ".join(line.split()[:2]).encode())
        if line.startswith("sk-") or not isinstance(
            key, Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
        ):
            raise InvalidInput(
                "certificates are not made over keys of that kind", hint="glassgate key add FILE.pub"
            )
        builder = (
            SSHCertificateBuilder()
            .public_key(key)
            .type(SSHCertificateType.USER)
            .serial(serial)
            .key_id(secret.encode())
            .valid_principals([principal.encode()])
            .valid_after(int(time.time()) - CLOCKS_DIFFER)
            .valid_before(int(ends.timestamp()))
        )
        for name in _EXTENSIONS:
            builder = builder.add_extension(name, b"")
        return builder.sign(self._key).public_bytes().decode()

    def check(self, blob: bytes) -> Certified:
        """Read a certificate that a client has proven to hold the key of.

        Raises:
            AuthenticationFailed: it is not of this authority, not for people, not good now, bound to
                conditions, or none at all.
        """
        try:
            found = self._genuine(blob)
            (principal,) = found.valid_principals
            return Certified(principal.decode(), found.key_id.decode())
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
            raise AuthenticationFailed(
                "that certificate does not stand", hint="glassgate login --ssh"
            ) from error

    def _genuine(self, blob: bytes) -> SSHCertificate:
        if len(blob) > LONGEST:
            raise ValueError("too long")
        found = serialization.load_ssh_public_identity(_kind(blob) + b" " + base64.b64encode(blob))
        if not isinstance(found, SSHCertificate):
            raise TypeError("a plain key")
        signer = found.signature_key()
        if not isinstance(signer, Ed25519PublicKey) or _raw(signer) != self._public:
            raise ValueError("another authority")
        found.verify_cert_signature()
        if found.type is not SSHCertificateType.USER:
            raise ValueError("not for people")
        if not found.valid_after <= time.time() < found.valid_before:
            raise ValueError("not good now")
        if found.critical_options:
            raise ValueError("bound to conditions")
        return found


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _make(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
