"""Each step of a change request, written down in the transaction that makes it: history, outbox, ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.changes.lifecycle import sources
from gateway.changes.shown import one_line
from gateway.store import changes as rows
from gateway.store.ledger import append_leaf
from gateway.store.outbox import add_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.change import ChangeState
    from gateway.domain.ids import ChangeId, IdentityId
    from gateway.store.pool import Connection

GATEWAY = "glassgate"
"""Who made a step that no person made."""


async def move(
    conn: Connection,
    change: ChangeId,
    target: ChangeState,
    *,
    by: str,
    why: str,
    author: IdentityId | None = None,
) -> bool:
    """Make one step and tell of it, in the caller's transaction; return False where it can't be made."""
    if not await rows.move(conn, change, target, sources=sources(target), author=author, cause=why):
        return False
    await tell(conn, change, target, by=by, why=why)
    return True


async def tell(
    conn: Connection,
    change: ChangeId,
    state: ChangeState,
    *,
    by: str,
    why: str,
    facts: Mapping[str, str] | None = None,
    pages: bool = True,
) -> None:
    """Tell of a step that was just made, in its transaction. The leaf comes last: others wait for it.

    Args:
        conn: inside that transaction.
        change: which.
        state: what it became.
        by: login name, or ``GATEWAY``.
        why: in their words.
        facts: what belongs to the step, such as its commit.
        pages: whether the hook hears of it.
    """
    await rows.add_step(conn, change, state, by, why)
    kind = f"change.{state.value}"
    summary = f"{by}: change request {change} is {state.value}: {one_line(why, 200)}"
    said = {"kind": kind, "by": by, "summary": summary, "change": change, "why": why, **(facts or {})}
    body = msgspec.json.encode(said)
    if pages:
        await add_event(conn, kind, body)
    await append_leaf(conn, kind, body)
