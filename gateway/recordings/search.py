"""Searching what was run and what it printed, newest first; decrypted block by block, never kept."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.domain.errors import Conflict, NotFound, ProofBroken
from gateway.log import get_logger
from gateway.recordings import block
from gateway.recordings.frames import Output, UnitFrame
from gateway.recordings.replay import Texts, in_thread, sealed_blocks
from gateway.store import recordings as rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from gateway.recordings.frames import Record
    from gateway.recordings.recording import Recordings
    from gateway.store.recordings import SessionRow

_PAGE = 100
_SNIPPET_BYTES = 4_000
_LINE_BYTES = 1_000
_MOST_UNITS = 256
"""Units whose output is looked at together: commands of one connection may run side by side."""

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
        output: the line of its output in which it was found; empty where it was found in the text or values.
    """

    session: SessionRow
    at: datetime
    unit: UnitFrame
    text: bytes
    output: bytes = b""


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
    texts, outputs = Texts(), _Outputs(needle)
    for batch in batches:
        hits = []
        for record in batch:
            frame = record.frame
            if isinstance(frame, Output):
                if found := outputs.found(frame):
                    hits.append(found)
                continue
            if not isinstance(frame, UnitFrame):
                continue
            text = texts.of(frame)
            at = datetime.fromtimestamp(record.time_ns / 1e9, UTC)
            if not _wanted(frame, at, query):
                continue
            hit = Hit(row, at, frame, (text or b"")[:_SNIPPET_BYTES])
            if _holds(frame, text, needle):
                hits.append(hit)
            else:
                outputs.expect(hit)
        yield hits


class _Outputs:
    """Looks for words in what units printed, also where they are cut in two; bounded.

    Args:
        needle: the words, case folded.
    """

    def __init__(self, needle: str) -> None:
        self._needle = needle
        self._units: OrderedDict[int, tuple[Hit, bytes]] = OrderedDict()

    def expect(self, hit: Hit) -> None:
        """Look at what a unit prints."""
        self._units[hit.unit.number] = (hit, b"")
        if len(self._units) > _MOST_UNITS:
            self._units.popitem(last=False)

    def found(self, output: Output) -> Hit | None:
        """Return a unit's hit where this piece of its output holds the words, once for each unit."""
        expected = self._units.get(output.number)
        if expected is None:
            return None
        hit, before = expected
        whole = before + output.data
        text = whole.decode("utf-8", "replace")
        at = text.casefold().find(self._needle)
        if at < 0:
            tail = whole.rpartition(b"\n")[2][-_LINE_BYTES:]
            self._units[output.number] = (hit, tail)
            return None
        del self._units[output.number]
        begin = text.rfind("\n", 0, at) + 1
        line = text[begin:].partition("\n")[0].strip("\r")
        return replace(hit, output=line.encode()[:_LINE_BYTES])


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
