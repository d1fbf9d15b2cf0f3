"""Change requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.changes.git import shown_url
from gateway.domain.change import ChangeState
from gateway.domain.errors import InvalidInput, NotAuthorised
from gateway.domain.ids import ChangeId
from gateway.web.handlers.scope import check_change, scope_of, visible_changes
from gateway.web.routes import Action
from gateway.web.shapes import changes as shapes

if TYPE_CHECKING:
    from gateway.domain.change import CapturedUnit, ChangeRequest
    from gateway.domain.endpoint import Endpoint
    from gateway.web.routes import Call


PAGE: Final = 500
"""Change requests read at once, where some of them may not be shown to this caller."""


async def list_changes(call: Call, question: shapes.ListChanges) -> shapes.ChangeList:
    """List change requests, newest first."""
    state = None
    if question.state:
        try:
            state = ChangeState(question.state)
        except ValueError:
            known = ", ".join(one.value for one in ChangeState)
            raise InvalidInput(f"{question.state!r} is no state", hint=f"one of {known}") from None
    limit = max(1, min(question.limit, 10_000))
    before = None if question.before is None else ChangeId(question.before)
    found: list[ChangeRequest] = []
    while len(found) < limit:
        page = await call.parts.changes.list(
            author=call.identity.id if question.mine else None,
            endpoint=question.endpoint or None,
            state=state,
            before=before,
            limit=PAGE,
        )
        found += await visible_changes(call, page)
        if len(page) < PAGE:
            break
        before = page[-1].id
    return shapes.ChangeList(changes=tuple(line(one) for one in found[:limit]))


async def show_change(call: Call, question: shapes.ChangeId) -> shapes.ChangeFacts:
    """Show a change request: what was refused, and the patch it would become."""
    shown = await call.parts.changes.show(ChangeId(question.id))
    change = shown.change
    await check_change(call, change)
    return shapes.ChangeFacts(
        change=line(change),
        reason=change.reason,
        base=change.base,
        units=tuple(_unit(one) for one in change.units),
        files=tuple(shapes.ChangeFile(path=one.path, text=_text(one.new)) for one in change.files),
        diff=shown.diff,
        steps=tuple(
            shapes.ChangeStep(state=step.state.value, by=step.by, why=step.why, at=step.at)
            for step in shown.steps
        ),
        notes=shown.notes,
        cause=shown.cause,
        url=shown.url,
    )


async def submit_change(call: Call, question: shapes.Submit) -> shapes.Submitted:
    """Commit a change request's patch to a branch of its repository and push it."""
    endpoint = await _submittable(call, question.id)
    files = {}
    for file in question.files:
        if file.text is None:
            raise InvalidInput(f"{file.path}: an edited file has a text")
        files[file.path] = file.text.encode()
    change = await call.parts.changes.submit(
        call.identity,
        ChangeId(question.id),
        question.reason,
        files=files or None,
        no_way_back=question.no_way_back or None,
    )
    where = endpoint.repository.url if endpoint is not None and endpoint.repository is not None else ""
    return shapes.Submitted(change=line(change), repository=shown_url(where))


async def withdraw_change(call: Call, question: shapes.ChangeId) -> shapes.ChangeLine:
    """Withdraw a change request; its evidence stays."""
    await _submittable(call, question.id)
    return line(await call.parts.changes.withdraw(call.identity, ChangeId(question.id)))


async def was_a_read(call: Call, question: shapes.ChangeId) -> shapes.Proposal:
    """Say that what was refused only reads; proposes the change to the catalogue."""
    await _submittable(call, question.id)
    proposed = await call.parts.changes.was_a_read(call.identity, ChangeId(question.id))
    return shapes.Proposal(said=proposed.said, diff=proposed.diff)


async def _submittable(call: Call, number: int) -> Endpoint | None:
    """Make sure that the caller may know of a change request and act on change requests at its endpoint.

    Returns:
        The endpoint, None where it is registered no more.
    """
    change = await call.parts.changes.get(ChangeId(number))
    await check_change(call, change)
    scope = await scope_of(call)
    if not scope.allows(Action.SUBMIT, change.endpoint):
        raise NotAuthorised(f"policy does not let {call.identity.name} submit at {change.endpoint_name}")
    return scope.endpoints.get(change.endpoint)


async def draft_last(call: Call, _question: shapes.DraftLast) -> shapes.ChangeLine:
    """Draft a change request from the caller's last refused unit."""
    filed = await call.parts.changes.draft_last(call.identity)
    return line(await call.parts.changes.get(filed.change))


def line(change: ChangeRequest) -> shapes.ChangeLine:
    """Return a change request as listed."""
    return shapes.ChangeLine(
        id=change.id,
        endpoint=change.endpoint_name,
        author=change.author_name,
        kind=change.kind.value,
        state=change.state.value,
        title=change.title,
        branch=change.branch,
        commit=change.commit,
        created_at=change.created_at,
        updated_at=change.updated_at,
    )


def _unit(unit: CapturedUnit) -> shapes.ChangeUnit:
    return shapes.ChangeUnit(
        session=unit.session,
        number=unit.number,
        text=unit.text,
        literals=unit.literals,
        database=unit.database,
        rule=unit.rule,
        tables=unit.tables,
        estimated_rows=unit.estimated_rows,
        at=unit.at,
    )


def _text(data: bytes | None) -> str | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
