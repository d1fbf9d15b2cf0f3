"""policy: show, test and reload."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.groups import group
from gateway.cli.options import EndpointOption, Json, client_of
from gateway.cli.show import complain, print_json, say
from gateway.cli.statuses import Status
from gateway.domain.display import display

app = group("Show, test and reload the policy.", "policy show", "policy test policies")


@app.command("show")
def show(ctx: typer.Context, *, json: Json = False) -> None:
    """Show the policy in force, and why newer files are not, where they are broken.

    Example:
      glassgate policy show
    """
    import msgspec

    from gateway.web.shapes.gateway import PolicyFacts

    body = client_of(ctx).body("GET /v1/policy", None)
    if json:
        print_json(body)
        return
    found = msgspec.json.decode(body, type=PolicyFacts)
    say(f"Version {found.version}", "bold")
    for name, text in found.files.items():
        say(f"\n{display(name)}", "bold")
        print(display(text, multiline=True))
    if found.broken:
        complain(f"the files as they lie there are not in force: {found.broken}")


@app.command("reload")
def reload(ctx: typer.Context) -> None:
    """Read the policy files again; broken ones leave the old policy in force.

    Example:
      glassgate policy reload
    """
    from gateway.web.shapes.gateway import PolicyFacts

    found = client_of(ctx).call("POST /v1/policy/reload", None, PolicyFacts)
    say(f"Policy version {found.version} is in force", "good")


@app.command("may")
def may(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Login name.")],
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Such as request or approve.")],
    *,
    endpoint: EndpointOption = "",
    json: Json = False,
) -> None:
    """Ask what policy says: may NAME do ACTION at an endpoint? Status 0 yes, 77 no.

    Example:
      glassgate policy may engineer request --endpoint orders-db
    """
    import msgspec

    from gateway.web.shapes.gateway import PolicySays, TryPolicy

    body = client_of(ctx).body("POST /v1/policy/test", TryPolicy(name=name, action=action, endpoint=endpoint))
    said = msgspec.json.decode(body, type=PolicySays)
    if json:
        print_json(body)
    else:
        say(display(said.why), "good" if said.allowed else "bad")
    if not said.allowed:
        raise typer.Exit(Status.NOT_AUTHORISED)


@app.command("test")
def run_cases(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[POLICIES]", help="Folder of the policies; else the shipped ones."),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Check a policies folder: its files parse, and the verdicts of its cases.toml are as expected.

    Needs no gateway: run it before `glassgate policy reload`, and in the repository that keeps them.

    Example:
      glassgate policy test policies
    """
    from gateway.access.policy import Policy
    from gateway.cli.cases import judged, read_cases
    from gateway.settings import SHIPPED

    place = folder or SHIPPED / "policies"
    Policy.load(place)
    results = judged(read_cases(place / "cases.toml"), place / "catalogue")
    if json:
        import msgspec

        print_json(msgspec.json.encode(results))
    else:
        for one in results:
            if not one.good:
                say(f"{display(one.text)}", "bold")
                print(f"  expected {one.expected}, judged {one.verdict} by {one.rule}: {one.reason}")
        failed = sum(not one.good for one in results)
        say(f"{len(results) - failed} of {len(results)} cases as expected", "bad" if failed else "good")
    if not all(one.good for one in results):
        raise typer.Exit(Status.ERROR)
