"""The way to an engine: how it is reached, what it says of itself, how a command in a container is run.

Setting up and probing are here; whatever else is sent has been judged.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.endpoint import Require
from gateway.domain.errors import ConfigurationBroken, UpstreamTooOpen, UpstreamUnavailable
from gateway.domain.http import Request
from gateway.domain.secret import Secret
from gateway.domain.session import Level
from gateway.domain.verdict import Layer
from gateway.transport.client_certificate import identified_context
from gateway.transport.http.connection import Connection
from gateway.transport.http.pool import Pool
from gateway.transport.stream import dial_socket, stream_over
from gateway.transport.tls import client_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine

    from gateway.domain.endpoint import Endpoint
    from gateway.transport.http.exchange import UpstreamSide
    from gateway.transport.http.head import ResponseHead

MOST_SMALL: Final = 1 << 20
"""Bytes of an answer that the gateway itself reads."""
RAW_TYPES: Final = frozenset(
    ("application/vnd.docker.raw-stream", "application/vnd.docker.multiplexed-stream")
)
"""Of an answer of 200 by which engines change protocol where no upgrade was asked for."""
JSON: Final = (("content-type", "application/json"),)
_SIZED_SINCE: Final = (1, 42)
READ_ONLY: Final = "role"
JUDGE_ONLY: Final = "judge-only"


class _Pair(msgspec.Struct, forbid_unknown_fields=True):
    certificate: str = ""
    key: str = ""


class _Version(msgspec.Struct):
    version: str = msgspec.field(name="Version", default="")
    newest: str = msgspec.field(name="ApiVersion", default="")
    oldest: str = msgspec.field(name="MinAPIVersion", default="")
    system: str = msgspec.field(name="Os", default="")
    kernel: str = msgspec.field(name="KernelVersion", default="")


class _Message(msgspec.Struct):
    message: str = ""


class _Exited(msgspec.Struct):
    running: bool = msgspec.field(name="Running", default=False)
    code: int | None = msgspec.field(name="ExitCode", default=None)


@dataclass(frozen=True, slots=True)
class Target:
    """An engine.

    Attributes:
        endpoint: its name.
        version: of the registration.
        unix: path of its socket; empty: it is reached by TCP.
        host: name or address.
        port: TCP port.
        context: of TLS; None: in the clear, on loopback and unix sockets alone.
    """

    endpoint: str
    version: int
    unix: str
    host: str
    port: int
    context: ssl.SSLContext | None

    @property
    def authority(self) -> str:
        """What ``Host`` says; an engine's socket goes by any name."""
        if self.unix:
            return "docker"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Probed:
    """What an engine is.

    Attributes:
        newest: newest version of the API that it speaks.
        oldest: oldest one.
        level: what it enforces by itself.
    """

    newest: str
    oldest: str
    level: Level


def target_of(endpoint: Endpoint, secret: Secret) -> Target:
    """Return how an engine is reached.

    Args:
        endpoint: as registered.
        secret: empty, or JSON with the gateway's ``certificate`` and ``key`` there, both PEM.

    Raises:
        UpstreamUnavailable: the credential can't be used.
    """
    unix = endpoint.host if endpoint.host.startswith("/") else ""
    try:
        context = None if unix or endpoint.tls == "off" else _context(endpoint, secret)
    except (ConfigurationBroken, msgspec.DecodeError) as error:
        raise UpstreamUnavailable(
            f"the gateway's credential for {endpoint.name} can't be used",
            hint="glassgate endpoint add --client-certificate FILE --client-key FILE",
        ) from error
    return Target(endpoint.name, endpoint.version, unix, endpoint.host, endpoint.port, context)


def _context(endpoint: Endpoint, secret: Secret) -> ssl.SSLContext:
    held = secret.reveal().strip()
    pair = msgspec.json.decode(held, type=_Pair) if held else _Pair()
    verify = endpoint.tls == "verify-full"
    if not pair.certificate:
        return client_context(verify=verify, ca=endpoint.ca)
    return identified_context(pair.certificate, Secret(pair.key.encode()), verify=verify, ca=endpoint.ca)


