"""Public keys of people; one key is one person's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.domain.ids import IdentityId
from gateway.store.people import COLUMNS, Person, person_of

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.store.pool import Connection


@dataclass(frozen=True, slots=True)
class SshKey:
    """A registered key.

    Attributes:
        id: its number.
        person: whose.
        person_name: their login name.
        fingerprint: SHA-256 of ``public_key``.
        public_key: in its wire form.
        label: what its owner calls it.
        created_at: when it was registered.
    """

    id: int
    person: IdentityId
    person_name: str
    fingerprint: bytes
    public_key: bytes
    label: str
    created_at: datetime


_COLUMNS = "k.id, k.person_id, p.name, k.fingerprint, k.public_key, k.label, k.created_at"


def _key(row: Any) -> SshKey:
    return SshKey(
        id=row["id"],
        person=IdentityId(row["person_id"]),
        person_name=row["name"],
        fingerprint=row["fingerprint"],
        public_key=row["public_key"],
        label=row["label"],
        created_at=row["created_at"],
    )


async def add_key(
    conn: Connection, person: IdentityId, fingerprint: bytes, public_key: bytes, label: str
) -> SshKey | None:
    """Register a key.

    Args:
        conn: inside a transaction.
        person: whose.
        fingerprint: SHA-256 of the key.
        public_key: in its wire form.
        label: what its owner calls it.

    Returns:
        None where the key is registered already, for whomever, or the person is gone.
    """
    row = await conn.fetchrow(
        f"""WITH k AS (
                INSERT INTO ssh_keys (person_id, fingerprint, public_key, label)
                SELECT p.id, $2, $3, $4 FROM people p WHERE p.id = $1 AND p.removed_at IS NULL
                ON CONFLICT (fingerprint) WHERE removed_at IS NULL DO NOTHING
                RETURNING *
            ) SELECT {_COLUMNS} FROM k JOIN people p ON p.id = k.person_id""",  # noqa: S608
        person,
        fingerprint,
        public_key,
        label,
    )
    return None if row is None else _key(row)


async def owner_of_key(conn: Connection, fingerprint: bytes) -> Person | None:
    """Return whose key it is, with their roles, in one indexed query.

    Args:
        conn: any connection.
        fingerprint: SHA-256 of the key.

    Returns:
        None where it is not registered, removed, or its person is gone.
    """
    row = await conn.fetchrow(
        f"""SELECT {COLUMNS} FROM ssh_keys k JOIN people p ON p.id = k.person_id
            WHERE k.fingerprint = $1 AND k.removed_at IS NULL AND p.removed_at IS NULL""",  # noqa: S608
        fingerprint,
    )
    return None if row is None else person_of(row)


async def list_keys(conn: Connection, person: IdentityId | None = None) -> list[SshKey]:
    """Return registered keys, oldest first.

    Args:
        conn: any connection.
        person: whose; None: everybody's.
    """
    rows = await conn.fetch(
        f"""SELECT {_COLUMNS} FROM ssh_keys k JOIN people p ON p.id = k.person_id
            WHERE k.removed_at IS NULL AND p.removed_at IS NULL
              AND ($1::bigint IS NULL OR k.person_id = $1) ORDER BY k.id""",  # noqa: S608
        person,
    )
    return [_key(row) for row in rows]


async def key_by_id(conn: Connection, number: int) -> SshKey | None:
    """Return a registered key, None where there is none of that number."""
    row = await conn.fetchrow(
        f"""SELECT {_COLUMNS} FROM ssh_keys k JOIN people p ON p.id = k.person_id
            WHERE k.id = $1 AND k.removed_at IS NULL""",  # noqa: S608
        number,
    )
    return None if row is None else _key(row)


async def remove_key(conn: Connection, number: int) -> bool:
    """Remove a key; its row stays for the record. False where it is gone already."""
    removed = await conn.fetchval(
        "UPDATE ssh_keys SET removed_at = now() WHERE id = $1 AND removed_at IS NULL RETURNING id", number
    )
    return removed is not None


async def remove_keys_of(conn: Connection, person: IdentityId) -> int:
    """Remove all keys of somebody; returns how many."""
    rows = await conn.fetch(
        "UPDATE ssh_keys SET removed_at = now() WHERE person_id = $1 AND removed_at IS NULL RETURNING id",
        person,
    )
    return len(rows)
