"""Production's side: dial a host by its pinned key, ask it what it is, run what was admitted, end it.

Set-up, probing and ending live here and are no units; ``forward`` takes nothing but what was admitted.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import asyncssh
from asyncssh.constants import MSG_IGNORE

from gateway.domain.errors import UpstreamUnavailable
from gateway.log import get_logger
from gateway.protocols.ssh import algorithms
from gateway.protocols.ssh.answer import Answer
from gateway.protocols.ssh.bounds import deliver
from gateway.protocols.ssh.keyboard import modes_of
from gateway.protocols.ssh.quoting import command
from gateway.protocols.ssh.swift import Swift
from gateway.transport.once import Once

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from asyncssh.channel import SSHChannel
    from asyncssh.packet import SSHPacket

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.secret import Secret
    from gateway.protocols.ssh.units import Terminal

DIAL_SECONDS: Final = 10.0
PAUSES: Final = (0.2, 0.4, 0.8, 1.6)
"""Between tries where a host hangs up before the login, as sshd does to some of many (MaxStartups)."""
ANSWER_SECONDS: Final = 10.0
"""A set-up question of the gateway's may take so long."""
MOST_ANSWER: Final = 64 << 10
KEEPALIVE_SECONDS: Final = 30.0
WINDOW: Final = 2 << 20
"""Bytes of output that a host may send ahead of a slow client."""
PACKET: Final = 32768
LONGEST_COMMAND: Final = 128_000
"""Bytes of a command line that a Linux kernel passes to a login shell as one argument, with some room."""
PATH: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
OPENSSH: Final = "SSH-2.0-OpenSSH_"
SIGNALS: Final = frozenset(
    {"ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"}
)
"""Those of RFC 4254, section 6.10."""

log = get_logger("protocols.ssh")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a session's host is, and what proves that it is there.

    Attributes:
        endpoint: its name.
        version: of its registration.
        host: name or address.
        port: TCP port.
        username: the gateway's own login there.
        host_keys: pinned, as lines of OpenSSH's form.
    """

    endpoint: str
    version: int
    host: str
    port: int
    username: str
    host_keys: tuple[str, ...]


def target_of(endpoint: Endpoint) -> Target:
    """Return where an endpoint's host is."""
    pinned = tuple(line for line in endpoint.ca.splitlines() if line.strip())
    return Target(endpoint.name, endpoint.version, endpoint.host, endpoint.port, endpoint.username, pinned)


def fingerprint_of(key: asyncssh.SSHKey) -> str:
    """Return a key's fingerprint with its kind, as a person compares it."""
    return f"{key.get_algorithm()} {key.get_fingerprint()}"


class Host(asyncssh.SSHClient):
    """A host as asyncssh tells of it.

    Args:
        pinned: keys in their wire form; one of them must be the host's.

    Attributes:
        shown: the key that the host showed and that is not pinned.
        lost: set once the connection is over.
    """

    def __init__(self, pinned: frozenset[bytes]) -> None:
        self._pinned = pinned
        self.shown: asyncssh.SSHKey | None = None
        self.lost = Once()

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Whether the host is the one that was registered."""
        del host, addr, port
        if key.public_data in self._pinned:
            return True
        self.shown = key
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        del exc
        self.lost.set()


class HostConnection(Swift, asyncssh.SSHClientConnection):
    """The gateway's connection to a host.

    Args:
        loop: the running one.
        options: of all connections to this host; what differs stands here, as in ``Connection``.
        host: is told of all that comes.

    Attributes:
        proven: done once the gateway is logged in.
        hushed: packets that say nothing; OpenSSH's sshd sends one for keys that are typed where echo is off.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, options: asyncssh.SSHClientConnectionOptions, host: Host
    ) -> None:
        super().__init__(loop, options)
        self.proven = loop.create_future()
        self.hushed = 0
        self._wait, self._waiter = "auth", self.proven
        self._protocol_factory = lambda: host

    def process_packet(self, pkttype: int, pktid: int, packet: SSHPacket) -> bool | Awaitable[None]:
        """Take a packet; what says nothing says that keys were typed where echo is off."""
        if pkttype == MSG_IGNORE:
            self.hushed += 1
        return super().process_packet(pkttype, pktid, packet)

    def add_channel(self, chan: SSHChannel[Any]) -> int:
        """Number a channel; asyncssh makes those of its own class, and leaves no place to say another."""
        chan._deliver_data = partial(deliver, chan)  # type: ignore[method-assign]  # noqa: SLF001
        return super().add_channel(chan)


