"""endpoint: register, show, check, harden, accept a host key, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli import host_keys
from gateway.cli.groups import group
from gateway.cli.options import EndpointArgument, Json, client_of, complete_endpoint
from gateway.cli.registering import add
from gateway.cli.show import complain, facts, print_json, say
from gateway.cli.statuses import Status
from gateway.domain.display import display
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.web.shapes.endpoints import EndpointCheck, EndpointFacts, RepositoryFacts

app = group("Register, check and harden endpoints.", "endpoint check orders-db", "endpoint harden orders-db")
app.command("add")(add)


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
            ("address", _address(one)),
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


def _address(one: EndpointFacts) -> str:
    if not one.port:
        return one.host
    return f"[{one.host}]:{one.port}" if ":" in one.host else f"{one.host}:{one.port}"


def _proven_by(one: EndpointFacts) -> list[tuple[str, str]]:
    if one.host.startswith("/"):
        return []
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
def harden(
    ctx: typer.Context,
    name: Annotated[
        list[str],
        typer.Argument(
            metavar="[KIND] ENDPOINT",
            help="Its name; its kind may stand before it.",
            autocompletion=complete_endpoint,
        ),
    ],
) -> None:
    """Print what makes the right role on the server; read it before its owner runs it.

    Example:
      glassgate endpoint harden orders-db > role.sql
      glassgate endpoint harden kubernetes prod-k8s > reader.yaml
    """
    from gateway.web.shapes.endpoints import EndpointFacts, EndpointName, Hardening

    *kinds, endpoint = name
    if len(kinds) > 1:
        raise InvalidInput("one endpoint at a time", hint="glassgate endpoint harden [KIND] ENDPOINT")
    client, question = client_of(ctx), EndpointName(name=endpoint)
    if kinds:
        kind = client.call("GET /v1/endpoints/{name}", question, EndpointFacts).kind
        if kinds != [kind]:
            raise InvalidInput(
                f"{endpoint} is a {kind} endpoint", hint=f"glassgate endpoint harden {endpoint}"
            )
    print(client.call("GET /v1/endpoints/{name}/harden", question, Hardening).script)


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
    host_keys.compare(found, name, host_key)
    question = AcceptHostKey(name=name, fingerprint=found.fingerprint)
    client.call("POST /v1/endpoints/{name}/host-key", question, EndpointFacts)
    say(f"Accepted for {name}: {found.fingerprint}", "good")
