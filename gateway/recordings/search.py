"""Searching what was run, newest first: recordings are decrypted block by block, never kept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.domain.errors import Conflict, NotFound, ProofBroken
from gateway.log import get_logger
from gateway.recordings import block
from gateway.recordings.frames import UnitFrame
from gateway.recordings.replay import Texts, in_thread, sealed_blocks
from gateway.store import recordings as rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from gateway.recordings.frames import Record
    from gateway.recordings.recording import Recordings
    from gateway.store.recordings import SessionRow

_PAGE = 100
_SNIPPET_BYTES = 4_000

log = get_logger("recordings")


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for.

    Attributes:
        text: to find in texts and bind values, in any case; empty finds every unit.
        identity: only this login name's sessions.
        endpoint: only sessions on this endpoint.
        since: only units at or after.
        until: only units before.
        decision: only units so judged: 0 allow, 1 change, 2 refuse.
        limit: at most so many units.
    """

    text: str = ""
    identity: str | None = None
    endpoint: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    decision: int | None = None
    limit: int = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """A unit that was found.

    Attributes:
        session: where.
        at: when.
        unit: the unit.
        text: its text, also where it repeats an earlier one's; at most 4,000 bytes.
    """

    session: SessionRow
    at: datetime
    unit: UnitFrame
    text: bytes


async def search(
    recordings: Recordings, query: Query, *, may: Callable[[SessionRow], bool] = lambda _: True
) -> AsyncIterator[Hit]:
    """Yield units that were run, newest first, as they are found.

    Sessions whose recording has expired, or can't be read, are passed over.

    Args:
        recordings: of this gateway.
        query: what is looked for.
        may: tells the sessions that may be looked into; others are not even decrypted.

    Raises:
        StoreUnavailable: the store is away.
    """
    left, before = query.limit, None
    while left > 0:
        async with recordings.store.connection() as conn:
            page = await rows.list_sessions(
                conn,
                identity=query.identity,
                endpoint=query.endpoint,
                since=query.since,
                until=query.until,
                before=before,
                limit=_PAGE,
            )
        for row in filter(may, page):
            async for hit in _in_session(recordings, row, query, left):
                yield hit
                left -= 1
            if left <= 0:
                return
        if len(page) < _PAGE:
            return
        before = page[-1].id


async def _in_session(
    recordings: Recordings, row: SessionRow, query: Query, limit: int
) -> AsyncIterator[Hit]:
    """Yield a session's newest hits; its unsealed last second is not looked at."""
    try:
        source = await recordings.source(row.id)
    except (Conflict, NotFound):
        return
    found: deque[Hit] = deque(maxlen=limit)
    batches = (block.records(made, source.key) for made in sealed_blocks(recordings.vault, row.id, source))
    try:
        async for hits in in_thread(_matching(batches, row, query)):
            found.extend(hits)
    except (ProofBroken, OSError) as error:
        log.warning("recording not searched to its end", session=row.id, error=str(error))
    for hit in reversed(found):
        yield hit


def _matching(batches: Iterator[list[Record]], row: SessionRow, query: Query) -> Iterator[list[Hit]]:
    needle = query.text.casefold()
    texts = Texts()
    for batch in batches:
        hits = []
        for record in batch:
            unit = record.frame
            if not isinstance(unit, UnitFrame):
                continue
            text = texts.of(unit)
            at = datetime.fromtimestamp(record.time_ns / 1e9, UTC)
            if _wanted(unit, at, query) and _holds(unit, text, needle):
                hits.append(Hit(row, at, unit, (text or b"")[:_SNIPPET_BYTES]))
        yield hits


def _wanted(unit: UnitFrame, at: datetime, query: Query) -> bool:
    return (
        (query.decision is None or unit.decision == query.decision)
        and (query.since is None or at >= query.since)
        and (query.until is None or at < query.until)
    )


def _holds(unit: UnitFrame, text: bytes | None, needle: str) -> bool:
    if not needle:
        return True
    pieces = [text or b"", *(value for value in unit.values or () if value is not None)]
    return any(needle in piece.decode(errors="replace").casefold() for piece in pieces)
