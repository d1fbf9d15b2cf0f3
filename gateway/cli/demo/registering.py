"""The demo's accounts and endpoints, added through the API as the first administrator."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.cli.client import Client
from gateway.cli.demo import engine as sample_engine
from gateway.cli.demo import host as sample
from gateway.cli.demo.production import DATABASE, READER
from gateway.cli.demo.terminals import own_environment, terminal_environment, write_terminal
from gateway.cli.profiles import Profile
from gateway.domain.errors import UpstreamUnavailable
from gateway.server import ADMINISTRATOR_FILE
from gateway.transport.authority import Authority
from gateway.web.shapes.endpoints import (
    EndpointCheck,
    EndpointFacts,
    EndpointName,
    PutEndpoint,
    RepositoryFacts,
    SettingsFacts,
)
from gateway.web.shapes.identity import Done, NewPerson, Person

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.cli.demo.engine import SampleEngine
    from gateway.cli.demo.host import SampleHost
    from gateway.cli.demo.ports import Ports
    from gateway.cli.demo.production import SampleProduction

ENDPOINT: Final = "orders-db"
HOST: Final = sample.NAME
ENGINE: Final = sample_engine.NAME
PEOPLE: Final[Mapping[str, str]] = {
    "engineer": "Erin Engineer",
    "approver": "Abel Approver",
    "reviewer": "Rita Reviewer",
}
"""Login name, which is also the role → name shown."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """What was added.

    Attributes:
        passwords: login name → password.
        fingerprint: of the gateway's authority.
        problems: endpoint → why it can't be looked at.
    """

    passwords: Mapping[str, str]
    fingerprint: str
    problems: Mapping[str, str]


def client_of(folder: Path, ports: Ports, token: str = "") -> Client:
    """Return a client of the demo's gateway.

    Args:
        folder: the demo's.
        ports: of the gateway.
        token: whose; empty: nobody's.
    """
    ca = folder / "gateway" / "tls" / "ca.pem"
    return Client(Profile("setup", f"https://localhost:{ports.api}", token=token, ca=str(ca)))


def set_up(
    folder: Path,
    ports: Ports,
    production: SampleProduction,
    host: SampleHost | None,
    engine: SampleEngine | None,
) -> SetUp:
    """Add the three accounts and the endpoints.

    Raises:
        UpstreamUnavailable: the first administrator can't log in.
        GlassgateError: what the gateway says to that.
    """
    passwords = {name: secrets.token_urlsafe(9) for name in PEOPLE}
    write_terminal(folder, ports)
    client = client_of(folder, ports, _administrator(folder, ports))
    for name, shown in PEOPLE.items():
        question = NewPerson(
            name=name,
            display_name=shown,
            email=f"{name}@example.com",
            password=passwords[name],
            roles=(name,),
        )
        client.call("POST /v1/people", question, Person)
    client.call("PUT /v1/endpoints/{name}", _database(folder, production), EndpointFacts)
    samples = (
        None if host is None else _host(folder, host),
        None if engine is None else _engine(folder, engine),
    )
    problems = {each.name: _add(client, each) for each in samples if each is not None}
    return SetUp(passwords, Authority.open(folder / "gateway" / "tls").fingerprint, problems)


def _add(client: Client, sample: PutEndpoint) -> str:
    """Register an endpoint and dial it; where that goes wrong, take it back and say why."""
    client.call("PUT /v1/endpoints/{name}", sample, EndpointFacts)
    name = EndpointName(name=sample.name)
    found = client.call("POST /v1/endpoints/{name}/check", name, EndpointCheck)
    if not found.good:
        client.call("DELETE /v1/endpoints/{name}", name, Done)
    return found.problem


def _administrator(folder: Path, ports: Ports) -> str:
    """Log in with the one-time password that the gateway has left for its operator, and return the token.

    The login stays, as the profile ``admin`` of the demo's terminals.
    """
    left = folder / "gateway" / ADMINISTRATOR_FILE
    name, password = left.read_text().split()
    fingerprint = Authority.open(folder / "gateway" / "tls").fingerprint
    done = subprocess.run(  # noqa: S603 - our own program
        [
            *(sys.executable, "-m", "gateway.cli.main", "--profile", "admin"),
            *("login", "--name", name, "--ca-fingerprint", fingerprint, "--password-stdin"),
        ],
        input=password,
        env={**own_environment(), **terminal_environment(folder, ports)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise UpstreamUnavailable(f"the first administrator can't log in: {done.stderr.strip()}")
    left.unlink()
    return str(json.loads((folder / "home" / "admin.json").read_text())["token"])


def _database(folder: Path, production: SampleProduction) -> PutEndpoint:
    tls = production.server.tls
    return PutEndpoint(
        name=ENDPOINT,
        labels={"env": "prod", "team": "payments"},
        host="localhost",
        port=production.port,
        username=READER,
        password=production.reader_password.reveal().decode(),
        tls="verify-full" if tls else "off",
        ca=(folder / "certificates" / "ca.pem").read_text() if tls else "",
        repository=RepositoryFacts(url=str(folder / "shop.git")),
        settings=SettingsFacts(options={"database": DATABASE}),
    )


def _host(folder: Path, host: SampleHost) -> PutEndpoint:
    return PutEndpoint(
        name=HOST,
        kind="ssh",
        labels={"env": "prod", "team": "web"},
        host="127.0.0.1",
        port=host.port,
        username=host.account,
        password=host.key.reveal().decode(),
        ca=host.host_key,
        repository=RepositoryFacts(
            url=str(folder / "web.git"),
            paths={f"{host.files}/etc/nginx/**": "ansible/files/nginx/**"},
            image="ansible/tasks/main.yml",
        ),
        settings=SettingsFacts(options={"guard": "prefer"}),
    )


def _engine(folder: Path, engine: SampleEngine) -> PutEndpoint:
    return PutEndpoint(
        name=ENGINE,
        kind="docker",
        labels={"env": "prod", "team": "mail"},
        host=str(engine.socket),
        tls="off",
        password="",
        repository=RepositoryFacts(url=str(folder / "mailer.git"), paths={"/app/**": "app/**"}),
    )
