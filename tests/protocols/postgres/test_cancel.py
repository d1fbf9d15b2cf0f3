"""Cancel requests that another process was sent: each reaches its session, and harms no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.domain.errors import StoreUnavailable
from gateway.domain.session import EndCause, Ending
from gateway.protocols.postgres.cancel import CancelKeys
from gateway.protocols.postgres.startup import CancelRequest
from gateway.session.life import SessionOver


class Told:
    """Notices within one loop: each process would have the store between."""

    def __init__(self) -> None:
        self.queues: list[asyncio.Queue[str]] = []
        self.away = False
        self.told = 0

    async def announce(self, _: str, payload: str) -> None:
        self.told += 1
        assert len(payload) < 8000
        if self.away:
            raise StoreUnavailable("the store can't be reached")
        for queue in self.queues:
            queue.put_nowait(payload)

    async def listen(self, _: str) -> AsyncGenerator[str, None]:
        queue = asyncio.Queue[str]()
        self.queues.append(queue)
        yield ""
        while True:
            yield await queue.get()


class Running:
    """A session that runs a query."""

    def __init__(self) -> None:
        self.cancelled = asyncio.Event()

    async def cancel_running(self) -> None:
        self.cancelled.set()


class Over(Running):
    """A session that has ended, and whose key is still known."""

    async def cancel_running(self) -> None:
        self.cancelled.set()
        raise SessionOver(Ending(EndCause.EXPIRED, "your access has ended"))


class Slow(Running):
    """A session whose server takes no connection."""

    async def cancel_running(self) -> None:
        self.cancelled.set()
        await asyncio.sleep(60)


@asynccontextmanager
async def two_processes() -> AsyncIterator[tuple[Told, CancelKeys, CancelKeys]]:
    """Yield what they tell each other by, and the keys of both."""
    told = Told()
    here, there = CancelKeys(told), CancelKeys(told)
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(each.run()) for each in (here, there)]
        async with asyncio.timeout(5):
            while len(told.queues) < 2:
                await asyncio.sleep(0)
            yield told, here, there
        for task in running:
            task.cancel()


@pytest.mark.parametrize("other", [Over, Slow])
async def test_one_that_can_t_be_cancelled_holds_up_no_other(other: type[Running]) -> None:
    async with two_processes() as (_, here, there):
        first, second = other(), Running()
        with there.issued(first, minor=0) as one, there.issued(second, minor=2) as two:
            await here.cancel(CancelRequest(*one))
            await first.cancelled.wait()
            await here.cancel(CancelRequest(*two))
            await second.cancelled.wait()


@pytest.mark.parametrize("payload", ["", "7", "x 00", "7 0", "7 0g", "²  00", f"{1 << 70} 00", "9" * 5000])
async def test_a_notice_that_is_none_is_passed_over(payload: str) -> None:
    async with two_processes() as (told, here, there):
        await told.announce("", payload)
        session = Running()
        with there.issued(session, minor=0) as known:
            await here.cancel(CancelRequest(*known))
            await session.cancelled.wait()


async def test_a_wrong_key_cancels_nothing_in_either_process() -> None:
    async with two_processes() as (_, here, there):
        session, other = Running(), Running()
        with there.issued(session, minor=2) as (number, key), there.issued(other, minor=2) as known:
            for wrong in (key[:-1], key + b"\0", bytes(len(key)), known[1]):
                await here.cancel(CancelRequest(number, wrong))
                await there.cancel(CancelRequest(number, wrong))
            await here.cancel(CancelRequest(*known))
            await other.cancelled.wait()
            assert not session.cancelled.is_set()


async def test_a_flood_of_unknown_requests_is_bounded_and_a_store_that_is_away_ends_nothing() -> None:
    async with two_processes() as (told, here, there):
        told.away = True
        for number in range(10_000):
            await here.cancel(CancelRequest(number, bytes(4)))
        await asyncio.sleep(0.05)
        told.away = False
        session = Running()
        with there.issued(session, minor=0) as known:
            await here.cancel(CancelRequest(*known))
            await session.cancelled.wait()


async def test_many_that_nobody_knows_cost_one_notice_and_crowd_nobody_out() -> None:
    async with two_processes() as (told, here, there):
        session = Running()
        with there.issued(session, minor=2) as known:
            for number in range(99):
                await here.cancel(CancelRequest((1 << 32) - 1 - number, bytes([number]) * 32))
                await here.cancel(CancelRequest(number, bytes(256)))
            await here.cancel(CancelRequest(*known))
            await session.cancelled.wait()
        assert told.told == 1
