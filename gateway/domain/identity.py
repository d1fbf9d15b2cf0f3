"""Who is connecting, and what they show to prove it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.domain.ids import IdentityId
    from gateway.domain.secret import Secret


class IdentityKind(StrEnum):
    """What kind of actor an identity is."""

    PERSON = "person"
    SERVICE = "service"
    AGENT = "agent"
    PIPELINE = "pipeline"


@dataclass(frozen=True, slots=True)
class Identity:
    """A proven identity. Made only by ``access/authenticate.py``: whoever holds one knows it was proven.

    Attributes:
        id: the store's number.
        name: login name, as in ``NAME+ENDPOINT``.
        kind: person, service, agent or pipeline.
        email: used as the author of commits.
        display_name: used as the author of commits.
        roles: role and group names, as policy speaks of them.
        scopes: what the credential shown may be used for; empty means everything the identity may.
        credential: number of the token the proof was made with, None for a password.
    """

    id: IdentityId
    name: str
    kind: IdentityKind
    email: str
    display_name: str
    roles: frozenset[str]
    scopes: frozenset[str]
    credential: int | None


@dataclass(frozen=True, slots=True)
class PasswordEvidence:
    """Name and password, accepted at ``login`` only.

    Attributes:
        name: login name.
        password: what was typed.
        source: the peer's address, for rate limits and the record.
    """

    name: str
    password: Secret
    source: str


@dataclass(frozen=True, slots=True)
class DatabaseTokenEvidence:
    """Name and short opaque token, as a native client sends it for a password.

    Attributes:
        name: login name before the last ``+``.
        token: at most 64 bytes.
        source: the peer's address.
    """

    name: str
    token: Secret
    source: str


@dataclass(frozen=True, slots=True)
class BearerEvidence:
    """A JWT or a machine token in an HTTP Authorization header.

    Attributes:
        token: the bearer token.
        source: the peer's address.
    """

    token: Secret
    source: str


@dataclass(frozen=True, slots=True)
class SshKeyEvidence:
    """Name and public key of an SSH client that has signed its connection's session id with it.

    The door that makes one has seen the signature verified: the key alone, which anyone may know, is none.

    Attributes:
        name: login name before the last ``+``.
        public_key: in its wire form (RFC 4253, section 6.6), or an OpenSSH certificate in its.
        source: the peer's address.
    """

    name: str
    public_key: bytes
    source: str


@dataclass(frozen=True, slots=True)
class ClientCertificateEvidence:
    """Certificate that a client has proven to hold the key of in its TLS handshake.

    The door that makes one has it from a handshake that asked for certificates of this gateway's authority.

    Attributes:
        certificate: in DER.
        endpoint: that the door is going to open; a certificate is for one alone.
        source: the peer's address.
    """

    certificate: bytes
    endpoint: str
    source: str


@dataclass(frozen=True, slots=True)
class ClusterTokenEvidence:
    """Short opaque token in the Authorization header of a Kubernetes client; or a machine's token there.

    Attributes:
        token: at most 64 bytes.
        source: the peer's address.
    """

    token: Secret
    source: str


Evidence = (
    PasswordEvidence
    | DatabaseTokenEvidence
    | BearerEvidence
    | SshKeyEvidence
    | ClientCertificateEvidence
    | ClusterTokenEvidence
)
