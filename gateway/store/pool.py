"""The store's connections: a pool, transactions, and notifications that survive a lost connection."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg

from gateway.domain.errors import ConfigurationBroken, StoreUnavailable
from gateway.log import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "PoolConnectionProxy[Any]"
"""What a query function of this room takes first; the caller owns the transaction."""

CONNECT_SECONDS: Final = 5.0
COMMAND_SECONDS: Final = 30.0
RECONNECT_SECONDS: Final = 0.5
HINT: Final = "the gateway goes on by itself when the store is back; `glassgate doctor` looks at it"

_GONE = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)

log = get_logger("store")


class Store:
    """The gateway's PostgreSQL. Made by ``open``.

    Args:
        pool: open connections.
        dsn: as given, for the connection that listens.
    """

    def __init__(self, pool: asyncpg.Pool[Any], dsn: str) -> None:
        self._pool = pool
        self._dsn = dsn

    @classmethod
    async def open(cls, dsn: str, *, min_size: int = 2, max_size: int = 10) -> Store:
        """Connect.

        Args:
            dsn: ``postgresql://…``.
            min_size: connections kept open.
            max_size: connections at most.

        Raises:
            StoreUnavailable: it can't be reached or refuses the login.
            ConfigurationBroken: the URL can't be used.
        """
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=min_size,
                max_size=max_size,
                timeout=CONNECT_SECONDS,
                command_timeout=COMMAND_SECONDS,
                server_settings={"application_name": "glassgate", "timezone": "UTC"},
            )
        except (*_GONE, asyncpg.PostgresError) as error:
            raise StoreUnavailable(f"the store can't be reached: {_told(error)}", hint=HINT) from error
        except ValueError as error:
            raise ConfigurationBroken(
                f"database.url can't be used: {error}", hint="postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
            ) from error
        return cls(pool, dsn)

    async def close(self) -> None:
        """Close every connection, giving those in use a moment."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._pool.close()
        except (TimeoutError, OSError, asyncpg.InterfaceError):
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection for single statements.

        Raises:
            StoreUnavailable: the store is away.
        """
        try:
            async with self._pool.acquire(timeout=CONNECT_SECONDS) as connection:
                yield connection
        except _GONE as error:
            raise StoreUnavailable(f"the store is away: {_told(error)}", hint=HINT) from error

    @asynccontextmanager
    async def transaction(self, *, isolation: str = "read_committed") -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction: committed (and on disk) when the block ends well.

        Args:
            isolation: ``read_committed``, ``repeatable_read`` or ``serializable``.

        Raises:
            StoreUnavailable: the store is away; whether the transaction was committed is then not known.
        """
        async with self.connection() as connection, connection.transaction(isolation=isolation):
            yield connection

    async def listen(self, channel: str) -> AsyncIterator[str]:
        """Yield the payloads notified on a channel; ``""`` first, and again after each reconnection.

        A notification may be missed while the connection is away, so a reader reads anew at each ``""``.

        Args:
            channel: its name.
        """
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    connection = await asyncpg.connect(self._dsn)
            except (*_GONE, asyncpg.PostgresError) as error:
                log.warning("not listening", channel=channel, error=_told(error))
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            try:
                async for payload in _payloads(connection, channel):
                    yield payload
            finally:
                with contextlib.suppress(*_GONE):
                    await connection.close(timeout=1)
            await asyncio.sleep(RECONNECT_SECONDS)


async def _payloads(connection: asyncpg.Connection[Any], channel: str) -> AsyncIterator[str]:
    """Yield what one connection hears until it is lost."""
    heard: asyncio.Queue[str | None] = asyncio.Queue()

    def on_notice(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        heard.put_nowait(str(payload))

    connection.add_termination_listener(lambda _connection: heard.put_nowait(None))
    try:
        await connection.add_listener(channel, on_notice)
    except (*_GONE, asyncpg.PostgresError) as error:
        log.warning("not listening", channel=channel, error=_told(error))
        return
    yield ""
    while (payload := await heard.get()) is not None:
        yield payload


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__
