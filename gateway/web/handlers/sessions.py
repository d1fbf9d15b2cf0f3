"""Sessions: live and past, and ending them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.domain.errors import InvalidInput, NotAuthorised, NotFound
from gateway.domain.ids import SessionId
from gateway.domain.session import EndCause
from gateway.store import recordings as rows
from gateway.web.handlers.scope import scope_of
from gateway.web.routes import Action
from gateway.web.shapes import sessions as shapes
from gateway.web.shapes.identity import Done

if TYPE_CHECKING:
    from gateway.store.recordings import SessionRow
    from gateway.web.handlers.scope import Scope
    from gateway.web.routes import Call

PAGE = 500
"""Rows read at once, where some of them may not be shown to this caller."""


async def list_sessions(call: Call, question: shapes.ListSessions) -> shapes.SessionList:
    """List sessions, newest first: the caller's own, and those they may review."""
    if question.state not in {"", "live", "past"}:
        raise InvalidInput(f"{question.state!r} is no state", hint="live or past")
    limit = max(1, min(question.limit, 10_000))
    found: list[shapes.SessionFacts] = []
    scope = await scope_of(call)
    before = None if question.before is None else SessionId(question.before)
    while len(found) < limit:
        async with call.parts.store.connection() as connection:
            page = await rows.list_sessions(
                connection,
                identity=question.by or None,
                endpoint=question.endpoint or None,
                live=None if not question.state else question.state == "live",
                since=question.since,
                before=before,
                limit=PAGE,
            )
        found += [facts(row) for row in page if _may_see(scope, row)]
        if len(page) < PAGE:
            break
        before = page[-1].id
    return shapes.SessionList(sessions=tuple(found[:limit]))


async def show_session(call: Call, question: shapes.SessionId) -> shapes.SessionFacts:
    """Show one session."""
    return facts(await _row(call, question.id))


async def kill_session(call: Call, question: shapes.Kill) -> Done:
    """End a live session now; what runs on the server is cancelled."""
    row = await _row(call, question.id)
    if not (await scope_of(call)).allows(Action.KILL, row.endpoint_id):
        raise NotAuthorised(f"you may not end sessions at {row.endpoint}")
    await call.parts.registry.kill(row.id, call.identity, question.reason)
    return Done(done=f"Session {row.id} is being ended")


def _may_see(scope: Scope, row: SessionRow) -> bool:
    """Whether the session is the caller's own, or one that they may review or end."""
    return row.identity_id == scope.call.identity.id or any(
        scope.allows(action, row.endpoint_id) for action in (Action.REVIEW, Action.KILL)
    )


async def _row(call: Call, number: int) -> SessionRow:
    """Return a session that the caller may know of; not found and not allowed answer alike."""
    async with call.parts.store.connection() as connection:
        row = await rows.session_by_id(connection, SessionId(number))
    if row is None or not _may_see(await scope_of(call), row):
        raise NotFound(f"no session {number}", hint="glassgate sessions")
    return row


async def reviewed(call: Call, number: int) -> SessionRow:
    """Return a session that the caller may review.

    Raises:
        NotFound: there is none of that number, or none for this caller.
        NotAuthorised: they may know of it, and not review it.
    """
    row = await _row(call, number)
    if not (await scope_of(call)).allows(Action.REVIEW, row.endpoint_id):
        raise NotAuthorised(f"you may not review sessions at {row.endpoint}")
    return row


def facts(row: SessionRow) -> shapes.SessionFacts:
    """Return a session as listed."""
    return shapes.SessionFacts(
        id=row.id,
        identity=row.identity,
        endpoint=row.endpoint,
        grant=row.grant,
        reason=row.reason,
        client=row.client,
        level=row.level,
        live=row.ended_at is None,
        started_at=row.started_at,
        ended_at=row.ended_at,
        cause=row.end_cause,
        cause_message=row.end_message,
        ended_by=row.ended_by,
        units=row.units,
        refused=row.refused,
        size=row.bytes,
        recording=_state(row),
    )


def _state(row: SessionRow) -> str:
    if row.expired_at is not None:
        return "expired"
    if row.ended_at is None:
        return "live"
    if not row.closed:
        return "sealing"
    return "interrupted" if row.end_cause == EndCause.INTERRUPTED else "whole"
