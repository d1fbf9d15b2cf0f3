"""Load on one way to an engine or a cluster, measured: requests, connections, long answers, commands."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from typing import TYPE_CHECKING, cast

import httptools
import uvloop
from load import Measured

if TYPE_CHECKING:
    from collections.abc import Callable

    from containers_ways import HttpWay

CONNECTING = 4
"""Clients that connect anew for each request."""
ANSWER_SECONDS = 60.0


class Asking(asyncio.Protocol):
    """A client that asks again and again on one connection; ``look`` is shown each piece of an answer."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.transport: asyncio.Transport | None = None
        self.bytes = 0
        self.look: Callable[[bytes], None] | None = None
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's has no common ancestor

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() == 200 and not self.heard.done():
            self.heard.set_result(None)

    def on_body(self, body: bytes) -> None:
        self.bytes += len(body)
        if self.look is not None:
            self.look(body)
        if self._parser.get_status_code() not in (200, 201):
            self._fail(f"status {self._parser.get_status_code()}: {body!r}")

    def on_message_complete(self) -> None:
        if not self.answered.done():
            self.answered.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection was lost: {error}")

    def _fail(self, why: str) -> None:
        for each in (self.answered, self.heard):
            if not each.done():
                each.set_exception(SystemExit(f"{self.request[:80]!r}: {why}"))
                each.exception()  # it need not be waited for

    async def ask(self) -> None:
        """Ask once, and wait until all of the answer is there."""
        assert self.transport is not None
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(self.request)
        await asyncio.wait_for(self.answered, ANSWER_SECONDS)

    async def listen(self) -> None:
        """Ask for what has no end, and wait for its beginning."""
        assert self.transport is not None
        self.transport.write(self.request)
        await asyncio.wait_for(self.heard, ANSWER_SECONDS)


async def connect(way: HttpWay, path: str) -> Asking:
    """Connect a client that will ask for something."""
    loop, request = asyncio.get_running_loop(), way.request(path)
    _, client = await loop.create_connection(
        lambda: Asking(request), "127.0.0.1", way.port, ssl=way.trust, server_hostname="localhost"
    )
    return client


def hang_up(client: Asking) -> None:
    """Leave without a word."""
    assert client.transport is not None
    client.answered.cancel()
    client.heard.cancel()
    client.transport.abort()


def requests(way: HttpWay, path: str, *, clients: int, seconds: float) -> Measured:
    """Ask for something small on standing connections, one request at a time on each; requests a second.

    Args:
        way: which is measured.
        path: of what is asked for.
        clients: at once.
        seconds: for so long.
    """

    async def run() -> Measured:
        asking = [await connect(way, path) for _ in range(clients)]
        for client in asking:
            await client.ask()  # everything on the way stands before it counts
        done, until = 0, time.perf_counter() + seconds

        async def again(client: Asking) -> None:
            nonlocal done
            while time.perf_counter() < until:
                await client.ask()
                done += 1

        before, began = way.cpu(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for client in asking:
                group.create_task(again(client))
        spent = time.perf_counter() - began
        measured = Measured(done / spent, each_took(way, before, done))
        for client in asking:
            hang_up(client)
        return measured

    return uvloop.run(run())


def connections(way: HttpWay, path: str, *, seconds: float) -> Measured:
    """Connect, ask once, hang up; connections a second.

    Args:
        way: which is measured.
        path: of what is asked for.
        seconds: for so long.
    """

    async def run() -> Measured:
        done, until = 0, time.perf_counter() + seconds

        async def again() -> None:
            nonlocal done
            while time.perf_counter() < until:
                client = await connect(way, path)
                await client.ask()
                hang_up(client)
                done += 1

        before, began = way.cpu(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTING):
                group.create_task(again())
        return Measured(done / (time.perf_counter() - began), each_took(way, before, done))

    return uvloop.run(run())


def bulk(way: HttpWay, path: str, *, least: int) -> Measured:
    """Read one long answer to nowhere; MB a second.

    Args:
        way: which is measured.
        path: of what is read.
        least: bytes that it has, or more.
    """

    async def run() -> Measured:
        client = await connect(way, path)
        before, began = way.cpu(), time.perf_counter()
        await client.ask()
        spent = time.perf_counter() - began
        if client.bytes < least:
            raise SystemExit(f"{way.name}, {path}: {client.bytes:,} of {least:,} bytes came")
        megabytes = client.bytes / 1e6
        await asyncio.sleep(1)  # the CPU of sealing belongs to it, its time does not
        hang_up(client)
        return Measured(megabytes / spent, each_took(way, before, megabytes))

    return uvloop.run(run())


def commands(way: HttpWay, argv: list[str], *, count: int) -> Measured:
    """Run the real client, one after the other; ms each.

    Args:
        way: which is measured.
        argv: a client's command line that succeeds.
        count: so often.
    """
    before, spent = way.cpu(), []
    for _ in range(count):
        began = time.perf_counter()
        done = subprocess.run(
            argv, env=dict(way.environment), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        spent.append(time.perf_counter() - began)
        if done.returncode:
            raise SystemExit(f"{way.name}, {argv}: {done.returncode}: {done.stderr.decode()}")
    return Measured(1e3 * statistics.median(spent), each_took(way, before, count))


def memory(way: HttpWay, path: str, *, first: int, most: int) -> float:
    """Bytes of memory that a connection takes on which nothing comes: the slope beyond the first ones.

    Args:
        way: which is measured.
        path: of something endless.
        first: opened before it is looked for the first time.
        most: how many are opened.
    """

    async def run() -> float:
        open_ones: list[Asking] = []
        points = []
        for part in range(4):
            count = first + (most - first) * part // 3
            while len(open_ones) < count:
                client = await connect(way, path)
                open_ones.append(client)
                await client.listen()
            await asyncio.sleep(2)  # what opening them took is given back
            points.append((count, way.resident()))
        for client in open_ones:
            hang_up(client)
        middle = statistics.mean(count for count, _ in points)
        return sum((count - middle) * size for count, size in points) / sum(
            (count - middle) ** 2 for count, _ in points
        )

    return uvloop.run(run())


def each_took(way: HttpWay, before: float, count: float) -> float | None:
    """µs of CPU that what stands between took for each."""
    return (way.cpu() - before) / count * 1e6 if way.pid and count else None
