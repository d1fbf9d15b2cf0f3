"""endpoints: what one may look at or ask for."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.durations import moment_text
from gateway.cli.options import Json, client_of
from gateway.cli.show import print_json, table


def endpoints(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="Part of a name, label or kind.")] = "",
    *,
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", help="KEY=VALUE that must stand on it; give several.")
    ] = None,
    json: Json = False,
) -> None:
    """List what you may look at or ask for.

    Example:
      glassgate endpoints orders --label env=prod
    """
    import msgspec

    from gateway.web.shapes.endpoints import EndpointList, ListEndpoints

    body = client_of(ctx).body("GET /v1/endpoints", ListEndpoints(text=text, label=tuple(label or ())))
    if json:
        print_json(body)
        return
    found = msgspec.json.decode(body, type=EndpointList).endpoints
    table(
        ("NAME", "KIND", "LABELS", "ACCESS", "YOU MAY"),
        (
            (
                endpoint.name,
                endpoint.kind,
                " ".join(f"{key}={value}" for key, value in sorted(endpoint.labels.items())),
                f"until {moment_text(endpoint.ends_at)}" if endpoint.ends_at else endpoint.access,
                ", ".join(endpoint.may),
            )
            for endpoint in found
        ),
        empty="No endpoint fits that you may look at or ask for.",
    )
