"""login, logout, whoami."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Json, client_of, profile_of
from gateway.cli.show import ask_secret, facts, print_json, say
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.cli.profiles import Profile


def login(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Option("--name", "-n", help="Login name; asked for where it is missing.")
    ] = "",
    ca_fingerprint: Annotated[
        str, typer.Option(help="Fingerprint of the gateway's authority, from its operator; nothing is asked.")
    ] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password's line from standard input.")
    ] = False,
    ssh: Annotated[
        bool,
        typer.Option(
            "--ssh", help="Have the profile's SSH key signed for as long as the login, 12 h at most."
        ),
    ] = False,
) -> None:
    """Log in, and pin the gateway's authority the first time.

    The authority's fingerprint is shown to be compared with what the gateway's operator says
    (it stands in `glassgate serve`'s first lines); from then on only that authority is trusted.

    Example:
      glassgate --url https://gateway.example:8443 login --name engineer
      glassgate --profile approver login --name approver --ca-fingerprint SHA256:AB:CD:…
      glassgate login --ssh
    """
    from gateway.cli.client import Client
    from gateway.cli.profiles import keep
    from gateway.cli.trust import pin
    from gateway.web.shapes.identity import LoggedIn, Login

    profile = pin(profile_of(ctx), expected=ca_fingerprint, agree=_agree)
    who = name or profile.name or _asked("Name")
    answer = Client(profile).call(
        "POST /v1/login", Login(name=who, password=_password(from_stdin=password_stdin)), LoggedIn
    )
    profile = replace(profile, name=answer.name, token=answer.token)
    keep(profile)
    say(f"Logged in as {answer.name} at {profile.url}", "good")
    if answer.change_password:
        _change_password(profile)
    if ssh:
        _certify(profile)


def _certify(profile: Profile) -> None:
    """Have the profile's key signed, and say how long that is good for."""
    from gateway.cli.certificate import certify
    from gateway.cli.client import Client
    from gateway.cli.durations import moment_text

    ends = certify(Client(profile), profile.name)
    say(f"SSH certificate of {profile.name} until {moment_text(ends)}", "good")


def _change_password(profile: Profile) -> None:
    """The password was good for one login: set the next one with that login."""
    from gateway.cli.client import Client
    from gateway.web.shapes.identity import Done, NewPassword

    hint = f"glassgate person password {profile.name}"
    if not sys.stdin.isatty():
        print(f"That password was good for this login only; set yours: {hint}", file=sys.stderr)
        return
    print("That password was good for this login only; set yours.", file=sys.stderr)
    new = ask_secret("New password", twice=True)
    question = NewPassword(name=profile.name, password=new)
    say(Client(profile).call("PUT /v1/people/{name}/password", question, Done).done)


def _agree(fingerprint: str) -> bool:
    """Show the authority's fingerprint to the person and ask."""
    print(f"The gateway's authority is\n  {fingerprint}", file=sys.stderr)
    if not sys.stdin.isatty():
        raise InvalidInput(
            "nobody is here to compare the authority's fingerprint",
            hint=f"compare it with the operator's, then: glassgate login --ca-fingerprint {fingerprint}",
        )
    return typer.confirm("Is this what the gateway's operator says?", err=True)


def _asked(what: str) -> str:
    if not sys.stdin.isatty():
        raise InvalidInput(f"{what.lower()} is missing", hint="glassgate login --name NAME")
    return str(typer.prompt(what, err=True))


def _password(*, from_stdin: bool) -> str:
    """Take the password from standard input, the environment or the person, in this order."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if kept := os.environ.get("GLASSGATE_PASSWORD"):
        return kept
    if not sys.stdin.isatty():
        raise InvalidInput("the password is missing", hint="--password-stdin reads it from standard input")
    return ask_secret("Password")


def logout(ctx: typer.Context) -> None:
    """End this login at once, everywhere.

    Example:
      glassgate logout
    """
    from gateway.cli.certificate import beside
    from gateway.cli.profiles import keep, stored
    from gateway.cli.ssh import key_path
    from gateway.web.shapes.identity import Done

    client = client_of(ctx)
    client.call("POST /v1/logout", None, Done)
    beside(key_path(client, client.profile.name)).unlink(missing_ok=True)
    kept = stored(client.profile.label)
    if kept is not None:
        keep(replace(kept, token=""))
    say("Logged out")


def whoami(ctx: typer.Context, *, json: Json = False) -> None:
    """Say who the gateway takes you for, and what you may do.

    Example:
      glassgate whoami
    """
    from gateway.web.shapes.identity import WhoAmI

    client = client_of(ctx)
    if json:
        print_json(client.body("GET /v1/whoami", None))
        return
    me = client.call("GET /v1/whoami", None, WhoAmI)
    facts(
        [
            ("name", me.name),
            ("kind", me.kind),
            ("display name", me.display_name),
            ("email", me.email),
            ("roles", ", ".join(me.roles) or "none"),
            ("may", ", ".join(me.actions) or "nothing"),
            ("scopes", ", ".join(me.scopes)),
            ("gateway", client.profile.url),
        ]
    )
