"""key: public keys that serve at the SSH door."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gateway.cli.durations import moment_text
from gateway.cli.groups import group
from gateway.cli.options import Json, client_of
from gateway.cli.show import print_json, say, table
from gateway.domain.errors import InvalidInput

app = group(
    "Register, list and remove your public keys for the SSH door.",
    "key add ~/.ssh/id_ed25519.pub",
    "key list",
)


@app.command("add")
def add(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Ends in .pub; - for standard input.")],
    *,
    label: Annotated[str, typer.Option(help="What it is called; else the comment in it.")] = "",
    name: Annotated[
        str, typer.Option("--for", help="Whose it is to be: a service's, agent's or pipeline's.")
    ] = "",
    json: Json = False,
) -> None:
    """Register a public key.

    Example:
      glassgate key add ~/.ssh/id_ed25519.pub
    """
    import msgspec

    from gateway.web.shapes.identity import NewSshKey, SshKeyFacts

    question = NewSshKey(line=_line(file), label=label, name=name)
    body = client_of(ctx).body("POST /v1/ssh-keys", question)
    if json:
        print_json(body)
        return
    made = msgspec.json.decode(body, type=SshKeyFacts)
    say(f"Registered key {made.id} of {made.name}: {made.kind} {made.fingerprint}", "good")


def _line(file: str) -> str:
    from pathlib import Path

    try:
        text = sys.stdin.read() if file == "-" else Path(file).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file}: {error}") from error
    if "PRIVATE KEY" in text:
        raise InvalidInput(f"{file} holds a private key, which stays with you", hint=f"give {file}.pub")
    return text.strip()


@app.command("list")
def listed(ctx: typer.Context, *, json: Json = False) -> None:
    """List registered keys: yours, or everybody's where you administer.

    Example:
      glassgate key list
    """
    import msgspec

    from gateway.web.shapes.identity import SshKeyList

    body = client_of(ctx).body("GET /v1/ssh-keys", None)
    if json:
        print_json(body)
        return
    table(
        ("ID", "OF", "KIND", "FINGERPRINT", "LABEL", "SINCE"),
        (
            (str(key.id), key.name, key.kind, key.fingerprint, key.label, moment_text(key.created_at))
            for key in msgspec.json.decode(body, type=SshKeyList).keys
        ),
        empty="No keys: glassgate key add ~/.ssh/id_ed25519.pub",
    )


@app.command("remove")
def remove(ctx: typer.Context, number: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Remove a key at once.

    Example:
      glassgate key remove 4
    """
    from gateway.web.shapes.identity import Done, SshKeyId

    say(client_of(ctx).call("DELETE /v1/ssh-keys/{id}", SshKeyId(id=number), Done).done)
