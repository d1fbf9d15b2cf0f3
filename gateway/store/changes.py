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
    from uuid import UUID

    from gateway.store.pool import Connection

_CLAIM_SECONDS = 180
_KEPT_REFUSED = 20


class NewUnit(msgspec.Struct, frozen=True):
    """A refused unit as it is stored, ready to be rendered.

    Attributes:
        session: where it was typed.
        number: its place there.
        batch: the transaction it belongs to.
        grant: under which grant.
        grant_reason: why that was asked for.
        level: what production enforced.
        title: one line.
        text: as sent, secrets replaced.
        literals: its values, secrets replaced; None where there are none.
        parts: its statements as JSON.
        secrets: names of the placeholders.
        database: target.
        context: what else it depends on.
        rule: the judge's rule.
        tables: what it touches.
        rows: estimate, None: not estimated.
        fingerprint: 32 bytes, the same for the same text and values.
    """

    session: int
    number: int
    batch: int
    grant: int
    grant_reason: str
    level: str
    title: str
    text: str
    literals: tuple[str, ...] | None
    parts: str
    secrets: tuple[str, ...]
    database: str
    context: str
    rule: str
    tables: tuple[str, ...]
    rows: int | None
    fingerprint: bytes


class _RepositoryRow(msgspec.Struct, frozen=True):
    """A repository as it stands in a row."""

    url: str
    branch: str
    convention: str
    migrations: str
    paths: dict[str, str]


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


@dataclass(frozen=True, slots=True)
class RefusedUnit:
    """A refused unit that is no change request yet.

    Attributes:
        endpoint: what it was sent to.
        endpoint_name: its name.
        repository: the endpoint's at that time.
        kind: of artifact.
        unit: ready to be drafted.
    """

    endpoint: EndpointId
    endpoint_name: str
    repository: Repository | None
    kind: ChangeKind
    unit: NewUnit


# --- drafting


async def lock_drafts(conn: Connection, author: IdentityId, endpoint: EndpointId) -> None:
    """Let one transaction at a time draft for this author and endpoint, across replicas."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 3))", f"drafts {author} {endpoint}")


async def draft_of_batch(conn: Connection, session: SessionId, batch: int) -> ChangeId | None:
    """Return the draft that the units of this transaction go into, None where there is none yet."""
    found: int | None = await conn.fetchval(
        """SELECT c.id FROM change_captures k JOIN changes c ON c.id = k.change_id
           WHERE k.session_id = $1 AND k.batch = $2 AND k.dropped_at IS NULL AND c.state = 'draft'
             AND c.claim IS NULL
           ORDER BY c.id DESC LIMIT 1""",
        session,
        batch,
    )
    return None if found is None else ChangeId(found)


async def draft_with(
    conn: Connection, author: IdentityId, endpoint: EndpointId, database: str, fingerprint: bytes
) -> ChangeId | None:
    """Return the author's draft that holds the same unit already, None where there is none."""
    found: int | None = await conn.fetchval(
        """SELECT c.id FROM changes c JOIN change_units u ON u.change_id = c.id
           WHERE c.state = 'draft' AND c.claim IS NULL AND c.author_id = $1 AND c.endpoint_id = $2
             AND c.database = $3 AND u.fingerprint = $4
             AND EXISTS (SELECT FROM change_captures k WHERE k.unit_id = u.id AND k.dropped_at IS NULL)
           ORDER BY c.id DESC LIMIT 1""",
        author,
        endpoint,
        database,
        fingerprint,
    )
    return None if found is None else ChangeId(found)


async def create_draft(
    conn: Connection,
    *,
    endpoint: EndpointId,
    endpoint_name: str,
    author: IdentityId,
    author_name: str,
    kind: ChangeKind,
    title: str,
    database: str,
    repository: Repository | None,
) -> ChangeId:
    """Make an empty draft."""
    return ChangeId(
        await conn.fetchval(
            """INSERT INTO changes (endpoint_id, endpoint, author_id, author, kind, title, database, repository)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id""",
            endpoint,
            endpoint_name,
            author,
            author_name,
            kind.value,
            title,
            database,
            _json(repository),
        )
    )


