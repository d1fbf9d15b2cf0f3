"""One client's work never holds up the others'."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from postgres_door import Gate, Speaker
from stopwatch import unhurried

from gateway.protocols.postgres import wire

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_STALL = 0.75
"""Seconds of work."""


def fresh(count: int) -> Iterable[bytes]:
    """Texts that no cache knows."""
    salt = time.monotonic_ns()
    return (b"SELECT a%d FROM (SELECT 1 AS a%d) t%d" % (at, at, salt) for at in range(count))


async def stalls(stop: asyncio.Event) -> float:
    """Return the longest that the loop worked without a turn, whatever others on the machine took."""
    longest = 0.0
    while not stop.is_set():
        before = time.thread_time()
        await asyncio.sleep(0.001)
        longest = max(longest, time.thread_time() - before)
    return longest


@pytest.mark.parametrize("extended", [False, True])
async def test_many_new_statements_in_one_write_are_judged_in_slices(
    gate: Gate, speaker: Speaker, *, extended: bool
) -> None:
    many = 4000
    stop = asyncio.Event()
    if extended:
        sent = b"".join(wire.parse(b"", text) for text in fresh(many)) + wire.SYNC
    else:
        sent = b"".join(map(wire.query, fresh(many)))
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(stalls(stop))
        speaker.send(sent)
        for _ in range(1 if extended else many):
            await speaker.until(b"Z", 60)
        stop.set()
    assert watching.result() < LONGEST_STALL


async def test_judging_does_not_slow_down_with_what_is_prepared(speaker: Speaker) -> None:
    filler = b" /* " + b"x" * 6000 + b" */"
    prepared = (wire.parse(b"s%d" % at, b"SELECT %d" % at + filler) for at in range(4000))
    speaker.send(*prepared, wire.SYNC)
    await speaker.until(b"Z", 60)
    since = unhurried()
    for text in fresh(100):
        await speaker.ask(wire.query(text))
    assert unhurried() - since < 3
