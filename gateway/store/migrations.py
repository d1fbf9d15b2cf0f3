"""Applies the numbered SQL files of ``migrations/`` in order, each once, whoever starts first."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from gateway.domain.errors import ConfigurationBroken

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.store.pool import Connection, Store

_LOCK = 0x67676D6967726174
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file.

    Attributes:
        number: its place.
        name: its file name.
        text: its SQL.
    """

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the SQL, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


async def migrate(store: Store, folder: Path) -> list[str]:
    """Bring the store up to the files; replicas that start at the same time wait for one another.

    Args:
        store: opened.
        folder: holds ``NNNN_name.sql``.

    Returns:
        Names of the files applied now.

    Raises:
        ConfigurationBroken: a file is malformed, was edited after it was applied, or is missing here.
        StoreUnavailable: the store is away.
    """
    migrations = read_migrations(folder)
    async with store.connection() as connection:
        await connection.execute("SET lock_timeout = '600s'")
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _LOCK, timeout=600)
            return await _apply(connection, migrations)
        finally:
            await connection.execute("SELECT pg_advisory_unlock_all()")
            await connection.execute("RESET lock_timeout")


def read_migrations(folder: Path) -> list[Migration]:
    """Read the files of a folder, in order.

    Args:
        folder: holds ``NNNN_name.sql``.

    Raises:
        ConfigurationBroken: a name is malformed or a number stands twice.
    """
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ConfigurationBroken(
                f"{path}: not a migration's name", hint="name it 0001_what_it_does.sql and so on"
            )
        number = int(match.group(1))
        if number in found:
            raise ConfigurationBroken(
                f"{path}: number {number:04} stands twice", hint="give it the next number"
            )
        found[number] = Migration(number, path.name, path.read_text(encoding="utf-8"))
    if not found:
        raise ConfigurationBroken(f"{folder}: holds no migrations", hint="install the gateway again")
    return list(found.values())


async def _apply(connection: Connection, migrations: list[Migration]) -> list[str]:
    await connection.execute(
        """CREATE TABLE IF NOT EXISTS schema_migrations (
               number integer PRIMARY KEY,
               name text NOT NULL,
               checksum text NOT NULL,
               applied_at timestamptz NOT NULL DEFAULT now()
           )"""
    )
    rows = await connection.fetch("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
    applied = {row["number"]: (row["name"], row["checksum"]) for row in rows}
    here = {migration.number: migration for migration in migrations}
    for number, (name, checksum) in applied.items():
        _check_applied(here.get(number), name, checksum)
    done = []
    for migration in migrations:
        if migration.number in applied:
            continue
        try:
            await _apply_one(connection, migration)
        except (asyncpg.SyntaxOrAccessError, asyncpg.IntegrityConstraintViolationError) as error:
            raise ConfigurationBroken(
                f"{migration.name} can't be applied: {error}",
                hint="nothing of it was; restore the backup or ask for a mended gateway",
            ) from error
        done.append(migration.name)
    return done


async def _apply_one(connection: Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.text, timeout=600)
        await connection.execute(
            "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
            migration.number,
            migration.name,
            migration.checksum,
        )


def _check_applied(here: Migration | None, name: str, checksum: str) -> None:
    if here is None:
        raise ConfigurationBroken(
            f"the store was brought further ({name}) than this gateway knows",
            hint="start the newer gateway, or restore the backup that belongs to this one",
        )
    if here.checksum != checksum:
        raise ConfigurationBroken(
            f"{here.name} was edited after it was applied to this store",
            hint="restore the file as it was; put the change into a new migration",
        )
