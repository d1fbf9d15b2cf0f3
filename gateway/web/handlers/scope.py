"""What of the gateway this caller may know of: endpoints by policy, things on them with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.domain.errors import NotFound
from gateway.store import endpoints as rows
from gateway.web.routes import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.domain.change import ChangeRequest
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.ids import EndpointId
    from gateway.web.routes import Call


@dataclass(frozen=True, slots=True)
class Scope:
    """What one caller may do where, at one moment.

    Attributes:
        call: whose.
        endpoints: every endpoint, those too that are registered no more.
    """

    call: Call
    endpoints: Mapping[EndpointId, Endpoint]

    def allows(self, action: Action, endpoint: EndpointId) -> bool:
        """Whether policy gives the caller an action at an endpoint, by the labels that it has or had last."""
        found = self.endpoints.get(endpoint)
        return found is not None and self.call.permissions.allows(action.value, found)

    def sees(self, change: ChangeRequest) -> bool:
        """Whether a change request is the caller's own, or at an endpoint that they may review."""
        return change.author == self.call.identity.id or self.allows(Action.REVIEW, change.endpoint)


async def scope_of(call: Call) -> Scope:
    """Return what a caller may do where."""
    async with call.parts.store.connection() as connection:
        known = await rows.list_endpoints(connection, removed=True)
    return Scope(call, {endpoint.id: endpoint for endpoint in known})


async def visible_changes(call: Call, changes: Iterable[ChangeRequest]) -> list[ChangeRequest]:
    """Return the change requests that the caller may know of."""
    scope = await scope_of(call)
    return [change for change in changes if scope.sees(change)]


async def check_change(call: Call, change: ChangeRequest) -> None:
    """Make sure that the caller may know of a change request.

    Raises:
        NotFound: they may not.
    """
    if not (await scope_of(call)).sees(change):
        raise NotFound(f"no change request {change.id}", hint="glassgate changes")
