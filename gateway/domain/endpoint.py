"""Something in production that may be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.domain.ids import EndpointId


class EndpointKind(StrEnum):
    """The protocol an endpoint speaks, and so the door that serves it."""

    POSTGRES = "postgres"
    SSH = "ssh"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"


class Require(StrEnum):
    """What the server side must enforce by itself before a session is opened."""

    ROLE = "role"
    """The upstream credential can only read."""
    DEFAULT = "default"
    """The gateway's read-only transaction setting alone is enough."""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where an endpoint's artifacts are built from.

    Attributes:
        url: any git URL; a bare repository on disk serves.
        branch: the branch that changes are based on.
        convention: how migrations are named: ``plain``, ``flyway``, ``dbmate``.
        migrations: folder of the migrations inside the repository.
        paths: production path prefix → path in the repository (SSH, containers).
        image: file that defines the image of a host: a Dockerfile or Ansible tasks; empty: none.
    """

    url: str
    branch: str = "main"
    convention: str = "plain"
    migrations: str = "migrations"
    paths: Mapping[str, str] = field(default_factory=dict)
    image: str = ""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What an operator decides about one endpoint; every member has a safe default.

    Attributes:
        require: what the server must enforce by itself; None: ``role`` for ``env=prod``, else, and for Docker
            engines, ``default``.
        record_results: whether result rows and output of commands go into the recording.
        max_recording_bytes: a session ends when its recording reaches this size.
        keep_days: age at which a recording's key is destroyed and a tombstone left.
        idle_seconds: a session without traffic for so long ends.
        statement_timeout_ms: ceiling for timeouts set by clients; 0 means none.
        lists: per-kind allowlists of the judge, such as ``functions`` or ``foreign_tables``.
        options: per-kind settings that only the kind's own room reads.
    """

    require: Require | None = None
    record_results: bool = False
    max_recording_bytes: int = 1 << 30
    keep_days: int = 365
    idle_seconds: int = 3600
    statement_timeout_ms: int = 0
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as registered, without its secret.

    Attributes:
        id: the store's number.
        name: as people type it, ``[a-z0-9][a-z0-9.-]*``.
        kind: protocol.
        labels: such as ``env=prod``, ``team=payments``.
        host: address of the server, or the folder of its unix socket.
        port: TCP port.
        username: the gateway's own login there.
        tls: ``verify-full`` (default), ``require``, or ``off`` (loopback and unix sockets only).
        ca: PEM of the authority that signed the server's certificate; empty: the system's. Of an SSH host:
            its pinned public keys, one a line.
        repository: where changes go; None where there is none.
        settings: the operator's choices.
        version: grows with each change of the registration.
    """

    id: EndpointId
    name: str
    kind: EndpointKind
    labels: Mapping[str, str]
    host: str
    port: int
    username: str
    tls: str
    ca: str
    repository: Repository | None
    settings: EndpointSettings
    version: int

    @property
    def require(self) -> Require:
        """What the server must enforce: the setting, else by kind and the ``env`` label."""
        if self.settings.require is not None:
            return self.settings.require
        if self.kind is EndpointKind.DOCKER:
            return Require.DEFAULT  # an engine has no login that only reads
        return Require.ROLE if self.labels.get("env") == "prod" else Require.DEFAULT
