"""Production's side: dial, log in with the gateway's credential, read set-up answers, cancel.

Nothing else writes to production before a session's admitted units do.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from gateway.domain.errors import PeerError, UpstreamUnavailable
from gateway.protocols.postgres import wire
from gateway.protocols.postgres.scram import PLUS, ScramClient
from gateway.protocols.postgres.startup import PINNED, codec_of
from gateway.transport.stream import ByteStream, dial_socket, stream_over
from gateway.transport.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.secret import Secret

DIAL_SECONDS: Final = 15.0
CANCEL_SECONDS: Final = 5.0

_OK, _CLEARTEXT, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 10, 11, 12


@dataclass(frozen=True, slots=True)
class Target:
    """One way to log in to production. Two connections with the same target are alike.

    Attributes:
        endpoint: name of the endpoint.
        version: of its registration.
        host: address, or folder of the unix socket.
        port: TCP port.
        tls: ``verify-full``, ``require`` or ``off``.
        ca: PEM of the authority to trust; empty: the system's.
        parameters: the whole start-up packet, in order.
    """

    endpoint: str
    version: int
    host: str
    port: int
    tls: str
    ca: str = field(repr=False)
    parameters: tuple[tuple[str, str], ...]

    @property
    def database(self) -> str:
        """The database logged in to."""
        return dict(self.parameters)["database"]


def target_of(endpoint: Endpoint, parameters: Mapping[str, str]) -> Target:
    """Return how to log in to an endpoint with these start-up parameters."""
    return Target(
        endpoint=endpoint.name,
        version=endpoint.version,
        host=endpoint.host,
        port=endpoint.port,
        tls=endpoint.tls,
        ca=endpoint.ca,
        parameters=tuple(parameters.items()),
    )


class Upstream:
    """A connection to production that is logged in. Made by ``dial``.

    Attributes:
        target: how it was made.
        stream: its bytes.
        parameters: what ParameterStatus told, as it stands.
        process: the server's process, for cancelling.
        key: the server's cancel key; never shown to a client.
        status: transaction status of the last ReadyForQuery.
    """

    def __init__(self, target: Target, stream: ByteStream) -> None:
        self.target = target
        self.stream = stream
        self.parameters: dict[str, str] = {}
        self.process = 0
        self.key = b""
        self.status = b"I"

    @property
    def server_version(self) -> int:
        """Version as the server counts: 150004 for 15.4."""
        parts = self.parameters.get("server_version", "0").split(" ")[0].split(".")
        numbers = [int("".join(sign for sign in part if sign.isdigit()) or 0) for part in parts]
        return numbers[0] * 10000 + (numbers[1] if len(numbers) > 1 else 0)

    async def read(self) -> wire.Message:
        """Read one message.

        Raises:
            UpstreamUnavailable: production broke off or sent nonsense.
        """
        try:
            kind, length = wire.HEADER.unpack(await self.stream.take(5))
            if not 4 <= length <= wire.MAX_SETUP_MESSAGE:
                raise UpstreamUnavailable("production sent a message of an impossible length")
            return wire.Message(kind, await self.stream.take(length - 4))
        except PeerError as error:
            raise UpstreamUnavailable("production closed the connection") from error

    async def ask(self, text: str) -> list[tuple[bytes | None, ...]]:
        """Run one of the gateway's own set-up statements and return its rows, as text.

        Raises:
            UpstreamUnavailable: it failed.
        """
        self.stream.write(wire.query(text.encode()))
        rows: list[tuple[bytes | None, ...]] = []
        failure: UpstreamUnavailable | None = None
        while True:
            answer = await self.read()
            match answer.kind:
                case b"D":
                    rows.append(wire.parse_row(answer.body))
                case b"E":
                    failure = _failure(answer.body)
                case b"S":
                    self._note(answer.body)
                case b"Z":
                    self.status = answer.body
                    if failure is not None:
                        raise failure
                    return rows
                case _:
                    pass

    def _note(self, body: bytes) -> None:
        name, value = wire.parse_parameter_status(body)
        self.parameters[name] = value

    async def log_in(self, secret: Secret) -> None:
        """Send the start-up packet, prove the credential, wait until the server is ready.

        Raises:
            UpstreamUnavailable: production refused.
        """
        self.stream.write(wire.startup(dict(self.target.parameters)))
        scram: ScramClient | None = None
        while True:
            answer = await self.read()
            match answer.kind:
                case b"R":
                    scram = self._prove(answer.body, secret, scram)
                case b"S":
                    self._note(answer.body)
                case b"K":
                    fields = wire.Fields(answer.body)
                    self.process, self.key = fields.number(wire.UINT32), fields.rest()
                case b"E":
                    raise _failure(answer.body)
                case b"Z":
                    self.status = answer.body
                    return
                case b"N" | b"v":
                    pass
                case _:
                    raise UpstreamUnavailable("production answered a login with something else")

    def _prove(self, body: bytes, secret: Secret, scram: ScramClient | None) -> ScramClient | None:
        fields = wire.Fields(body)
        match fields.number(wire.UINT32):
            case 0:
                return scram
            case 3 if self.target.tls == "verify-full":
                self.stream.write(wire.message(b"p", secret.reveal() + b"\0"))
                return None
            case 10:
                return self._begin_scram(fields.rest(), secret)
            case 11 if scram is not None:
                self.stream.write(wire.message(b"p", scram.final(fields.rest())))
                return scram
            case 12 if scram is not None:
                scram.verify(fields.rest())
                return scram
            case _:
                raise UpstreamUnavailable(
                    "production asks for a kind of login that the gateway does not do",
                    hint="let the gateway's role log in with scram-sha-256",
                )

    def _begin_scram(self, offered: bytes, secret: Secret) -> ScramClient:
        mechanisms = offered.split(b"\0")
        binding = _channel_binding(self.stream)
        plus = PLUS.encode() in mechanisms
        scram = ScramClient(secret, binding=binding if plus else None, offered=binding is not None)
        if scram.mechanism.encode() not in mechanisms:
            raise UpstreamUnavailable("production offers no SCRAM-SHA-256")
        first = scram.first()
        name = scram.mechanism.encode() + b"\0"
        self.stream.write(wire.message(b"p", name + wire.INT32.pack(len(first)) + first))
        return scram

    def check_invariants(self) -> None:
        """Make sure that what decides how texts are read is as we set it, whatever role and database say.

        Raises:
            UpstreamUnavailable: it isn't.
        """
        for name, value in PINNED.items():
            if self.parameters.get(name, value) != value:
                raise UpstreamUnavailable(f"production overrides {name} to {self.parameters[name]}")
        codec_of(self.parameters.get("client_encoding", "UTF8"))

    def close(self) -> None:
        """Say good-bye and close."""
        self.stream.write(wire.TERMINATE)
        self.stream.close()


def _channel_binding(stream: ByteStream) -> bytes | None:
    """Hash the server's certificate as RFC 5929 has it, None without TLS."""
    certificate = stream.peer_certificate()
    if not certificate:
        return None
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is None:
        return None
    name = "sha256" if algorithm.name in ("md5", "sha1") else algorithm.name
    return hashlib.new(name, certificate).digest()


