"""Access requests. Deciding one is a single guarded statement: no two replicas both win."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.domain.access import AccessRequest, RequestState
from gateway.domain.ids import EndpointId, GrantId, IdentityId, RequestId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from gateway.store.pool import Connection

_VIEW = """SELECT q.id, q.person_id, p.name AS person, q.endpoint_id, e.name AS endpoint, q.reason,
        q.duration, q.secrets, q.secrets_left_out,
        CASE WHEN q.state = 'pending' AND q.lapses_at <= now() THEN 'lapsed' ELSE q.state END AS state,
        q.needed, q.created_at, q.decided_at, q.decision, g.id AS grant_id,
        ARRAY(SELECT a.name FROM unnest(q.approver_ids) WITH ORDINALITY AS u (id, place)
              JOIN people a ON a.id = u.id ORDER BY u.place) AS approvals
    FROM access_requests q JOIN people p ON p.id = q.person_id JOIN endpoints e ON e.id = q.endpoint_id
    LEFT JOIN grants g ON g.request_id = q.id"""


def _request(row: Any) -> AccessRequest:
    return AccessRequest(
        id=RequestId(row["id"]),
        identity=IdentityId(row["person_id"]),
        identity_name=row["person"],
        endpoint=EndpointId(row["endpoint_id"]),
        endpoint_name=row["endpoint"],
        reason=row["reason"],
        duration=row["duration"],
        secrets=row["secrets"],
        secrets_left_out=row["secrets_left_out"],
        state=RequestState(row["state"]),
        needed=row["needed"],
        approvals=tuple(row["approvals"]),
        created_at=row["created_at"],
        decided_at=row["decided_at"],
        decision=row["decision"],
        grant=None if row["grant_id"] is None else GrantId(row["grant_id"]),
    )


@dataclass(frozen=True, slots=True)
class Approved:
    """What an approval made of a request.

    Attributes:
        state: ``pending`` while more approvers are needed.
        approvals: how many so far.
        needed: how many it takes.
        duration: the shortest time that anybody gave.
        secrets: whether the values of Secrets were asked for, and nobody left them out.
    """

    state: RequestState
    approvals: int
    needed: int
    duration: timedelta
    secrets: bool


async def file_request(
    conn: Connection,
    person: IdentityId,
    endpoint: EndpointId,
    *,
    reason: str,
    duration: timedelta,
    secrets: bool,
    needed: int,
    lapses: timedelta,
    most_pending: int,
) -> RequestId | None:
    """File a request.

    Args:
        conn: inside a transaction.
        person: who asks.
        endpoint: for what.
        reason: as typed.
        duration: how long.
        secrets: whether it asks for the values of Secrets, too.
        needed: distinct approvers it takes.
        lapses: it can't be decided after so long.
        most_pending: of one person.

    Returns:
        None where person or endpoint are gone, or the person has too many pending already.
    """
    await conn.execute("SELECT FROM people WHERE id = $1 FOR NO KEY UPDATE", person)
    number = await conn.fetchval(
        """INSERT INTO access_requests
               (person_id, endpoint_id, reason, duration, state, needed, lapses_at, secrets)
           SELECT p.id, e.id, $3, $4, 'pending', $5, now() + $6, $8 FROM people p, endpoints e
           WHERE p.id = $1 AND p.removed_at IS NULL AND e.id = $2 AND e.removed_at IS NULL
             AND (SELECT count(*) FROM access_requests
                  WHERE person_id = $1 AND state = 'pending' AND lapses_at > now()) < $7
           RETURNING id""",
        person,
        endpoint,
        reason,
        duration,
        needed,
        lapses,
        most_pending,
        secrets,
    )
    return None if number is None else RequestId(number)


async def approve_request(
    conn: Connection,
    request: RequestId,
    approver: IdentityId,
    *,
    duration: timedelta | None,
    without_secrets: bool,
    note: str,
    needed: int,
    longest: timedelta,
) -> Approved | None:
    """Count an approval. The guard is in the statement: pending, not one's own, each person once.

    Args:
        conn: inside a transaction.
        request: which.
        approver: who; must not be the one who asked.
        duration: for so long where that is shorter.
        without_secrets: whether the values of Secrets are left out, where they were asked for.
        note: their words.
        needed: what policy wants by now; never less than when it was filed.
        longest: what policy allows by now.

    Returns:
        None where the guard refused.
    """
    row = await conn.fetchrow(
        """UPDATE access_requests q SET
               approver_ids = q.approver_ids || $2::bigint,
               needed = greatest(q.needed, $5),
               approved_for = least(q.approved_for, $3::interval, q.duration, $6::interval),
               secrets_left_out = q.secrets_left_out OR (q.secrets AND $7),
               decision = concat_ws('; ', nullif(q.decision, ''), nullif($4, '')),
               state = CASE WHEN cardinality(q.approver_ids) + 1 >= greatest(q.needed, $5)
                            THEN 'approved' ELSE 'pending' END,
               decided_at = CASE WHEN cardinality(q.approver_ids) + 1 >= greatest(q.needed, $5)
                            THEN now() END,
               decided_by = $2
           WHERE q.id = $1 AND q.state = 'pending' AND q.lapses_at > now()
             AND q.person_id <> $2 AND NOT $2::bigint = ANY (q.approver_ids)
             AND EXISTS (SELECT FROM people WHERE id = $2 AND removed_at IS NULL)
             AND EXISTS (SELECT FROM people WHERE id = q.person_id AND removed_at IS NULL)
             AND EXISTS (SELECT FROM endpoints WHERE id = q.endpoint_id AND removed_at IS NULL)
           RETURNING state, cardinality(approver_ids) AS approvals, needed, approved_for,
               secrets AND NOT secrets_left_out AS shows_secrets""",
        request,
        approver,
        duration,
        note,
        needed,
        longest,
        without_secrets,
    )
    if row is None:
        return None
    return Approved(
        RequestState(row["state"]), row["approvals"], row["needed"], row["approved_for"], row["shows_secrets"]
    )


async def approve_itself(conn: Connection, request: RequestId, *, duration: timedelta, words: str) -> bool:
    """Let a request that takes no approver stand as approved; False where it does take one.

    Args:
        conn: in the transaction that filed it.
        request: which.
        duration: for so long.
        words: why it needed nobody.
    """
    done = await conn.fetchval(
        """UPDATE access_requests SET state = 'approved', approved_for = $2, decision = $3, decided_at = now()
           WHERE id = $1 AND state = 'pending' AND needed = 0 AND NOT secrets RETURNING id""",
        request,
        duration,
        words,
    )
    return done is not None


async def deny_request(conn: Connection, request: RequestId, by: IdentityId, words: str) -> bool:
    """Deny a pending request of somebody else; False where the guard refused."""
    done = await conn.fetchval(
        """UPDATE access_requests SET state = 'denied', decision = $3, decided_at = now(), decided_by = $2
           WHERE id = $1 AND state = 'pending' AND lapses_at > now() AND person_id <> $2
             AND EXISTS (SELECT FROM people WHERE id = $2 AND removed_at IS NULL) RETURNING id""",
        request,
        by,
        words,
    )
    return done is not None


async def withdraw_request(conn: Connection, request: RequestId, by: IdentityId) -> bool:
    """Take back one's own pending request; False where the guard refused."""
    done = await conn.fetchval(
        """UPDATE access_requests SET state = 'withdrawn', decided_at = now(), decided_by = $2
           WHERE id = $1 AND state = 'pending' AND person_id = $2 RETURNING id""",
        request,
        by,
    )
    return done is not None


