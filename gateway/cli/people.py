"""person and role: who may log in, and as what policy knows them."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from gateway.cli.groups import group
from gateway.cli.options import Json, client_of, profile_of
from gateway.cli.show import ask_secret, print_json, say, table
from gateway.domain.errors import InvalidInput

person = group("Add, list and remove those who may log in.", "person list", "person remove ida")
role = group("Give and take roles.", "role grant ida reviewer")
Name = Annotated[str, typer.Argument(metavar="NAME", help="Login name.")]
Role = Annotated[str, typer.Argument(metavar="ROLE", help="As policy speaks of it.")]


@person.command("add")
def add(
    ctx: typer.Context,
    name: Name,
    *,
    display_name: Annotated[str, typer.Option(help="Author of commits.")] = "",
    email: Annotated[str, typer.Option(help="Author of commits.")] = "",
    kind: Annotated[str, typer.Option(help="person, service, agent or pipeline.")] = "person",
    role_name: Annotated[
        list[str] | None, typer.Option("--role", help="As policy speaks of it; give several.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the first password from standard input.")
    ] = False,
    json: Json = False,
) -> None:
    """Add somebody who may log in.

    A person gets a first password: asked for on a terminal, read from standard input, or else made and
    printed once. Services, agents and pipelines get machine tokens instead.

    Example:
      glassgate person add engineer --email engineer@example.com --role engineer
    """
    import msgspec

    from gateway.web.shapes.identity import NewPerson, Person

    made = ""
    password = ""
    if password_stdin:
        password = _one_line()
    elif kind == "person" and sys.stdin.isatty() and not json:
        password = ask_secret("First password (empty: one is made)", empty=True)
    if kind == "person" and not password:
        made = password = secrets.token_urlsafe(15)
    question = NewPerson(
        name=name,
        display_name=display_name,
        email=email,
        kind=kind,
        password=password,
        roles=tuple(role_name or ()),
    )
    added = msgspec.json.decode(client_of(ctx).body("POST /v1/people", question), type=Person)
    if json:
        shown_once = {"password": made} if made else {}
        print_json({**msgspec.to_builtins(added), **shown_once})
        return
    say(f"Added {added.name}", "good")
    if made:
        print(f"First password, shown once: {made}")


def _one_line() -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise InvalidInput("no password on standard input")
    return line


@person.command("list")
def listed(ctx: typer.Context, *, json: Json = False) -> None:
    """List those who may log in.

    Example:
      glassgate person list
    """
    import msgspec

    from gateway.web.shapes.identity import PersonList

    body = client_of(ctx).body("GET /v1/people", None)
    if json:
        print_json(body)
        return
    table(
        ("NAME", "KIND", "ROLES", "DISPLAY NAME", "EMAIL"),
        (
            (one.name, one.kind, ", ".join(one.roles), one.display_name, one.email)
            for one in msgspec.json.decode(body, type=PersonList).people
        ),
        empty="Nobody.",
    )


@person.command("remove")
def remove(ctx: typer.Context, name: Name) -> None:
    """Remove somebody: tokens end at once, grants and sessions within a second.

    Example:
      glassgate person remove engineer
    """
    from gateway.web.shapes.identity import Done, PersonName

    say(client_of(ctx).call("DELETE /v1/people/{name}", PersonName(name=name), Done).done)


@person.command("password")
def password(
    ctx: typer.Context,
    name: Name,
    *,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Read the new one from standard input; your own current one stands on the next line.",
        ),
    ] = False,
) -> None:
    """Set a password: your own, or another's where you administer.

    Your own takes the current one, unless that was a one-time password that you logged in with.

    Example:
      glassgate person password engineer
    """
    from gateway.web.shapes.identity import Done, NewPassword

    own = name == profile_of(ctx).name
    current = ""
    if password_stdin:
        new = _one_line()
        current = sys.stdin.readline().rstrip("\r\n") if own else ""
    elif sys.stdin.isatty():
        if own:
            current = ask_secret("Current password (empty behind a one-time one)", empty=True)
        new = ask_secret("New password", twice=True)
    else:
        raise InvalidInput("the password is missing", hint="--password-stdin reads it from standard input")
    question = NewPassword(name=name, password=new, current=current)
    say(client_of(ctx).call("PUT /v1/people/{name}/password", question, Done).done)


@role.command("grant")
def grant(ctx: typer.Context, name: Name, role_name: Role) -> None:
    """Give somebody a role.

    Example:
      glassgate role grant engineer engineer
    """
    from gateway.web.shapes.identity import Done, PersonRole

    question = PersonRole(name=name, role=role_name)
    say(client_of(ctx).call("PUT /v1/people/{name}/roles/{role}", question, Done).done)


@role.command("remove")
def take(ctx: typer.Context, name: Name, role_name: Role) -> None:
    """Take a role away; what was granted because of it ends within a second.

    Example:
      glassgate role remove engineer oncall
    """
    from gateway.web.shapes.identity import Done, PersonRole

    question = PersonRole(name=name, role=role_name)
    say(client_of(ctx).call("DELETE /v1/people/{name}/roles/{role}", question, Done).done)
