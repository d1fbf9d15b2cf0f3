"""One connection that all notifications arrive on, shared by every reader, opened again when it breaks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

import asyncpg

from gateway.log import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

RETRY_SECONDS = 0.5
PING_SECONDS = 5.0
"""A connection that broke without a word is found out after this long."""
QUEUE = 1000
"""Notices kept for a slow reader; past it the reader is told to read everything again."""

log = get_logger("store")


@final
class _Reader:
    """One reader of one channel: its unread payloads, and whether it missed some."""

    __slots__ = ("missed", "news", "payloads")

    def __init__(self) -> None:
        self.payloads: list[str] = []
        self.missed = False
        self.news = asyncio.Event()

    def put(self, payload: str) -> None:
        """Keep a payload, or remember that some are missing."""
        if len(self.payloads) < QUEUE:
            self.payloads.append(payload)
        else:
            self.lost()
        self.news.set()

    def lost(self) -> None:
        """Notices may have been missed."""
        self.payloads.clear()
        self.missed = True
        self.news.set()


@final
class Listening:
    """The shared connection.

    Args:
        dsn: where the store is.
        settings: server settings of the connection.
        connect_seconds: longest time to connect.
    """

    def __init__(self, dsn: str, settings: Mapping[str, str], *, connect_seconds: float) -> None:
        self._dsn = dsn
        self._settings = dict(settings)
        self._connect_seconds = connect_seconds
        self._connection: Any = None
        self._lock = asyncio.Lock()
        self._readers: dict[str, set[_Reader]] = {}
        self._listened: set[str] = set()
        self._closed = False

    async def listen(self, channel: str) -> AsyncGenerator[str, None]:
        """Yield payloads of a channel; ``""`` whenever notices may have been missed, and first of all."""
        reader = _Reader()
        self._readers.setdefault(channel, set()).add(reader)
        try:
            while not self._closed:
                if not await self._listens(channel):
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                yield ""
                reader.missed = False
                while not reader.missed:
                    for payload in self._taken(reader):
                        yield payload
                    if not reader.missed and await self._quiet(reader):
                        await self._ping()
        finally:
            self._readers[channel].discard(reader)

    def _taken(self, reader: _Reader) -> list[str]:
        taken, reader.payloads = reader.payloads, []
        reader.news.clear()
        return taken

    async def _quiet(self, reader: _Reader) -> bool:
        """Wait for news; True when there was none for a while."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await reader.news.wait()
        except TimeoutError:
            return True
        return False

    async def _listens(self, channel: str) -> bool:
        """Make sure that the connection stands and listens on the channel; False where it can't now."""
        async with self._lock:
            try:
                if self._connection is None or self._connection.is_closed():
                    await self._connect()
                if channel not in self._listened:
                    await self._connection.add_listener(channel, self._on_notice)
                    self._listened.add(channel)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.warning("notifications are away", error=str(error) or type(error).__name__)
                self._drop()
                return False
        return True

    async def _connect(self) -> None:
        self._listened.clear()
        self._connection = await asyncpg.connect(
            self._dsn,
            timeout=self._connect_seconds,
            command_timeout=self._connect_seconds,
            server_settings=self._settings,
        )
        self._connection.add_termination_listener(self._on_end)

    async def _ping(self) -> None:
        async with self._lock:
            if self._connection is None:
                return
            try:
                await self._connection.execute("SELECT 1")
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                self._drop()

    def _drop(self) -> None:
        """Forget the connection; every reader is told that it may have missed something."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
        self._on_end(connection)

    def _on_end(self, _: object) -> None:
        self._listened.clear()
        for readers in self._readers.values():
            for reader in readers:
                reader.lost()

    def _on_notice(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for reader in self._readers.get(channel, ()):
            reader.put(str(payload))

    async def close(self) -> None:
        """Close the connection; readers end."""
        self._closed = True
        async with self._lock:
            self._drop()
