"""``gateway.toml`` → typed settings. Unknown keys, wrong types and values name file, line and mend."""

from __future__ import annotations

import re
import socket
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.domain.errors import ConfigurationBroken

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Natural = Annotated[int, msgspec.Meta(ge=0)]


class Durability(StrEnum):
    """When a unit counts as recorded."""

    WRITTEN = "written"
    """In the kernel's hands before it is forwarded; on disk within a second."""
    SYNCED = "synced"
    """On disk before it is forwarded."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of gateway.toml; keys are written with dashes."""


class Listen(_Section, frozen=True, kw_only=True):
    """Where the doors listen.

    Attributes:
        host: address that every door binds.
        api_port: HTTP API over TLS.
        postgres_port: PostgreSQL clients.
        ssh_port: SSH clients.
        docker_port: Docker clients.
        kubernetes_port: Kubernetes clients.
    """

    host: str = "127.0.0.1"
    api_port: Port = 8443
    postgres_port: Port = 6432
    ssh_port: Port = 2222
    docker_port: Port = 2376
    kubernetes_port: Port = 6443


class Database(_Section, frozen=True, kw_only=True):
    """The store.

    Attributes:
        url: ``postgresql://…``; empty: an embedded PostgreSQL in the data folder.
        pool: largest number of connections.
    """

    url: str = ""
    pool: Positive = 10


class RecordingSettings(_Section, frozen=True, kw_only=True):
    """Recordings.

    Attributes:
        folder: where they lie; empty: ``recordings`` in the data folder.
        durability: when a unit counts as recorded.
        person_mib: what may be recorded of one person within 24 hours; 0: no quota.
    """

    folder: str = ""
    durability: Durability = Durability.WRITTEN
    person_mib: Natural = 51_200


class Witness(_Section, frozen=True, kw_only=True):
    """Where checkpoints of the ledger are published.

    Attributes:
        file: a file that checkpoints are appended to; empty: ``witness/checkpoints`` in the data folder.
        git: URL of a repository whose branch ``checkpoints`` holds the latest.
        seconds: time between checkpoints.
    """

    file: str = ""
    git: str = ""
    seconds: Positive = 60


class Hook(_Section, frozen=True, kw_only=True):
    """Where events (requests to decide, approvals, revocations, …) are delivered.

    Attributes:
        program: argv; the event is handed over as JSON on standard input.
        webhook: URL; the event is posted as JSON, signed.
        webhook_secret: name of the environment variable that holds the signing secret.
    """

    program: tuple[str, ...] = ()
    webhook: str = ""
    webhook_secret: str = "GLASSGATE_WEBHOOK_SECRET"  # noqa: S105 - names the variable, holds no secret


class Limits(_Section, frozen=True, kw_only=True):
    """Bounds of the process.

    Attributes:
        connections: clients at once.
        login_seconds: time a client has to log in.
        statement_bytes: largest statement that is judged.
        drain_seconds: time that what runs has to end after SIGTERM, and sessions to close.
    """

    connections: Positive = 2000
    login_seconds: Positive = 20
    statement_bytes: Positive = 16 << 20
    drain_seconds: Positive = 30


