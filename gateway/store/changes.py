"""Change requests: drafts, what they were captured from, their files and steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.domain.change import CapturedUnit, ChangeKind, ChangeRequest, ChangeState, FilePatch
from gateway.domain.endpoint import Repository
from gateway.domain.ids import ChangeId, EndpointId, GrantId, IdentityId, SessionId, UnitNumber

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.store.pool import Connection

CLAIM_SECONDS = 180
"""A submission that has not moved for so long is dead: it may be taken over."""


@dataclass(frozen=True, slots=True)
class StoredUnit:
    """A unit of a change request with what its rendering needs.

    Attributes:
        captured: as the domain speaks of it.
        title: one line.
        parts: its statements as JSON.
        secrets: names of the placeholders.
    """

    captured: CapturedUnit
    title: str
    parts: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaptureRow:
    """One time that a unit of a change request was refused.

    Attributes:
        session: where.
        number: its place there.
        grant: under which grant.
        grant_reason: why that was asked for.
        level: what production enforced.
        at: when.
        dropped: the client's ROLLBACK took it back.
    """

    session: SessionId
    number: UnitNumber
    grant: GrantId
    grant_reason: str
    level: str
    at: datetime
    dropped: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step in a change request's life.

    Attributes:
        state: what it became.
        by: login name, or ``glassgate``.
        why: in their words.
        at: when.
    """

    state: ChangeState
    by: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredChange:
    """A change request with what only the change flow needs.

    Attributes:
        request: its units are those not taken back; its files those edited or committed.
        units: with their renderings, in the same order.
        captures: each refusal behind it, also those taken back.
        database: target.
        repository: the endpoint's when it was drafted.
        no_way_back: why there is none, given at submission.
        cause: why it was dropped or withdrawn.
        edited: whether its files were edited by the author.
    """

    request: ChangeRequest
    units: tuple[StoredUnit, ...]
    captures: tuple[CaptureRow, ...]
    database: str
    repository: Repository | None
    no_way_back: str
    cause: str
    edited: bool


async def move(
    conn: Connection,
    change: ChangeId,
    target: ChangeState,
    *,
    sources: Sequence[str],
    author: IdentityId | None = None,
    cause: str = "",
) -> bool:
    """Make one step if the change request stands where it may be made, by its author if one is named.

    Returns:
        Whether it was made: False where another was first, or while a submission is under way.
    """
    moved = await conn.fetchval(
        """UPDATE changes SET state = $2, cause = $5, updated_at = now()
           WHERE id = $1 AND state = ANY($3::text[]) AND ($4::bigint IS NULL OR author_id = $4)
             AND (claim IS NULL OR claimed_at < now() - make_interval(secs => $6))
           RETURNING id""",
        change,
        target.value,
        sources,
        author,
        cause,
        CLAIM_SECONDS,
    )
    return moved is not None


async def add_step(conn: Connection, change: ChangeId, state: ChangeState, by: str, why: str) -> None:
    """Write down one step: who and why; when is the database's clock."""
    await conn.execute(
        "INSERT INTO change_steps (change_id, state, by_name, why) VALUES ($1, $2, $3, $4)",
        change,
        state.value,
        by,
        why,
    )


async def change_by_id(conn: Connection, change: ChangeId) -> StoredChange | None:
    """Return a change request with everything behind it, None where there is none."""
    row = await conn.fetchrow("SELECT * FROM changes WHERE id = $1", change)
    if row is None:
        return None
    units = await _units(conn, change)
    files = await conn.fetch(
        "SELECT path, content, mode FROM change_files WHERE change_id = $1 ORDER BY path", change
    )
    captures = await conn.fetch(
        "SELECT * FROM change_captures WHERE change_id = $1 ORDER BY at, number", change
    )
    return StoredChange(
        _request(
            row,
            tuple(each.captured for each in units),
            tuple(FilePatch(each["path"], None, each["content"], each["mode"]) for each in files),
        ),
        units,
        tuple(_capture(each) for each in captures),
        row["database"],
        decode_repository(row["repository"]),
        row["no_way_back"],
        row["cause"],
        row["edited"],
    )


