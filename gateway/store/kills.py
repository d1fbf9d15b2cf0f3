"""Sessions that someone asked to end, until the replica that runs them has done so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.domain.errors import NotFound
from gateway.domain.ids import SessionId

if TYPE_CHECKING:
    from gateway.store.pool import Connection

CHANNEL = "glassgate_kills"
"""Notified with the session's number."""


@dataclass(frozen=True, slots=True)
class Kill:
    """A session that is to end.

    Attributes:
        session: which.
        by: login name of who asked.
        reason: in their words.
    """

    session: SessionId
    by: str
    reason: str


async def ask(connection: Connection, session: SessionId, by: str, reason: str) -> None:
    """Ask that a live session ends; asking twice changes nothing.

    Raises:
        NotFound: no such live session.
    """
    row = await connection.fetchrow(
        """INSERT INTO session_kills (session_id, by_name, reason)
           SELECT id, $2, $3 FROM sessions WHERE id = $1 AND ended_at IS NULL
           ON CONFLICT (session_id) DO UPDATE SET by_name = session_kills.by_name
           RETURNING session_id""",
        session,
        by,
        reason,
    )
    if row is None:
        raise NotFound(f"no live session {session}", hint="glassgate sessions --live")
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, str(session))


async def asked(connection: Connection, sessions: Sequence[SessionId]) -> list[Kill]:
    """Return which of these sessions are to end."""
    rows = await connection.fetch(
        "SELECT session_id, by_name, reason FROM session_kills WHERE session_id = ANY($1::bigint[])", sessions
    )
    return [Kill(SessionId(row["session_id"]), row["by_name"], row["reason"]) for row in rows]
