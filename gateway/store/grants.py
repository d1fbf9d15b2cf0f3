"""Grants: made by an approval, taken by the first connection, closed by whoever may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.domain.access import GrantState
from gateway.domain.ids import EndpointId, GrantId, IdentityId, RequestId
from gateway.store.endpoints import COLUMNS as ENDPOINT_COLUMNS
from gateway.store.endpoints import endpoint_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from gateway.domain.endpoint import Endpoint
    from gateway.store.pool import Connection


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant as it stands.

    Attributes:
        id: the store's number.
        request: the access request it came from.
        identity: who may read.
        identity_name: their login name.
        endpoint: what.
        endpoint_name: its name.
        reason: why, as asked.
        duration: how long from the first connection.
        secrets: whether it includes the values of a cluster's Secrets.
        state: where it stands, by the store's clock.
        through_role: the role by which it approved itself; empty: people approved it.
        created_at: when it was approved.
        use_by: it lapses when it isn't used by then.
        started_at: the first connection.
        ends_at: the absolute end.
        closed_by: login name of who dropped or revoked it.
        closed_why: their words.
    """

    id: GrantId
    request: RequestId
    identity: IdentityId
    identity_name: str
    endpoint: EndpointId
    endpoint_name: str
    reason: str
    duration: timedelta
    secrets: bool
    state: GrantState
    through_role: str
    created_at: datetime
    use_by: datetime
    started_at: datetime | None
    ends_at: datetime | None
    closed_by: str
    closed_why: str


@dataclass(frozen=True, slots=True)
class UsableGrant:
    """A grant that a connection may use.

    Attributes:
        id: the store's number.
        reason: why, as asked.
        duration: how long from the first connection.
        secrets: whether it includes the values of a cluster's Secrets.
        ends_at: the absolute end; None: its clock has not started.
        remaining: seconds left; of one whose clock has not started, all of them.
    """

    id: GrantId
    reason: str
    duration: timedelta
    secrets: bool
    ends_at: datetime | None
    remaining: float


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A taken grant that still lives, with what decides whether policy still lets it.

    Attributes:
        id: the store's number.
        roles: of its person, now.
        endpoint: as registered now.
        secrets: whether it includes the values of a cluster's Secrets.
        remaining: seconds left.
    """

    id: GrantId
    roles: frozenset[str]
    endpoint: Endpoint
    secrets: bool
    remaining: float


_STATE = """CASE WHEN g.closed_as IS NOT NULL THEN g.closed_as
        WHEN g.started_at IS NULL AND g.use_by <= now() THEN 'lapsed'
        WHEN g.started_at IS NULL THEN 'ready'
        WHEN g.ends_at <= now() THEN 'ended' ELSE 'active' END"""
_OPEN = """g.closed_at IS NULL AND (g.ends_at > now() OR (g.started_at IS NULL AND g.use_by > now()))"""
_VIEW = f"""SELECT g.*, p.name AS person, e.name AS endpoint, {_STATE} AS state
    FROM grants g JOIN people p ON p.id = g.person_id JOIN endpoints e ON e.id = g.endpoint_id"""  # noqa: S608


def _grant(row: Any) -> GrantRow:
    return GrantRow(
        id=GrantId(row["id"]),
        request=RequestId(row["request_id"]),
        identity=IdentityId(row["person_id"]),
        identity_name=row["person"],
        endpoint=EndpointId(row["endpoint_id"]),
        endpoint_name=row["endpoint"],
        reason=row["reason"],
        duration=row["duration"],
        secrets=row["secrets"],
        state=GrantState(row["state"]),
        through_role=row["through_role"],
        created_at=row["created_at"],
        use_by=row["use_by"],
        started_at=row["started_at"],
        ends_at=row["ends_at"],
        closed_by=row["closed_by"],
        closed_why=row["closed_why"],
    )


async def add_grant(
    conn: Connection, request: RequestId, *, lapses: timedelta, through_role: str = ""
) -> GrantId | None:
    """Make the grant of a request that stands as approved.

    Args:
        conn: in the transaction that approved it.
        request: which.
        lapses: it must be used within so long.
        through_role: the role by which it approved itself.

    Returns:
        None where the request is not approved, or has its grant.
    """
    number = await conn.fetchval(
        """INSERT INTO grants
               (request_id, person_id, endpoint_id, reason, duration, secrets, through_role, use_by)
           SELECT id, person_id, endpoint_id, reason, coalesce(approved_for, duration),
               secrets AND NOT secrets_left_out, $3, now() + $2
           FROM access_requests WHERE id = $1 AND state = 'approved'
           ON CONFLICT (request_id) DO NOTHING RETURNING id""",
        request,
        lapses,
        through_role,
    )
    return None if number is None else GrantId(number)


async def usable_grant(
    conn: Connection, person: IdentityId, endpoint: EndpointId, *, secrets: bool
) -> UsableGrant | None:
    """Return the grant that a connection would use: one that runs, else the oldest that waits.

    One that includes the values of Secrets goes before all others, whether it runs or waits: it was asked for
    on top of them. Among equals, one that runs out within a minute gives way to one that waits.

    Args:
        conn: any connection.
        person: who connects.
        endpoint: to what.
        secrets: whether one that includes the values of Secrets may be used.
    """
    row = await conn.fetchrow(
        f"""SELECT g.id, g.reason, g.duration, g.secrets, g.ends_at,
                extract(epoch FROM coalesce(g.ends_at - now(), g.duration))::float8 AS remaining
            FROM grants g JOIN people p ON p.id = g.person_id JOIN endpoints e ON e.id = g.endpoint_id
            WHERE g.person_id = $1 AND g.endpoint_id = $2 AND {_OPEN}
              AND p.removed_at IS NULL AND e.removed_at IS NULL AND ($3 OR NOT g.secrets)
            ORDER BY g.secrets DESC,
                     CASE WHEN g.ends_at > now() + interval '1 minute' THEN 0
                          WHEN g.started_at IS NULL THEN 1 ELSE 2 END,
                     g.ends_at DESC, g.use_by, g.id LIMIT 1""",  # noqa: S608
        person,
        endpoint,
        secrets,
    )
    return None if row is None else _usable(row)


async def start_grant(conn: Connection, grant: GrantId) -> UsableGrant | None:
    """Start a grant's clock; None where another connection did, or it is not usable any more."""
    row = await conn.fetchrow(
        f"""UPDATE grants g SET started_at = now(), ends_at = now() + g.duration
            WHERE g.id = $1 AND g.started_at IS NULL AND {_OPEN}
            RETURNING g.id, g.reason, g.duration, g.secrets, g.ends_at,
                extract(epoch FROM g.duration)::float8 AS remaining""",  # noqa: S608
        grant,
    )
    return None if row is None else _usable(row)


