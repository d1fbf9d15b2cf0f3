from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.store import listening
from gateway.store.notify import notify
from gateway.store.pool import Store


@pytest.fixture
async def store(store_dsn):
    async with await Store.open(store_dsn) as opened:
        yield opened


@asynccontextmanager
async def reader(store: Store, channel: str) -> AsyncIterator[asyncio.Queue[str]]:
    """Read a channel for as long as the block lasts; the first "" is taken off."""
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def read() -> None:
        async for payload in store.listen(channel):
            heard.put_nowait(payload)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        task = group.create_task(read())
        assert await heard.get() == ""
        yield heard
        task.cancel()


async def say(store: Store, channel: str, *payloads: str) -> None:
    async with store.transaction() as conn:
        for payload in payloads:
            await notify(conn, channel, payload)


async def connections(store: Store) -> int:
    async with store.connection() as conn:
        return await conn.fetchval(
            """SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE 'LISTEN%'"""
        )


async def test_notices_arrive_in_order_at_every_reader_of_the_channel_alone(store) -> None:
    async with reader(store, "one") as first, reader(store, "one") as second, reader(store, "two") as other:
        await say(store, "one", "a", "b")
        await say(store, "two", "c")
        assert [await first.get(), await first.get()] == ["a", "b"]
        assert [await second.get(), await second.get()] == ["a", "b"]
        assert await other.get() == "c"
        assert other.empty()
        assert await connections(store) <= 1


async def test_what_rolls_back_is_not_told(store) -> None:
    async def fail() -> None:
        async with store.transaction() as conn:
            await notify(conn, "one", "never")
            raise ValueError("mine")

    async with reader(store, "one") as heard:
        with pytest.raises(ValueError, match="mine"):
            await fail()
        await say(store, "one", "told")
        assert await heard.get() == "told"


async def test_a_broken_connection_is_opened_again_and_every_reader_told(store) -> None:
    async with reader(store, "one") as first, reader(store, "two") as second:
        async with store.connection() as conn:
            await conn.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'"""
            )
        assert await first.get() == ""
        assert await second.get() == ""
        await say(store, "one", "after")
        await say(store, "two", "too")
        assert (await first.get(), await second.get()) == ("after", "too")


async def test_a_connection_that_died_without_a_word_is_found_out(store, monkeypatch) -> None:
    monkeypatch.setattr(listening, "PING_SECONDS", 0.1)
    async with reader(store, "one") as heard:
        connection = store._listening._connection
        connection._protocol.abort()
        assert await heard.get() == ""
        await say(store, "one", "after")
        assert await heard.get() == "after"


async def test_a_slow_reader_is_told_to_read_again_and_memory_stays_bounded(store, monkeypatch) -> None:
    monkeypatch.setattr(listening, "QUEUE", 10)
    notices = store.listen("one")
    assert await anext(notices) == ""
    await say(store, "one", "seen")
    assert await anext(notices) == "seen"
    await say(store, "one", *(str(number) for number in range(100)))
    await say(store, "one", "last")
    async with asyncio.timeout(5):
        seen = [await anext(notices)]
        while "last" not in seen and seen[-1] != "":
            seen.append(await anext(notices))
    assert "" in seen
    assert len(seen) < 60
    await notices.aclose()


async def test_readers_that_left_are_forgotten(store) -> None:
    async with reader(store, "one"):
        assert len(store._listening._readers["one"]) == 1
    assert len(store._listening._readers["one"]) == 0


async def test_closing_the_store_ends_its_readers(store_dsn) -> None:
    store = await Store.open(store_dsn)
    ended = asyncio.Event()

    async def read() -> None:
        async for _ in store.listen("one"):
            pass
        ended.set()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(read())
        await asyncio.sleep(0.1)
        await store.close()
        await ended.wait()
