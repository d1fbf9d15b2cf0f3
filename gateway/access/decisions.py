"""Writes a decision down in the transaction that makes it: a ledger leaf, and an event where it pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gateway.store import ledger, outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.store.pool import Connection

Fact = str | int | float | bool | list[str] | None


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