class Upstream:
    """A connection to a host, of one session alone. Made by ``Dialler.dial``.

    Args:
        dialler: made it; the next connection to the same host may use it again as long as this one stands.
        host: what asyncssh tells of it.
        connection: logged in.

    Attributes:
        target: where it goes.
    """

    def __init__(self, dialler: Dialler, host: Host, connection: HostConnection) -> None:
        self.target = dialler.target
        self._dialler = dialler  # lives as long as this, for the next one
        self._host = host
        self._connection = connection

    @property
    def lost(self) -> Once:
        """Set once the connection is over."""
        return self._host.lost

    def hushed(self) -> int | None:
        """Return how often keys were typed where echo is off; None where the host does not say so."""
        server = str(self._connection.get_extra_info("server_version", ""))
        return self._connection.hushed if server.startswith(OPENSSH) else None

    async def open(
        self,
        line: str,
        session: asyncssh.SSHClientSession[bytes],
        terminal: Terminal | None = None,
    ) -> asyncssh.SSHClientChannel[bytes]:
        """Have the host's login shell run a command line.

        Args:
            line: made by ``command_line``.
            session: is told what comes.
            terminal: the client's; None: without one.

        Raises:
            UpstreamUnavailable: the host opens no more sessions, or the connection is over.
        """
        modes = modes_of(terminal.modes) if terminal else {}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                chan, _ = await self._connection.create_session(
                    lambda: session,
                    line,
                    env=None,
                    send_env=None,
                    request_pty="force" if terminal else False,
                    term_type=terminal.kind if terminal else None,
                    term_size=terminal.size if terminal else None,
                    term_modes=modes,
                    encoding=None,
                    window=WINDOW,
                    max_pktsize=PACKET,
                )
        except TimeoutError as error:
            raise UpstreamUnavailable(f"{self.target.endpoint} does not answer") from error
        except asyncssh.ChannelOpenError as error:
            raise UpstreamUnavailable(
                f"{self.target.endpoint} opens no further session: {error.reason}",
                hint="end another command of this connection first (hosts allow ten at once by default)",
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise UpstreamUnavailable(f"the connection to {self.target.endpoint} broke") from error
        chan._command = None  # noqa: SLF001 - 11 KiB with the guard's script, kept for nobody as long as it runs
        return chan

    async def open_sftp(self, session: asyncssh.SSHClientSession[bytes]) -> None:
        """Open the SFTP subsystem of a host that keeps its SFTP server nowhere where it can be guarded.

        Raises:
            UpstreamUnavailable: it has none, or the connection is over.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._connection.create_session(
                    lambda: session, subsystem="sftp", encoding=None, window=WINDOW, max_pktsize=PACKET
                )
        except (TimeoutError, asyncssh.Error, OSError) as error:
            raise UpstreamUnavailable(f"{self.target.endpoint} has no SFTP server") from error

    async def ask(self, script: str) -> str:
        """Run a set-up question of the gateway's own, POSIX shell that changes nothing.

        Raises:
            UpstreamUnavailable: it was not answered.
        """
        answer = Answer(MOST_ANSWER)
        line = command_line({}, ("/bin/sh", "-c", script))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                chan = await self.open(line, answer)
                chan.write_eof()
                await answer.done.wait()
        except TimeoutError as error:
            raise UpstreamUnavailable(f"{self.target.endpoint} does not answer") from error
        finally:
            answer.hang_up()
        return answer.output.decode("utf-8", "replace")

    def close(self) -> None:
        """Hang up."""
        self._connection.abort()


def command_line(variables: Mapping[str, str], argv: tuple[str, ...], *, path: tuple[str, ...] = PATH) -> str:
    """Return the line for a login shell that becomes these words under an environment of the gateway's own.

    ``exec`` and the absolute path leave the login shell nothing to replace them with but a function of
    that name, which ``exec`` does not call.

    Args:
        variables: beside the fixed ones.
        argv: absolute path first.
        path: folders that programs are looked up in.
    """
    fixed = {"PATH": ":".join(path), "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    words = [f"{name}={value}" for name, value in (fixed | dict(variables)).items()]
    return f"exec /usr/bin/env -i {command((*words, *argv))}"


class Dialler:
    """Logs in to one host. What asyncssh makes of keys and algorithms is made once for all connections there.

    Args:
        target: where.
        secret: a private key in OpenSSH's or PEM form, or a password.

    Raises:
        UpstreamUnavailable: a key of either side can't be read.
    """

    def __init__(self, target: Target, secret: Secret) -> None:
        self.target = target
        self.secret = secret
        pinned = _pinned(target)
        self._pinned = frozenset(key.public_data for key in pinned)
        credential = _credential(target, secret)
        try:
            self._options = _options(target, pinned, credential)
        except (OSError, asyncssh.Error, ValueError) as error:
            raise UpstreamUnavailable(f"{target.endpoint} can't be reached: {_reason(error)}") from error

    async def dial(self) -> Upstream:
        """Log in.

        Raises:
            UpstreamUnavailable: it can't be reached, is another than was registered, or refuses.
        """
        target, host = self.target, Host(self._pinned)
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                for pause in PAUSES:
                    try:
                        return Upstream(self, host, await self._connect(host))
                    except (asyncssh.ConnectionLost, ConnectionResetError):
                        host.lost = Once()  # it was told of that try's end
                        await asyncio.sleep(pause * (0.5 + secrets.randbelow(1000) / 1000))
                return Upstream(self, host, await self._connect(host))
        except asyncssh.HostKeyNotVerifiable as error:
            shown = fingerprint_of(host.shown) if host.shown is not None else "none that can be read"
            raise UpstreamUnavailable(
                f"{target.endpoint} shows another host key than the registered one: {shown}",
                hint=f"if its owner says that this is right: glassgate endpoint accept-key {target.endpoint}",
            ) from error
        except asyncssh.PermissionDenied as error:
            raise UpstreamUnavailable(f"{target.endpoint} refuses the gateway's credential") from error
        except asyncssh.KeyExchangeFailed as error:
            raise UpstreamUnavailable(
                f"{target.endpoint} and the gateway agree on no algorithm; or its host key is of another"
                " kind",
                hint=f"glassgate endpoint accept-key {target.endpoint}, or a newer sshd there",
            ) from error
        except (TimeoutError, OSError, asyncssh.Error, ValueError) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else _reason(error)
            raise UpstreamUnavailable(f"{target.endpoint} can't be reached: {reason}") from error

    async def _connect(self, host: Host) -> HostConnection:
        """Connect and log in once."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: HostConnection(loop, self._options, host), self.target.host, self.target.port
        )
        try:
            await connection.proven
        except BaseException:
            connection.abort()
            raise
        return connection