class Settings(_Section, frozen=True, kw_only=True):
    """Everything an operator sets in ``gateway.toml``; each member has a default that works on one machine.

    Attributes:
        data: folder of everything the gateway keeps; relative to the file.
        public_host: the name clients reach the gateway by; in certificates and in printed commands.
        extra_names: more names and addresses for the server's certificate.
        replica: this process's name among the replicas.
        policies: folder of policy and catalogue; empty: the shipped one.
        master_key: file of the master key; empty: ``keys/master`` in the data folder. The environment
            variable ``GLASSGATE_MASTER_KEY`` wins.
        log_level: debug, info, warning or error.
        processes: so many serve PostgreSQL clients, this one included; 0: one for every two cores, at most 4.
        listen: see there.
        database: see there.
        recording: see there.
        witness: see there.
        hook: see there.
        limits: see there.
    """

    data: str = "data"
    public_host: str = "localhost"
    extra_names: tuple[str, ...] = ("127.0.0.1", "::1")
    replica: str = msgspec.field(default_factory=socket.gethostname)
    policies: str = ""
    master_key: str = ""
    log_level: str = "info"
    processes: Natural = 0
    listen: Listen = msgspec.field(default_factory=Listen)
    database: Database = msgspec.field(default_factory=Database)
    recording: RecordingSettings = msgspec.field(default_factory=RecordingSettings)
    witness: Witness = msgspec.field(default_factory=Witness)
    hook: Hook = msgspec.field(default_factory=Hook)
    limits: Limits = msgspec.field(default_factory=Limits)

    @property
    def data_folder(self) -> Path:
        """Folder of everything the gateway keeps."""
        return Path(self.data)

    @property
    def policies_folder(self) -> Path:
        """Folder of policy and catalogue."""
        return Path(self.policies) if self.policies else SHIPPED / "policies"

    @property
    def recordings_folder(self) -> Path:
        """Folder of the recordings."""
        return Path(self.recording.folder) if self.recording.folder else self.data_folder / "recordings"

    @property
    def master_key_file(self) -> Path:
        """File of the master key."""
        return Path(self.master_key) if self.master_key else self.data_folder / "keys" / "master"

    @property
    def witness_file(self) -> Path:
        """File that checkpoints are appended to."""
        return Path(self.witness.file) if self.witness.file else self.data_folder / "witness" / "checkpoints"

    @property
    def public_url(self) -> str:
        """Where the HTTP API is reached."""
        return f"https://{self.public_host}:{self.listen.api_port}"


SHIPPED = Path(__file__).resolve().parent.parent
"""Folder that holds ``policies/`` and ``migrations/`` as shipped."""


def load_settings(path: Path) -> Settings:
    """Read ``gateway.toml``.

    Args:
        path: the file; relative folders in it are taken from where it lies.

    Raises:
        ConfigurationBroken: the file can't be read or used; file, line and mend are named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationBroken(
            f"{path}: {error.strerror or error}", hint="name the file with `glassgate serve -c FILE`"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationBroken(f"{path}: not UTF-8 text", hint="save the file as UTF-8") from error
    try:
        settings = msgspec.convert(tomllib.loads(text), Settings)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationBroken(f"{path}: {error}", hint="mend the TOML at that place") from error
    except msgspec.ValidationError as error:
        line = _line_of(text, str(error))
        raise ConfigurationBroken(
            f"{path}:{line}: {error}", hint="docs/configuration.md lists every key with its type and default"
        ) from error
    return _anchored(settings, path.resolve().parent)


def _anchored(settings: Settings, folder: Path) -> Settings:
    """Turn relative paths into paths below the configuration file's folder."""

    def at(value: str) -> str:
        return str(folder / value) if value else value

    return msgspec.structs.replace(
        settings,
        data=at(settings.data),
        policies=at(settings.policies),
        master_key=at(settings.master_key),
        recording=msgspec.structs.replace(settings.recording, folder=at(settings.recording.folder)),
        witness=msgspec.structs.replace(settings.witness, file=at(settings.witness.file)),
    )


def _line_of(text: str, message: str) -> int:
    """Find the line a validation message speaks of: its path is `$.table.key`, an unknown key is quoted."""
    place = re.search(r"`\$\.?([^`]*)`", message)
    names = [name for name in (place.group(1).split(".") if place else []) if name]
    unknown = re.search(r"unknown field `([^`]+)`", message)
    if unknown:
        names.append(unknown.group(1))
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\]]+)\]", line)
        if header:
            table = header.group(1).strip()
            if names == table.split("."):
                return number
            continue
        key = re.match(r"\s*([A-Za-z0-9_.-]+)\s*=", line)
        if key and [part for part in f"{table}.{key.group(1)}".split(".") if part] == [
            re.sub(r"\[\d+\]$", "", name) for name in names
        ]:
            return number
    return 1
