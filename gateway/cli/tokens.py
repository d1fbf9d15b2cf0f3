"""token: passwords for native clients, and tokens for machines."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.durations import moment_text
from gateway.cli.groups import group
from gateway.cli.options import Json, client_of
from gateway.cli.show import print_json, say, table

app = group("Make and list tokens for clients and machines.", "token db", "token machine list")
machine = group("Tokens for services, agents and pipelines.", "token machine add nightly --for reporter")
app.add_typer(machine, name="machine")


@app.command("db")
def database(ctx: typer.Context, *, json: Json = False) -> None:
    """Print a short password for psql and other native clients.

    It lives shortly, only opens connections, and is bound to you.

    Example:
      PGPASSWORD=$(glassgate token db) psql "host=gw user=engineer+orders-db dbname=shop"
    """
    from gateway.web.shapes.identity import DatabaseToken

    client = client_of(ctx)
    body = client.body("POST /v1/database-tokens", None)
    if json:
        print_json(body)
        return
    import msgspec

    print(msgspec.json.decode(body, type=DatabaseToken).token)


@machine.command("add")
def add(
    ctx: typer.Context,
    label: Annotated[str, typer.Argument(help="What it is for.")],
    *,
    days: Annotated[int, typer.Option(min=1, help="How long it lives.")] = 30,
    scope: Annotated[
        list[str] | None, typer.Option(help="An action it may be used for; give several. Else all of yours.")
    ] = None,
    name: Annotated[str, typer.Option("--for", help="Whose it is to be; an administrator may say.")] = "",
    json: Json = False,
) -> None:
    """Make a token for a machine; it is shown once.

    Example:
      glassgate token machine add "nightly report" --scope connect --days 90
    """
    import msgspec

    from gateway.web.shapes.identity import MachineToken, NewMachineToken

    question = NewMachineToken(label=label, days=days, scopes=tuple(scope or ()), name=name)
    body = client_of(ctx).body("POST /v1/machine-tokens", question)
    if json:
        print_json(body)
        return
    made = msgspec.json.decode(body, type=MachineToken)
    print(made.token)
    say(f"Token {made.id} of {made.name} until {moment_text(made.expires_at)}; it is not shown again.", "dim")


@machine.command("list")
def listed(ctx: typer.Context, *, json: Json = False) -> None:
    """List machine tokens: yours, or everybody's where you administer.

    Example:
      glassgate token machine list
    """
    import msgspec

    from gateway.web.shapes.identity import MachineTokenList

    body = client_of(ctx).body("GET /v1/machine-tokens", None)
    if json:
        print_json(body)
        return
    tokens = msgspec.json.decode(body, type=MachineTokenList).tokens
    table(
        ("ID", "OF", "FOR", "SCOPES", "UNTIL"),
        (
            (str(t.id), t.name, t.label, ", ".join(t.scopes) or "all", moment_text(t.expires_at))
            for t in tokens
        ),
        empty="No machine tokens.",
    )


@machine.command("remove")
def remove(ctx: typer.Context, number: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Revoke a machine token at once.

    Example:
      glassgate token machine remove 4
    """
    from gateway.web.shapes.identity import Done, MachineTokenId

    say(client_of(ctx).call("DELETE /v1/machine-tokens/{id}", MachineTokenId(id=number), Done).done)
