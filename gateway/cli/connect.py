"""connect and config: native clients, through the gateway, over verified TLS."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from gateway.cli import containers
from gateway.cli.durations import moment_text, parse_duration
from gateway.cli.groups import group
from gateway.cli.options import EndpointArgument, client_of, complete_endpoint, completing
from gateway.cli.requests import SHOWING, decided, told
from gateway.cli.statuses import Status
from gateway.domain.errors import InvalidInput, NotAuthorised, NotFound

if TYPE_CHECKING:
    from gateway.cli.client import Client
    from gateway.web.shapes.access import RequestFacts
    from gateway.web.shapes.endpoints import Connection

app = group("Print what native clients need to connect by themselves.", "config psql orders-db")


@app.callback()
def config() -> None:
    """Print what native clients need to connect by themselves."""


def connect(
    ctx: typer.Context,
    endpoint: EndpointArgument,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- COMMAND…]",
            help="What to run, on the host for ssh; else psql, a shell, or the settings.",
        ),
    ] = None,
    *,
    reason: Annotated[
        str, typer.Option("--reason", "-r", help="Why, where access must be asked for first.")
    ] = "",
    duration: Annotated[str, typer.Option("--for", help="How long to ask for.")] = "1h",
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Ask to see the values of a cluster's Secrets; else masked.")
    ] = False,
    dbname: Annotated[str, typer.Option("--dbname", "-d", help="Database; else the endpoint's usual.")] = "",
    terminal: Annotated[
        bool, typer.Option("--terminal", "-t", help="Run the command in a terminal (ssh).")
    ] = False,
) -> None:
    """Look at an endpoint with its usual client: psql, ssh, docker, kubectl.

    Without a grant, a terminal is asked for the reason, the request is filed, and when an approver says yes
    it goes straight on. The exit status is the command's. For a host, the command runs there; the words of it
    are joined as ssh joins them, and a key of this profile is made and registered the first time. For an
    engine or a cluster, the command gets its settings and a credential for as long as it runs; without one
    the settings are written and the lines printed that lead a shell there, as `glassgate config` does.
    With --secrets, for clusters alone, access that includes the values of Secrets is asked for where you
    hold none that does; that always takes an approver, who may leave them out.

    Example:
      glassgate connect orders-db
      glassgate connect orders-db -- psql -c 'SELECT count(*) FROM orders'
      glassgate connect web-1 -- 'journalctl -u nginx | grep -c error'
      glassgate connect web-1 -t -- less /var/log/syslog
      glassgate connect prod-docker -- docker ps
      glassgate connect prod-k8s -- kubectl get pods
      glassgate connect prod-k8s --secrets -- kubectl get secret shop-password -o yaml
    """
    client = client_of(ctx)
    way = _way(client, endpoint)
    if way.kind not in _CLIENTS:
        known = ", ".join(_CLIENTS)
        raise InvalidInput(f"{way.endpoint} is a {way.kind} endpoint; only {known} can be connected to yet")
    if secrets and way.kind != _WITH_SECRETS:
        raise InvalidInput(
            f"{way.endpoint} is a {way.kind} endpoint; only a Kubernetes cluster has Secrets",
            hint="connect without --secrets",
        )
    if not way.access or way.access == "pending" or (secrets and not way.secrets):
        _ask(client, way, reason=reason, duration=duration, secrets=secrets)
        way = _way(client, endpoint)
    if way.kind == "ssh":
        from gateway.cli.ssh import open_way

        argv = open_way(client, way).argv(way.user, command or (), terminal=terminal)
        _become(argv, dict(os.environ))
    if way.kind in containers.KINDS:
        if not command:
            containers.print_settings(client, way)
            return
        raise typer.Exit(containers.look(client, way, _program(command[0]), command))
    _become(command or [_CLIENTS[way.kind]], _environment(client, way, dbname))


_CLIENTS = {"postgres": "psql", "ssh": "ssh", "docker": "docker", "kubernetes": "kubectl"}
"""Kind → its usual client."""
_WITH_SECRETS = "kubernetes"
"""The kind whose grants may include the values of Secrets."""


def _way(client: Client, endpoint: str) -> Connection:
    from gateway.web.shapes.endpoints import Connection, EndpointName

    return client.call("GET /v1/endpoints/{name}/connection", EndpointName(name=endpoint), Connection)


def _ask(client: Client, way: Connection, *, reason: str, duration: str, secrets: bool) -> None:
    """File the request, or take the one that waits already, and wait for its decision."""
    from gateway.web.shapes.access import FileRequest, RequestFacts

    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    filed = _waiting(client, way, secrets=secrets)
    if filed is None:
        shown, option = (SHOWING, " --secrets") if secrets else ("", "")
        if not reason and not terminal:
            raise NotAuthorised(
                f"no grant to read {way.endpoint}{shown}",
                hint=f'glassgate request {way.endpoint} --for {duration} --reason "…"{option}',
            )
        why = reason or str(typer.prompt(f"You have no grant for {way.endpoint}{shown}. Reason", err=True))
        question = FileRequest(
            endpoint=way.endpoint, seconds=parse_duration(duration), reason=why, secrets=secrets
        )
        filed = client.call("POST /v1/requests", question, RequestFacts)
    if filed.state == "pending":
        if not terminal:
            option = " --secrets" if secrets else ""
            again = f"glassgate connect {way.endpoint}{option}"
            raise NotAuthorised(told(filed), hint=f"{again}, once it is approved")
        filed = _wait(client, filed)
    print(told(filed), file=sys.stderr)
    if filed.state != "approved":
        raise typer.Exit(Status.NOT_AUTHORISED)


def _waiting(client: Client, way: Connection, *, secrets: bool) -> RequestFacts | None:
    """Return the request that waits already for what is wanted; one that asks for less is none."""
    from gateway.web.shapes.access import ListRequests, RequestFacts, RequestId, RequestList

    if way.request is None:
        return None
    if not secrets:
        return client.call("GET /v1/requests/{id}", RequestId(id=way.request), RequestFacts)
    mine = client.call("GET /v1/requests", ListRequests(state="pending", mine=True), RequestList).requests
    wide = (one for one in mine if one.endpoint == way.endpoint and one.secrets and not one.secrets_left_out)
    return next(wide, None)


def _wait(client: Client, filed: RequestFacts) -> RequestFacts:
    """Wait for the decision, with something that moves."""
    from rich.console import Console
    from rich.text import Text

    from gateway.cli.show import coloured

    console = Console(stderr=True, no_color=not coloured(sys.stderr), highlight=False)
    with console.status(Text(told(filed))):
        return decided(client, filed.id, seconds=None)


def _environment(client: Client, way: Connection, dbname: str) -> dict[str, str]:
    """Return the environment that libpq, and what is built on it, connects by."""
    from gateway.web.shapes.identity import DatabaseToken

    token = client.call("POST /v1/database-tokens", None, DatabaseToken)
    settings = {
        "PGHOST": way.host,
        "PGPORT": str(way.port),
        "PGUSER": way.user,
        "PGPASSWORD": token.token,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": client.profile.ca or "system",
    }
    database = dbname or os.environ.get("PGDATABASE", "") or way.database
    if database:
        settings["PGDATABASE"] = database
    kept = {name: value for name, value in os.environ.items() if name not in _OVERRIDING}
    return {**kept, **settings}


_OVERRIDING = frozenset({"PGHOSTADDR", "PGSERVICE", "PGPASSFILE", "PGREQUIRESSL", "PGSSLNEGOTIATION"})
"""Variables that would lead libpq elsewhere than to the gateway."""


def _become(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Become the command: signals, terminal and exit status are its own."""
    program = _program(command[0])
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(program, command, environment)  # noqa: S606 - typed by the person
    except OSError as error:
        raise InvalidInput(f"{command[0]}: {error.strerror or error}") from error


