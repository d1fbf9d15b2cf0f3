"""People (and services, agents, pipelines), their roles and their password hashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.domain.errors import Conflict
from gateway.domain.identity import IdentityKind
from gateway.domain.ids import IdentityId

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.store.pool import Connection

ADMINISTRATOR = "administrator"
"""The role that one person at least always has."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as stored.

    Attributes:
        id: the store's number.
        name: login name.
        kind: person, service, agent or pipeline.
        email: author of commits.
        display_name: author of commits.
        roles: as policy speaks of them.
        has_password: whether they may log in with one.
        created_at: when they were added.
    """

    id: IdentityId
    name: str
    kind: IdentityKind
    email: str
    display_name: str
    roles: frozenset[str]
    has_password: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Credential:
    """What a password is checked against.

    Attributes:
        person: whose.
        hash: argon2; empty: none.
        once: it serves for one login.
    """

    person: Person
    hash: str
    once: bool


COLUMNS = """p.id, p.name, p.kind, p.email, p.display_name,
    ARRAY(SELECT role FROM person_roles r WHERE r.person_id = p.id) AS roles,
    p.password IS NOT NULL AS has_password, p.created_at"""


def person_of(row: Any) -> Person:
    """Turn a row of ``COLUMNS`` into a value."""
    return Person(
        id=IdentityId(row["id"]),
        name=row["name"],
        kind=IdentityKind(row["kind"]),
        email=row["email"],
        display_name=row["display_name"],
        roles=frozenset(row["roles"]),
        has_password=row["has_password"],
        created_at=row["created_at"],
    )


async def add_person(
    conn: Connection,
    name: str,
    *,
    kind: IdentityKind,
    email: str,
    display_name: str,
    password: str | None,
    once: bool = False,
) -> IdentityId:
    """Add somebody.

    Args:
        conn: inside a transaction.
        name: login name.
        kind: of actor.
        email: author of commits.
        display_name: author of commits.
        password: argon2 hash; None: never logs in with one.
        once: the password serves for one login.

    Raises:
        Conflict: the name is taken.
    """
    number = await conn.fetchval(
        """INSERT INTO people (name, kind, email, display_name, password, password_once)
           VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (name) WHERE removed_at IS NULL DO NOTHING RETURNING id""",
        name,
        kind.value,
        email,
        display_name,
        password,
        once,
    )
    if number is None:
        raise Conflict(f"{name} exists already", hint="glassgate person list")
    return IdentityId(number)


async def person_by_name(conn: Connection, name: str) -> Person | None:
    """Return somebody who is not removed, None where there is nobody of that name."""
    row = await conn.fetchrow(
        f"SELECT {COLUMNS} FROM people p WHERE name = $1 AND removed_at IS NULL",  # noqa: S608
        name,
    )
    return None if row is None else person_of(row)


async def list_people(conn: Connection) -> list[Person]:
    """Return everybody who is not removed, by name."""
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM people p WHERE removed_at IS NULL ORDER BY name"  # noqa: S608
    )
    return [person_of(row) for row in rows]


async def credential(conn: Connection, name: str) -> Credential | None:
    """Return what a login's password is checked against, None where nobody has that name."""
    row = await conn.fetchrow(
        f"""SELECT {COLUMNS}, p.password, p.password_once
            FROM people p WHERE name = $1 AND removed_at IS NULL""",  # noqa: S608
        name,
    )
    return None if row is None else Credential(person_of(row), row["password"] or "", row["password_once"])


async def set_password(conn: Connection, person: IdentityId, password: str, *, once: bool = False) -> bool:
    """Set a password hash; False where the person is gone."""
    changed = await conn.fetchval(
        """UPDATE people SET password = $2, password_once = $3
           WHERE id = $1 AND removed_at IS NULL RETURNING id""",
        person,
        password,
        once,
    )
    return changed is not None


async def use_once(conn: Connection, person: IdentityId, password: str) -> bool:
    """Take a one-time password away; False where another login was quicker.

    Args:
        conn: inside the login's transaction.
        person: whose.
        password: the hash that was checked.
    """
    used = await conn.fetchval(
        """UPDATE people SET password = NULL, password_once = false
           WHERE id = $1 AND password = $2 AND password_once AND removed_at IS NULL RETURNING id""",
        person,
        password,
    )
    return used is not None


async def lock_people(conn: Connection) -> None:
    """Wait for other changes of people and roles, so that a count of administrators holds to the commit."""
    await conn.execute("LOCK TABLE person_roles IN SHARE ROW EXCLUSIVE MODE")


async def count_administrators(conn: Connection, *, able: bool = False) -> int:
    """Return how many administrators there are.

    Args:
        conn: any connection; under :func:`lock_people` the answer holds.
        able: only those who have a way in: a password, or a live token.
    """
    number: int = await conn.fetchval(
        """SELECT count(*) FROM people p JOIN person_roles r ON r.person_id = p.id AND r.role = $1
           WHERE p.removed_at IS NULL AND (NOT $2 OR p.password IS NOT NULL OR EXISTS (
               SELECT FROM tokens t WHERE t.person_id = p.id AND t.kind <> 'database'
               AND t.revoked_at IS NULL AND t.expires_at > now()))""",
        ADMINISTRATOR,
        able,
    )
    return number


async def administrators(conn: Connection) -> list[Person]:
    """Return the administrators who are people, those who came first before others."""
    rows = await conn.fetch(
        f"""SELECT {COLUMNS} FROM people p JOIN person_roles r ON r.person_id = p.id AND r.role = $1
            WHERE p.removed_at IS NULL AND p.kind = 'person' ORDER BY p.id""",  # noqa: S608
        ADMINISTRATOR,
    )
    return [person_of(row) for row in rows]


async def remove_person(conn: Connection, person: IdentityId) -> bool:
    """Take somebody away; their rows stay for the record. False where they are gone already."""
    removed = await conn.fetchval(
        """UPDATE people SET removed_at = now(), password = NULL
           WHERE id = $1 AND removed_at IS NULL RETURNING id""",
        person,
    )
    return removed is not None


async def give_role(conn: Connection, person: IdentityId, role: str) -> bool:
    """Give a role; False where they have it already."""
    given = await conn.fetchval(
        """INSERT INTO person_roles (person_id, role)
           SELECT id, $2 FROM people WHERE id = $1 AND removed_at IS NULL
           ON CONFLICT DO NOTHING RETURNING person_id""",
        person,
        role,
    )
    return given is not None


async def take_role(conn: Connection, person: IdentityId, role: str) -> bool:
    """Take a role away; False where they don't have it."""
    taken = await conn.fetchval(
        "DELETE FROM person_roles WHERE person_id = $1 AND role = $2 RETURNING person_id", person, role
    )
    return taken is not None
