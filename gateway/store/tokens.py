"""Tokens: logins (by their jti), machine tokens and database tokens; kept as SHA-256 only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gateway.domain.ids import IdentityId
from gateway.store.people import COLUMNS, Person, person_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from gateway.store.pool import Connection


class TokenKind(StrEnum):
    """What a token is shown as."""

    LOGIN = "login"
    """A JWT in an Authorization header."""
    MACHINE = "machine"
    """An opaque token in an Authorization header."""
    DATABASE = "database"
    """An opaque token as a native client's password."""
    CERTIFICATE = "certificate"
    """The key id of an SSH certificate."""
    CLIENT_CERTIFICATE = "client-certificate"
    """The serial number of an X.509 certificate of a client."""
    CLUSTER = "cluster"
    """An opaque token in a Kubernetes client's Authorization header."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as stored.

    Attributes:
        id: its number.
        kind: how it is shown.
        person: whose.
        person_name: their login name.
        label: what it is for.
        scopes: actions it may be used for; empty: all that its person may.
        created_at: when it was made.
        expires_at: when it ends.
    """

    id: int
    kind: TokenKind
    person: IdentityId
    person_name: str
    label: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """A live token together with whose it is.

    Attributes:
        token: its number.
        kind: how it was shown.
        scopes: as in :class:`Token`.
        person: whose.
    """

    token: int
    kind: TokenKind
    scopes: frozenset[str]
    person: Person


_COLUMNS = "t.id, t.kind, t.person_id, p.name, t.label, t.scopes, t.created_at, t.expires_at"


