"""Access requests and grants."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.domain.access import RequestState
from gateway.domain.errors import InvalidInput
from gateway.domain.ids import GrantId, RequestId
from gateway.store.notify import REQUESTS
from gateway.web.handlers.streams import closing
from gateway.web.shapes import access as shapes
from gateway.web.shapes.identity import Done

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.access.requests import RequestView
    from gateway.store.grants import GrantRow
    from gateway.web.routes import Call


async def file_request(call: Call, question: shapes.FileRequest) -> shapes.RequestFacts:
    """Ask to read an endpoint, for a reason, for so long."""
    asked = await call.parts.requests.file(
        call.identity,
        question.endpoint,
        duration(question.seconds),
        question.reason,
        secrets=question.secrets,
    )
    return await _now(call, asked.id)


async def list_requests(call: Call, question: shapes.ListRequests) -> shapes.RequestList:
    """List access requests, newest first: the caller's own, and those they may decide or review."""
    return shapes.RequestList(requests=tuple(request_facts(view) for view in await _listed(call, question)))


async def show_request(call: Call, question: shapes.RequestId) -> shapes.RequestFacts:
    """Show one access request."""
    return await _now(call, RequestId(question.id))


async def wait_for_decision(call: Call, question: shapes.WaitForRequest) -> shapes.RequestFacts:
    """Answer when a request is decided, or as it stands when the time is over."""
    view = await call.parts.requests.wait(call.identity, RequestId(question.id), question.seconds)
    return request_facts(view)


async def watch_requests(
    call: Call, question: shapes.ListRequests
) -> AsyncGenerator[shapes.RequestFacts, None]:
    """Show access requests as they come or move, those that are pending first."""
    await _listed(call, question)
    return _watched(call, question)


async def _watched(call: Call, question: shapes.ListRequests) -> AsyncGenerator[shapes.RequestFacts, None]:
    seen: dict[RequestId, tuple[RequestState, tuple[str, ...]]] = {}
    first = True
    async with closing(call.parts.store.listen(REQUESTS)) as notices:
        async for _ in notices:
            views = await _listed(call, question)
            news = [view for view in views if seen.get(view.request.id) != _state(view)]
            seen = {view.request.id: _state(view) for view in views}
            if first and not question.state:
                news = [view for view in news if view.request.state is RequestState.PENDING]
            first = False
            for view in reversed(news):
                yield request_facts(view)


def _state(view: RequestView) -> tuple[RequestState, tuple[str, ...]]:
    return view.request.state, view.request.approvals


async def approve(call: Call, question: shapes.Approve) -> shapes.RequestFacts:
    """Approve an access request; nobody approves their own."""
    shorter = duration(question.seconds) if question.seconds else None
    await call.parts.requests.approve(
        call.identity,
        RequestId(question.id),
        duration=shorter,
        note=question.note,
        without_secrets=question.without_secrets,
    )
    return await _now(call, RequestId(question.id))


async def deny(call: Call, question: shapes.Deny) -> shapes.RequestFacts:
    """Deny an access request."""
    await call.parts.requests.deny(call.identity, RequestId(question.id), question.reason)
    return await _now(call, RequestId(question.id))


async def withdraw(call: Call, question: shapes.RequestId) -> shapes.RequestFacts:
    """Take an access request of one's own back."""
    await call.parts.requests.withdraw(call.identity, RequestId(question.id))
    return await _now(call, RequestId(question.id))


async def list_grants(call: Call, question: shapes.ListGrants) -> shapes.GrantList:
    """List grants, newest first: the caller's own, and those they may decide, revoke or review."""
    found = await call.parts.grants.list(call.identity, mine=question.mine, live=question.live)
    return shapes.GrantList(grants=tuple(grant_facts(row) for row in found))


async def drop(call: Call, question: shapes.GrantId) -> Done:
    """Give a grant of one's own back; its sessions end."""
    await call.parts.grants.drop(call.identity, GrantId(question.id))
    return Done(done=f"Grant {question.id} is dropped")


async def revoke(call: Call, question: shapes.Revoke) -> Done:
    """Take a grant away; its sessions end within a second."""
    await call.parts.grants.revoke(call.identity, GrantId(question.id), question.reason)
    return Done(done=f"Grant {question.id} is revoked")


def duration(seconds: int) -> timedelta:
    """Return a duration.

    Raises:
        InvalidInput: it is no time at all, or longer than anything.
    """
    if seconds <= 0:
        raise InvalidInput("`seconds` must be more than nothing")
    try:
        return timedelta(seconds=seconds)
    except OverflowError as error:
        raise InvalidInput(f"{seconds} seconds is longer than any grant") from error


async def _now(call: Call, number: RequestId) -> shapes.RequestFacts:
    return request_facts(await call.parts.requests.get(call.identity, number))


async def _listed(call: Call, question: shapes.ListRequests) -> Sequence[RequestView]:
    state = None
    if question.state:
        try:
            state = RequestState(question.state)
        except ValueError:
            known = ", ".join(one.value for one in RequestState)
            raise InvalidInput(f"{question.state!r} is no state", hint=f"one of {known}") from None
    return await call.parts.requests.list(
        call.identity, state=state, mine=question.mine, limit=question.limit
    )


def request_facts(view: RequestView) -> shapes.RequestFacts:
    """Return a request with what an approver wants to know beside it."""
    one = view.request
    return shapes.RequestFacts(
        id=one.id,
        identity=one.identity_name,
        endpoint=one.endpoint_name,
        reason=one.reason,
        seconds=int(one.duration.total_seconds()),
        secrets=one.secrets,
        secrets_left_out=one.secrets_left_out,
        state=one.state.value,
        needed=one.needed,
        approvals=one.approvals,
        created_at=one.created_at,
        decided_at=one.decided_at,
        decision=one.decision,
        grant=one.grant,
        holds=tuple(grant_facts(grant) for grant in view.holds),
        labels=dict(view.labels),
        may_approve=view.may_approve,
    )


def grant_facts(row: GrantRow) -> shapes.GrantFacts:
    """Return a grant as listed."""
    return shapes.GrantFacts(
        id=row.id,
        identity=row.identity_name,
        endpoint=row.endpoint_name,
        reason=row.reason,
        state=row.state.value,
        seconds=int(row.duration.total_seconds()),
        secrets=row.secrets,
        created_at=row.created_at,
        use_by=row.use_by if row.started_at is None else None,
        ends_at=row.ends_at,
        closed_by=row.closed_by,
        closed_why=row.closed_why,
    )
