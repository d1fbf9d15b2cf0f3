"""A refused write on its way to becoming an artifact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.cluster import ObjectWrite
    from gateway.domain.containers import ContainerWrite
    from gateway.domain.host import HostWrite
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


@dataclass(frozen=True, slots=True)
class SqlCapture:
    """What a database's door knows of a refused unit, handed to the change flow.

    Attributes:
        text: exactly as sent.
        values: bind values as sent; None where there are none.
        types: type oids of the values, 0 where open.
        formats: 0 text, 1 binary, one a value.
        database: target database, or the like.
        context: what else the patch depends on, such as the search_path.
        title: one line, such as ``UPDATE customers``.
        tables: what it touches.
        kind: sort of artifact that can carry it.
        batch: units of one session with the same batch belong to one change request (one transaction).
        explainable: whether the plan may be asked for: everything planning would execute is judged a read.
    """

    text: str
    values: tuple[bytes | None, ...] | None
    types: tuple[int, ...]
    formats: tuple[int, ...]
    database: str
    context: str
    title: str
    tables: tuple[str, ...]
    kind: ChangeKind
    batch: int
    explainable: bool


@dataclass(frozen=True, slots=True)
class HostCapture:
    """What the door of a host or container knows of a refused unit, handed to the change flow.

    Attributes:
        text: exactly as sent.
        title: one line, such as ``sed -i /etc/nginx/nginx.conf``.
        kind: sort of artifact that can carry it.
        batch: units of one session with the same batch belong to one change request.
        writes: what it would have done, in order.
        given: what the client had sent as its standard input; None: not to its end.
    """

    text: str
    title: str
    kind: ChangeKind
    batch: int
    writes: tuple[HostWrite, ...]
    given: bytes | None = None


@dataclass(frozen=True, slots=True)
class ContainerCapture:
    """What the door of a container engine knows of a refused unit, handed to the change flow.

    Attributes:
        text: exactly as sent; of a request method and target, and its body on the lines behind.
        title: one line, such as ``docker restart web``.
        kind: sort of artifact that can carry it.
        batch: units of one session with the same batch belong to one change request.
        writes: what it would have done, in order.
    """

    text: str
    title: str
    kind: ChangeKind
    batch: int
    writes: tuple[ContainerWrite, ...]


@dataclass(frozen=True, slots=True)
class ClusterCapture:
    """What the door of a cluster knows of a refused request, handed to the change flow.

    Attributes:
        text: method and target, and the body on the lines behind.
        title: one line, such as ``scale deployments.apps/web to 5 in shop``.
        kind: sort of artifact that can carry it.
        batch: units of one session with the same batch belong to one change request.
        writes: what it would have done, in order.
    """

    text: str
    title: str
    kind: ChangeKind
    batch: int
    writes: tuple[ObjectWrite, ...]


Capture: TypeAlias = SqlCapture | HostCapture | ContainerCapture | ClusterCapture
