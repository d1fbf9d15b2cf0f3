"""Access requests and grants."""

from __future__ import annotations

from datetime import datetime

from gateway.web.shapes.shape import Question, Shape


class FileRequest(Question, frozen=True, kw_only=True):
    """Ask to read an endpoint.

    Attributes:
        endpoint: its name.
        seconds: for how long from the first connection.
        reason: why.
        secrets: whether to see the values of a cluster's Secrets, too; else they are masked.
    """

    endpoint: str
    seconds: int
    reason: str
    secrets: bool = False


class RequestId(Question, frozen=True, kw_only=True):
    """One access request.

    Attributes:
        id: its number.
    """

    id: int


class WaitForRequest(Question, frozen=True, kw_only=True):
    """Wait for a request's decision.

    Attributes:
        id: its number.
        seconds: at most so long; then it is answered as it stands. At most 60.
    """

    id: int
    seconds: int = 60


class ListRequests(Question, frozen=True, kw_only=True):
    """Which requests to list.

    Attributes:
        state: pending, approved, denied, withdrawn or lapsed; empty: all.
        mine: only the caller's own.
        limit: at most so many, newest first.
    """

    state: str = ""
    mine: bool = False
    limit: int = 100


class GrantFacts(Shape, frozen=True, kw_only=True):
    """A grant as it stands.

    Attributes:
        id: its number.
        identity: who may read.
        endpoint: what.
        reason: why.
        state: ready (its clock has not started), active, ended, dropped, revoked or lapsed.
        seconds: how long from the first connection.
        secrets: whether it includes the values of a cluster's Secrets.
        created_at: when it was approved.
        use_by: it lapses when not used by then; None once used.
        ends_at: the absolute end; None until its first connection.
        closed_by: who dropped or revoked it.
        closed_why: in their words.
    """

    id: int
    identity: str
    endpoint: str
    reason: str
    state: str
    seconds: int
    secrets: bool = False
    created_at: datetime
    use_by: datetime | None
    ends_at: datetime | None
    closed_by: str
    closed_why: str


class RequestFacts(Shape, frozen=True, kw_only=True):
    """An access request as it stands.

    Attributes:
        id: its number.
        identity: who asks.
        endpoint: for what.
        reason: as typed.
        seconds: how long they ask for.
        secrets: whether they ask for the values of a cluster's Secrets.
        secrets_left_out: whether an approver approved without these.
        state: pending, approved, denied, withdrawn or lapsed.
        needed: how many distinct approvers policy wants.
        approvals: who approved so far.
        created_at: when it was filed.
        decided_at: when it was decided.
        decision: the words that went with it.
        grant: the grant it became.
        holds: what they can use on this endpoint already.
        labels: the endpoint's labels: what they could read.
        may_approve: whether the caller could approve it now; the values of Secrets may have to be left out.
    """

    id: int
    identity: str
    endpoint: str
    reason: str
    seconds: int
    secrets: bool = False
    secrets_left_out: bool = False
    state: str
    needed: int
    approvals: tuple[str, ...]
    created_at: datetime
    decided_at: datetime | None
    decision: str
    grant: int | None
    holds: tuple[GrantFacts, ...] = ()
    labels: dict[str, str] = {}
    may_approve: bool = False


class RequestList(Shape, frozen=True, kw_only=True):
    """Access requests.

    Attributes:
        requests: newest first.
    """

    requests: tuple[RequestFacts, ...]


class Approve(Question, frozen=True, kw_only=True):
    """Approve a request.

    Attributes:
        id: its number.
        seconds: for so long, where less than asked for; 0: as asked for.
        note: words to go with it.
        without_secrets: without the values of a cluster's Secrets, where they were asked for.
    """

    id: int
    seconds: int = 0
    note: str = ""
    without_secrets: bool = False


class Deny(Question, frozen=True, kw_only=True):
    """Deny a request.

    Attributes:
        id: its number.
        reason: why.
    """

    id: int
    reason: str


class ListGrants(Question, frozen=True, kw_only=True):
    """Which grants to list.

    Attributes:
        mine: only the caller's own.
        live: only those that can still be used.
    """

    mine: bool = False
    live: bool = True


class GrantList(Shape, frozen=True, kw_only=True):
    """Grants.

    Attributes:
        grants: newest first.
    """

    grants: tuple[GrantFacts, ...]


class GrantId(Question, frozen=True, kw_only=True):
    """One grant.

    Attributes:
        id: its number.
    """

    id: int


class Revoke(Question, frozen=True, kw_only=True):
    """Take a grant away; its sessions end within a second.

    Attributes:
        id: its number.
        reason: why; shown to whoever loses it.
    """

    id: int
    reason: str
