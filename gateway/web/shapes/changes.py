"""Change requests."""

from __future__ import annotations

from datetime import datetime

from gateway.web.shapes.shape import Question, Shape


class ListChanges(Question, frozen=True, kw_only=True):
    """Which change requests to list.

    Attributes:
        state: draft, submitted, …; empty: all.
        mine: only the caller's own.
        endpoint: name.
        before: numbered below, to page on.
        limit: at most so many, newest first.
    """

    state: str = ""
    mine: bool = False
    endpoint: str = ""
    before: int | None = None
    limit: int = 100


class ChangeId(Question, frozen=True, kw_only=True):
    """One change request.

    Attributes:
        id: its number.
    """

    id: int


class ChangeLine(Shape, frozen=True, kw_only=True):
    """A change request as listed.

    Attributes:
        id: its number.
        endpoint: what it would change.
        author: who typed it.
        kind: edit, data, redeploy or rollback.
        state: where it stands.
        title: one line.
        branch: after submission.
        commit: after submission.
        created_at: when it was drafted.
        updated_at: when it last moved.
    """

    id: int
    endpoint: str
    author: str
    kind: str
    state: str
    title: str
    branch: str
    commit: str
    created_at: datetime
    updated_at: datetime


class ChangeList(Shape, frozen=True, kw_only=True):
    """Change requests.

    Attributes:
        changes: newest first.
    """

    changes: tuple[ChangeLine, ...]


class ChangeUnit(Shape, frozen=True, kw_only=True):
    """A refused unit in a change request.

    Attributes:
        session: where it was typed.
        number: its place there.
        text: exactly as sent.
        literals: bind values as the server writes them.
        database: target.
        rule: the judge's.
        tables: what it touches.
        estimated_rows: of the plan; None: not estimated.
        at: when.
    """

    session: int
    number: int
    text: str
    literals: tuple[str, ...] | None
    database: str
    rule: str
    tables: tuple[str, ...]
    estimated_rows: int | None
    at: datetime


class ChangeFile(Shape, frozen=True, kw_only=True):
    """A file of the proposed patch.

    Attributes:
        path: in the repository.
        text: its content after; None for a deletion or where it is not text.
    """

    path: str
    text: str | None


class ChangeStep(Shape, frozen=True, kw_only=True):
    """A step in a change request's life.

    Attributes:
        state: what it became.
        by: who did it.
        why: in their words.
        at: when.
    """

    state: str
    by: str
    why: str
    at: datetime


class ChangeFacts(Shape, frozen=True, kw_only=True):
    """A change request whole.

    Attributes:
        change: as listed.
        reason: given at submission.
        base: commit the patch is against.
        units: what was refused, in order.
        files: of the proposed patch.
        diff: unified.
        steps: what happened to it so far.
        notes: what a reader must know beside the patch.
        cause: why it was dropped or withdrawn.
        url: where it can be seen.
    """

    change: ChangeLine
    reason: str
    base: str
    units: tuple[ChangeUnit, ...]
    files: tuple[ChangeFile, ...]
    diff: str
    steps: tuple[ChangeStep, ...]
    notes: tuple[str, ...]
    cause: str
    url: str


class Submit(Question, frozen=True, kw_only=True):
    """Commit a change request's patch and push its branch.

    Attributes:
        id: its number.
        reason: why.
        no_way_back: why there is no rollback; empty where the patch has one.
        files: edited files; empty: the patch as proposed.
    """

    id: int
    reason: str
    no_way_back: str = ""
    files: tuple[ChangeFile, ...] = ()


class Submitted(Shape, frozen=True, kw_only=True):
    """What was pushed.

    Attributes:
        change: as it stands now.
        repository: where to.
    """

    change: ChangeLine
    repository: str


class DraftLast(Question, frozen=True, kw_only=True):
    """Draft a change request from the caller's last refused unit."""


class Proposal(Shape, frozen=True, kw_only=True):
    """What was proposed for the catalogue.

    Attributes:
        said: one sentence for a person.
        diff: unified; empty where there is none.
    """

    said: str
    diff: str = ""
