"""X.509 certificates of clients: one person at one endpoint, for as long as a login, revoked with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateway.access.decisions import Decision, write_down
from gateway.access.ssh_keys import LEAST_RSA_BITS
from gateway.access.tokens import digest
from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import InvalidInput, NotAuthorised
from gateway.store import tokens
from gateway.store.tokens import TokenKind
from gateway.transport.authority import ClientNames

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.access.endpoints import Endpoints
    from gateway.access.policy import Policy
    from gateway.domain.identity import Identity
    from gateway.store.pool import Store
    from gateway.transport.authority import Authority

LONGEST: Final = timedelta(hours=12)
LONGEST_PEM: Final = 16384
_LEAST_CURVE_BITS: Final = 256
_HINT: Final = "openssl ecparam -name prime256v1 -genkey -noout | tee key.pem | openssl ec -pubout"


@dataclass(frozen=True, slots=True)
class IssuedClientCertificate:
    """A certificate, as its owner gets it.

    Attributes:
        pem: the certificate.
        token: number by which it is revoked.
        expires_at: when it is over.
    """

    pem: str
    token: int
    expires_at: datetime


@final
class ClientCertificates:
    """Makes certificates.

    Args:
        store: where their tokens are kept.
        policy: who may have one, and for how long.
        endpoints: what one may be for.
        authority: signs them.
    """

    def __init__(self, store: Store, policy: Policy, endpoints: Endpoints, authority: Authority) -> None:
        self._store = store
        self._policy = policy
        self._endpoints = endpoints
        self._authority = authority

    async def issue(
        self, identity: Identity, endpoint_name: str, pem: str, lives: timedelta = LONGEST
    ) -> IssuedClientCertificate:
        """Sign a public key for its owner; the certificate ends with the login it is made with, and in hours.

        Args:
            identity: whose key it is.
            endpoint_name: a Docker engine; the certificate opens no other endpoint.
            pem: the public key.
            lives: how long at most.

        Raises:
            InvalidInput: that is no key, one too weak or of a kind that is not signed, no Docker engine, or
                no life for a certificate.
            NotFound: there is no such endpoint, or none that they may know of.
            NotAuthorised: policy lets them connect nowhere, or the login was revoked.
        """
        key = read_public_pem(pem)
        if not timedelta(minutes=1) <= lives <= LONGEST:
            raise InvalidInput("that is no life for a certificate", hint="12 hours at most")
        await self._policy.require(identity, "connect")
        endpoint = await self._endpoints.resolve(endpoint_name, identity)
        if endpoint.kind is not EndpointKind.DOCKER:
            raise InvalidInput(
                f"{endpoint.name} is no Docker engine", hint=f"glassgate connect {endpoint.name}"
            )
        serial = x509.random_serial_number()
        async with self._store.transaction() as conn:
            token = await tokens.add_token(
                conn,
                TokenKind.CLIENT_CERTIFICATE,
                identity.id,
                serial_digest(serial),
                lives=min(lives, self._policy.rules.login),
                label=endpoint.name,
                scopes=("connect", "request"),
                parent=identity.credential,
            )
            if token is None:
                raise NotAuthorised("your login is over", hint="glassgate login")
            names = ClientNames(identity.name, endpoint.name, serial)
            signed = self._authority.client_certificate(key, names, token.expires_at)
            said = f"{identity.name} has a client certificate (token {token.id}) for {endpoint.name}"
            facts: dict[str, str | int | float | bool | list[str] | None] = {
                "token": token.id,
                "person": identity.name,
                "endpoint": endpoint.name,
                "serial": f"{serial:x}",
                "expires_at": token.expires_at.isoformat(),
            }
            await write_down(
                conn, Decision("access.client-certificate-issued", identity.name, said, facts, pages=False)
            )
        return IssuedClientCertificate(signed, token.id, token.expires_at)


def serial_digest(serial: int) -> bytes:
    """Return what the store keeps of a certificate: by its serial number, which is random."""
    return digest(b"x509:%x" % serial)


def read_public_pem(pem: str) -> EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey:
    """Read a public key in PEM (SubjectPublicKeyInfo, RFC 7468, section 13).

    Raises:
        InvalidInput: it is none, of a kind that is not signed, or too weak.
    """
    if "PRIVATE KEY" in pem:
        raise InvalidInput("that is a private key, which belongs to nobody but you", hint=_HINT)
    try:
        key = serialization.load_pem_public_key(pem[:LONGEST_PEM].encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput("that is no public key in PEM", hint=_HINT) from error
    match key:
        case Ed25519PublicKey():
            return key
        case EllipticCurvePublicKey() if key.key_size >= _LEAST_CURVE_BITS:
            return key
        case RSAPublicKey() if key.key_size >= LEAST_RSA_BITS:
            return key
        case _:
            raise InvalidInput(
                "keys of that kind or size are not signed",
                hint="NIST curves from 256 bits, Ed25519, or RSA from 2048 bits",
            )
