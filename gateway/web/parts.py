"""The services behind the API, as one explicit value; a handler uses nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from gateway.access.authenticate import Authenticator
    from gateway.access.client_certificates import ClientCertificates
    from gateway.access.endpoints import Endpoints
    from gateway.access.grants import Grants
    from gateway.access.people import People
    from gateway.access.policy import Policy
    from gateway.access.requests import Requests
    from gateway.access.ssh_certificates import SshCertificates
    from gateway.access.ssh_keys import SshKeys
    from gateway.access.tokens import Tokens
    from gateway.access.upkeep import Upkeep
    from gateway.changes.flow import Changes
    from gateway.domain.endpoint import Endpoint, EndpointKind
    from gateway.domain.secret import Secret
    from gateway.domain.session import Level
    from gateway.domain.verdict import Verdict
    from gateway.recordings.ledger import Ledger
    from gateway.recordings.recording import Recordings
    from gateway.session.registry import Registry
    from gateway.store.pool import Store
    from gateway.web.metrics import WebMetrics


class DoorFacts(Protocol):
    """What the API needs of a protocol's room, without importing it."""

    @property
    def host(self) -> str:
        """Name that native clients reach the door by."""

    @property
    def port(self) -> int:
        """TCP port of the door."""

    @property
    def host_key(self) -> str:
        """Public key that the door shows, as OpenSSH writes it; empty: TLS proves it."""

    async def check(self, endpoint: Endpoint, secret: Secret) -> Level:
        """Dial production as a session would, probe it, hang up.

        Raises:
            UpstreamUnavailable: it can't be reached or refuses the gateway's credential.
            UpstreamTooOpen: it requires a read-only role and the probe found more.
        """

    async def judge(self, endpoint: Endpoint, secret: Secret, texts: Sequence[str]) -> tuple[Verdict, ...]:
        """Judge each text as a session's first unit, by the endpoint's own catalogue.

        Raises:
            UpstreamUnavailable: the catalogue can't be read.
        """

    def harden(self, endpoint: Endpoint) -> str:
        """Return the script that makes the right role on the server."""


class HostKeys(Protocol):
    """Asks SSH hosts who they are."""

    async def scan(self, host: str, port: int) -> str:
        """Return the key that a host shows now, as OpenSSH writes it.

        Raises:
            UpstreamUnavailable: it can't be reached, or shows none.
        """


@dataclass(frozen=True, slots=True)
class WebParts:
    """What the API is made of.

    Attributes:
        version: of the gateway.
        authority: PEM of the authority that clients pin.
        store: for the ledger's leaves of who looked at what.
        authenticator: proves identities.
        tokens: makes and revokes tokens.
        ssh_keys: public keys of people.
        ssh_certificates: signs them for hours.
        client_certificates: signs those that docker shows.
        host_keys: asks SSH hosts for theirs.
        policy: who may.
        upkeep: takes edited policy files into force, and writes that down.
        people: those who may log in.
        endpoints: what may be looked at.
        requests: access requests.
        grants: grants.
        changes: change requests.
        recordings: what happened.
        ledger: the proof over all of it.
        registry: live sessions.
        doors: kind → its door.
        metrics: counts answers.
        readiness: part → ``ok`` or what is wrong, asked anew each time.
    """

    version: str
    authority: str
    store: Store
    authenticator: Authenticator
    tokens: Tokens
    ssh_keys: SshKeys
    ssh_certificates: SshCertificates
    client_certificates: ClientCertificates
    host_keys: HostKeys
    policy: Policy
    upkeep: Upkeep
    people: People
    endpoints: Endpoints
    requests: Requests
    grants: Grants
    changes: Changes
    recordings: Recordings
    ledger: Ledger
    registry: Registry
    doors: Mapping[EndpointKind, DoorFacts]
    metrics: WebMetrics
    readiness: Callable[[], Awaitable[Mapping[str, str]]]
