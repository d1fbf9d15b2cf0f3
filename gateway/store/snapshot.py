"""The whole store at one moment, taken out and put back with PostgreSQL's own tools."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from gateway.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.store.pool import Connection, Store

_OPTIONS = ("--no-owner", "--no-privileges")


@asynccontextmanager
async def one_moment(store: Store) -> AsyncIterator[tuple[Connection, str]]:
    """Hold the store's content at one moment, for as long as the block lasts.

    Yields:
        A connection that sees only that moment, and the name by which pg_dump sees it too.
    """
    async with store.transaction(isolation="repeatable_read") as conn:
        await conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield conn, await conn.fetchval("SELECT pg_export_snapshot()")


async def is_empty(conn: Connection) -> bool:
    """Whether the store holds no table yet."""
    count: int = await conn.fetchval(
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
    )
    return count == 0


async def drop_everything(conn: Connection) -> None:
    """Empty a store that was filled by a restore that did not prove itself."""
    schema = await conn.fetchval("SELECT quote_ident(current_schema())")
    await conn.execute(f"DROP SCHEMA {schema} CASCADE")
    await conn.execute(f"CREATE SCHEMA {schema}")


async def dump(dsn: str, program: Path, snapshot: str, target: Path) -> None:
    """Write the store as it was at :func:`one_moment` to a file.

    Args:
        dsn: of the store.
        program: pg_dump, not older than the server.
        snapshot: the moment's name.
        target: the file, in a folder that only we may read.

    Raises:
        StoreUnavailable: it could not be written; with pg_dump's own words.
    """
    options = ["--format=custom", *_OPTIONS, f"--snapshot={snapshot}", f"--file={target}"]
    await _run(dsn, program, *options)


async def load(dsn: str, program: Path, source: Path) -> None:
    """Fill an empty store from a file that :func:`dump` wrote: all of it or nothing.

    Args:
        dsn: of the store.
        program: pg_restore, not older than the pg_dump that wrote it.
        source: the file.

    Raises:
        StoreUnavailable: it could not be loaded; with pg_restore's own words.
    """
    await _run(dsn, program, "--single-transaction", "--exit-on-error", *_OPTIONS, source)


async def _run(dsn: str, program: Path, *arguments: str | Path) -> None:
    url, password = _without_password(dsn)
    environment = {**os.environ, "PGPASSWORD": password} if password else dict(os.environ)
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--dbname={url}",
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise StoreUnavailable(
            f"{program} can't be started: {error.strerror}", hint="install PostgreSQL's client programs"
        ) from error
    try:
        _, words = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        said = words.decode(errors="replace").strip().splitlines()
        raise StoreUnavailable(f"{program.name} failed: {said[0] if said else 'without a word'}")


def _without_password(dsn: str) -> tuple[str, str]:
    """Take the password out of a URL: a command line can be read by everyone on the machine."""
    parts = urlsplit(dsn)
    login, at, place = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    return urlunsplit(parts._replace(netloc=f"{user}{at}{place}")), unquote(password)
