"""Expiry: past its age a recording's key is destroyed; a tombstone stays in the ledger, never a gap."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.domain.errors import StoreUnavailable
from gateway.domain.ids import SessionId
from gateway.log import get_logger
from gateway.store import blocks
from gateway.store import recordings as rows

if TYPE_CHECKING:
    from gateway.recordings.recording import Recordings

_SECONDS = 3600.0
_AT_ONCE = 100

log = get_logger("recordings")


async def run(recordings: Recordings, *, seconds: float = _SECONDS) -> None:
    """Expire what is past its age, each so many seconds, until cancelled."""
    while True:
        try:
            await expire_due(recordings)
        except (StoreUnavailable, OSError) as error:
            log.warning("expiry waits", error=str(error))
        await asyncio.sleep(seconds)


async def expire_due(recordings: Recordings) -> list[SessionId]:
    """Destroy the keys of the recordings that are past their age.

    Key and tombstone are one transaction; the blocks, unreadable from then on, go after it.

    Returns:
        The sessions that expired now.

    Raises:
        StoreUnavailable: the store is away.
        OSError: blocks could not be removed; they are unreadable all the same.
    """
    expired: list[SessionId] = []
    while True:
        async with recordings.store.connection() as conn:
            due = await rows.due_to_expire(conn, _AT_ONCE)
        for row in due:
            async with recordings.store.transaction() as conn:
                done = await blocks.expire(conn, row.id, f"older than {row.keep_days} days")
            if done:
                await asyncio.to_thread(recordings.vault.remove, row.id)
                expired.append(row.id)
                log.info("recording expired", session=row.id, days=row.keep_days)
        if len(due) < _AT_ONCE:
            return expired
