"""Events that wait to be delivered; written in the transaction of what they tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.store.notify import OUTBOX, notify

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from gateway.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that is to be delivered now.

    Attributes:
        id: its number; a receiver that sees it twice knows it by that.
        kind: what it tells, such as ``access.request-filed``.
        body: JSON object.
        created_at: when it happened.
        attempts: how often it was tried, with the one that begins now.
    """

    id: int
    kind: str
    body: bytes
    created_at: datetime
    attempts: int


async def add_event(conn: Connection, kind: str, body: bytes) -> None:
    """Add an event in the caller's transaction.

    Args:
        conn: inside the transaction of what it tells.
        kind: dotted lower-case name.
        body: JSON object.
    """
    await conn.execute("INSERT INTO outbox (kind, body) VALUES ($1, $2)", kind, body)
    await notify(conn, OUTBOX)


async def claim_events(conn: Connection, limit: int, lease: timedelta) -> list[Waiting]:
    """Claim events that are due; other replicas pass over them until the lease is over.

    Args:
        conn: any connection.
        limit: at most so many.
        lease: longer than a delivery may take.
    """
    rows = await conn.fetch(
        """UPDATE outbox SET attempts = attempts + 1, next_at = now() + $2
           WHERE id IN (
               SELECT id FROM outbox
               WHERE delivered_at IS NULL AND given_up_at IS NULL AND next_at <= now()
               ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
           RETURNING id, kind, body, created_at, attempts""",
        limit,
        lease,
    )
    return sorted((Waiting(*row) for row in rows), key=lambda event: event.id)


async def event_delivered(conn: Connection, event: int) -> None:
    """The hook took it."""
    await conn.execute("UPDATE outbox SET delivered_at = now(), problem = '' WHERE id = $1", event)


async def event_failed(conn: Connection, event: int, problem: str, again: timedelta | None) -> None:
    """The hook didn't take it.

    Args:
        conn: any connection.
        event: which.
        problem: one sentence.
        again: when to try again; None: give up.
    """
    await conn.execute(
        """UPDATE outbox SET problem = $2, next_at = now() + coalesce($3::interval, interval '0'),
               given_up_at = CASE WHEN $3::interval IS NULL THEN now() END
           WHERE id = $1 AND delivered_at IS NULL""",
        event,
        problem,
        again,
    )


async def seconds_to_next(conn: Connection) -> float | None:
    """Return how long until an event is due, None where none waits."""
    seconds: float | None = await conn.fetchval(
        """SELECT greatest(0, extract(epoch FROM min(next_at) - now()))::float8 FROM outbox
           WHERE delivered_at IS NULL AND given_up_at IS NULL"""
    )
    return seconds


async def forget_events(conn: Connection, older: timedelta) -> int:
    """Delete events that happened long ago; the ledger remembers them.

    Returns:
        How many.
    """
    rows = await conn.fetch("DELETE FROM outbox WHERE created_at < now() - $1::interval RETURNING id", older)
    return len(rows)
