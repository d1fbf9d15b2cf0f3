"""Connections lent to another process: each is served once and counted back; one that is gone gets none."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator

import pytest

from gateway.transport import share
from gateway.transport.accept import Arrival, Listener
from gateway.transport.share import ALIVE, LEFT, SETTLED, SILENT_SECONDS, Borrower, Lent

WORD = b"hello\n"


async def greet(arrival: Arrival) -> None:
    arrival.settled()
    await arrival.send(WORD)
    await arrival.take(1)


class Place:
    """A listener, and a borrower of its connections, in one loop: each would be a process."""

    def __init__(self) -> None:
        near, far = socket.socketpair()
        self.lent = Lent(near)
        self.listener = Listener.open("localhost", 0, connections=4)
        self.borrower = Borrower(far, self.lent.heard)
        self.listener.share(self.lent)

    async def client(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("localhost", self.listener.port)
        async with asyncio.timeout(5):
            assert await reader.readline() == WORD
        return reader, writer


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.run(greet)) for each in (made.listener, made.borrower)]
        yield made
        for task in tasks:
            task.cancel()
    for each in (made.listener, made.lent, made.borrower):
        each.close()


async def until(value: object, seen: object) -> None:
    async with asyncio.timeout(5):
        while seen() != value:  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_connections_go_where_there_are_fewest_and_are_counted_back(place: Place) -> None:
    clients = [await place.client() for _ in range(4)]
    assert (place.lent.connected, place.borrower.connected, place.listener.connected) == (2, 2, 4)
    await until(0, lambda: place.lent.half_open)
    for _, writer in clients:
        writer.close()
    await until(0, lambda: place.listener.connected)
    assert (place.lent.connected, place.lent.half_open, place.borrower.half_open) == (0, 0, 0)


async def test_the_peer_is_told_as_if_it_had_come_here() -> None:
    seen: list[str] = []

    async def look(arrival: Arrival) -> None:
        seen.append(arrival.peer)
        await arrival.send(WORD)

    near, far = socket.socketpair()
    with contextlib.ExitStack() as stack:
        borrower = stack.enter_context(contextlib.closing(Borrower(far, lambda _: None)))
        lender = stack.enter_context(contextlib.closing(Lent(near)))
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = stack.enter_context(socket.create_connection(server.getsockname()))
        accepted, address = server.accept()
        assert lender.lend(accepted)
        accepted.close()
        lender.close()
        async with asyncio.timeout(5):
            await borrower.run(look)
        assert seen == [f"{address[0]}:{address[1]}"]
        assert client.recv(100) == WORD


async def test_a_process_that_is_gone_takes_none_and_its_own_count_no_longer(place: Place) -> None:
    clients = [await place.client() for _ in range(2)]
    assert place.lent.connected == 1
    place.listener.keep(place.lent)
    place.lent.close()
    assert place.listener.connected == 1
    clients += [await place.client() for _ in range(2)]
    assert place.listener.connected == 3
    for _, writer in clients:
        writer.close()


async def test_a_process_whose_channel_is_broken_is_passed_over(place: Place) -> None:
    place.lent.close()
    clients = [await place.client() for _ in range(3)]
    assert place.listener.connected == 3
    for _, writer in clients:
        writer.close()


async def test_a_process_that_hangs_gets_no_more_and_holds_no_others_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [await place.client() for _ in range(2)]
    place.lent._half_open = 1000  # what it was lent and never told of again
    with monkeypatch.context() as hanging:
        hanging.setattr(Lent, "silent", True)
        clients += [await place.client() for _ in range(2)]
        assert (place.lent.connected, place.listener.connected) == (1, 4)
    place.lent._half_open = 0
    for _, writer in clients:
        writer.close()
    await until(0, lambda: place.listener.connected)
    clients = [await place.client() for _ in range(2)]
    assert place.lent.connected == 1  # it goes on
    for _, writer in clients:
        writer.close()


def test_silence_is_told_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = socket.socketpair()
    now = [100.0]
    monkeypatch.setattr(share, "monotonic", lambda: now[0])
    with far, contextlib.closing(Lent(near)) as lender, socket.socket() as sock:
        assert lender.lend(sock)
        now[0] += SILENT_SECONDS + 1
        assert lender.silent
        assert not lender.lend(sock)
        assert (lender.connected, lender.half_open) == (1, 0)
        lender.heard(ALIVE)
        assert (lender.silent, lender.half_open) == (False, 1)
        assert lender.lend(sock)


async def test_a_client_that_has_left_meanwhile_is_counted_back() -> None:
    near, far = socket.socketpair()
    told = bytearray()
    with contextlib.closing(Borrower(far, told.extend)) as borrower, socket.socket() as unconnected:
        lender = Lent(near)
        assert lender.lend(unconnected)
        lender.close()
        async with asyncio.timeout(5):
            await borrower.run(greet)
        assert (bytes(told).replace(ALIVE, b""), borrower.connected) == (SETTLED + LEFT, 0)


async def test_a_connection_that_no_descriptor_is_left_for_is_counted_back() -> None:
    near, far = socket.socketpair()
    told = bytearray()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.closing(Borrower(far, told.extend)) as borrower, socket.socket() as lent:
        lender = Lent(near)
        assert lender.lend(lent)
        lender.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            assert borrower._take(lambda _: None)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert (bytes(told), borrower.connected) == (SETTLED + LEFT, 0)