async def withdraw_pending(
    conn: Connection,
    *,
    person: IdentityId | None = None,
    endpoint: EndpointId | None = None,
    words: str,
) -> list[RequestId]:
    """Close what is pending of somebody or for an endpoint that goes away.

    Args:
        conn: in the transaction that removes it.
        person: whose.
        endpoint: for what; one of both is given.
        words: why.
    """
    rows = await conn.fetch(
        """UPDATE access_requests SET state = 'withdrawn', decision = $3, decided_at = now()
           WHERE state = 'pending' AND (person_id = $1 OR endpoint_id = $2) RETURNING id""",
        person,
        endpoint,
        words,
    )
    return [RequestId(row["id"]) for row in rows]


async def pending_approvals(
    conn: Connection, approver: IdentityId
) -> list[tuple[RequestId, EndpointId, bool]]:
    """Return the pending requests that somebody approved already, locked until the commit.

    Returns:
        Of each its endpoint, and whether it was approved with the values of Secrets.
    """
    rows = await conn.fetch(
        """SELECT id, endpoint_id, secrets AND NOT secrets_left_out AS shows_secrets FROM access_requests
           WHERE state = 'pending' AND $1::bigint = ANY (approver_ids) ORDER BY id FOR UPDATE""",
        approver,
    )
    return [(RequestId(row["id"]), EndpointId(row["endpoint_id"]), row["shows_secrets"]) for row in rows]


async def drop_approvals(conn: Connection, approver: IdentityId, requests: Sequence[RequestId]) -> None:
    """Take somebody's approvals back from pending requests: they may not approve any more."""
    await conn.execute(
        """UPDATE access_requests SET approver_ids = array_remove(approver_ids, $1::bigint)
           WHERE state = 'pending' AND id = ANY ($2::bigint[])""",
        approver,
        requests,
    )


async def request_by_id(conn: Connection, request: RequestId) -> AccessRequest | None:
    """Return one request as it stands, None where there is none of that number."""
    row = await conn.fetchrow(f"{_VIEW} WHERE q.id = $1", request)
    return None if row is None else _request(row)


async def list_requests(
    conn: Connection,
    *,
    state: RequestState | None = None,
    person: IdentityId | None = None,
    endpoints: Sequence[EndpointId] | None = None,
    limit: int = 100,
) -> list[AccessRequest]:
    """Return requests, newest first.

    Args:
        conn: any connection.
        state: only in this state.
        person: who looks: theirs come whatever the endpoint.
        endpoints: others' only for these; None: all of them.
        limit: at most so many.
    """
    rows = await conn.fetch(
        f"""SELECT * FROM ({_VIEW}
                WHERE ($2::bigint IS NOT NULL AND q.person_id = $2)
                   OR $3::bigint[] IS NULL OR q.endpoint_id = ANY ($3)) AS found
            WHERE $1::text IS NULL OR state = $1 ORDER BY id DESC LIMIT $4""",  # noqa: S608
        None if state is None else state.value,
        person,
        endpoints,
        limit,
    )
    return [_request(row) for row in rows]


async def pending_of(conn: Connection, person: IdentityId) -> dict[EndpointId, RequestId]:
    """Return somebody's newest pending request for each endpoint."""
    rows = await conn.fetch(
        """SELECT endpoint_id, max(id) AS id FROM access_requests
           WHERE person_id = $1 AND state = 'pending' AND lapses_at > now() GROUP BY endpoint_id""",
        person,
    )
    return {EndpointId(row["endpoint_id"]): RequestId(row["id"]) for row in rows}
