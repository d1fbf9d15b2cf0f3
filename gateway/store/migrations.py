"""Numbered SQL files, applied in order under an advisory lock, each once, never edited once landed."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg

from gateway.domain.errors import ConfigurationBroken

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.store.pool import Connection, Store

_LOCK: Final = 0x6D696772
_NAME: Final = re.compile(r"(\d{4})_[a-z0-9-]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of ``migrations/``.

    Attributes:
        name: its file name.
        sql: its text.
        checksum: SHA-256 of the text, in hexadecimal.
    """

    name: str
    sql: str
    checksum: str


def read_migrations(folder: Path) -> list[Migration]:
    """Return the folder's migrations in order.

    Raises:
        ConfigurationBroken: a file is misnamed, a number stands twice, or the folder can't be read.
    """
    try:
        paths = sorted(folder.glob("*.sql"))
        found = [(path.name, path.read_text(encoding="utf-8")) for path in paths]
    except OSError as error:
        raise ConfigurationBroken(f"migrations can't be read: {error}", hint="reinstall Glassgate") from error
    numbers: dict[str, str] = {}
    for name, _ in found:
        match = _NAME.fullmatch(name)
        if match is None:
            raise ConfigurationBroken(f"{folder / name}: not named NNNN_words.sql", hint="rename it")
        if match.group(1) in numbers:
            raise ConfigurationBroken(
                f"{name} and {numbers[match.group(1)]} have one number", hint="renumber"
            )
        numbers[match.group(1)] = name
    return [Migration(name, sql, hashlib.sha256(sql.encode()).hexdigest()) for name, sql in found]


async def migrate(store: Store, folder: Path) -> list[str]:
    """Bring the store's tables up to date; several replicas may start at once.

    Args:
        store: open.
        folder: of the SQL files.

    Returns:
        Names of the files applied now, in order.

    Raises:
        ConfigurationBroken: a file that was applied has changed since, or one fails.
        StoreUnavailable: the store is away.
    """
    migrations = await asyncio.to_thread(read_migrations, folder)
    async with store.connection() as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        try:
            return await _apply(connection, migrations)
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _apply(connection: Connection, migrations: list[Migration]) -> list[str]:
    await connection.execute(
        """CREATE TABLE IF NOT EXISTS migrations (
               name text PRIMARY KEY,
               checksum text NOT NULL,
               applied_at timestamptz NOT NULL DEFAULT now())"""
    )
    rows = await connection.fetch("SELECT name, checksum FROM migrations")
    applied = {row["name"]: row["checksum"] for row in rows}
    unknown = sorted(set(applied) - {migration.name for migration in migrations})
    if unknown:
        raise ConfigurationBroken(
            f"the store was migrated by a newer Glassgate ({unknown[-1]})", hint="run that version or newer"
        )
    done: list[str] = []
    for migration in migrations:
        if migration.name in applied:
            _same(migration, applied[migration.name])
            continue
        await _apply_one(connection, migration)
        done.append(migration.name)
    return done


def _same(migration: Migration, checksum: str) -> None:
    if migration.checksum != checksum:
        raise ConfigurationBroken(
            f"{migration.name} has changed since it was applied",
            hint="restore the file; add a new one instead",
        )


async def _apply_one(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migrations (name, checksum) VALUES ($1, $2)", migration.name, migration.checksum
            )
    except asyncpg.PostgresError as error:
        raise ConfigurationBroken(
            f"{migration.name} fails: {error}", hint="mend the file or the store"
        ) from error
