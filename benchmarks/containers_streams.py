"""Answers that go on, measured: how late a line or an event arrives, what a watch of many objects takes."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import engine as engines
import node
import uvloop
from containers_load import ANSWER_SECONDS, Asking, connect, each_took, hang_up
from load import Measured

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from containers_ways import ContainerWays, HttpWay

TALKER = "talker"
"""Name of the container and of the pod whose program says what it is told to, line by line."""
OBJECTS = 5_000
MANY = "many"
"""Namespace of the objects that are watched."""
OBJECT_BYTES = 1_500
"""Of each object's own data: an object comes as 1.9 KiB."""
LINES = 300
APART_SECONDS = 0.005
_FILLING = 8
_SETTLING_SECONDS = 1.0
_SAMPLE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Late:
    """How late what was said arrived.

    Attributes:
        p50: µs from saying to arrival; CPU of what stands between for each.
        p99: µs.
    """

    p50: Measured
    p99: Measured


def prepare(ways: ContainerWays, folder: Path) -> None:
    """Start the container and the pod that say what they are told to, and make the objects to watch.

    Args:
        ways: what runs.
        folder: empty; the container sees it.
    """
    program = "while [ ! -p {0} ]; do sleep 0.1; done; exec cat <>{0}"
    os.mkfifo(folder / TALKER)
    seen = ("--volume", f"{folder}:/told")
    ways.engine.run(TALKER, engines.SHOP, "sh", "-c", program.format(f"/told/{TALKER}"), options=seen)
    argv = ("sh", "-c", program.format(f"/{TALKER}"))
    ways.cluster.run_pod("shop", TALKER, {TALKER: node.Container(argv, engines.shop_system())})
    os.mkfifo(ways.cluster.root_of(TALKER, TALKER) / TALKER)
    ways.cluster.must("POST", "/api/v1/namespaces", {"metadata": {"name": MANY}})
    uvloop.run(_fill(ways))


async def _fill(ways: ContainerWays) -> None:
    path, text = f"/api/v1/namespaces/{MANY}/configmaps", "x" * OBJECT_BYTES
    clients = [await _writing(ways, path) for _ in range(_FILLING)]

    async def make(client: Asking, first: int) -> None:
        for number in range(first, OBJECTS, _FILLING):
            made = {"metadata": {"name": f"n{number}"}, "data": {"text": text}}
            client.request = _sent(ways, "POST", path, made)
            await client.ask()

    async with asyncio.TaskGroup() as group:
        for first, client in enumerate(clients):
            group.create_task(make(client, first))
    for client in clients:
        hang_up(client)


async def _writing(ways: ContainerWays, path: str) -> Asking:
    return await connect(ways.kubernetes[0], path)


def _sent(ways: ContainerWays, method: str, path: str, body: object) -> bytes:
    """A write straight to the API server, as it goes over the wire."""
    told, token = json.dumps(body).encode(), ways.cluster.tokens["admin"]
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    return (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(told)}\r\n\r\n"
    ).encode() + told


def lines(way: HttpWay, path: str, told: Path) -> Late:
    """Follow a log into which a line is said every now and then.

    Args:
        way: which is measured.
        path: of the log.
        told: where the program hears what to say.
    """

    async def run() -> Late:
        handle = os.open(told, os.O_WRONLY)

        async def say(word: str) -> None:
            os.write(handle, f"{word}\n".encode())

        try:
            return await _late(way, path, say)
        finally:
            os.close(handle)

    return uvloop.run(run())


def events(way: HttpWay, path: str, ways: ContainerWays, changed: str) -> Late:
    """Watch an object that is changed every now and then, straight at the API server.

    Args:
        way: which is measured.
        path: of the watch.
        ways: what runs.
        changed: path of the object.
    """

    async def run() -> Late:
        writer = await _writing(ways, changed)

        async def say(word: str) -> None:
            writer.request = _sent(ways, "PATCH", changed, {"data": {"said": word}})
            await writer.ask()

        try:
            return await _late(way, path, say)
        finally:
            hang_up(writer)

    return uvloop.run(run())


async def _late(way: HttpWay, path: str, say: Callable[[str], Awaitable[None]]) -> Late:
    client, heard = await connect(way, path), _Heard()
    client.look = heard.look
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(client.listen())
        while not listening.done():  # a follower gets the answer's head with its first line
            await say("listening")
            await asyncio.wait((listening,), timeout=0.05)
    await asyncio.sleep(_SETTLING_SECONDS)
    spent, before = [], way.cpu()
    for number in range(LINES):
        await asyncio.sleep(APART_SECONDS)
        word = f"said-{time.monotonic_ns()}-{number}"
        arrived, began = heard.expect(word.encode()), time.perf_counter()
        await say(word)
        spent.append(1e6 * (await asyncio.wait_for(arrived, ANSWER_SECONDS) - began))
    cpu = each_took(way, before, LINES)
    hang_up(client)
    spent.sort()
    return Late(Measured(statistics.median(spent), cpu), Measured(spent[int(0.99 * LINES)], None))


class _Heard:
    """Looks for words in a stream."""

    def __init__(self) -> None:
        self._word = self._rest = b""
        self._arrived: asyncio.Future[float] | None = None

    def expect(self, word: bytes) -> asyncio.Future[float]:
        """Return what will hold the time at which a word has come whole."""
        self._word, self._rest = word, b""
        self._arrived = asyncio.get_running_loop().create_future()
        return self._arrived

    def look(self, data: bytes) -> None:
        """Look for it in what came."""
        if self._arrived is None or self._arrived.done():
            return
        now, seen = time.perf_counter(), self._rest + data
        if self._word in seen:
            self._arrived.set_result(now)
        self._rest = seen[-len(self._word) :]


def watches(way: HttpWay, path: str, *, count: int, reads: bool) -> float:
    """Bytes of memory, at the most, that a watch of many objects takes.

    Args:
        way: which is measured.
        path: of the watch, which begins with all objects.
        count: watches at once.
        reads: whether the clients take what comes; the others take nothing behind the answer's beginning.
    """

    async def run() -> float:
        before, most, clients = way.resident(), 0, []

        async def sample() -> None:
            nonlocal most
            while True:
                most = max(most, way.resident())
                await asyncio.sleep(_SAMPLE_SECONDS)

        async with asyncio.TaskGroup() as group:
            sampling = group.create_task(sample())
            for _ in range(count):
                clients.append(client := await connect(way, path))
                whole = asyncio.Event()
                client.look = _until_whole(whole)
                await client.listen()
                if reads:
                    await asyncio.wait_for(whole.wait(), ANSWER_SECONDS)
                elif client.transport is not None:
                    client.transport.pause_reading()
            await asyncio.sleep(2 * _SETTLING_SECONDS)
            sampling.cancel()
        for client in clients:
            hang_up(client)
        return (most - before) / count

    return uvloop.run(run())


def _until_whole(whole: asyncio.Event) -> Callable[[bytes], None]:
    """Count events, each of which is a line, until every object has come."""
    seen = 0

    def look(data: bytes) -> None:
        nonlocal seen
        seen += data.count(b"\n")
        if seen >= OBJECTS:
            whole.set()

    return look
