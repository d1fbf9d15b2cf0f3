"""A real gateway in a process of its own, for tests that talk to it as people and clients do."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
from servers import Production, free_port

from gateway.access.tokens import Jwts
from gateway.cli.client import Client
from gateway.cli.profiles import Profile
from gateway.domain.errors import GlassgateError
from gateway.server import ADMINISTRATOR_FILE
from gateway.server.workers import processes_of
from gateway.store import postmaster
from gateway.store.keyring import Keyring
from gateway.web.shapes.access import Approve, FileRequest, RequestFacts
from gateway.web.shapes.endpoints import EndpointFacts, PutEndpoint, RepositoryFacts, SettingsFacts
from gateway.web.shapes.gateway import Readiness
from gateway.web.shapes.identity import DatabaseToken, LoggedIn, Login, NewPerson, Person
from gateway.web.shapes.shape import Nothing

if TYPE_CHECKING:
    from collections.abc import Mapping

PEOPLE = ("engineer", "approver", "reviewer")
READY_SECONDS = 30.0
LIMITS = "[limits]\ndrain-seconds = 4\n"
"""What a test leaves running holds up the end of its gateway for so long."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a test's gateway begins with, instead of making keys, tables and people each time.

    Attributes:
        dsn: URL of its store, which is a copy of the first gateway's.
        first: a gateway that was given the three people, and stopped.
    """

    dsn: str
    first: LiveGateway


@dataclass(slots=True)
class LiveGateway:
    """A gateway process with three people; made by ``start``, ended by ``stop``.

    Attributes:
        folder: holds gateway.toml, data and log.
        api_port: of its HTTP API.
        postgres_port: of its PostgreSQL door.
        ssh_port: of its SSH door.
        docker_port: of its Docker door.
        kubernetes_port: of its Kubernetes door.
        environment: variables beside this process's own.
        process: the gateway.
        passwords: login name → password.
        tokens: login name → bearer token.
    """

    folder: Path
    api_port: int
    postgres_port: int
    ssh_port: int
    docker_port: int
    kubernetes_port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    passwords: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        settings: str = "",
        store: str = "",
        beginning: Beginning | None = None,
        policies: Path | None = None,
        environment: Mapping[str, str] | None = None,
        processes: int = 1,
    ) -> LiveGateway:
        """Start a gateway with the three people.

        Args:
            folder: empty.
            settings: more tables of gateway.toml.
            store: database.url; empty: embedded.
            beginning: what to go on from, its store included; None: from nothing.
            policies: folder of policy and catalogue; None: the shipped one.
            environment: variables beside this process's own.
            processes: that serve PostgreSQL clients; 0: as many as a gateway has by itself.
        """
        made = cls(folder, *_ports(), environment or {})
        shipped = f'policies = "{policies}"\n' if policies else ""
        url = beginning.dsn if beginning else store
        database = f'[database]\nurl = "{url}"\n' if url else ""
        (folder / "gateway.toml").write_text(
            f'data = "data"\nprocesses = {processes}\n{shipped}{made._listen()}{database}'
            f"[witness]\nseconds = 1\n{settings if '[limits]' in settings else LIMITS + settings}"
        )
        if beginning:
            shutil.copytree(beginning.first.data, made.data)
            made._take_over(beginning.first)
            made.launch()
        else:
            made.launch()
            made._people()
        return made

    def replica(self, folder: Path, *, store: str, settings: str = "") -> LiveGateway:
        """Start another gateway on the same store, with the same keys, for the same people."""
        other = LiveGateway(folder, *_ports(), self.environment)
        for part in ("keys", "tls", "ssh"):
            shutil.copytree(self.data / part, folder / "data" / part)
        (folder / "gateway.toml").write_text(
            f'data = "data"\nprocesses = 1\nreplica = "{folder.name}"\n[database]\nurl = "{store}"\n'
            f"{other._listen()}{settings}"
        )
        other._take_over(self)
        other.launch()
        return other

    def _listen(self) -> str:
        return (
            f"[listen]\napi-port = {self.api_port}\npostgres-port = {self.postgres_port}\n"
            f"ssh-port = {self.ssh_port}\ndocker-port = {self.docker_port}\n"
            f"kubernetes-port = {self.kubernetes_port}\n"
        )

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def ca(self) -> Path:
        return self.data / "tls" / "ca.pem"

    @property
    def log(self) -> str:
        return (self.folder / "gateway.log").read_text(errors="replace")

    def launch(self) -> None:
        """Start the process and wait until sessions can be opened."""
        with (self.folder / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli.main", "serve", "-c", str(self.folder / "gateway.toml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, **self.environment},
                preexec_fn=postmaster.die_with_parent(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - as there
            )
        until = time.monotonic() + READY_SECONDS
        while not self.ready():
            assert self.process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    def ready(self) -> bool:
        if not self.ca.exists():
            return False
        try:
            return self.client("").call("GET /readyz", None, Readiness).ready
        except GlassgateError:
            return False

    def wait_for_processes(self) -> None:
        """Wait until every process serves that it has beside the first by default."""
        more, until = processes_of(0) - 1, time.monotonic() + READY_SECONDS
        while self.log.count("process ready") < more:
            assert time.monotonic() < until, self.log
            time.sleep(0.05)

    def pids(self) -> tuple[int, ...]:
        """The gateway's processes, the first one first, its store's left out."""
        assert self.process is not None
        found = [self.process.pid]
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                line = (folder / "cmdline").read_bytes()
                if int(parent) == self.process.pid and b"gateway.server.worker" in line:
                    found.append(int(folder.name))
        return tuple(found)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it in order; returns its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(40)

    def kill(self) -> None:
        """End it as a crash does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def client(self, name: str) -> Client:
        """The API as this person; the empty name is nobody."""
        token = self.tokens[name] if name else ""
        return Client(Profile("test", f"https://localhost:{self.api_port}", token=token, ca=str(self.ca)))

    def login(self, name: str) -> None:
        question = Login(name=name, password=self.passwords[name])
        self.tokens[name] = self.client("").call("POST /v1/login", question, LoggedIn).token

    def _take_over(self, first: LiveGateway) -> None:
        """Have the people and the logins that stand in the store; a login's token names the gateway's URL."""
        self.passwords = dict(first.passwords)
        jwts = Jwts(Keyring.load(self.data / "keys" / "master"), f"https://localhost:{self.api_port}")
        for name, token in first.tokens.items():
            login = jwt.decode(token, options={"verify_signature": False})
            ends = datetime.fromtimestamp(login["exp"], UTC)
            self.tokens[name] = jwts.sign(name, login["jti"], ends).reveal().decode()

    def _people(self) -> None:
        name, password = (self.data / ADMINISTRATOR_FILE).read_text().split()
        self.passwords[name] = password
        self.login(name)
        for person in PEOPLE:
            self.add_person(person, person)

    def add_person(self, name: str, *roles: str) -> None:
        self.passwords[name] = secrets.token_urlsafe(12)
        question = NewPerson(
            name=name,
            display_name=name.title(),
            email=f"{name}@example.com",
            password=self.passwords[name],
            roles=roles,
        )
        self.client("admin").call("POST /v1/people", question, Person)
        self.login(name)

    def add_endpoint(
        self,
        production: Production,
        *,
        name: str = "orders-db",
        repository: Path | None = None,
        role: str = "",
        settings: SettingsFacts | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Register sample production; the gateway's login there is its reader unless another is named."""
        login = role or production.reader
        password = {
            production.reader: production.reader_password,
            production.writer: production.writer_password,
            production.superuser: production.superuser_password,
        }[login]
        question = PutEndpoint(
            name=name,
            labels=dict(labels or {"env": "prod", "team": "payments"}),
            host=production.host,
            port=production.port,
            username=login,
            password=password,
            tls="verify-full",
            ca=production.ca.read_text(),
            repository=RepositoryFacts(url=str(repository)) if repository else None,
            settings=settings or SettingsFacts(options={"database": production.database}),
        )
        self.client("admin").call("PUT /v1/endpoints/{name}", question, EndpointFacts)

    def grant(
        self, endpoint: str = "orders-db", *, person: str = "engineer", minutes: int = 60
    ) -> RequestFacts:
        """File an access request and have it approved."""
        question = FileRequest(endpoint=endpoint, seconds=minutes * 60, reason="INC-42: the tests look")
        filed = self.client(person).call("POST /v1/requests", question, RequestFacts)
        approval = Approve(id=filed.id)
        return self.client("approver").call("POST /v1/requests/{id}/approve", approval, RequestFacts)

    def database_token(self, person: str = "engineer") -> str:
        return self.client(person).call("POST /v1/database-tokens", Nothing(), DatabaseToken).token

    def dsn(
        self, endpoint: str = "orders-db", *, person: str = "engineer", database: str = "shop", more: str = ""
    ) -> str:
        """A libpq connection string to the endpoint through the gateway, as the README prints it."""
        return (
            f"host=localhost port={self.postgres_port} user={person}+{endpoint} dbname={database} "
            f"password={self.database_token(person)} sslmode=verify-full sslrootcert={self.ca} {more}"
        )


def _ports() -> tuple[int, int, int, int, int]:
    return free_port(), free_port(), free_port(), free_port(), free_port()
