"""The doors: which protocol is served by what, on which port, judged by which catalogue."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, final

from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import GlassgateError
from gateway.judge.catalogue import load_postgres
from gateway.judge.docker.catalogue import load_docker
from gateway.judge.kubernetes.catalogue import load_kubernetes
from gateway.judge.kubernetes.judge import judge as judge_request
from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.judge import judge as judge_line
from gateway.log import get_logger
from gateway.protocols.docker.facts import DockerFacts
from gateway.protocols.docker.parts import Parts as DockerParts
from gateway.protocols.docker.reception import Reception as DockerReception
from gateway.protocols.kubernetes.facts import KubernetesFacts
from gateway.protocols.kubernetes.parts import Parts as KubernetesParts
from gateway.protocols.kubernetes.parts import Shells
from gateway.protocols.kubernetes.reception import ALPN as HTTP
from gateway.protocols.kubernetes.reception import Reception as KubernetesReception
from gateway.protocols.postgres.cancel import CancelKeys
from gateway.protocols.postgres.catalogue import Catalogues
from gateway.protocols.postgres.facts import PostgresFacts
from gateway.protocols.postgres.parts import Parts as PostgresParts
from gateway.protocols.postgres.reception import ALPN
from gateway.protocols.postgres.reception import Reception as PostgresReception
from gateway.protocols.ssh.facts import SshFacts
from gateway.protocols.ssh.host_key import open_host_key, public_line
from gateway.protocols.ssh.parts import Parts as SshParts
from gateway.protocols.ssh.reception import Reception as SshReception
from gateway.store.ledger import append_leaf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity
    from gateway.judge.shell.catalogue import ShellCatalogue
    from gateway.session.door import Openings
    from gateway.session.line import Line
    from gateway.settings import Settings
    from gateway.store.pool import Store
    from gateway.transport.accept import Arrival
    from gateway.transport.tls import ServerTls
    from gateway.web.parts import DoorFacts

PROTOCOLS = (ALPN, HTTP)
"""Names by which clients may choose a door inside TLS."""
CATALOGUE_SECONDS = 2.0

log = get_logger("server")


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """A door, ready to be listened for.

    Attributes:
        kind: of the endpoints behind it.
        clients: what its clients are called.
        port: where they connect.
        serve: takes each of them.
        facts: what the API says of it.
        background: what runs as long as the gateway does.
        shared: whether several processes may serve its clients: what one connection needs, no other knows.
        open: takes a client whose identity another door has proven; None: nobody comes in that way.
        reach: is told how the other doors are reached, once all listen; None: it reaches none.
    """

    kind: EndpointKind
    clients: str
    port: int
    serve: Callable[[Arrival], Awaitable[None]]
    facts: DoorFacts
    background: tuple[Callable[[], Coroutine[Any, Any, None]], ...]
    shared: bool = False
    open: Callable[[Arrival, Identity, Endpoint], Awaitable[None]] | None = None
    reach: Callable[[Openings], None] | None = None


def open_doors(
    settings: Settings, line: Line, tls: ServerTls, docker_tls: ServerTls, store: Store
) -> tuple[OpenDoor, ...]:
    """Build every door.

    Args:
        settings: where each listens.
        line: that every session follows.
        tls: the gateway's certificate.
        docker_tls: the same, asking clients for theirs.
        store: where a changed catalogue is written down.

    Raises:
        ConfigurationBroken: a catalogue or the gateway's SSH host key can't be used.
    """
    commands = _Source(settings.policies_folder / "catalogue" / "shell", load_shell)
    shells = Shells(commands.load())
    return (
        postgres_door(settings, line, tls, store, by=store),
        _ssh(settings, line, store, commands, shells),
        _docker(settings, line, docker_tls, store, shells),
        _kubernetes(settings, line, tls, store, shells),
    )


def postgres_door(
    settings: Settings, line: Line, tls: ServerTls, store: Store, *, by: Store | None
) -> OpenDoor:
    """Build the door for PostgreSQL clients.

    Args:
        settings: where it listens.
        line: that every session follows.
        tls: the gateway's certificate.
        store: by which processes tell each other of cancel requests.
        by: where a changed catalogue is written down; None: another process does.

    Raises:
        ConfigurationBroken: the catalogue can't be used.
    """
    source = _Source(settings.policies_folder / "catalogue", load_postgres)
    catalogues = Catalogues(source.load())
    parts = PostgresParts(catalogues, settings.limits.statement_bytes, keys=CancelKeys(store))
    reception = PostgresReception(line, parts, tls, login_seconds=settings.limits.login_seconds)
    port = settings.listen.postgres_port
    return OpenDoor(
        EndpointKind.POSTGRES,
        "PostgreSQL clients",
        port,
        reception.serve,
        PostgresFacts(settings.public_host, port, parts),
        (reception.run, lambda: _follow(source, catalogues, by)),
        shared=True,
    )


def _ssh(
    settings: Settings, line: Line, store: Store, commands: _Source[ShellCatalogue], shells: Shells
) -> OpenDoor:
    parts = SshParts(shells.catalogue, judge_line)
    host_key = open_host_key(settings.data_folder / "ssh")
    names = frozenset(name.lower() for name in (settings.public_host, *settings.extra_names))
    reception = SshReception(line, parts, host_key, names=names, login_seconds=settings.limits.login_seconds)
    port = settings.listen.ssh_port
    return OpenDoor(
        EndpointKind.SSH,
        "SSH clients",
        port,
        reception.serve,
        SshFacts(settings.public_host, port, parts, public_line(host_key)),
        (parts.warm.run, lambda: _follow(commands, _Every((parts, shells)), store)),
        reach=reception.reach,
    )


def _docker(settings: Settings, line: Line, tls: ServerTls, store: Store, shells: Shells) -> OpenDoor:
    source = _Source(settings.policies_folder / "catalogue", load_docker)
    parts = DockerParts(source.load(), lambda: shells.catalogue)
    reception = DockerReception(line, parts, tls, login_seconds=settings.limits.login_seconds)
    port = settings.listen.docker_port
    return OpenDoor(
        EndpointKind.DOCKER,
        "Docker clients",
        port,
        reception.serve,
        DockerFacts(settings.public_host, port, parts),
        (tls.run, lambda: _follow(source, parts, store)),
        open=reception.open,
    )


def _kubernetes(settings: Settings, line: Line, tls: ServerTls, store: Store, shells: Shells) -> OpenDoor:
    source = _Source(settings.policies_folder / "catalogue", load_kubernetes)
    parts = KubernetesParts(source.load(), shells, judge_request, judge_line)
    reception = KubernetesReception(line, parts, tls, login_seconds=settings.limits.login_seconds)
    port = settings.listen.kubernetes_port
    return OpenDoor(
        EndpointKind.KUBERNETES,
        "Kubernetes clients",
        port,
        reception.serve,
        KubernetesFacts(settings.public_host, port, parts),
        (lambda: _follow(source, parts, store),),
    )


class _Catalogue(Protocol):
    @property
    def fingerprint(self) -> str: ...


C = TypeVar("C", bound=_Catalogue)


class _Judging(Protocol[C]):
    """What judges by a catalogue, and takes another into force."""

    @property
    def catalogue(self) -> C: ...

    def replace(self, catalogue: C) -> None: ...


@dataclass(frozen=True, slots=True)
class _Every(Generic[C]):
    """Several that judge by one catalogue.

    Attributes:
        judging: at least one.
    """

    judging: tuple[_Judging[C], ...]

    @property
    def catalogue(self) -> C:
        return self.judging[0].catalogue

    def replace(self, catalogue: C) -> None:
        for each in self.judging:
            each.replace(catalogue)


class _File(NamedTuple):
    """What tells that a file was written, replaced, added or taken away."""

    name: str
    inode: int
    size: int
    changed_ns: int


@final
class _Source(Generic[C]):
    """Where a catalogue is read from.

    Args:
        folder: its files lie there.
        load: reads them.
    """

    def __init__(self, folder: Path, load: Callable[[Path], C]) -> None:
        self._folder = folder
        self._load = load
        self._read: tuple[_File, ...] | None = None

    def load(self) -> C:
        """Read the catalogue.

        Raises:
            ConfigurationBroken: it can't be used.
        """
        self._read = self._files()
        return self._load(self._folder)

    def changed(self) -> bool:
        """Whether the files lie otherwise than when they were read.

        Reading takes a tenth of a second of every session's time: not while they lie as they were.
        """
        return self._files() != self._read

    def forget(self) -> None:
        """Count the files as changed, since what was read of them did not come into force."""
        self._read = None

    def _files(self) -> tuple[_File, ...]:
        found = []
        for path in sorted(self._folder.glob("*.toml")):
            with suppress(OSError):
                stat = path.stat()
                found.append(_File(path.name, stat.st_ino, stat.st_size, stat.st_ctime_ns))
        return tuple(found)


async def _follow(source: _Source[C], judging: _Judging[C], store: Store | None) -> None:
    """Judge by the catalogue as it is edited, until cancelled; a broken one leaves the old in force."""
    tried, said = judging.catalogue.fingerprint, ""
    while True:
        await asyncio.sleep(CATALOGUE_SECONDS)
        if not source.changed():
            continue
        try:
            found = await asyncio.to_thread(source.load)
            if found.fingerprint == tried:
                continue
            if store is not None:
                words = f"{judging.catalogue.fingerprint} -> {found.fingerprint}"
                async with store.transaction() as connection:
                    await append_leaf(connection, "policy.catalogue-changed", words.encode())
            judging.replace(found)
            tried = found.fingerprint
            log.info("catalogue changed", fingerprint=found.fingerprint)
        except GlassgateError as error:
            source.forget()
            if error.message != said:
                log.warning("catalogue not changed", error=error.message, hint=error.hint)
            said = error.message
