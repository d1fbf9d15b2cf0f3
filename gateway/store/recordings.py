"""Sessions as rows: who looked at what, when, how it ended, and the key of its recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from gateway.domain.ids import EndpointId, GrantId, IdentityId, SessionId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from gateway.store.pool import Connection


@dataclass(frozen=True, slots=True)
class NewSession:
    """What is known of a session when its recording opens.

    Attributes:
        replica: which gateway process serves it.
        identity_id: who.
        identity: login name.
        endpoint_id: what.
        endpoint: its name.
        kind: protocol.
        grant: under which grant.
        reason: why.
        client: peer address and application.
        keep_days: age at which its key is destroyed.
    """

    replica: str
    identity_id: IdentityId
    identity: str
    endpoint_id: EndpointId
    endpoint: str
    kind: str
    grant: GrantId
    reason: str
    client: str
    keep_days: int


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as stored, without its key.

    Attributes:
        id: its number.
        replica: which gateway process serves or served it.
        identity_id: who.
        identity: login name then.
        endpoint_id: what.
        endpoint: its name then.
        kind: protocol.
        grant: under which grant.
        reason: why.
        client: peer address and application.
        level: what production enforced by itself.
        layers: the bits of ``Layer``.
        findings: what the probe saw.
        started_at: when it opened.
        ended_at: when it ended, None while it lives.
        end_cause: as in ``EndCause``, empty while it lives.
        end_message: as the client was told.
        ended_by: login name of who ended it, where a person did.
        keep_days: age at which its key is destroyed.
        blocks: sealed blocks that stand in the ledger.
        last_hash: hash of the last of them.
        frames: frames in them.
        units: units so far.
        refused: of these, not admitted.
        bytes: size of its frames.
        sealed_bytes: size of the sealed blocks.
        closed: whether the last block stands in the ledger.
        has_key: whether the key still exists.
        expired_at: when it was destroyed.
    """

    id: SessionId
    replica: str
    identity_id: IdentityId
    identity: str
    endpoint_id: EndpointId
    endpoint: str
    kind: str
    grant: GrantId
    reason: str
    client: str
    level: str
    layers: int
    findings: Mapping[str, str]
    started_at: datetime
    ended_at: datetime | None
    end_cause: str
    end_message: str
    ended_by: str
    keep_days: int
    blocks: int
    last_hash: bytes | None
    frames: int
    units: int
    refused: int
    bytes: int
    sealed_bytes: int
    closed: bool
    has_key: bool
    expired_at: datetime | None


@dataclass(frozen=True, slots=True)
class End:
    """How a session ended.

    Attributes:
        at_ns: when, nanoseconds since 1970.
        cause: as in ``EndCause``.
        message: as the client was told.
        by: login name of who ended it.
    """

    at_ns: int
    cause: str
    message: str
    by: str


_COLUMNS = """id, replica, identity_id, identity, endpoint_id, endpoint, kind, grant_id, reason, client,
    level, layers, findings::text AS findings, started_at, ended_at, end_cause, end_message, ended_by,
    keep_days, blocks, last_hash, frames, units, refused, bytes, sealed_bytes, closed,
    wrapped_key IS NOT NULL AS has_key, expired_at"""


async def add_session(conn: Connection, new: NewSession, wrapped_key: bytes) -> tuple[SessionId, datetime]:
    """Add a session's row.

    Args:
        conn: in the transaction that commits once the recording stands on disk.
        new: what is known of it.
        wrapped_key: the recording's key under the master key.

    Returns:
        Its number, and when it started by the database's clock.
    """
    row = await conn.fetchrow(
        """INSERT INTO sessions (replica, identity_id, identity, endpoint_id, endpoint, kind, grant_id,
                                 reason, client, keep_days, wrapped_key)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id, started_at""",
        new.replica,
        new.identity_id,
        new.identity,
        new.endpoint_id,
        new.endpoint,
        new.kind,
        new.grant,
        new.reason,
        new.client,
        new.keep_days,
        wrapped_key,
    )
    return SessionId(row["id"]), row["started_at"]


async def restore_session(
    conn: Connection, session: SessionId, new: NewSession, started_us: int, wrapped_key: bytes
) -> None:
    """Add the row of a session that is recorded on disk and missing in the store.

    Args:
        conn: any connection.
        session: its number.
        new: what its first frame says.
        started_us: when it opened, microseconds since 1970.
        wrapped_key: the recording's key under the master key.
    """
    await conn.execute(
        """INSERT INTO sessions (id, replica, identity_id, identity, endpoint_id, endpoint, kind, grant_id,
                                 reason, client, keep_days, wrapped_key, started_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                   timestamptz 'epoch' + $13::bigint * interval '1 microsecond')
           ON CONFLICT (id) DO NOTHING""",
        session,
        new.replica,
        new.identity_id,
        new.identity,
        new.endpoint_id,
        new.endpoint,
        new.kind,
        new.grant,
        new.reason,
        new.client,
        new.keep_days,
        wrapped_key,
        started_us,
    )


async def number_sessions_past(conn: Connection, session: SessionId) -> None:
    """See to it that new sessions get numbers above ``session``, which is recorded on disk."""
    await conn.execute(
        """SELECT setval('sessions_id_seq', greatest($1, last_value)) FROM sessions_id_seq
           WHERE $1 > 0 AND ($1 > last_value OR NOT is_called)""",
        session,
    )


