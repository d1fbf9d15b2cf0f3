"""Recordings: watched as they grow, replayed, searched, exported. Each is a leaf of the ledger first."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.domain.errors import Conflict, InvalidInput, NotFound
from gateway.domain.verdict import Decision
from gateway.recordings import export as exporting
from gateway.recordings.frames import UnitFrame
from gateway.recordings.replay import Texts
from gateway.recordings.replay import follow as follow_records
from gateway.recordings.replay import replay as replay_records
from gateway.recordings.search import Query
from gateway.recordings.search import search as search_records
from gateway.recordings.watch import Skipped
from gateway.web.handlers.looked import looked
from gateway.web.handlers.moments import moment_of, readable
from gateway.web.handlers.scope import scope_of
from gateway.web.handlers.sessions import reviewed
from gateway.web.handlers.streams import closing
from gateway.web.routes import Action, Raw
from gateway.web.shapes import sessions as shapes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.domain.ids import SessionId
    from gateway.recordings.frames import Record
    from gateway.store.recordings import SessionRow
    from gateway.web.routes import Call

MEDIA_TYPES = {
    "jsonl": "application/x-ndjson",
    "html": "text/html; charset=utf-8",
    "asciicast": "application/x-asciicast",
    "text": "text/plain; charset=utf-8",
}
SUFFIXES = {"asciicast": "cast", "text": "txt"}
SEARCH_UNITS = 10_000
"""Most units that one search answers with."""


async def watch(call: Call, question: shapes.Watched) -> AsyncGenerator[shapes.Moment, None]:
    """Watch a live session: what was run so far, then as it happens, until it ends."""
    row = await reviewed(call, question.id)
    _check_live(call, row)
    await looked(call, "watch", session=row.id, why=question.why)
    return _moments(row.id, follow_records(call.parts.recordings, row.id, row.replica))


def _check_live(call: Call, row: SessionRow) -> None:
    """Make sure that a session runs.

    Raises:
        Conflict: it has ended.
    """
    ended = Conflict(f"session {row.id} has ended", hint=f"glassgate replay {row.id}")
    if row.ended_at is not None:
        raise ended
    if row.replica == call.parts.recordings.replica:
        try:
            call.parts.recordings.live(row.id)
        except NotFound:
            raise ended from None  # a moment ago: its row does not say so yet


async def replay(call: Call, question: shapes.Watched) -> AsyncGenerator[shapes.Moment, None]:
    """Show what was run in a session: statements with time, duration, verdict, rule and rows."""
    row = await reviewed(call, question.id)
    await looked(call, "replay", session=row.id, why=question.why)
    return _moments(row.id, replay_records(call.parts.recordings, row.id))


async def _moments(
    session: SessionId, records: AsyncIterator[Record | Skipped]
) -> AsyncGenerator[shapes.Moment, None]:
    texts = Texts()
    async with closing(records) as open_records:
        async for record in open_records:
            if isinstance(record, Skipped):
                told = f"{record.frames} frames came too fast to be watched; replay shows them"
                yield shapes.Moment(at=datetime.now(UTC), kind="skipped", session=session, text=told)
                continue
            text = texts.of(record.frame) if isinstance(record.frame, UnitFrame) else None
            yield moment_of(session, record, text)


async def search(call: Call, question: shapes.Search) -> AsyncGenerator[shapes.Hit, None]:
    """Find what was run, by whom and where, newest first."""
    if not question.text.strip():
        raise InvalidInput("`text` is empty")
    await looked(call, "search", why=question.why, query=question.text)
    return _hits(call, question)


async def _hits(call: Call, question: shapes.Search) -> AsyncGenerator[shapes.Hit, None]:
    left = max(1, min(question.limit, SEARCH_UNITS))
    scope = await scope_of(call)
    everywhere = all(scope.allows(Action.REVIEW, endpoint) for endpoint in scope.endpoints)
    query = Query(
        text=question.text,
        identity=question.by or None,
        endpoint=question.endpoint or None,
        since=question.since,
        # Hits that the caller may not see would use the limit up.
        limit=left if everywhere else SEARCH_UNITS,
    )
    async with closing(search_records(call.parts.recordings, query)) as hits:
        async for hit in hits:
            if not scope.allows(Action.REVIEW, hit.session.endpoint_id):
                continue
            yield shapes.Hit(
                session=hit.session.id,
                number=hit.unit.number,
                identity=hit.session.identity,
                endpoint=hit.session.endpoint,
                at=hit.at,
                text=readable(hit.text),
                output=readable(hit.output),
                verdict=Decision(hit.unit.decision).word,
            )
            left -= 1
            if left == 0:
                return


async def export(call: Call, question: shapes.Export) -> Raw:
    """Take a recording out as a file, with its proof."""
    if question.format not in MEDIA_TYPES:
        raise InvalidInput(f"{question.format!r} is no format", hint=" or ".join(MEDIA_TYPES))
    row = await reviewed(call, question.id)
    await looked(call, "export", session=row.id, why=question.why)
    file = exporting.export(
        call.parts.recordings,
        call.parts.ledger,
        row.id,
        file_format=question.format,
        by=call.identity.name,
    )
    return Raw(
        media_type=MEDIA_TYPES[question.format],
        chunks=file,
        filename=f"session-{row.id}.{SUFFIXES.get(question.format, question.format)}",
    )
