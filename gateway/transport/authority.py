"""The gateway's own certificate authority: made at first start, it signs what doors and clients show.

Source: RFC 5280; the CA/Browser rules on names (subjectAltName only) and serial numbers.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.domain.errors import AuthenticationFailed, ConfigurationBroken

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

CA_DAYS = 3650
SERVER_DAYS = 90
RENEW_DAYS = 30
"""A server certificate with less than this left is issued anew."""
BACKDATE = timedelta(hours=1)
"""Clients whose clocks run a little behind accept a fresh certificate too."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where a certificate chain and its key lie, both PEM.

    Attributes:
        chain: certificate, followed by what signed it.
        key: private key, readable by the gateway alone.
    """

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ClientNames:
    """What a client's certificate says.

    Attributes:
        name: login name of whose it is.
        endpoint: the one that it opens.
        serial: its number, by which the store knows it.
    """

    name: str
    endpoint: str
    serial: int


class Authority:
    """The CA of this gateway. Made by ``open``.

    Args:
        folder: where ``ca.pem`` and ``ca.key`` lie.
        certificate: the CA's own certificate.
        key: its key.
    """

    def __init__(self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._folder = folder
        self._certificate = certificate
        self._key = key

    @classmethod
    def open(cls, folder: Path, *, name: str = "Glassgate") -> Authority:
        """Read the CA from the folder; make one at first start.

        Args:
            folder: made where missing, for the gateway's eyes only.
            name: common name of a CA that is made.

        Raises:
            ConfigurationBroken: the files are there and can't be used.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        certificate_file, key_file = folder / "ca.pem", folder / "ca.key"
        if certificate_file.exists() or key_file.exists():
            return cls(folder, _read_certificate(certificate_file), _read_key(key_file))
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _make_ca(name, key)
        _write_key(key_file, key)
        _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        return cls(folder, certificate, key)

    @property
    def certificate_file(self) -> Path:
        """The PEM file that clients are told to trust (``sslrootcert``)."""
        return self._folder / "ca.pem"

    @property
    def pem(self) -> str:
        """The CA's certificate as PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the CA's certificate, as ``SHA256:AB:CD:…``, to compare by eye."""
        digest = (
            hashlib.sha256(self._certificate.public_bytes(serialization.Encoding.DER)).hexdigest().upper()
        )
        return "SHA256:" + ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))

    def server_certificate(self, names: Iterable[str], *, stem: str = "server") -> CertificateFiles:
        """Return a certificate for these names, issuing it where there is none that fits and lasts.

        A certificate that an operator put in its place (signed by another authority) is left alone.

        Args:
            names: DNS names and IP addresses for the subjectAltName.
            stem: of the two files' names.

        Raises:
            ConfigurationBroken: the files are there and can't be read, or a name is no name.
        """
        files = CertificateFiles(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")
        wanted = [_general_name(name) for name in dict.fromkeys(names)]
        if files.chain.exists() and files.key.exists():
            current = _read_certificate(files.chain)
            if not self._issued(current) or self._fits(current, wanted):
                return files
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        certificate = self._issue(
            "Glassgate server",
            wanted,
            key.public_key(),
            usage=ExtendedKeyUsageOID.SERVER_AUTH,
            serial=x509.random_serial_number(),
            ends=now + timedelta(days=SERVER_DAYS),
        )
        _write_key(files.key, key)
        chain = certificate.public_bytes(serialization.Encoding.PEM) + self.pem.encode()
        _write(files.chain, chain, 0o644)
        return files

    def client_certificate(self, key: CertificatePublicKeyTypes, names: ClientNames, ends: datetime) -> str:
        """Sign a client's public key; what comes proves one person at one endpoint and is no server's.

        Args:
            key: its private half never leaves the client.
            names: what the certificate says.
            ends: when it is over.

        Returns:
            The certificate as PEM.
        """
        uri = x509.UniformResourceIdentifier(f"{_SCHEME}{names.name}+{names.endpoint}")
        made = self._issue(
            names.name,
            [uri],
            key,
            usage=ExtendedKeyUsageOID.CLIENT_AUTH,
            serial=names.serial,
            ends=ends,
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def check_client(self, der: bytes) -> ClientNames:
        """Read a certificate that a client has proven to hold the key of.

        Args:
            der: as the TLS handshake gave it.

        Raises:
            AuthenticationFailed: it is not of this authority, no client's, not good now, or none at all.
        """
        try:
            found = x509.load_der_x509_certificate(der)
            found.verify_directly_issued_by(self._certificate)
            names = _client_names(found)
        except (*_UNREADABLE, InvalidSignature, TypeError) as error:
            raise _unproven() from error
        if not found.not_valid_before_utc <= datetime.now(UTC) < found.not_valid_after_utc:
            raise _unproven()
        return names

    def _issued(self, certificate: x509.Certificate) -> bool:
        try:
            certificate.verify_directly_issued_by(self._certificate)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True

    def _fits(self, certificate: x509.Certificate, wanted: list[x509.GeneralName]) -> bool:
        left = certificate.not_valid_after_utc - datetime.now(UTC)
        if left < timedelta(days=RENEW_DAYS):
            return False
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return set(wanted) <= set(names)

    def _issue(
        self,
        subject: str,
        names: list[x509.GeneralName],
        public_key: CertificatePublicKeyTypes,
        *,
        usage: x509.ObjectIdentifier,
        serial: int,
        ends: datetime,
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(self._certificate.subject)
            .public_key(public_key)
            .serial_number(serial)
            .not_valid_before(datetime.now(UTC) - BACKDATE)
            .not_valid_after(min(ends, self._certificate.not_valid_after_utc))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )


_SCHEME = "glassgate:"
_UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension)


def client_endpoint(der: bytes) -> str:
    """Return the endpoint that a client's certificate asks for; whether it stands is not said.

    Raises:
        AuthenticationFailed: it asks for none.
    """
    try:
        return _client_names(x509.load_der_x509_certificate(der)).endpoint
    except _UNREADABLE as error:
        raise _unproven() from error


def _client_names(found: x509.Certificate) -> ClientNames:
    """Read what a client's certificate says, and that it is no more than one."""
    purposes = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if list(purposes) != [ExtendedKeyUsageOID.CLIENT_AUTH]:
        raise ValueError("not for clients")
    if found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
        raise ValueError("an authority")
    (named,) = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if not isinstance(named, x509.UniformResourceIdentifier) or not named.value.startswith(_SCHEME):
        raise ValueError("names nobody")
    name, sign, endpoint = named.value.removeprefix(_SCHEME).rpartition("+")
    if not sign:
        raise ValueError("names no endpoint")
    return ClientNames(name, endpoint, found.serial_number)


def _unproven() -> AuthenticationFailed:
    return AuthenticationFailed("that certificate does not stand", hint="glassgate config docker NAME")


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _make_ca(name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    now = datetime.now(UTC)
    # The serial in the name keeps two gateways' authorities apart in a trust store.
    serial = x509.random_serial_number()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Glassgate"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{name} CA {serial & 0xFFFFFFFF:08x}"),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _general_name(name: str) -> x509.GeneralName:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(name))
    try:
        return x509.DNSName(name.encode("idna").decode())
    except (UnicodeError, ValueError) as error:
        raise ConfigurationBroken(
            f"{name!r} is neither a host name nor an address", hint="mend public-host or extra-names"
        ) from error


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationBroken(
            f"{path}: no usable certificate: {error}",
            hint="put the file back from a backup, or remove it with its key to have a new one made",
        ) from error


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationBroken(
            f"{path}: no usable key: {error}", hint="put the file back from a backup"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigurationBroken(
            f"{path}: not an elliptic curve key", hint="put the file back from a backup"
        )
    return key


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(path, pem, 0o600)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Replace the file as a whole: a reader sees the old or the new one."""
    draft = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.fchmod(descriptor, mode)
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)
