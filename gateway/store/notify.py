"""Channels on which replicas tell each other that something changed. A notice is a hint to read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.store.pool import Connection

GRANTS = "glassgate_grants"
"""A grant, a person, a role, a token or an endpoint went, or policy changed; payload empty."""
REQUESTS = "glassgate_requests"
"""An access request was filed or decided; payload: its number."""
OUTBOX = "glassgate_outbox"
"""An event waits to be delivered; payload empty."""
CANCELS = "glassgate_cancels"
"""Requests to cancel what sessions of other processes run; payload: their numbers and keys."""
ENDPOINTS = "glassgate_endpoints"
"""An endpoint was registered, changed or removed; payload: its name."""


async def notify(conn: Connection, channel: str, payload: str = "") -> None:
    """Tell every replica, when the caller's transaction commits.

    Args:
        conn: inside the transaction of the change.
        channel: one of this module's.
        payload: a few bytes.
    """
    await conn.execute("SELECT pg_notify($1, $2)", channel, payload)
