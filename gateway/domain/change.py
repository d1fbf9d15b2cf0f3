"""A refused write on its way to becoming an artifact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.ids import ChangeId, EndpointId, IdentityId, SessionId, UnitNumber


class ChangeState(StrEnum):
    """Life of a change request."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    BUILT = "built"
    DEPLOYING = "deploying"
    DEPLOYED = "deployed"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    DROPPED = "dropped"
    ROLLED_BACK = "rolled-back"


class ChangeKind(StrEnum):
    """What sort of artifact carries the change."""

    EDIT = "edit"
    DATA = "data"
    REDEPLOY = "redeploy"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class FilePatch:
    """One file of the proposed patch.

    Attributes:
        path: normalised path in the repository.
        old: the file's bytes on the base; None for a new file.
        new: its bytes after; None for a deletion.
        mode: git file mode.
    """

    path: str
    old: bytes | None
    new: bytes | None
    mode: int = 0o100644


@dataclass(frozen=True, slots=True)
class CapturedUnit:
    """A refused unit as it goes into a change request.

    Attributes:
        session: where it was typed.
        number: its place there.
        text: exactly as sent.
        literals: bind values rendered to literals by the server itself; None where there are none.
        database: target database, or the like.
        context: what else the patch depends on, such as ``search_path``.
        rule: the judge's rule.
        tables: what it touches.
        estimated_rows: of the plan; None: not estimated.
        at: when.
    """

    session: SessionId
    number: UnitNumber
    text: str
    literals: tuple[str, ...] | None
    database: str
    context: str
    rule: str
    tables: tuple[str, ...]
    estimated_rows: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A change request as it stands.

    Attributes:
        id: the store's number.
        endpoint: what it would change.
        endpoint_name: its name.
        author: who typed it.
        author_name: their login name.
        kind: sort of artifact.
        state: where it stands.
        title: one line.
        reason: given at submission.
        base: commit the patch is against; empty where the repository has none.
        branch: after submission.
        commit: after submission.
        units: what was refused, in order.
        files: the proposed patch.
        created_at: when it was drafted.
        updated_at: when it last moved.
    """

    id: ChangeId
    endpoint: EndpointId
    endpoint_name: str
    author: IdentityId
    author_name: str
    kind: ChangeKind
    state: ChangeState
    title: str
    reason: str
    base: str
    branch: str
    commit: str
    units: tuple[CapturedUnit, ...]
    files: tuple[FilePatch, ...]
    created_at: datetime
    updated_at: datetime