class Engine:
    """One session's way to an engine.

    Args:
        target: which engine.

    Attributes:
        target: see above.
        pool: connections to it.
        version: prefix of what the gateway itself asks for, such as ``/v1.41``.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.pool = Pool(self._dial, target.authority)
        self.version = ""
        self._plain: Request | None = None

    async def _dial(self) -> Connection:
        target = self.target
        sock = await dial_socket(target.host, target.port, unix=target.unix)
        return Connection.over(await stream_over(sock, context=target.context, name=target.host))

    def forward(
        self, request: Request, *, hijack: bool = False, client: Connection | None = None
    ) -> Coroutine[object, object, tuple[UpstreamSide, ResponseHead]]:
        """Send a request that was judged; ``pool.done`` takes its connection back.

        Args:
            request: as rebuilt; where it asks for an upgrade, its headers say so.
            hijack: whether the connection becomes a stream of bytes.
            client: whose leaving breaks it off; None: nobody's.

        Raises:
            UpstreamUnavailable: the engine can't be reached, or broke off.
            ClientLeft: the client left before the answer came.
        """
        if request is self._plain and not hijack:
            return self.pool.ask(request, client=client)
        upgrade = next(iter(request.every("upgrade")), "")
        headers = tuple(each for each in request.headers if each[0] not in ("connection", "upgrade"))
        self._plain = request if len(headers) == len(request.headers) else None
        return self.pool.ask(
            request
            if self._plain is request
            else Request(request.method, request.target, headers, request.body),
            upgrade=upgrade,
            hijacked=RAW_TYPES if hijack else frozenset(),
            client=client,
        )

    async def create(
        self,
        container: str,
        argv: tuple[str, ...],
        *,
        tty: bool,
        console: tuple[int, int] | None = None,
    ) -> str:
        """Put a judged command into a container; return its id.

        Args:
            container: as the judge read its name.
            argv: the command.
            tty: whether it has a terminal.
            console: rows and columns of that; None: not known.

        Raises:
            UpstreamUnavailable: the engine can't be reached, or does not take it; says why.
        """
        body: dict[str, object] = {"AttachStdin": tty, "AttachStdout": True, "AttachStderr": True}
        body |= {"Tty": tty, "Cmd": argv, **self._sized(console)}
        path = f"{self.version}/containers/{container}/exec"
        head, answer = await self.pool.asked(
            Request("POST", path, JSON, msgspec.json.encode(body)), most=MOST_SMALL
        )
        if head.status != 201:
            raise UpstreamUnavailable(f"the engine does not run it: {said(answer) or head.status}")
        return created_id(answer)

    def _sized(self, console: tuple[int, int] | None) -> dict[str, object]:
        """Return the member that says how large a terminal is, which engines take from version 1.42 on."""
        known = console is not None and tuple(map(int, self.version[2:].split("."))) >= _SIZED_SINCE
        return {"ConsoleSize": console} if known else {}

    async def start(self, number: str, *, tty: bool, console: tuple[int, int] | None = None) -> UpstreamSide:
        """Start a command that was put into a container; its connection is a stream of bytes from here on.

        Raises:
            UpstreamUnavailable: the engine can't be reached, or does not start it; says why.
        """
        body = msgspec.json.encode({"Detach": False, "Tty": tty, **self._sized(console)})
        headers = (*JSON, ("connection", "Upgrade"), ("upgrade", "tcp"))
        request = Request("POST", f"{self.version}/exec/{number}/start", headers, body)
        side, head = await self.forward(request, hijack=True)
        if head.switched:
            return side
        try:
            raise UpstreamUnavailable(f"the engine does not run it: {said(await side.body(MOST_SMALL))}")
        finally:
            self.pool.done(side)

    async def resize(self, number: str, columns: int, rows: int) -> None:
        """Tell a command how large its terminal is; one that has ended needs not know.

        Raises:
            UpstreamUnavailable: the engine can't be reached.
        """
        target = f"{self.version}/exec/{number}/resize?h={rows}&w={columns}"
        await self.pool.asked(Request("POST", target), most=MOST_SMALL)

    async def exit_status(self, number: str) -> int | None:
        """Return how a command ended, None where that is not known.

        Raises:
            UpstreamUnavailable: the engine can't be reached.
        """
        request = Request("GET", f"{self.version}/exec/{number}/json")
        head, answer = await self.pool.asked(request, most=MOST_SMALL)
        if head.status != 200:
            return None
        try:
            told = msgspec.json.decode(answer, type=_Exited)
        except msgspec.DecodeError:
            return None
        return None if told.running else told.code

    async def probe(self) -> Probed:
        """Ask an engine what it is, and whether anything before it refuses what would write.

        Raises:
            UpstreamUnavailable: it can't be reached, or is no engine.
        """
        head, answer = await self.pool.asked(Request("GET", "/version"), most=MOST_SMALL)
        try:
            told = msgspec.json.decode(answer, type=_Version)
        except msgspec.DecodeError:
            told = _Version()
        if head.status != 200 or not told.newest:
            raise UpstreamUnavailable(
                f"what answers for {self.target.endpoint} is no Docker engine: {head.status} {said(answer)}"
            )
        # Waiting for a container that there is not writes nothing; a read-only proxy forbids the method.
        target = f"/v{told.newest}/containers/{secrets.token_hex(32)}/wait"
        head, _ = await self.pool.asked(Request("POST", target), most=MOST_SMALL)
        reads_only = head.status in (401, 403, 405)
        findings = {
            "engine": f"{told.version} ({told.system}, kernel {told.kernel})",
            "api": f"{told.oldest or '?'} to {told.newest}",
            "writing": "forbidden before the engine" if reads_only else "the socket is as good as root",
        }
        layers = Layer.READ_ONLY_ROLE if reads_only else Layer(0)
        level = Level(READ_ONLY if reads_only else JUDGE_ONLY, layers, findings)
        return Probed(told.newest, told.oldest, level)

    def close(self) -> None:
        """Break off whatever runs."""
        self.pool.abort()


def check_requirement(endpoint: Endpoint, level: Level) -> None:
    """Hold the level against what the endpoint's registration requires.

    Raises:
        UpstreamTooOpen: a socket that only reads is required, and this one writes.
    """
    if endpoint.settings.require is Require.ROLE and Layer.READ_ONLY_ROLE not in level.layers:
        raise UpstreamTooOpen(
            f"{endpoint.name} requires a socket that can only read, and this one can write",
            hint=f"an operator mends it as told by: glassgate endpoint harden {endpoint.name}",
        )


def created_id(answer: bytes) -> str:
    """Return the id in an engine's answer to a command that was put into a container.

    Raises:
        UpstreamUnavailable: there is none.
    """
    try:
        told = msgspec.json.decode(answer, type=dict[str, object])
    except msgspec.DecodeError:
        told = {}
    number = told.get("Id")
    if not isinstance(number, str) or not number.isalnum():
        raise UpstreamUnavailable("the engine's answer names no command")
    return number


def said(answer: bytes) -> str:
    """Return the message of an engine's error, or the beginning of what isn't one."""
    try:
        return msgspec.json.decode(answer, type=_Message).message
    except msgspec.DecodeError:
        return answer[:200].decode("utf-8", "replace").strip()