async def session_by_id(conn: Connection, session: SessionId) -> SessionRow | None:
    """Return one session, None where there is none of that number."""
    row = await conn.fetchrow(f"SELECT {_COLUMNS} FROM sessions WHERE id = $1", session)  # noqa: S608
    return None if row is None else _session(row)


async def list_sessions(
    conn: Connection,
    *,
    identity: str | None = None,
    endpoint: str | None = None,
    live: bool | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: SessionId | None = None,
    limit: int = 100,
) -> list[SessionRow]:
    """Return sessions, newest first.

    Args:
        conn: any connection.
        identity: only this login name's.
        endpoint: only those on this endpoint.
        live: only those that live, or only those that ended.
        since: only those that lived at or after this time.
        until: only those that started before this time.
        before: only those numbered below, to page on.
        limit: at most so many.
    """
    rows = await conn.fetch(
        f"""SELECT {_COLUMNS} FROM sessions
            WHERE ($1::text IS NULL OR identity = $1) AND ($2::text IS NULL OR endpoint = $2)
              AND ($3::boolean IS NULL OR (ended_at IS NULL) = $3)
              AND ($4::timestamptz IS NULL OR ended_at IS NULL OR ended_at >= $4)
              AND ($5::timestamptz IS NULL OR started_at < $5)
              AND ($6::bigint IS NULL OR id < $6)
            ORDER BY id DESC LIMIT $7""",  # noqa: S608 - the columns are our own
        identity,
        endpoint,
        live,
        since,
        until,
        before,
        limit,
    )
    return [_session(row) for row in rows]


async def sessions_in_order(conn: Connection) -> AsyncIterator[SessionRow]:
    """Yield every session, oldest first, a bounded number in memory at a time."""
    after, chunk = 0, 500
    while True:
        rows = await conn.fetch(
            f"SELECT {_COLUMNS} FROM sessions WHERE id > $1 ORDER BY id LIMIT $2",  # noqa: S608
            after,
            chunk,
        )
        for row in rows:
            yield _session(row)
        if len(rows) < chunk:
            return
        after = rows[-1]["id"]


async def recorded_bytes(
    conn: Connection, people: Sequence[IdentityId], within: timedelta
) -> dict[IdentityId, int]:
    """Return how much was recorded of some people: bytes of frames, as far as they are sealed.

    Args:
        conn: any connection.
        people: of whom; who has no session is left out.
        within: sessions that began so long ago at most, and those that are live.
    """
    rows = await conn.fetch(
        """SELECT identity_id, sum(bytes)::bigint AS bytes FROM sessions
           WHERE identity_id = ANY($1::bigint[]) AND wrapped_key IS NOT NULL
               AND (started_at > now() - $2::interval OR NOT closed)
           GROUP BY identity_id""",
        people,
        within,
    )
    return {IdentityId(row["identity_id"]): row["bytes"] for row in rows}


async def wrapped_key(conn: Connection, session: SessionId) -> bytes | None:
    """Return a recording's key under the master key, None where it was destroyed or never was."""
    key: bytes | None = await conn.fetchval("SELECT wrapped_key FROM sessions WHERE id = $1", session)
    return key


async def close_session(conn: Connection, session: SessionId, end: End) -> bool:
    """Close a session's row; False where it was closed before."""
    closed = await conn.fetchval(
        """UPDATE sessions SET closed = true, end_cause = $3, end_message = $4, ended_by = $5,
                  ended_at = timestamptz 'epoch' + ($2::bigint / 1000) * interval '1 microsecond'
           WHERE id = $1 AND NOT closed RETURNING id""",
        session,
        end.at_ns,
        end.cause,
        end.message,
        end.by,
    )
    return closed is not None


async def unclosed_sessions(conn: Connection, replica: str) -> list[SessionRow]:
    """Return the sessions of a replica whose last block does not stand in the ledger."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM sessions WHERE replica = $1 AND NOT closed ORDER BY id",  # noqa: S608
        replica,
    )
    return [_session(row) for row in rows]


async def adopt_sessions(conn: Connection, replica: str) -> None:
    """Leave the sessions that no gateway serves any more to ``replica``, which closes them at its start."""
    await conn.execute("UPDATE sessions SET replica = $1 WHERE NOT closed", replica)


async def due_to_expire(conn: Connection, limit: int) -> list[SessionRow]:
    """Return closed sessions past their age whose key still exists, oldest first."""
    rows = await conn.fetch(
        f"""SELECT {_COLUMNS} FROM sessions
            WHERE closed AND wrapped_key IS NOT NULL AND ended_at < now() - keep_days * interval '1 day'
            ORDER BY id LIMIT $1""",  # noqa: S608 - the columns are our own
        limit,
    )
    return [_session(row) for row in rows]


def _session(row: Mapping[str, object]) -> SessionRow:
    members = dict(row)
    members["grant"] = members.pop("grant_id")
    members["end_cause"] = members["end_cause"] or ""
    members["findings"] = msgspec.json.decode(str(members["findings"]), type=dict[str, str])
    return SessionRow(**members)  # type: ignore[arg-type]  # the columns of _COLUMNS are its members
