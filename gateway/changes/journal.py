"""Each step of a change request, written down three times in one transaction: history, outbox, ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.changes.lifecycle import sources
from gateway.store import changes as rows
from gateway.store.ledger import append_leaf

if TYPE_CHECKING:
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
    """Make one step and tell of it, in the caller's transaction; return False where it can't be made (any more)."""
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
    commit: str = "",
    branch: str = "",
) -> None:
    """Tell of a step that was just made, in the same transaction. The leaf comes last: other appenders wait for it."""
    await rows.add_step(conn, change, state, by, why)
    said = {"branch": branch, "by": by, "change": change, "commit": commit, "state": state.value, "why": why}
    data = msgspec.json.encode({name: value for name, value in sorted(said.items()) if value != ""})
    await append_leaf(conn, f"change.{state.value}", data)