async def add_unit(conn: Connection, change: ChangeId, unit: NewUnit) -> bool:
    """Put a refused unit into a draft; return whether it is new there. Its evidence is kept in either case.

    A new unit voids what was edited before it came.
    """
    row = await conn.fetchrow(
        """INSERT INTO change_units (change_id, fingerprint, session_id, number, title, text, literals, parts,
                                     secrets, database, context, rule, tables, estimated_rows)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
           ON CONFLICT (change_id, fingerprint) DO UPDATE SET fingerprint = excluded.fingerprint
           RETURNING id, xmax = 0 AS added,
                     NOT EXISTS (SELECT FROM change_captures k
                                 WHERE k.unit_id = change_units.id AND k.dropped_at IS NULL) AS revived""",
        change,
        unit.fingerprint,
        unit.session,
        unit.number,
        unit.title,
        unit.text,
        unit.literals,
        unit.parts,
        unit.secrets,
        unit.database,
        unit.context,
        unit.rule,
        unit.tables,
        unit.rows,
    )
    await conn.execute(
        """INSERT INTO change_captures (session_id, number, change_id, unit_id, batch, grant_id, grant_reason, level)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (session_id, number) DO NOTHING""",
        unit.session,
        unit.number,
        change,
        row["id"],
        unit.batch,
        unit.grant,
        unit.grant_reason,
        unit.level,
    )
    added: bool = row["added"] or row["revived"]
    if added:
        await conn.execute("DELETE FROM change_files WHERE change_id = $1", change)
    await conn.execute(
        "UPDATE changes SET updated_at = now(), edited = edited AND NOT $2 WHERE id = $1", change, added
    )
    return added


async def take_back(conn: Connection, session: SessionId, batch: int) -> tuple[tuple[ChangeId, bool], ...]:
    """Mark the captures of a transaction as taken back; return the drafts they were in and whether any is left."""
    rows = await conn.fetch(
        """WITH taken AS (
               UPDATE change_captures k SET dropped_at = now() FROM changes c
               WHERE c.id = k.change_id AND c.state = 'draft' AND c.claim IS NULL
                 AND k.session_id = $1 AND k.batch = $2 AND k.dropped_at IS NULL
               RETURNING k.change_id, k.number
           )
           SELECT DISTINCT t.change_id,
                  EXISTS (SELECT FROM change_captures k
                          WHERE k.change_id = t.change_id AND k.dropped_at IS NULL
                            AND (k.session_id <> $1 OR k.batch <> $2)) AS remains
           FROM taken t""",
        session,
        batch,
    )
    return tuple((ChangeId(row["change_id"]), row["remains"]) for row in rows)


async def remember_refused(
    conn: Connection,
    *,
    identity: IdentityId,
    endpoint: EndpointId,
    endpoint_name: str,
    repository: Repository | None,
    kind: ChangeKind,
    unit: NewUnit,
) -> None:
    """Keep a refused unit for a while, so that a draft can be made of it; only the last ones of each identity."""
    await conn.execute(
        """INSERT INTO refused_units (session_id, number, identity_id, endpoint_id, endpoint, repository, kind, unit)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (session_id, number) DO NOTHING""",
        unit.session,
        unit.number,
        identity,
        endpoint,
        endpoint_name,
        _json(repository),
        kind.value,
        msgspec.json.encode(unit).decode(),
    )
    await conn.execute(
        """DELETE FROM refused_units r USING (
               SELECT session_id, number FROM refused_units WHERE identity_id = $1 ORDER BY at DESC, number DESC
               OFFSET $2) AS old
           WHERE r.session_id = old.session_id AND r.number = old.number""",
        identity,
        _KEPT_REFUSED,
    )


async def take_last_refused(conn: Connection, identity: IdentityId) -> RefusedUnit | None:
    """Take the identity's last refused unit out of what is remembered, None where there is none."""
    row = await conn.fetchrow(
        """DELETE FROM refused_units r USING (
               SELECT session_id, number FROM refused_units WHERE identity_id = $1
               ORDER BY at DESC, number DESC LIMIT 1 FOR UPDATE) AS last
           WHERE r.session_id = last.session_id AND r.number = last.number
           RETURNING r.endpoint_id, r.endpoint, r.repository, r.kind, r.unit""",
        identity,
    )
    if row is None:
        return None
    return RefusedUnit(
        EndpointId(row["endpoint_id"]),
        row["endpoint"],
        _repository(row["repository"]),
        ChangeKind(row["kind"]),
        msgspec.json.decode(row["unit"], type=NewUnit),
    )


# --- steps


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
        _CLAIM_SECONDS,
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


async def drop_stale(conn: Connection, days: int, cause: str) -> tuple[ChangeId, ...]:
    """Drop the drafts that nobody touched for so many days; return them."""
    rows = await conn.fetch(
        """UPDATE changes SET state = 'dropped', cause = $2, claim = NULL, updated_at = now()
           WHERE id IN (SELECT id FROM changes WHERE state = 'draft' AND updated_at < now() - make_interval(days => $1)
                        AND (claim IS NULL OR claimed_at < now() - make_interval(secs => $3))
                        ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 500)
           RETURNING id""",
        days,
        cause,
        _CLAIM_SECONDS,
    )
    await conn.execute("DELETE FROM refused_units WHERE at < now() - make_interval(days => $1)", days)
    return tuple(ChangeId(row["id"]) for row in rows)


