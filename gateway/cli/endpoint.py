"""endpoint: register, show, check, harden, accept a host key, remove."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.groups import group
from gateway.cli.options import EndpointArgument, Json, client_of
from gateway.cli.show import complain, facts, print_json, say
from gateway.cli.statuses import Status
from gateway.domain.display import display
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.cli.client import Client
    from gateway.web.shapes.endpoints import EndpointCheck, EndpointFacts, HostKeyFacts, RepositoryFacts

PORTS = {"postgres": 5432, "ssh": 22}
"""Kind → the usual port."""

app = group("Register, check and harden endpoints.")
Several = Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Give several.")]


@app.command("add")
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As people will type it.")],
    *,
    host: Annotated[str, typer.Option(help="Address, or the folder of its unix socket.")],
    username: Annotated[str, typer.Option("--username", "--user", help="The gateway's own login there.")],
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Else the protocol's: 5432, 22 for ssh.")
    ] = None,
    kind: Annotated[str, typer.Option(help="Protocol: postgres or ssh.")] = "postgres",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read that login's password from standard input.")
    ] = False,
    key_file: Annotated[
        Path | None, typer.Option(help="Private key of that login, without a passphrase (ssh).")
    ] = None,
    host_key: Annotated[
        str,
        typer.Option(metavar="SHA256:…", help="The host must show it (ssh); else you are asked."),
    ] = "",
    label: Several = None,
    tls: Annotated[str, typer.Option(help="verify-full, require, or off (unix sockets, loopback).")] = (
        "verify-full"
    ),
    ca_file: Annotated[
        Path | None, typer.Option(help="PEM of the authority that signed its certificate; else the system's.")
    ] = None,
    repository: Annotated[str, typer.Option(help="Git URL that changes go to.")] = "",
    branch: Annotated[str, typer.Option(help="Changes are based on it.")] = "main",
    convention: Annotated[str, typer.Option(help="Of migrations: plain, flyway or dbmate.")] = "plain",
    migrations: Annotated[str, typer.Option(help="Their folder.")] = "migrations",
    repository_path: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST=REPO", help="Path of a host and its place there (ssh); give several."),
    ] = None,
    image: Annotated[
        str, typer.Option(metavar="FILE", help="There: Dockerfile or Ansible tasks of a host (ssh).")
    ] = "",
    require: Annotated[
        str, typer.Option(help="What the server must enforce: role or default; else role where env=prod.")
    ] = "",
    record_results: Annotated[
        bool | None,
        typer.Option("--record-results/--no-record-results", help="Else only what commands print is."),
    ] = None,
    keep_days: Annotated[int, typer.Option(min=1, help="Age at which recordings expire.")] = 365,
    max_recording: Annotated[int, typer.Option(min=1, help="MiB at which a session ends.")] = 1024,
    idle: Annotated[str, typer.Option(help="A session without traffic ends after.")] = "1h",
    statement_timeout: Annotated[int, typer.Option(min=0, help="Ceiling in ms; 0: none.")] = 0,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="LIST=ITEM", help="Item of a judge's allowlist, such as functions=report(int)."),
    ] = None,
    option: Several = None,
    json: Json = False,
) -> None:
    r"""Register an endpoint, or change its registration.

    The password or key is kept where none is given anew; it never leaves the gateway. `database=NAME` as an
    --option is what `glassgate connect` opens. The host key of an SSH host is shown and pinned; its options
    are guard=require|prefer|off, sudo=off|judged and stateful-reads=allow|refuse.

    Example:
      glassgate endpoint add orders-db --host db.internal --username glassgate --password-stdin \
        --label env=prod --label team=payments --ca-file ca.pem \
        --repository ssh://git@git.internal/shop.git --option database=shop < password
      glassgate endpoint add web-1 --kind ssh --host web-1.internal --user glassgate --key-file id_ed25519 \
        --label env=prod --repository ssh://git@git.internal/web.git --image ansible/tasks/main.yml \
        --repository-path '/etc/nginx/**=ansible/files/nginx/**'
    """
    import msgspec

    from gateway.cli.durations import parse_duration
    from gateway.web.shapes.endpoints import EndpointFacts, PutEndpoint, RepositoryFacts, SettingsFacts

    client = client_of(ctx)
    chosen = port or PORTS.get(kind, PORTS["postgres"])
    ca = _file_text(ca_file)
    if kind == "ssh" and not ca:
        ca = _host_key(client, name, host, chosen, host_key)
    settings = SettingsFacts(
        require=require,
        record_results=record_results,
        max_recording_bytes=max_recording << 20,
        keep_days=keep_days,
        idle_seconds=parse_duration(idle),
        statement_timeout_ms=statement_timeout,
        lists=_lists(allow or ()),
        options=_pairs(option or (), "--option"),
    )
    where = RepositoryFacts(
        url=repository,
        branch=branch,
        convention=convention,
        migrations=migrations,
        paths=_paths(repository_path or ()),
        image=image,
    )
    question = PutEndpoint(
        name=name,
        kind=kind,
        labels=_pairs(label or (), "--label"),
        host=host,
        port=chosen,
        username=username,
        password=_file_text(key_file) or _password(from_stdin=password_stdin),
        tls=tls,
        ca=ca,
        repository=where if repository else None,
        settings=settings,
    )
    body = client.body("PUT /v1/endpoints/{name}", question)
    if json:
        print_json(body)
        return
    made = msgspec.json.decode(body, type=EndpointFacts)
    say(f"Registered {made.name} (version {made.version}); glassgate endpoint check {made.name}", "good")


def _host_key(client: Client, name: str, host: str, port: int, expected: str) -> str:
    """Return the key that an SSH host shows, once somebody has said that it is the right one."""
    from gateway.web.shapes.endpoints import HostAddress, HostKeyFacts

    found = client.call("POST /v1/host-keys", HostAddress(host=host, port=port), HostKeyFacts)
    _compare(found, name, expected)
    return found.line


def _compare(found: HostKeyFacts, name: str, expected: str) -> None:
    """Make sure that a host key is the one that its owner means.

    Raises:
        InvalidInput: it is another, or nobody has said so.
    """
    shown = f"{found.kind} {found.fingerprint}"
    if expected:
        if expected != found.fingerprint:
            raise InvalidInput(
                f"{name} shows another key: {shown}", hint="compare: ssh-keygen -lf /etc/ssh/ssh_host_*.pub"
            )
        return
    say(f"{name} shows the host key {shown}", "bold")
    if not sys.stdin.isatty():
        raise InvalidInput(
            "nobody has compared that key", hint=f"give --host-key {found.fingerprint} if it is the right one"
        )
    typer.confirm("Is that what its owner says (ssh-keygen -lf /etc/ssh/ssh_host_*.pub)?", abort=True)


def _password(*, from_stdin: bool) -> str | None:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return None


def _file_text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: {error}") from error


def _pairs(given: list[str] | tuple[()], option: str) -> dict[str, str]:
    pairs = {}
    for one in given:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise InvalidInput(f"{one!r} is not KEY=VALUE", hint=f"{option} env=prod")
        pairs[key] = value
    return pairs


def _paths(given: list[str] | tuple[()]) -> dict[str, str]:
    paths = _pairs(given, "--repository-path")
    for path in paths:
        if not path.startswith("/"):
            raise InvalidInput(
                f"{path!r} is no absolute path of a host",
                hint="--repository-path '/etc/nginx/**=ansible/files/nginx/**'",
            )
    return paths


def _lists(given: list[str] | tuple[()]) -> dict[str, tuple[str, ...]]:
    lists: dict[str, tuple[str, ...]] = {}
    for one in given:
        key, sign, item = one.partition("=")
        if not sign or not key:
            raise InvalidInput(f"{one!r} is not LIST=ITEM", hint="--allow functions=report(int)")
        lists[key] = (*lists.get(key, ()), item)
    return lists


@app.command("show")
def show(ctx: typer.Context, name: EndpointArgument, *, json: Json = False) -> None:
    """Show a registration, without its secret.

    Example:
      glassgate endpoint show orders-db
    """
    import msgspec

    from gateway.web.shapes.endpoints import EndpointFacts, EndpointName

    body = client_of(ctx).body("GET /v1/endpoints/{name}", EndpointName(name=name))
    if json:
        print_json(body)
        return
    _print(msgspec.json.decode(body, type=EndpointFacts))


def _print(one: EndpointFacts) -> None:
    settings = one.settings
    facts(
        [
            ("name", one.name),
            ("kind", one.kind),
            ("labels", " ".join(f"{key}={value}" for key, value in sorted(one.labels.items()))),
            ("address", f"{one.host}:{one.port}"),
            ("login", one.username),
            *_proven_by(one),
            ("repository", _repository(one.repository)),
            *_mapped(one.repository),
            ("must enforce", one.require),
            ("output recorded", "yes" if settings.record_results else "no"),
            ("recordings", f"{settings.max_recording_bytes >> 20} MiB, {settings.keep_days} days"),
            ("idle sessions end", f"after {settings.idle_seconds} s"),
            ("allowlists", " ".join(f"{key}={','.join(items)}" for key, items in settings.lists.items())),
            ("options", " ".join(f"{key}={value}" for key, value in settings.options.items())),
            ("version", str(one.version)),
        ]
    )


def _proven_by(one: EndpointFacts) -> list[tuple[str, str]]:
    if one.kind == "ssh":
        return [("host key", one.ca or "none: glassgate endpoint accept-key " + one.name)]
    return [("tls", one.tls), ("authority", "its own" if one.ca else "the system's")]


def _repository(where: RepositoryFacts | None) -> str:
    if where is None:
        return "none: refused writes become drafts that can't be submitted"
    return f"{where.url} ({where.branch}, {where.convention} migrations in {where.migrations})"


def _mapped(where: RepositoryFacts | None) -> list[tuple[str, str]]:
    if where is None:
        return []
    paths = [("maps", f"{path} to {place}") for path, place in sorted(where.paths.items())]
    return [*paths, ("image", where.image)] if where.image else paths


@app.command("remove")
def remove(ctx: typer.Context, name: EndpointArgument) -> None:
    """Remove a registration; its sessions end, its recordings stay.

    Example:
      glassgate endpoint remove orders-db
    """
    from gateway.web.shapes.endpoints import EndpointName
    from gateway.web.shapes.identity import Done

    say(client_of(ctx).call("DELETE /v1/endpoints/{name}", EndpointName(name=name), Done).done)


@app.command("check")
def check(ctx: typer.Context, name: EndpointArgument, *, json: Json = False) -> None:
    """Dial an endpoint as a session would, and say what it enforces by itself.

    Example:
      glassgate endpoint check orders-db
    """
    import msgspec

    from gateway.web.shapes.endpoints import EndpointCheck, EndpointName

    body = client_of(ctx).body("POST /v1/endpoints/{name}/check", EndpointName(name=name))
    found = msgspec.json.decode(body, type=EndpointCheck)
    if json:
        print_json(body)
    else:
        _print_check(found)
    if not found.good:
        raise typer.Exit(Status.ERROR)


def _print_check(found: EndpointCheck) -> None:
    if found.good:
        say(f"{display(found.endpoint)}: sessions can be opened, level {display(found.level)}", "good")
    else:
        complain(f"{found.endpoint}: {found.problem}", found.hint)
    facts([("layers", ", ".join(found.layers)), *found.findings.items()])


@app.command("harden")
def harden(ctx: typer.Context, name: EndpointArgument) -> None:
    """Print what makes the right role on the server; read it before its owner runs it.

    Example:
      glassgate endpoint harden orders-db > role.sql
    """
    from gateway.web.shapes.endpoints import EndpointName, Hardening

    print(client_of(ctx).call("GET /v1/endpoints/{name}/harden", EndpointName(name=name), Hardening).script)


@app.command("accept-key")
def accept_key(
    ctx: typer.Context,
    name: EndpointArgument,
    *,
    host_key: Annotated[
        str, typer.Option(metavar="SHA256:…", help="Fingerprint that the host must show; else you are asked.")
    ] = "",
) -> None:
    """Pin the key that an SSH host shows now, after its owner has changed it.

    Example:
      glassgate endpoint accept-key web-1
    """
    from gateway.web.shapes.endpoints import AcceptHostKey, EndpointFacts, EndpointName, HostKeyFacts

    client = client_of(ctx)
    found = client.call("GET /v1/endpoints/{name}/host-key", EndpointName(name=name), HostKeyFacts)
    if found.fingerprint in found.registered:
        say(f"{name} shows the key that is registered: {found.fingerprint}", "good")
        return
    for one in found.registered:
        say(f"registered until now: {one}")
    _compare(found, name, host_key)
    question = AcceptHostKey(name=name, fingerprint=found.fingerprint)
    client.call("POST /v1/endpoints/{name}/host-key", question, EndpointFacts)
    say(f"Accepted for {name}: {found.fingerprint}", "good")