def _program(name: str) -> str:
    """Find a program: on the path, else the one that comes with the embedded server."""
    if found := shutil.which(name):
        return found
    from gateway.store.postmaster import wheel_folder

    carried = wheel_folder() / "bin" / name
    if os.sep in name or not carried.is_file():
        what = {"psql": "the PostgreSQL client", "ssh": "the OpenSSH client"}.get(name, "it")
        raise InvalidInput(f"{name}: no such program", hint=f"install {what}")
    return str(carried)


@app.command("psql")
def psql(
    ctx: typer.Context,
    endpoint: EndpointArgument,
    *,
    dbname: Annotated[str, typer.Option("--dbname", "-d", help="Database; else the endpoint's usual.")] = "",
    passfile: Annotated[
        bool, typer.Option("--passfile", help="Print a line of a password file, with a fresh token.")
    ] = False,
) -> None:
    """Print a service-file section for psql and everything built on libpq.

    Example:
      glassgate config psql orders-db >> ~/.pg_service.conf
      glassgate config psql orders-db --passfile >> ~/.pgpass
      psql service=orders-db
    """
    client = client_of(ctx)
    way = _way(client, endpoint)
    if way.kind != "postgres":
        raise InvalidInput(f"{way.endpoint} is no database", hint=f"glassgate connect {way.endpoint}")
    database = dbname or way.database
    if passfile:
        from gateway.web.shapes.identity import DatabaseToken

        token = client.call("POST /v1/database-tokens", None, DatabaseToken)
        fields = (way.host, str(way.port), database or "*", way.user, token.token)
        print(":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields))
        print(f"This password opens connections until {moment_text(token.expires_at)}.", file=sys.stderr)
        return
    print(f"[{way.endpoint}]\nhost={way.host}\nport={way.port}\nuser={way.user}")
    if database:
        print(f"dbname={database}")
    ca = str(Path(client.profile.ca).resolve()) if client.profile.ca else "system"
    print(f"sslmode=verify-full\nsslrootcert={ca}")
    if not way.access:
        hint = f'You have no grant yet: glassgate request {way.endpoint} --for 1h --reason "…"'
        print(hint, file=sys.stderr)


@app.command("ssh")
def ssh(
    ctx: typer.Context,
    endpoint: Annotated[
        str,
        typer.Argument(
            metavar="[ENDPOINT]", help="Its name; else every host.", autocompletion=complete_endpoint
        ),
    ] = "",
) -> None:
    """Print an ssh_config for ssh and everything built on it, with the gateway's host key pinned.

    A key of this profile is made and registered the first time. A Docker engine is reached so as well, with
    DOCKER_HOST=ssh://ENDPOINT.

    Example:
      glassgate config ssh >> ~/.ssh/config
      ssh web-1 journalctl -u nginx -n 50
      rsync web-1:/var/log/nginx/ nginx-logs/
    """
    from gateway.cli.ssh import open_way
    from gateway.web.shapes.endpoints import EndpointList, ListEndpoints

    client = client_of(ctx)
    if endpoint:
        names = [endpoint]
    else:
        listed = client.call("GET /v1/endpoints", ListEndpoints(), EndpointList).endpoints
        names = [each.name for each in listed if each.kind == "ssh" and "connect" in each.may]
        if not names:
            raise NotFound("there is no host that you may look at", hint="glassgate endpoints")
    found = [_way(client, name) for name in names]
    for each in found:
        if each.kind != "ssh" and not each.ssh_port:
            raise InvalidInput(f"{each.endpoint} is no host", hint=f"glassgate config psql {each.endpoint}")
    way = open_way(client, found[0])
    print("\n".join(way.section(each.endpoint, each.user) for each in found), end="")
    missing = [each.endpoint for each in found if not each.access]
    if missing:
        hint = f'You have no grant yet: glassgate request {missing[0]} --for 1h --reason "…"'
        print(hint, file=sys.stderr)


@app.command("docker")
def docker(
    ctx: typer.Context,
    endpoint: Annotated[
        str, typer.Argument(metavar="ENDPOINT", help="Its name.", autocompletion=completing("docker"))
    ],
) -> None:
    """Write a certificate for docker and what is built on it, and print the lines that lead a shell to it.

    The key is made here and stays here. The certificate opens this endpoint alone, until the login ends and
    for 12 hours at most.

    Example:
      eval "$(glassgate config docker prod-docker)"
      docker ps
    """
    client = client_of(ctx)
    way = _way(client, endpoint)
    containers.require_kind(way, "docker", "Docker engine")
    containers.print_settings(client, way)


@app.command("kube")
def kube(
    ctx: typer.Context,
    endpoint: Annotated[
        str, typer.Argument(metavar="ENDPOINT", help="Its name.", autocompletion=completing("kubernetes"))
    ],
) -> None:
    """Write a kubeconfig for kubectl and what is built on it, and print the line that leads a shell to it.

    It holds no secret: clients fetch short-lived tokens by `glassgate credential kubernetes`.

    Example:
      eval "$(glassgate config kube prod-k8s)"
      kubectl get pods
    """
    client = client_of(ctx)
    way = _way(client, endpoint)
    containers.require_kind(way, "kubernetes", "Kubernetes cluster")
    containers.print_settings(client, way)
