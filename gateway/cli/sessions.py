"""sessions, watch, kill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.durations import duration_text, moment_text, parse_moment
from gateway.cli.options import By, EndpointOption, Json, Limit, Since, Why, client_of
from gateway.cli.show import print_json, say, table
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.web.shapes.sessions import SessionFacts

Number = Annotated[int, typer.Argument(metavar="ID", help="Of the session.")]


def sessions(
    ctx: typer.Context,
    *,
    live: Annotated[bool, typer.Option("--live", help="Only those that run.")] = False,
    past: Annotated[bool, typer.Option("--past", help="Only those that have ended.")] = False,
    by: By = "",
    endpoint: EndpointOption = "",
    since: Since = "",
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """List sessions, live and past.

    Example:
      glassgate sessions --live
      glassgate sessions --by engineer --endpoint orders-db --since 2h
    """
    import msgspec

    from gateway.web.shapes.sessions import ListSessions, SessionList

    if live and past:
        raise InvalidInput("--live and --past exclude each other")
    question = ListSessions(
        state="live" if live else "past" if past else "",
        by=by,
        endpoint=endpoint,
        since=parse_moment(since) if since else None,
        limit=limit,
    )
    body = client_of(ctx).body("GET /v1/sessions", question)
    if json:
        print_json(body)
        return
    table(
        ("ID", "WHO", "ENDPOINT", "BEGAN", "LASTED", "ENDED BY", "UNITS", "REFUSED", "LEVEL", "KEPT"),
        (_row(one) for one in msgspec.json.decode(body, type=SessionList).sessions),
        empty="No sessions.",
    )


def _row(one: SessionFacts) -> tuple[str, ...]:
    lasted = "live"
    if one.ended_at is not None:
        lasted = duration_text((one.ended_at - one.started_at).total_seconds())
    return (
        str(one.id),
        one.identity,
        one.endpoint,
        moment_text(one.started_at),
        lasted,
        one.cause,
        str(one.units),
        str(one.refused),
        one.level,
        one.recording,
    )


def watch(ctx: typer.Context, number: Number, *, why: Why = "", json: Json = False) -> None:
    """Watch a live session: what was run so far, then as it happens, until it ends.

    That you watch, and why, stands in the ledger.

    Example:
      glassgate watch 7 --why "pairing on INC-42"
    """
    from gateway.cli.moments import print_moments
    from gateway.web.shapes.sessions import Watched

    client = client_of(ctx)
    print_moments(client.json_lines("GET /v1/sessions/{id}/watch", Watched(id=number, why=why)), json=json)


def kill(
    ctx: typer.Context,
    number: Number,
    *,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; shown to whoever is cut off.")] = "",
) -> None:
    """End a live session now; what runs on the server is cancelled.

    Example:
      glassgate kill 7 --reason "runaway query"
    """
    from gateway.web.shapes.identity import Done
    from gateway.web.shapes.sessions import Kill

    say(client_of(ctx).call("POST /v1/sessions/{id}/kill", Kill(id=number, reason=reason), Done).done)
