"""Accepting: peeking without taking, bounds, and connections that end alone."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING

import pytest

from gateway.domain.errors import ConfigurationBroken, PeerError
from gateway.domain.identity import Identity, IdentityKind
from gateway.domain.ids import IdentityId
from gateway.domain.session import Passage
from gateway.transport.accept import Arrival, Listener
from gateway.transport.stream import stream_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

ENGINEER = Identity(
    IdentityId(1), "engineer", IdentityKind.PERSON, "", "Engineer", frozenset(), frozenset(), credential=None
)
PASSAGE = Passage(ENGINEER, "web-1", "SSH")


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[Arrival], Awaitable[None]], *, connections: int = 100, half_open: int = 100
) -> AsyncIterator[Listener]:
    listener = Listener.open("localhost", 0, connections=connections, half_open=half_open)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(listener.run(serve))
        try:
            yield listener
        finally:
            running.cancel()
            listener.close()


async def exchange(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_peeking_takes_nothing_and_taking_takes_no_more_than_asked() -> None:
    async def serve(arrival: Arrival) -> None:
        seen = await arrival.peek(3)
        taken = await arrival.take(5)
        waiting = arrival.waiting(9)
        await arrival.send(seen + b"|" + taken + b"|" + waiting + b"|" + await arrival.take(6))

    async with listening(serve) as listener:
        assert await exchange(listener.port, b"hello world") == b"hel|hello| world| world"


async def test_a_peer_that_closes_early_is_one_error_and_the_next_is_served() -> None:
    failures: list[PeerError] = []

    async def serve(arrival: Arrival) -> None:
        try:
            await arrival.send(await arrival.take(5))
        except PeerError as error:
            failures.append(error)
            raise

    async with listening(serve) as listener:
        assert await exchange(listener.port, b"abc") == b""
        assert await exchange(listener.port, b"abcde") == b"abcde"
        assert len(failures) == 1
        assert listener.connected == 0


async def test_a_fault_ends_its_connection_alone() -> None:
    async def serve(arrival: Arrival) -> None:
        if await arrival.take(1) == b"x":
            raise ZeroDivisionError
        await arrival.send(b"fine")

    async with listening(serve) as listener:
        assert await exchange(listener.port, b"x") == b""
        assert await exchange(listener.port, b"y") == b"fine"
        assert listener.half_open == 0


async def test_past_the_limit_arrivals_are_marked_crowded() -> None:
    gone = asyncio.Event()

    async def serve(arrival: Arrival) -> None:
        await arrival.send(b"full" if arrival.crowded else b"come in")
        if not arrival.crowded:
            await gone.wait()

    async with listening(serve, connections=1) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        assert await reader.readexactly(7) == b"come in"
        assert await exchange(listener.port, b"") == b"full"
        gone.set()
        assert await reader.read() == b""
        writer.close()
        assert await exchange(listener.port, b"") == b"come in"


async def test_half_open_connections_wait_their_turn() -> None:
    served = 0
    go = asyncio.Event()

    async def serve(arrival: Arrival) -> None:
        nonlocal served
        served += 1
        await go.wait()
        arrival.settled()
        await arrival.send(b"in")

    async with listening(serve, half_open=2) as listener:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(exchange(listener.port, b"")) for _ in range(6)]
            await asyncio.sleep(0.3)
            assert served == 2
            go.set()
        assert [task.result() for task in asked] == [b"in"] * 6


async def test_both_families_listen_on_one_port_and_a_used_one_is_said() -> None:
    async def serve(arrival: Arrival) -> None:
        await arrival.send(arrival.peer.encode())

    async with listening(serve) as listener:
        assert (await exchange(listener.port, b"")).startswith(b"127.0.0.1:")
        with pytest.raises(ConfigurationBroken, match=f"can't listen on 127.0.0.1:{listener.port}"):
            Listener.open("127.0.0.1", listener.port)


async def test_what_comes_in_through_another_door_counts_and_is_bound() -> None:
    brought: list[Arrival] = []

    async def outside(arrival: Arrival) -> None:
        near, inner = listener.bring(arrival, PASSAGE)
        brought.append(inner)
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.serve(inner, inside))
            stream = await stream_over(near)
            stream.write(b"hello")
            await arrival.send(await stream.take(5))
            stream.close()

    async def inside(arrival: Arrival) -> None:
        await arrival.send((await arrival.take(5)).upper())

    async with listening(outside) as listener:
        assert await exchange(listener.port, b"") == b"HELLO"
        inner = brought[0]
        assert inner.passage is PASSAGE
        assert inner.source == "127.0.0.1"
        assert re.fullmatch(r"127\.0\.0\.1:\d+ through engineer's SSH login", inner.peer)
        assert listener.half_open == 0
        while listener.connected:
            await asyncio.sleep(0.01)


async def test_what_comes_in_through_another_door_is_crowded_like_any_other() -> None:
    async def outside(arrival: Arrival) -> None:
        near, inner = listener.bring(arrival, PASSAGE)
        near.close()
        await listener.serve(inner, lambda inside: arrival.send(b"full" if inside.crowded else b"room"))

    async with listening(outside, connections=1) as listener:
        assert await exchange(listener.port, b"") == b"full"
    async with listening(outside, connections=2) as listener:
        assert await exchange(listener.port, b"") == b"room"
