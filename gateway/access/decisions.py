"""Writes a decision down in the transaction that makes it: a ledger leaf, and an event where it pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import msgspec

from gateway.domain.endpoint import EndpointKind
from gateway.store import ledger, outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.endpoint import Endpoint
    from gateway.domain.ids import RequestId
    from gateway.store.pool import Connection

Fact = str | int | float | bool | list[str] | None

SHOWING: Final = " with the values of Secrets"
"""Follows the name of a cluster wherever access to it is told that shows them."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that was decided.

    Attributes:
        kind: dotted lower-case name, such as ``access.request-filed``.
        by: login name of who did it; ``policy`` or ``gateway`` where no person did.
        summary: one sentence for whoever is paged.
        facts: what belongs to it; never a secret.
        pages: whether somebody should hear of it now.
    """

    kind: str
    by: str
    summary: str
    facts: Mapping[str, Fact]
    pages: bool = False

    def adding(self, **facts: Fact) -> Self:
        """Return the same with more facts."""
        return replace(self, facts={**self.facts, **facts})

    def paging(self, *, pages: bool = True) -> Self:
        """Return the same, which somebody should hear of now."""
        return replace(self, pages=pages)


def about_request(
    kind: str,
    by: str,
    verb: str,
    request: RequestId,
    *,
    person: str,
    endpoint: Endpoint,
    secrets: bool = False,
) -> Decision:
    """Return what was decided about an access request.

    Args:
        kind: what follows ``access.``.
        by: login name of who did it.
        verb: what they did to the endpoint, or to what leads there.
        request: its number.
        person: login name of who asks.
        endpoint: for what.
        secrets: whether the values of its Secrets are part of that.
    """
    whose = "" if person == by else f" for {person}"
    shown = SHOWING if secrets else ""
    facts: dict[str, Fact] = {"request": request, "person": person, "endpoint": endpoint.name}
    if endpoint.kind is EndpointKind.KUBERNETES:
        facts["secrets"] = secrets
    return Decision(
        f"access.{kind}", by, f"{by} {verb} {endpoint.name}{shown}{whose} (request {request})", facts
    )


async def write_down(conn: Connection, *decisions: Decision) -> None:
    """Write decisions into ledger and outbox. Call it last in the transaction: it locks the ledger.

    Args:
        conn: inside the transaction that made them.
        decisions: in order.
    """
    entries = []
    for decision in decisions:
        body = msgspec.json.encode(
            {"kind": decision.kind, "by": decision.by, "summary": decision.summary, **decision.facts}
        )
        entries.append((decision.kind, body))
        if decision.pages:
            await outbox.add_event(conn, decision.kind, body)
    await ledger.append_leaves(conn, entries)
