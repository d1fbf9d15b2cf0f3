"""Connections to production: kept while idle, dialled again where they were closed meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.http import Request
from gateway.transport.http.connection import Connection
from gateway.transport.http.pool import Pool
from gateway.transport.stream import dial_socket, stream_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = Request("GET", "/a")


class Server:
    """Answers each request with what is next, and closes where that is told."""

    def __init__(self) -> None:
        self.dialled = self.left = 0
        self.asked: list[bytes] = []
        self.answers: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.dialled += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.asked.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self.answers.pop(0)
                writer.write(answer)
                await writer.drain()
                if b"Connection: close" in answer or not answer:
                    break
        self.left += 1
        writer.close()

    async def dial(self) -> Connection:
        return Connection.over(await stream_over(await dial_socket("127.0.0.1", self.port)))


@contextlib.asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[tuple[Server, Pool]]:
    made = Server()
    made.answers = list(answers)
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as listening:
        made.port = listening.sockets[0].getsockname()[1]
        pool = Pool(made.dial, "up")
        yield made, pool
        pool.abort()
        await asyncio.sleep(0)


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with serving(ANSWER, ANSWER) as (server, pool):
        for _ in range(2):
            head, body = await pool.asked(GET, most=10)
            assert (head.status, body) == (200, b"ok")
        assert server.dialled == 1


async def test_the_same_request_asked_again_is_sent_again() -> None:
    other = Request("GET", "/b", (("accept", "x"),))
    async with serving(*(ANSWER,) * 4) as (server, pool):
        for request in (GET, GET, other, GET):
            await pool.asked(request, most=10)
        first, again, between, last = server.asked
        assert first == again == last == b"GET /a HTTP/1.1\r\nHost: up\r\n\r\n"
        assert between == b"GET /b HTTP/1.1\r\nHost: up\r\naccept: x\r\n\r\n"


async def test_two_answers_at_once_come_on_two_connections() -> None:
    async with serving(ANSWER, ANSWER) as (server, pool):
        first, _ = await pool.ask(GET)
        second, _ = await pool.ask(GET)
        assert first is not second
        assert await second.body(10) == await first.body(10) == b"ok"
        assert server.dialled == 2


async def test_a_connection_that_was_closed_while_idle_is_dialled_again() -> None:
    async with serving(ANSWER, b"", ANSWER) as (server, pool):
        await pool.asked(GET, most=10)
        assert (await pool.asked(GET, most=10))[1] == b"ok"
        assert server.dialled == 2
        assert len(server.asked) == 3


async def test_what_is_no_plain_read_is_never_sent_twice() -> None:
    async with serving(ANSWER, b"", ANSWER) as (server, pool):
        await pool.asked(GET, most=10)
        with pytest.raises(UpstreamUnavailable):
            await pool.asked(Request("POST", "/exec"), most=10)
        assert len(server.asked) == 2


async def test_writes_one_behind_the_other_leave_no_pile_of_connections() -> None:
    post = Request("POST", "/a", (), b"")
    async with serving(*[ANSWER] * 8) as (server, pool):
        for _ in range(8):
            await pool.asked(post, most=100)
        await asyncio.sleep(0.05)
        assert (server.dialled, server.left) == (8, 6)


async def test_an_answer_longer_than_asked_for_is_not_kept() -> None:
    async with serving(ANSWER.replace(b": 2", b": 9"), ANSWER) as (server, pool):
        with pytest.raises(UpstreamUnavailable, match="longer"):
            await pool.asked(GET, most=1)
        await pool.asked(GET, most=10)
        assert server.dialled == 2


async def test_nothing_is_asked_once_it_is_broken_off() -> None:
    async with serving(ANSWER) as (_, pool):
        side, _ = await pool.ask(GET)
        pool.abort()
        with pytest.raises(UpstreamUnavailable):
            await pool.ask(GET)
        assert side.connection._transport is not None
        assert side.connection._transport.is_closing()


async def test_a_target_that_can_not_be_written_is_not_sent() -> None:
    async with serving() as (server, pool):
        with pytest.raises(UpstreamUnavailable, match="written down"):
            await pool.ask(Request("GET", "/a\r\nX: y"))
        assert not server.asked


async def test_an_answer_to_nothing_is_not_taken_for_the_next_one() -> None:
    async with serving(ANSWER, ANSWER) as (server, pool):
        side, _ = await pool.ask(GET)
        assert await side.body(10) == b"ok"
        pool.done(side)
        side.connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
        assert (await pool.asked(GET, most=10))[1] == b"ok"
        assert server.dialled == 2
