"""What of the gateway this caller may know of: endpoints by policy, things on them with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.domain.errors import NotFound
from gateway.web.routes import Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.domain.change import ChangeRequest
    from gateway.domain.endpoint import Endpoint
    from gateway.web.routes import Call


async def endpoint_open(call: Call, name: str, action: Action) -> bool:
    """Whether policy gives the caller an action at an endpoint of that name.

    What happened at an endpoint that is registered no more can be seen by whoever administers.
    """
    endpoint = (await by_name(call)).get(name)
    if endpoint is None:
        return call.permissions.allows(Action.ADMINISTER.value)
    return call.permissions.allows(action.value, endpoint)


async def by_name(call: Call) -> dict[str, Endpoint]:
    """Return every endpoint, by name."""
    return {endpoint.name: endpoint for endpoint in await call.parts.endpoints.list()}


def actions_at(call: Call, endpoint: Endpoint) -> tuple[Action, ...]:
    """Return what policy gives the caller at an endpoint."""
    return tuple(action for action in Action if call.permissions.allows(action.value, endpoint))


async def visible_changes(call: Call, changes: Iterable[ChangeRequest]) -> list[ChangeRequest]:
    """Return the caller's own change requests, and those at endpoints that they may review."""
    known = await by_name(call)
    return [change for change in changes if _may_see(call, change, known.get(change.endpoint_name))]


async def check_change(call: Call, change: ChangeRequest) -> None:
    """Make sure that the caller may know of a change request.

    Raises:
        NotFound: they may not.
    """
    if not await visible_changes(call, [change]):
        raise NotFound(f"no change request {change.id}", hint="glassgate changes")


def _may_see(call: Call, change: ChangeRequest, endpoint: Endpoint | None) -> bool:
    if change.author == call.identity.id:
        return True
    if endpoint is None:
        return call.permissions.allows(Action.ADMINISTER.value)
    return call.permissions.allows(Action.REVIEW.value, endpoint)