# --- submitting


@dataclass(frozen=True, slots=True)
class Claim:
    """A submission under way, held by one replica.

    Attributes:
        token: proves who holds it.
        at: the database's clock when it was taken.
        pushed: commit that an earlier try may have pushed, empty where none got so far.
        branch: to which branch.
    """

    token: UUID
    at: datetime
    pushed: str
    branch: str


async def claim(conn: Connection, change: ChangeId, author: IdentityId) -> Claim | None:
    """Take the right to submit a draft, None where it is no draft of the author's or another holds it.

    What an earlier try left stays until it is overwritten: it may have reached the repository.
    """
    row = await conn.fetchrow(
        """UPDATE changes SET claim = gen_random_uuid(), claimed_at = now()
           WHERE id = $1 AND author_id = $2 AND state = 'draft'
             AND (claim IS NULL OR claimed_at < now() - make_interval(secs => $3))
           RETURNING claim, claimed_at, commit, branch""",
        change,
        author,
        _CLAIM_SECONDS,
    )
    return None if row is None else Claim(row["claim"], row["claimed_at"], row["commit"], row["branch"])


async def lock_numbers(conn: Connection, url: str, *, but: ChangeId) -> tuple[str, ...]:
    """Let one transaction at a time take numbers in a repository; return the paths that others hold."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 4))", f"numbers {url}")
    return await reserved_paths(conn, url, but=but)


async def reserved_paths(conn: Connection, url: str, *, but: ChangeId) -> tuple[str, ...]:
    """Return the paths of numbered files that the other open change requests of a repository hold."""
    rows = await conn.fetch(
        """SELECT id, unnest(reserved) AS path FROM changes
           WHERE id <> $3 AND repository ->> 'url' = $1 AND (state NOT IN ('draft', 'withdrawn', 'dropped', 'rejected')
             OR (state = 'draft' AND claim IS NOT NULL AND claimed_at >= now() - make_interval(secs => $2)))""",
        url,
        _CLAIM_SECONDS,
        but,
    )
    return tuple(row["path"] for row in rows)


async def reserve(
    conn: Connection,
    change: ChangeId,
    token: UUID,
    *,
    repository: Repository,
    base: str,
    paths: Sequence[str],
) -> bool:
    """Write down what a submission takes; return whether the claim still holds."""
    done = await conn.fetchval(
        """UPDATE changes SET repository = $3, base = $4, reserved = $5 WHERE id = $1 AND claim = $2 RETURNING id""",
        change,
        token,
        _json(repository),
        base,
        list(paths),
    )
    return done is not None


async def pushing(conn: Connection, change: ChangeId, token: UUID, *, branch: str, commit: str) -> bool:
    """Write down what is about to be pushed, so that a try that dies can be finished; return whether the claim holds."""
    done = await conn.fetchval(
        "UPDATE changes SET branch = $3, commit = $4, claimed_at = now() WHERE id = $1 AND claim = $2 RETURNING id",
        change,
        token,
        branch,
        commit,
    )
    return done is not None


async def submitted(
    conn: Connection, change: ChangeId, token: UUID, *, reason: str, no_way_back: str
) -> bool:
    """Finish a submission; return whether the claim still held."""
    done = await conn.fetchval(
        """UPDATE changes SET state = 'submitted', reason = $3, no_way_back = $4, claim = NULL, updated_at = now()
           WHERE id = $1 AND claim = $2 AND state = 'draft' RETURNING id""",
        change,
        token,
        reason,
        no_way_back,
    )
    return done is not None


async def release(conn: Connection, change: ChangeId, token: UUID) -> None:
    """Give a claim back: the draft stays."""
    await conn.execute("UPDATE changes SET claim = NULL WHERE id = $1 AND claim = $2", change, token)


async def put_files(conn: Connection, change: ChangeId, files: Sequence[FilePatch], *, edited: bool) -> None:
    """Keep the files as edited or committed, in the place of what was kept before."""
    await conn.execute("DELETE FROM change_files WHERE change_id = $1", change)
    await conn.executemany(
        "INSERT INTO change_files (change_id, path, content, mode) VALUES ($1, $2, $3, $4)",
        [(change, each.path, each.new, each.mode) for each in files],
    )
    await conn.execute("UPDATE changes SET edited = $2, updated_at = now() WHERE id = $1", change, edited)


# --- reading


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
        _repository(row["repository"]),
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


def _json(repository: Repository | None) -> str | None:
    return None if repository is None else msgspec.json.encode(repository).decode()


def _repository(text: str | None) -> Repository | None:
    if text is None:
        return None
    row = msgspec.json.decode(text, type=_RepositoryRow)
    return Repository(row.url, row.branch, row.convention, row.migrations, row.paths)