async def list_changes(
    conn: Connection,
    *,
    author: IdentityId | None = None,
    endpoint: str | None = None,
    state: ChangeState | None = None,
    before: ChangeId | None = None,
    limit: int = 100,
) -> tuple[ChangeRequest, ...]:
    """Return change requests, newest first, without their units and files."""
    rows = await conn.fetch(
        """SELECT * FROM changes
           WHERE ($1::bigint IS NULL OR author_id = $1) AND ($2::text IS NULL OR endpoint = $2)
             AND ($3::text IS NULL OR state = $3) AND ($4::bigint IS NULL OR id < $4)
           ORDER BY id DESC LIMIT $5""",
        author,
        endpoint,
        None if state is None else state.value,
        before,
        limit,
    )
    return tuple(_request(row, (), ()) for row in rows)


async def steps(conn: Connection, change: ChangeId) -> tuple[Step, ...]:
    """Return the steps of a change request, in order."""
    rows = await conn.fetch("SELECT * FROM change_steps WHERE change_id = $1 ORDER BY id", change)
    return tuple(Step(ChangeState(row["state"]), row["by_name"], row["why"], row["at"]) for row in rows)


async def _units(conn: Connection, change: ChangeId) -> tuple[StoredUnit, ...]:
    """Return the units of a change request that were not taken back, in order."""
    rows = await conn.fetch(
        """SELECT u.* FROM change_units u
           WHERE u.change_id = $1 AND ($2 OR EXISTS (
               SELECT FROM change_captures k WHERE k.unit_id = u.id AND k.dropped_at IS NULL))
           ORDER BY u.id""",
        change,
        not await conn.fetchval(
            "SELECT EXISTS (SELECT FROM change_captures WHERE change_id = $1 AND dropped_at IS NULL)", change
        ),
    )
    return tuple(
        StoredUnit(
            CapturedUnit(
                session=SessionId(row["session_id"]),
                number=UnitNumber(row["number"]),
                text=row["text"],
                literals=None if row["literals"] is None else tuple(row["literals"]),
                database=row["database"],
                context=row["context"],
                rule=row["rule"],
                tables=tuple(row["tables"]),
                estimated_rows=row["estimated_rows"],
                at=row["at"],
            ),
            row["title"],
            row["parts"],
            tuple(row["secrets"]),
        )
        for row in rows
    )


def _request(row: Any, units: tuple[CapturedUnit, ...], files: tuple[FilePatch, ...]) -> ChangeRequest:
    return ChangeRequest(
        id=ChangeId(row["id"]),
        endpoint=EndpointId(row["endpoint_id"]),
        endpoint_name=row["endpoint"],
        author=IdentityId(row["author_id"]),
        author_name=row["author"],
        kind=ChangeKind(row["kind"]),
        state=ChangeState(row["state"]),
        title=row["title"],
        reason=row["reason"],
        base=row["base"],
        branch="" if row["state"] == "draft" else row["branch"],
        commit="" if row["state"] == "draft" else row["commit"],
        units=units,
        files=files,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _capture(row: Any) -> CaptureRow:
    return CaptureRow(
        SessionId(row["session_id"]),
        UnitNumber(row["number"]),
        GrantId(row["grant_id"]),
        row["grant_reason"],
        row["level"],
        row["at"],
        row["dropped_at"] is not None,
    )


def encode_repository(repository: Repository | None) -> str | None:
    """Return a repository as it stands in a row."""
    return None if repository is None else msgspec.json.encode(repository).decode()


def decode_repository(text: str | None) -> Repository | None:
    """Return a row's repository."""
    if text is None:
        return None
    return msgspec.json.decode(text, type=Repository)
