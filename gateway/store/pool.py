"""The pool of connections to the store, and its notifications; the driver's errors become ours here."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self, final

import asyncpg

from gateway.domain.errors import Conflict, InvalidInput, StoreUnavailable
from gateway.log import get_logger
from gateway.store.listening import Listening
from gateway.store.notify import notify

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager

CONNECT_SECONDS = 5.0
ACQUIRE_SECONDS = 10.0
COMMAND_SECONDS = 15.0

HINT = "the gateway goes on by itself when its store is back; `glassgate doctor` says what is wrong"

log = get_logger("store")


class Connection(Protocol):
    """What the store's functions use of the driver's connection."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 - the driver's own
        """Run a statement; returns its command tag."""

    async def executemany(self, command: str, args: Any, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the driver's own
        """Run a statement once for each row of arguments."""

    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> list[Any]:  # noqa: ASYNC109 - the driver's own
        """Return all rows."""

    async def fetchrow(self, query: str, *args: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - the driver's own
        """Return the first row, None where there is none."""

    async def fetchval(self, query: str, *args: Any, column: int = 0, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - the driver's own
        """Return one value of the first row, None where there is none."""

    def transaction(
        self, *, isolation: str | None = None, readonly: bool = False, deferrable: bool = False
    ) -> AbstractAsyncContextManager[Any]:
        """Open a transaction, or a savepoint inside one."""

    def cursor(self, query: str, *args: Any, prefetch: int | None = None) -> Any:
        """Iterate over rows, a few in memory at a time; inside a transaction."""


@final
class Store:
    """The gateway's PostgreSQL.

    Made by :meth:`open`. Every error of the driver or the network leaves as one of the tree's.

    Args:
        pool: the driver's pool.
        listening: the connection that notifications arrive on.
    """

    def __init__(self, pool: Any, listening: Listening) -> None:
        self._pool = pool
        self._listening = listening

    @classmethod
    async def open(cls, dsn: str, *, min_size: int = 2, max_size: int = 10) -> Self:
        """Connect.

        Args:
            dsn: ``postgresql://…``.
            min_size: connections kept open.
            max_size: most connections; one more is used for notifications.

        Raises:
            StoreUnavailable: it can't be reached, or refuses the login.
        """
        with translated(OSError):
            pool = await asyncpg.create_pool(
                dsn,
                min_size=min(min_size, max_size),
                max_size=max_size,
                reset=_nothing_to_reset,
                timeout=CONNECT_SECONDS,
                command_timeout=COMMAND_SECONDS,
                server_settings=SETTINGS,
            )
        return cls(pool, Listening(dsn, SETTINGS, connect_seconds=CONNECT_SECONDS))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Take a connection for single statements, each its own transaction.

        Raises:
            StoreUnavailable: the store is away or too busy.
        """
        with translated():
            connection = await self._acquire()
            try:
                yield connection
            finally:
                await self._pool.release(connection)

    @asynccontextmanager
    async def transaction(self, *, isolation: str = "read_committed") -> AsyncIterator[Connection]:
        """Take a connection with an open transaction; it commits at the end, and rolls back on any error.

        Args:
            isolation: ``read_committed``, ``repeatable_read`` or ``serializable``.

        Raises:
            StoreUnavailable: the store is away or too busy; nothing of the transaction counts as done.
        """
        with translated():
            connection = await self._acquire()
            try:
                async with connection.transaction(isolation=isolation):
                    yield connection
            finally:
                await self._pool.release(connection)

    async def _acquire(self) -> Any:
        with translated(OSError):
            return await self._pool.acquire(timeout=ACQUIRE_SECONDS)

    def listen(self, channel: str) -> AsyncGenerator[str, None]:
        """Yield payloads notified on a channel, reconnecting until the store is closed.

        Yields ``""`` first, and again whenever notices may have been missed: the reader reads again.

        Args:
            channel: a lower-case name.
        """
        return self._listening.listen(channel)

    async def announce(self, channel: str, payload: str) -> None:
        """Tell all who listen on a channel, in every process.

        Args:
            channel: a lower-case name.
            payload: a few bytes; not empty.

        Raises:
            StoreUnavailable: nobody was told.
        """
        async with self.connection() as connection:
            await notify(connection, channel, payload)

    async def ping(self) -> None:
        """Return when the store answers.

        Raises:
            StoreUnavailable: it doesn't.
        """
        async with self.connection() as connection:
            await connection.fetchval("SELECT 1")

    async def close(self) -> None:
        """Close every connection; what runs is broken off."""
        await self._listening.close()
        self._pool.terminate()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


SETTINGS = {
    "application_name": "glassgate",
    "timezone": "UTC",
    "jit": "off",
    "idle_in_transaction_session_timeout": "60000",
    "lock_timeout": "10000",
}


async def _nothing_to_reset(_: object) -> None:
    """Save a round trip: our statements leave nothing in the session, transactions end in their blocks."""


@contextmanager
def translated(unreachable: type[OSError] = ConnectionError) -> Iterator[None]:
    """Turn what the driver raises into the error tree; whatever else the block raises passes as it is.

    Args:
        unreachable: errors of the system that mean the store; while connecting, all of them.

    Raises:
        StoreUnavailable: the store can't be reached, is too slow, or can't do it now.
        Conflict: a row that must be unique exists, or one that is referred to doesn't.
        InvalidInput: a value that the store can't hold.
    """
    try:
        yield
    except (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError) as error:
        raise Conflict(f"the store has it otherwise: {error.constraint_name}") from error
    except (asyncpg.DataError, asyncpg.CheckViolationError) as error:
        raise InvalidInput(f"the store can't hold such a value: {_sentence(error)}") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.warning("store error", error=_sentence(error), sqlstate=getattr(error, "sqlstate", ""))
        raise StoreUnavailable(f"the store can't answer: {_sentence(error)}", hint=HINT) from error
    except (unreachable, TimeoutError) as error:
        raise StoreUnavailable(f"the store can't be reached: {_sentence(error)}", hint=HINT) from error


def _sentence(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    if text:
        return text[0]
    return "it does not answer in time" if isinstance(error, TimeoutError) else type(error).__name__
