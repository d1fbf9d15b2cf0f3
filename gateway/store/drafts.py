"""Drafts of change requests: refused units going in, and being taken back; refused units kept for later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gateway.domain.change import ChangeKind
from gateway.domain.ids import ChangeId, EndpointId, IdentityId, SessionId
from gateway.store.changes import CLAIM_SECONDS, decode_repository, encode_repository

if TYPE_CHECKING:
    from gateway.domain.endpoint import Repository
    from gateway.store.pool import Connection

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


async def count_drafts(conn: Connection, author: IdentityId, endpoint: EndpointId) -> int:
    """Return how many drafts of an author for an endpoint are open."""
    return int(
        await conn.fetchval(
            "SELECT count(*) FROM changes WHERE state = 'draft' AND author_id = $1 AND endpoint_id = $2",
            author,
            endpoint,
        )
    )


async def count_units(conn: Connection, change: ChangeId, *, but: bytes) -> int:
    """Return how many units a change request holds beside the one of this fingerprint."""
    return int(
        await conn.fetchval(
            "SELECT count(*) FROM change_units WHERE change_id = $1 AND fingerprint <> $2", change, but
        )
    )


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
            """INSERT INTO changes
                   (endpoint_id, endpoint, author_id, author, kind, title, database, repository)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id""",
            endpoint,
            endpoint_name,
            author,
            author_name,
            kind.value,
            title,
            database,
            encode_repository(repository),
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
        """INSERT INTO change_captures
               (session_id, number, change_id, unit_id, batch, grant_id, grant_reason, level)
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
    """Mark a transaction's captures as taken back; return their drafts, and whether any is left there."""
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
    """Keep a refused unit for a while, for a draft on demand; only the last ones of each identity."""
    await conn.execute(
        """INSERT INTO refused_units
               (session_id, number, identity_id, endpoint_id, endpoint, repository, kind, unit)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (session_id, number) DO NOTHING""",
        unit.session,
        unit.number,
        identity,
        endpoint,
        endpoint_name,
        encode_repository(repository),
        kind.value,
        msgspec.json.encode(unit).decode(),
    )
    await conn.execute(
        """DELETE FROM refused_units r USING (
               SELECT session_id, number FROM refused_units WHERE identity_id = $1
               ORDER BY at DESC, number DESC OFFSET $2) AS old
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
        decode_repository(row["repository"]),
        ChangeKind(row["kind"]),
        msgspec.json.decode(row["unit"], type=NewUnit),
    )


async def drop_stale(conn: Connection, days: int, cause: str) -> tuple[ChangeId, ...]:
    """Drop the drafts that nobody touched for so many days; return them."""
    rows = await conn.fetch(
        """UPDATE changes SET state = 'dropped', cause = $2, claim = NULL, updated_at = now()
           WHERE id IN (SELECT id FROM changes
                        WHERE state = 'draft' AND updated_at < now() - make_interval(days => $1)
                        AND (claim IS NULL OR claimed_at < now() - make_interval(secs => $3))
                        ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 500)
           RETURNING id""",
        days,
        cause,
        CLAIM_SECONDS,
    )
    await conn.execute("DELETE FROM refused_units WHERE at < now() - make_interval(days => $1)", days)
    return tuple(ChangeId(row["id"]) for row in rows)
