from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.domain.errors import Conflict, InvalidInput, StoreUnavailable
from gateway.store import pool
from gateway.store.embedded import EmbeddedPostgres
from gateway.store.pool import Store


@pytest.fixture
async def store(store_dsn):
    async with await Store.open(store_dsn, max_size=2) as opened:
        yield opened


async def test_a_transaction_commits_at_its_end_and_rolls_back_on_errors(store) -> None:
    async with store.transaction() as conn:
        await conn.execute("CREATE TABLE IF NOT EXISTS notes (text text)")
        await conn.execute("INSERT INTO notes VALUES ('kept')")

    async def fail() -> None:
        async with store.transaction() as conn:
            await conn.execute("INSERT INTO notes VALUES ('lost')")
            raise FileNotFoundError("mine")

    with pytest.raises(FileNotFoundError, match="mine"):
        await fail()
    async with store.connection() as conn:
        assert await conn.fetchval("SELECT string_agg(text, ' ') FROM notes") == "kept"


async def test_what_is_cancelled_leaves_nothing_behind(store) -> None:
    async with store.connection() as conn:
        await conn.execute("CREATE TABLE IF NOT EXISTS halves (text text)")

    async def half() -> None:
        async with store.transaction() as conn:
            await conn.execute("INSERT INTO halves VALUES ('half')")
            await conn.execute("SELECT pg_sleep(60)")

    async with asyncio.timeout(10):
        for _ in range(4):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await half()
        async with store.transaction() as conn:
            assert await conn.fetchval("SELECT count(*) FROM halves") == 0


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("INSERT INTO singles VALUES (1), (1)", Conflict),
        ("INSERT INTO singles VALUES (-1)", InvalidInput),
        ("SELECT convert_from('\\xff', 'UTF8')", InvalidInput),
        ("SELECT * FROM nowhere", StoreUnavailable),
        ("SELECT pg_terminate_backend(pg_backend_pid())", StoreUnavailable),
    ],
)
async def test_the_drivers_errors_become_ours(store, statement, error) -> None:
    async with store.connection() as conn:
        await conn.execute("CREATE TABLE IF NOT EXISTS singles (n integer PRIMARY KEY CHECK (n > 0))")
    with pytest.raises(error):
        async with store.transaction() as conn:
            await conn.execute(statement)
    await store.ping()


async def test_nul_in_a_text_is_bad_input(store) -> None:
    with pytest.raises(InvalidInput):
        async with store.connection() as conn:
            await conn.fetchval("SELECT $1::text", "a\0b")


async def test_a_store_that_is_not_there_is_said_so() -> None:
    with pytest.raises(StoreUnavailable, match="can't be reached") as away:
        await Store.open("postgresql://nobody@127.0.0.1:1/nothing")
    assert away.value.hint


async def test_a_store_that_is_too_busy_is_said_so_in_time(store, monkeypatch) -> None:
    monkeypatch.setattr(pool, "ACQUIRE_SECONDS", 0.2)
    async with store.connection(), store.connection():
        with pytest.raises(StoreUnavailable, match="it does not answer in time"):
            async with store.connection():
                pytest.fail("there was a third connection")
    await store.ping()


async def test_settings_of_the_session(store) -> None:
    async with store.connection() as conn:
        assert await conn.fetchval("SHOW timezone") == "UTC"
        assert await conn.fetchval("SHOW transaction_isolation") == "read committed"


async def test_a_store_that_went_and_came_back_is_used_again_without_a_restart(short_folder: Path) -> None:
    server = await EmbeddedPostgres.start(short_folder / "pg", name="away")
    async with await Store.open(server.dsn(), min_size=1, max_size=3) as store:
        heard: asyncio.Queue[str] = asyncio.Queue()

        async def listen() -> None:
            async for payload in store.listen("channel"):
                heard.put_nowait(payload)

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            listening = group.create_task(listen())
            assert await heard.get() == ""
            await server.stop()
            for _ in range(3):
                with pytest.raises(StoreUnavailable):
                    await store.ping()
            server = await EmbeddedPostgres.start(short_folder / "pg", name="away")
            assert await heard.get() == ""
            await store.ping()
            async with store.connection() as conn:
                await conn.execute("NOTIFY channel, 'again'")
            assert await heard.get() == "again"
            listening.cancel()
    await server.stop()
