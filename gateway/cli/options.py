"""Options that several commands take, and the client that what was typed before the command leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.cli.client import Client
    from gateway.cli.profiles import Profile

Json = Annotated[bool, typer.Option("--json", help="Print JSON, with times in ISO 8601 UTC.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many, newest first.")]
Since = Annotated[str, typer.Option("--since", help="14:05, 2026-03-01, or 2h for two hours ago.")]
By = Annotated[str, typer.Option("--by", help="Only by this login name.")]
Why = Annotated[str, typer.Option("--why", help="Why you look; stands in the ledger with your name.")]


def profile_of(ctx: typer.Context) -> Profile:
    """Return the profile in force for this command."""
    from gateway.cli.profiles import chosen

    # Read from the parameters, since a shell that asks for completions runs no callback.
    typed = ctx.find_root().params
    return chosen(typed.get("profile") or "default", typed.get("url") or "")


def client_of(ctx: typer.Context) -> Client:
    """Return a client of the API for this command.

    Raises:
        AuthenticationFailed: nobody is logged in here.
    """
    from gateway.cli.client import Client
    from gateway.domain.errors import AuthenticationFailed

    profile = profile_of(ctx)
    if not profile.token:
        label = "" if profile.label == "default" else f" --profile {profile.label}"
        raise AuthenticationFailed(
            f"not logged in at {profile.url}", hint=f"glassgate{label} login (or set GLASSGATE_TOKEN)"
        )
    return Client(profile)


def complete_endpoint(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer names of endpoints to the shell; nothing where the gateway can't be asked."""
    return _names(ctx, incomplete, "")


def completing(kind: str) -> Callable[[typer.Context, str], list[str]]:
    """Return what offers names of endpoints of one kind to the shell."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        return _names(ctx, incomplete, kind)

    return complete


def _names(ctx: typer.Context, incomplete: str, kind: str) -> list[str]:
    from gateway.domain.errors import GlassgateError
    from gateway.web.shapes.endpoints import EndpointList, ListEndpoints

    try:
        found = client_of(ctx).call("GET /v1/endpoints", ListEndpoints(), EndpointList).endpoints
    except GlassgateError:
        return []
    return [one.name for one in found if one.name.startswith(incomplete) and kind in {"", one.kind}]


EndpointArgument = Annotated[
    str, typer.Argument(metavar="ENDPOINT", help="Its name.", autocompletion=complete_endpoint)
]
EndpointOption = Annotated[
    str, typer.Option("--endpoint", help="Only at this endpoint.", autocompletion=complete_endpoint)
]
