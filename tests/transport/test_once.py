"""An event that happens once: who waits goes on, who has stopped waiting is forgotten."""

from __future__ import annotations

import asyncio

import pytest

from gateway.transport.once import Once, first


async def test_what_has_happened_is_not_waited_for() -> None:
    event = Once()
    assert not event.is_set()
    event.set()
    assert event.is_set()
    assert await event.wait()


async def test_all_who_wait_go_on() -> None:
    event = Once()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = [group.create_task(event.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(each.done() for each in waiting)
        event.set()
    assert event.waiting == ()


async def test_the_first_of_several_is_enough_and_the_others_forget_who_waited() -> None:
    one, other = Once(), Once()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = group.create_task(first(one, other))
        await asyncio.sleep(0)
        other.set()
        await waiting
        assert one.waiting == ()
        one.set()


async def test_both_at_once_are_no_trouble() -> None:
    one, other = Once(), Once()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(first(one, other))
        await asyncio.sleep(0)
        one.set()
        one.set()
        other.set()


async def test_who_is_cancelled_is_forgotten() -> None:
    event = Once()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await event.wait()
    assert event.waiting == ()
    event.set()
