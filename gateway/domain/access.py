"""Access request → approvals → grant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from gateway.domain.ids import EndpointId, GrantId, IdentityId, RequestId


class RequestState(StrEnum):
    """Life of an access request."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class GrantState(StrEnum):
    """Life of a grant: ``ready`` until the first connection starts its clock."""

    READY = "ready"
    ACTIVE = "active"
    ENDED = "ended"
    DROPPED = "dropped"
    REVOKED = "revoked"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """An identity asks to read an endpoint, for a reason, for so long.

    Attributes:
        id: the store's number.
        identity: who asks.
        identity_name: their login name.
        endpoint: for what.
        endpoint_name: its name.
        reason: as typed.
        duration: how long they ask for.
        secrets: whether the values of a cluster's Secrets are asked for.
        secrets_left_out: whether an approver approved without these.
        state: where it stands.
        needed: how many distinct approvers policy wants.
        approvals: login names of those who approved, in order.
        created_at: when it was filed.
        decided_at: when it was approved or denied.
        decision: the approver's or denier's words.
        grant: the grant it became.
    """

    id: RequestId
    identity: IdentityId
    identity_name: str
    endpoint: EndpointId
    endpoint_name: str
    reason: str
    duration: timedelta
    secrets: bool
    secrets_left_out: bool
    state: RequestState
    needed: int
    approvals: tuple[str, ...]
    created_at: datetime
    decided_at: datetime | None
    decision: str
    grant: GrantId | None

    @property
    def shows_secrets(self) -> bool:
        """Whether its grant includes, or would include, the values of Secrets."""
        return self.secrets and not self.secrets_left_out


@dataclass(frozen=True, slots=True)
class Grant:
    """A live grant. Made only in ``access/grants.py``: whoever holds one knows it was checked.

    Attributes:
        id: the store's number.
        identity: who may read.
        endpoint: what.
        reason: why, as asked.
        duration: how long from the first connection.
        secrets: whether it includes the values of a cluster's Secrets.
        ends_at: the absolute end, by the store's clock.
        remaining: seconds left when it was taken, by the store's clock.
    """

    id: GrantId
    identity: IdentityId
    endpoint: EndpointId
    reason: str
    duration: timedelta
    secrets: bool
    ends_at: datetime
    remaining: float