async def dial(target: Target, secret: Secret) -> Upstream:
    """Log in to a host that is asked this once.

    Raises:
        UpstreamUnavailable: as ``Dialler`` and its ``dial``.
    """
    return await Dialler(target, secret).dial()


def _options(
    target: Target, pinned: list[asyncssh.SSHKey], credential: Mapping[str, object]
) -> asyncssh.SSHClientConnectionOptions:
    """Return how a host is spoken to, with nothing of this machine's own configuration, keys or agent."""
    kinds = [name for key in pinned for name in algorithms.signatures_of(key.get_algorithm())]
    return asyncssh.SSHClientConnectionOptions(
        host=target.host,
        port=target.port,
        config=None,
        known_hosts=([], [], []),
        server_host_key_algs=list(dict.fromkeys(kinds)),
        username=target.username,
        x509_trusted_certs=None,
        agent_path=None,
        gss_kex=False,
        gss_auth=False,
        host_based_auth=False,
        client_version="Glassgate",
        kex_algs=algorithms.KEX_OF_PRODUCTION,
        encryption_algs=algorithms.ENCRYPTION,
        mac_algs=algorithms.MACS,
        signature_algs=algorithms.SIGNATURES,
        compression_algs=None,
        keepalive_interval=KEEPALIVE_SECONDS,
        tcp_keepalive=True,
        **credential,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return getattr(error, "reason", "") or str(error)


def _pinned(target: Target) -> list[asyncssh.SSHKey]:
    if not target.host_keys:
        raise UpstreamUnavailable(
            f"no host key of {target.endpoint} is registered",
            hint=f"glassgate endpoint accept-key {target.endpoint}",
        )
    try:
        return [asyncssh.import_public_key(line) for line in target.host_keys]
    except (asyncssh.KeyImportError, ValueError) as error:
        raise UpstreamUnavailable(f"the registered host key of {target.endpoint} can't be read") from error


def _credential(target: Target, secret: Secret) -> dict[str, object]:
    """Return the one way in that is registered, and close the others."""
    text = secret.reveal()
    if not text.startswith(b"-----BEGIN "):
        return {"client_keys": None, "public_key_auth": False, "password": text.decode("utf-8", "replace")}
    try:
        key = asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        raise UpstreamUnavailable(
            f"the gateway's key for {target.endpoint} can't be read",
            hint="register it again with --key-file, without a passphrase",
        ) from error
    return {"client_keys": [key], "password_auth": False, "kbdint_auth": False}


async def fetch_host_key(host: str, port: int) -> asyncssh.SSHKey:
    """Return the key that a host shows now, the best kind that it has.

    Raises:
        UpstreamUnavailable: it can't be reached, or shows none.
    """
    try:
        async with asyncio.timeout(DIAL_SECONDS):
            key = await asyncssh.get_server_host_key(
                host,
                port,
                config=None,
                client_version="Glassgate",
                kex_algs=algorithms.KEX_OF_PRODUCTION,
                server_host_key_algs=algorithms.HOST_KEYS,
            )
    except (TimeoutError, OSError, asyncssh.Error, ValueError) as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else _reason(error)
        raise UpstreamUnavailable(f"{host}:{port} can't be reached: {reason}") from error
    if key is None:
        raise UpstreamUnavailable(f"{host}:{port} shows no host key")
    return key
