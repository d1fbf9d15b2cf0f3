"""A terminal between two commands."""

from __future__ import annotations

import asyncio

import pytest

from gateway.terminal.desk import MOST_KEYS, Desk, until_gone
from gateway.transport.once import Once


class Screen:
    columns = 0
    plain = True

    def __init__(self) -> None:
        self.shown = b""
        self.free = asyncio.Event()
        self.free.set()

    def write(self, data: bytes) -> None:
        self.shown += data

    async def drain(self) -> None:
        await self.free.wait()


async def test_keys_come_few_at_once_and_in_order() -> None:
    desk = Desk(Screen())
    desk.fed(b"a" * 600)
    desk.fed(b"b")
    desk.fed_up()
    read = [await desk.read() for _ in range(4)]
    assert [len(each) for each in read] == [512, 88, 1, 0]


async def test_what_is_typed_too_far_ahead_is_dropped() -> None:
    desk = Desk(Screen())
    desk.fed(b"x" * MOST_KEYS)
    desk.fed(b"y")
    desk.fed_up()
    taken = b""
    while data := await desk.read():
        taken += data
    assert taken == b"x" * MOST_KEYS


async def test_keys_wait_for_what_they_would_have_shown() -> None:
    screen = Screen()
    desk = Desk(screen)
    desk.fed(b"k")
    screen.free.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await desk.read()
    screen.free.set()
    assert await desk.read() == b"k"


def test_a_terminal_that_says_nothing_has_eighty_columns() -> None:
    assert Desk(Screen()).width() == 80
    assert Desk(Screen()).plain()


async def test_work_ends_with_its_client() -> None:
    gone = Once()

    async def answer() -> int:
        return 7

    async def failing() -> int:
        raise ValueError("as it was raised")

    assert await until_gone(answer(), gone) == 7
    with pytest.raises(ValueError, match="as it was raised"):
        await until_gone(failing(), gone)
    gone.set()
    assert await until_gone(asyncio.sleep(60), gone) is None


async def test_what_was_read_and_not_used_comes_first_again() -> None:
    desk = Desk(Screen())
    desk.fed(b"ls\rpwd\r")
    desk.fed(b"id\r")
    assert await desk.read() == b"ls\rpwd\r"
    desk.back(b"pwd\r")
    assert [await desk.read(), await desk.read()] == [b"pwd\r", b"id\r"]


async def test_control_c_takes_with_it_what_was_typed_before() -> None:
    desk = Desk(Screen())
    assert not desk.interrupted()
    for each in (b"one\r", b"two\x03three\x03fo", b"ur\r"):
        desk.fed(each)
    desk.fed_up()
    assert desk.interrupted()
    assert not desk.interrupted()
    assert [await desk.read() for _ in range(3)] == [b"fo", b"ur\r", b""]
    desk.fed(b"x" * 1000)
    desk.forget()
    desk.fed(b"y")
    assert await desk.read() == b"y"
