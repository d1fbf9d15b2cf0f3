"""grants, drop, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.durations import duration_text, moment_text
from gateway.cli.options import Json, client_of
from gateway.cli.show import print_json, say, table

if TYPE_CHECKING:
    from gateway.web.shapes.access import GrantFacts


def grants(
    ctx: typer.Context,
    *,
    mine: Annotated[bool, typer.Option("--mine", help="Only your own.")] = False,
    past: Annotated[bool, typer.Option("--past", help="Ended ones as well.")] = False,
    json: Json = False,
) -> None:
    """List grants: what may be read, by whom, until when.

    Example:
      glassgate grants --mine
    """
    import msgspec

    from gateway.web.shapes.access import GrantList, ListGrants

    body = client_of(ctx).body("GET /v1/grants", ListGrants(mine=mine, live=not past))
    if json:
        print_json(body)
        return
    table(
        ("ID", "WHO", "ENDPOINT", "FOR", "STATE", "UNTIL", "REASON"),
        (
            (
                str(grant.id),
                grant.identity,
                f"{grant.endpoint} (with secrets)" if grant.secrets else grant.endpoint,
                duration_text(grant.seconds),
                grant.state,
                _until(grant),
                grant.reason,
            )
            for grant in msgspec.json.decode(body, type=GrantList).grants
        ),
        empty="No grants.",
    )


def _until(grant: GrantFacts) -> str:
    if grant.ends_at is not None:
        return moment_text(grant.ends_at)
    return f"use by {moment_text(grant.use_by)}" if grant.use_by is not None else ""


def drop(ctx: typer.Context, number: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Give a grant of your own back; its sessions end.

    Example:
      glassgate drop 3
    """
    from gateway.web.shapes.access import GrantId
    from gateway.web.shapes.identity import Done

    say(client_of(ctx).call("POST /v1/grants/{id}/drop", GrantId(id=number), Done).done)


def revoke(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID")],
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; shown to whoever loses it.")],
) -> None:
    """Take a grant away; its sessions end within a second.

    Example:
      glassgate revoke 3 --reason "wrong database"
    """
    from gateway.web.shapes.access import Revoke
    from gateway.web.shapes.identity import Done

    say(client_of(ctx).call("POST /v1/grants/{id}/revoke", Revoke(id=number, reason=reason), Done).done)
