"""The way to a cluster's API server: connections of one session, dialled when they are needed.

Whoever asks hands over a judged request; credential, Host and the gateway's name are put to it here, and
nothing of the client's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from gateway import __version__
from gateway.domain.errors import ConfigurationBroken, UpstreamUnavailable
from gateway.protocols.kubernetes.credentials import credentials_of
from gateway.transport.client_certificate import identified_context
from gateway.transport.http.connection import Connection
from gateway.transport.http.pool import REPEATABLE, Pool
from gateway.transport.stream import dial_socket, stream_over
from gateway.transport.tls import client_context

if TYPE_CHECKING:
    import ssl

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.http import Request
    from gateway.domain.secret import Secret
    from gateway.protocols.kubernetes.credentials import Credential
    from gateway.transport.http.exchange import UpstreamSide
    from gateway.transport.http.head import ResponseHead

ALPN: Final = ("http/1.1",)


@dataclass(frozen=True, slots=True)
class Target:
    """An API server, and who the gateway is there.

    Attributes:
        endpoint: its name.
        version: of the registration.
        host: name or address.
        port: TCP port.
        context: of TLS; None: in the clear, on loopback alone.
        credential: whose token is shown.
    """

    endpoint: str
    version: int
    host: str
    port: int
    context: ssl.SSLContext | None
    credential: Credential

    @property
    def authority(self) -> str:
        """What ``Host`` says."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Targets:
    """An endpoint as its two identities reach it.

    Attributes:
        reader: for everything but dry-runs.
        dry_runs: for these alone; None: there are none.
    """

    reader: Target
    dry_runs: Target | None


def targets_of(endpoint: Endpoint, secret: Secret) -> Targets:
    """Return how an endpoint is reached.

    Raises:
        UpstreamUnavailable: its credential can't be used.
    """
    credentials = credentials_of(secret)
    try:
        reader = _target(endpoint, credentials.reader)
        writer = None if credentials.dry_runs is None else _target(endpoint, credentials.dry_runs)
    except ConfigurationBroken as error:
        raise UpstreamUnavailable(error.message, hint=error.hint) from error
    return Targets(reader, writer)


def _target(endpoint: Endpoint, credential: Credential) -> Target:
    verify, ca = endpoint.tls == "verify-full", endpoint.ca or credential.authority
    if endpoint.tls == "off":
        context = None
    elif credential.key is not None:
        context = identified_context(
            credential.certificate, credential.key, verify=verify, ca=ca, protocols=ALPN
        )
    else:
        context = client_context(verify=verify, ca=ca, protocols=ALPN)
    return Target(endpoint.name, endpoint.version, endpoint.host, endpoint.port, context, credential)


class Upstream:
    """Connections of one session to one API server.

    Args:
        target: where, and as whom.
        agent: what ``User-Agent`` says behind the gateway's own name, for the cluster's audit log.
        reads: whether all that is ever asked only reads, a POST too: reviews, which may be asked again.
    """

    def __init__(self, target: Target, agent: str = "", *, reads: bool = True) -> None:
        self.target = target
        self._agent = f"glassgate/{__version__} {agent}".strip()
        repeatable = REPEATABLE | {"POST"} if reads else REPEATABLE
        self._pool = Pool(self._dial, target.authority, repeatable=repeatable)

    async def ask(
        self, request: Request, *, upgrade: str = "", client: Connection | None = None
    ) -> tuple[UpstreamSide, ResponseHead]:
        """Send a request; return its connection and the answer's head. ``done`` takes the connection back.

        Args:
            request: as judged and rebuilt.
            upgrade: the protocol to change to; empty: none.
            client: whose leaving breaks it off; None: nobody's.

        Raises:
            UpstreamUnavailable: the server can't be reached, or broke off.
            ClientLeft: the client left before the answer came.
        """
        return await self._pool.ask(self._signed(request), upgrade=upgrade, client=client)

    async def asked(self, request: Request, *, most: int) -> tuple[ResponseHead, bytes]:
        """Send a request and return its whole answer.

        Raises:
            UpstreamUnavailable: the server can't be reached, broke off, or answered more than ``most`` bytes.
        """
        return await self._pool.asked(self._signed(request), most=most)

    def done(self, side: UpstreamSide) -> None:
        """Take a connection back."""
        self._pool.done(side)

    def abort(self) -> None:
        """Break off whatever runs, and stay closed."""
        self._pool.abort()

    async def _dial(self) -> Connection:
        target = self.target
        sock = await dial_socket(target.host, target.port)
        return Connection.over(await stream_over(sock, context=target.context, name=target.host))

    def _signed(self, request: Request) -> Request:
        """Return a request with the gateway's own name and credential."""
        headers = [each for each in request.headers if each[0] not in ("user-agent", "authorization")]
        headers.append(("user-agent", " ".join((self._agent, *request.every("user-agent")))))
        if self.target.credential.token is not None:
            token = self.target.credential.token().reveal().decode("ascii")
            headers.append(("authorization", f"Bearer {token}"))
        return msgspec.structs.replace(request, headers=tuple(headers))