def _usable(row: Any) -> UsableGrant:
    return UsableGrant(
        GrantId(row["id"]), row["reason"], row["duration"], row["secrets"], row["ends_at"], row["remaining"]
    )


async def live_grants(conn: Connection, grants: Sequence[GrantId]) -> list[LiveGrant]:
    """Return which of these taken grants still live."""
    rows = await conn.fetch(
        f"""SELECT g.id AS grant_id, g.secrets AS shows_secrets,
                extract(epoch FROM g.ends_at - now())::float8 AS remaining,
                ARRAY(SELECT role FROM person_roles r WHERE r.person_id = g.person_id) AS roles,
                {ENDPOINT_COLUMNS}
            FROM grants g JOIN people p ON p.id = g.person_id JOIN endpoints e ON e.id = g.endpoint_id
            WHERE g.id = ANY ($1::bigint[]) AND g.closed_at IS NULL AND g.ends_at > now()
              AND p.removed_at IS NULL AND e.removed_at IS NULL""",  # noqa: S608
        grants,
    )
    return [
        LiveGrant(
            GrantId(row["grant_id"]),
            frozenset(row["roles"]),
            endpoint_of(row),
            row["shows_secrets"],
            row["remaining"],
        )
        for row in rows
    ]


async def grant_by_id(conn: Connection, grant: GrantId) -> GrantRow | None:
    """Return one grant as it stands, None where there is none of that number."""
    row = await conn.fetchrow(f"{_VIEW} WHERE g.id = $1", grant)
    return None if row is None else _grant(row)


async def list_grants(
    conn: Connection,
    *,
    person: IdentityId | None = None,
    endpoints: Sequence[EndpointId] | None = None,
    live: bool = True,
    limit: int = 1000,
) -> list[GrantRow]:
    """Return grants, newest first.

    Args:
        conn: any connection.
        person: who looks: theirs come whatever the endpoint.
        endpoints: others' only for these; None: all of them.
        live: only those that can still be used.
        limit: at most so many.
    """
    rows = await conn.fetch(
        f"""{_VIEW} WHERE (($1::bigint IS NOT NULL AND g.person_id = $1)
                OR $2::bigint[] IS NULL OR g.endpoint_id = ANY ($2)) AND (NOT $3 OR {_OPEN})
            ORDER BY g.id DESC LIMIT $4""",
        person,
        endpoints,
        live,
        limit,
    )
    return [_grant(row) for row in rows]


async def held_by(conn: Connection, holders: Sequence[tuple[IdentityId, EndpointId]]) -> list[GrantRow]:
    """Return the usable grants of pairs of person and endpoint, oldest first."""
    rows = await conn.fetch(
        f"""{_VIEW} JOIN (SELECT DISTINCT * FROM unnest($1::bigint[], $2::bigint[])) AS h (person, endpoint)
                ON h.person = g.person_id AND h.endpoint = g.endpoint_id
            WHERE {_OPEN} ORDER BY g.id""",  # noqa: S608
        [person for person, _ in holders],
        [endpoint for _, endpoint in holders],
    )
    return [_grant(row) for row in rows]


async def close_grants(
    conn: Connection,
    grants: Sequence[GrantId],
    *,
    as_: GrantState,
    by: str,
    why: str,
) -> list[GrantId]:
    """Close grants that can still be used.

    Args:
        conn: inside a transaction.
        grants: which.
        as_: dropped or revoked.
        by: login name.
        why: their words.

    Returns:
        Which were closed now.
    """
    rows = await conn.fetch(
        f"""UPDATE grants g SET closed_at = now(), closed_as = $2, closed_by = $3, closed_why = $4
            WHERE g.id = ANY ($1::bigint[]) AND {_OPEN} RETURNING g.id""",  # noqa: S608
        grants,
        as_.value,
        by,
        why,
    )
    return [GrantId(row["id"]) for row in rows]


async def close_reasons(conn: Connection, grants: Sequence[GrantId]) -> dict[GrantId, tuple[str, str]]:
    """Return who closed which of these grants, and their words."""
    rows = await conn.fetch(
        """SELECT id, closed_by, closed_why FROM grants
           WHERE id = ANY ($1::bigint[]) AND closed_at IS NOT NULL""",
        grants,
    )
    return {GrantId(row["id"]): (row["closed_by"], row["closed_why"]) for row in rows}