def _failure(body: bytes) -> UpstreamUnavailable:
    fields = wire.parse_error(body)
    return UpstreamUnavailable(
        f"production says: {fields.get('M', 'no reason')} ({fields.get('C', '?????')})",
        hint=fields.get("H", ""),
    )


async def _connect(target: Target) -> ByteStream:
    if target.host.startswith("/"):
        return await stream_over(await dial_socket("", 0, unix=f"{target.host}/.s.PGSQL.{target.port}"))
    sock = await dial_socket(target.host, target.port)
    if target.tls == "off":
        return await stream_over(sock)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(sock, wire.special(wire.SSL_REQUEST))
        answer = await loop.sock_recv(sock, 1)
    except OSError as error:
        sock.close()
        raise UpstreamUnavailable("production closed the connection") from error
    except BaseException:
        sock.close()
        raise
    if answer != b"S":
        sock.close()
        raise UpstreamUnavailable(
            f"production at {target.host}:{target.port} offers no TLS", hint="set ssl = on there"
        )
    verify = target.tls == "verify-full"
    context = client_context(verify=verify, ca=target.ca, protocols=("postgresql",))
    return await stream_over(sock, context=context, name=target.host)


async def dial(target: Target, secret: Secret) -> Upstream:
    """Open a connection to production and log in, read-only.

    Args:
        target: where and with what settings.
        secret: the gateway's credential.

    Raises:
        UpstreamUnavailable: production can't be reached, refuses the credential or overrides our settings.
    """
    stream: ByteStream | None = None
    try:
        async with asyncio.timeout(DIAL_SECONDS):
            stream = await _connect(target)
            upstream = Upstream(target, stream)
            await upstream.log_in(secret)
            upstream.check_invariants()
            return upstream
    except TimeoutError as error:
        if stream is not None:
            stream.abort()
        raise UpstreamUnavailable("production does not answer") from error
    except BaseException:
        if stream is not None:
            stream.abort()
        raise


async def cancel(target: Target, process: int, key: bytes) -> None:
    """Ask production to cancel what a connection runs; over TLS where the endpoint has it.

    Raises:
        UpstreamUnavailable: it could not be asked.
    """
    try:
        async with asyncio.timeout(CANCEL_SECONDS):
            stream = await _connect(target)
            stream.write(wire.cancel_request(process, key))
            try:
                await stream.take(1)  # the server closes without a word once the signal is sent
            except PeerError:
                return
            finally:
                stream.abort()
    except TimeoutError as error:
        raise UpstreamUnavailable("production does not answer") from error


def text_of(row: Iterable[bytes | None]) -> tuple[str, ...]:
    """Return a row of set-up answers as text, NULL as empty."""
    return tuple("" if value is None else value.decode("utf-8", "replace") for value in row)