def _token(row: Any) -> Token:
    return Token(
        id=row["id"],
        kind=TokenKind(row["kind"]),
        person=IdentityId(row["person_id"]),
        person_name=row["name"],
        label=row["label"],
        scopes=frozenset(row["scopes"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


async def add_token(
    conn: Connection,
    kind: TokenKind,
    person: IdentityId,
    digest: bytes,
    *,
    lives: timedelta,
    label: str = "",
    scopes: Sequence[str] = (),
    parent: int | None = None,
) -> Token | None:
    """Add a token; it ends with its parent at the latest.

    Args:
        conn: inside a transaction.
        kind: how it is shown.
        person: whose.
        digest: SHA-256 of the secret.
        lives: how long.
        label: what it is for.
        scopes: actions it may be used for.
        parent: the token it is made with.

    Returns:
        None where the person or the parent is gone.
    """
    row = await conn.fetchrow(
        f"""WITH t AS (
                INSERT INTO tokens (kind, person_id, hash, label, scopes, parent_id, expires_at)
                SELECT $1, p.id, $3, $5, $6, $7,
                    least(now() + $4, (SELECT expires_at FROM tokens WHERE id = $7))
                FROM people p WHERE p.id = $2 AND p.removed_at IS NULL AND ($7::bigint IS NULL OR EXISTS (
                    SELECT FROM tokens WHERE id = $7 AND revoked_at IS NULL AND expires_at > now()))
                RETURNING *
            ) SELECT {_COLUMNS} FROM t JOIN people p ON p.id = t.person_id""",  # noqa: S608
        kind.value,
        person,
        digest,
        lives,
        label,
        list(scopes),
        parent,
    )
    return None if row is None else _token(row)


async def prove(conn: Connection, kinds: Sequence[TokenKind], digest: bytes) -> Proven | None:
    """Return the live token of a secret with its person and roles, in one indexed query.

    Args:
        conn: any connection.
        kinds: how it may be shown here.
        digest: SHA-256 of the secret.

    Returns:
        None where it is unknown, revoked, over, or its person is gone.
    """
    row = await conn.fetchrow(
        f"""SELECT {COLUMNS}, t.id AS token, t.kind AS token_kind, t.scopes
            FROM tokens t JOIN people p ON p.id = t.person_id
            WHERE t.hash = $1 AND t.kind = ANY ($2) AND t.revoked_at IS NULL AND t.expires_at > now()
              AND p.removed_at IS NULL""",  # noqa: S608
        digest,
        [kind.value for kind in kinds],
    )
    if row is None:
        return None
    return Proven(row["token"], TokenKind(row["token_kind"]), frozenset(row["scopes"]), person_of(row))


async def token_by_id(conn: Connection, number: int) -> Token | None:
    """Return a live token, None where there is none of that number."""
    row = await conn.fetchrow(
        f"""SELECT {_COLUMNS} FROM tokens t JOIN people p ON p.id = t.person_id
            WHERE t.id = $1 AND t.revoked_at IS NULL AND t.expires_at > now()""",  # noqa: S608
        number,
    )
    return None if row is None else _token(row)


async def list_tokens(
    conn: Connection, kinds: Sequence[TokenKind], person: IdentityId | None = None
) -> list[Token]:
    """Return live tokens, oldest first.

    Args:
        conn: any connection.
        kinds: which.
        person: whose; None: everybody's.
    """
    rows = await conn.fetch(
        f"""SELECT {_COLUMNS} FROM tokens t JOIN people p ON p.id = t.person_id
            WHERE t.kind = ANY ($1) AND ($2::bigint IS NULL OR t.person_id = $2)
              AND t.revoked_at IS NULL AND t.expires_at > now() ORDER BY t.id""",  # noqa: S608
        [kind.value for kind in kinds],
        person,
    )
    return [_token(row) for row in rows]


async def revoke_token(conn: Connection, number: int) -> bool:
    """Revoke a token and all that was made with it; False where it is not live."""
    rows = await conn.fetch(
        """WITH RECURSIVE made AS (
               SELECT id FROM tokens WHERE id = $1 AND revoked_at IS NULL AND expires_at > now()
               UNION SELECT t.id FROM tokens t JOIN made ON t.parent_id = made.id WHERE t.revoked_at IS NULL
           ) UPDATE tokens SET revoked_at = now() FROM made WHERE tokens.id = made.id RETURNING tokens.id""",
        number,
    )
    return bool(rows)


async def revoked_among(conn: Connection, numbers: Sequence[int]) -> frozenset[int]:
    """Return which of some tokens were revoked; one that has only run out was not."""
    rows = await conn.fetch(
        "SELECT id FROM tokens WHERE id = ANY ($1) AND revoked_at IS NOT NULL", list(numbers)
    )
    return frozenset(row["id"] for row in rows)


async def revoke_tokens_of(
    conn: Connection, person: IdentityId, *, kinds: Sequence[TokenKind], but: int | None = None
) -> int:
    """Revoke somebody's tokens.

    Args:
        conn: inside a transaction.
        person: whose.
        kinds: which.
        but: one that stays, with what was made with it.

    Returns:
        How many.
    """
    rows = await conn.fetch(
        """UPDATE tokens SET revoked_at = now()
           WHERE person_id = $1 AND kind = ANY ($2) AND revoked_at IS NULL
             AND ($3::bigint IS NULL OR (id <> $3 AND parent_id IS DISTINCT FROM $3)) RETURNING id""",
        person,
        [kind.value for kind in kinds],
        but,
    )
    return len(rows)


async def forget_tokens(conn: Connection, older: timedelta) -> int:
    """Delete tokens that ended long ago; the ledger remembers them.

    Args:
        conn: any connection.
        older: how long ago.

    Returns:
        How many.
    """
    rows = await conn.fetch(
        """DELETE FROM tokens t WHERE expires_at < now() - $1::interval
             AND NOT EXISTS (SELECT FROM tokens c WHERE c.parent_id = t.id) RETURNING id""",
        older,
    )
    return len(rows)


async def was_one(conn: Connection, kind: TokenKind, digest: bytes) -> bool:
    """Whether a secret that doesn't stand was a token once: then nobody guessed it."""
    known: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM tokens WHERE hash = $1 AND kind = $2)", digest, kind.value
    )
    return known
