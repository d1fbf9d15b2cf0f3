"""Exchanges over real sockets: in order, at the pace of the slower side, cut with the client."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.http import Request
from gateway.transport.http import write
from gateway.transport.http.carrying import OneWay, pump, two_way
from gateway.transport.http.connection import READ_AHEAD, WRITE_HIGH, Connection
from gateway.transport.http.exchange import ClientLeft, ClientSide, UpstreamSide
from gateway.transport.http.head import NotUnderstood, RequestHead, forwarded, request_head
from gateway.transport.stream import stream_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"
ASKED = request_head("POST", "/", (("host", "x"), ("connection", "upgrade"), ("upgrade", "tcp")))
ENDLESS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Peer:
    """The other end of a connection, by blocking calls made on the loop."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = await asyncio.get_running_loop().sock_recv(self.sock, size - len(data))
            if not piece:
                break
            data += piece
        return data

    async def receive_all(self) -> bytes:
        return await self.receive(1 << 30)


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[tuple[Connection, Peer]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    connection = Connection.over(await stream_over(ours))
    try:
        yield connection, Peer(theirs)
    finally:
        connection.abort()
        theirs.close()


@contextlib.asynccontextmanager
async def both() -> AsyncIterator[tuple[ClientSide, Peer, UpstreamSide, Peer]]:
    async with connected() as (near, client), connected() as (far, server):
        yield ClientSide(near), client, UpstreamSide(far), server


async def carried(side: ClientSide, upstream: UpstreamSide, seen: list[bytes]) -> RequestHead | None:
    """Carry one exchange as a door does."""
    asked = await side.head()
    if asked is None:
        return None
    await side.body(1000)
    upstream.ask(write.request(Request(asked.method, asked.target), "up"), asked)
    with OneWay(side.connection, upstream.connection):
        head = await upstream.head()
        side.begin(head.status, forwarded(head.headers), reason=head.reason, length=head.length)
        await pump(upstream, side, seen.append)
    return asked


async def test_answers_come_in_the_order_of_the_questions() -> None:
    async with both() as (side, client, upstream, server):
        await client.send(GET + GET.replace(b"/a", b"/b"))
        seen: list[bytes] = []
        for target, body in ((b"/a", b"first"), (b"/b", b"other")):
            await server.send(HELLO.replace(b"hello", body))
            await carried(side, upstream, seen)
            assert (await server.receive(29)).startswith(b"GET " + target + b" HTTP/1.1\r\nHost: up\r\n")
            answer = await client.receive(43)
            assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body
        assert seen == [b"first", b"other"]
        assert upstream.reusable


async def test_an_answer_that_has_come_at_once_is_handed_over_as_it_is_carried() -> None:
    chunks = ENDLESS + b"5\r\nhello\r\n0\r\n\r\n"
    for method, sent, due in (
        (b"GET", HELLO, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        (b"GET", chunks, chunks),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        (b"HEAD", HELLO.partition(b"hello")[0], None),
    ):
        answers = []
        for way in ("at once", "carried"):
            async with both() as (side, client, upstream, server):
                for _ in range(2):  # the second time its head is known
                    await client.send(GET.replace(b"GET", method))
                    await server.send(sent)
                    if way == "carried":
                        await carried(side, upstream, [])
                    else:
                        asked = await side.head()
                        assert asked is not None
                        await side.body(0)
                        upstream.ask(write.request(Request(asked.method, asked.target), "up"), asked)
                        head = await upstream.head()
                        body = upstream.at_once()
                        assert body is not None
                        side.hand_over(head, forwarded(head.headers), body)
                        assert upstream.whole
                side.connection.close()
                answers.append(await client.receive_all())
        assert answers[0] == answers[1]
        assert due is None or answers[0] == due * 2


async def test_an_answer_that_has_come_in_part_is_not_there_at_once() -> None:
    async with both() as (side, client, upstream, server):
        await client.send(GET)
        asked = await side.head()
        assert asked is not None
        upstream.ask(GET, asked)
        await server.send(HELLO[:-2])
        await upstream.head()
        assert upstream.at_once() is None
        assert await upstream.data() == b"hel"
        await server.send(b"lo")
        assert await upstream.data() == b"lo"


async def test_the_client_may_leave_between_requests() -> None:
    async with both() as (side, client, _, _):
        client.sock.close()
        assert await side.head() is None


async def test_leaving_in_the_middle_of_a_head_is_told() -> None:
    async with both() as (side, client, _, _):
        await client.send(GET[:10])
        client.sock.close()
        with pytest.raises(ClientLeft):
            await side.head()


async def test_a_client_that_waits_is_told_to_send_the_body() -> None:
    async with both() as (side, client, _, _):
        await client.send(b"PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        await side.head()
        async with asyncio.TaskGroup() as group:
            body = group.create_task(side.body(10))
            assert await client.receive(25) == write.CONTINUE
            await client.send(b"abc")
        assert body.result() == b"abc"


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 11\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nb\r\n"]
)
async def test_a_body_that_is_too_long_is_not_kept(framing: bytes) -> None:
    async with both() as (side, client, _, _):
        await client.send(b"PUT /a HTTP/1.1\r\nHost: x\r\n" + framing + b"01234567890\r\n")
        await side.head()
        assert await side.body(10) is None


async def test_the_end_of_a_body_that_is_too_long_is_not_taken_for_a_request() -> None:
    chunked = b"PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with both() as (side, client, _, _):
        await client.send(chunked + b"b\r\n01234567890\r\n0\r\n\r\n" + GET)
        await side.head()
        assert await side.body(10) is None
        assert side.whole
        head = await side.head()
        assert head is not None
        assert head.target == "/a"
        assert head.method == "GET"


async def test_an_answer_that_lasts_until_the_end_goes_on_in_chunks() -> None:
    async with both() as (side, client, upstream, server):
        await client.send(GET)
        await server.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        server.sock.shutdown(socket.SHUT_WR)
        await carried(side, upstream, [])
        side.connection.close()
        answer = await client.receive_all()
        assert answer.endswith(b"Transfer-Encoding: chunked\r\n\r\n9\r\nall of it\r\n0\r\n\r\n")
        assert not upstream.reusable


async def test_no_body_follows_on_head() -> None:
    async with both() as (side, client, upstream, server):
        await client.send(GET.replace(b"GET", b"HEAD"))
        await server.send(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nTransfer-Encoding: chunked\r\n\r\n")
        await carried(side, upstream, [])
        side.connection.close()
        assert await client.receive_all() == b"HTTP/1.1 200 OK\r\napi-version: 1.41\r\n\r\n"


async def test_a_slow_client_makes_production_wait() -> None:
    async with both() as (side, client, upstream, server):
        await client.send(GET)
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        piece = b"x" * 65536
        sent = 0
        async with asyncio.TaskGroup() as group:
            carrying = group.create_task(carried(side, upstream, []))
            for _ in range(40):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        sent += server.sock.send(piece)
                await asyncio.sleep(0.01)
            before = sent
            with contextlib.suppress(BlockingIOError):
                sent += server.sock.send(piece)
            assert sent < before + len(piece)
            assert upstream.connection._size <= 2 * READ_AHEAD
            assert side.connection._transport is not None
            assert side.connection._transport.get_write_buffer_size() <= 4 * WRITE_HIGH
            carrying.cancel()


async def test_a_client_that_leaves_ends_an_endless_answer() -> None:
    async with both() as (side, client, upstream, server):
        await client.send(GET)
        await server.send(ENDLESS + b"".join(write.chunk(b"line")))
        async with asyncio.TaskGroup() as group:
            carrying = group.create_task(left(side, upstream))
            await client.receive(50)
            client.sock.close()
            assert await carrying
        assert upstream.connection._transport is not None
        assert upstream.connection._transport.is_closing()


async def left(side: ClientSide, upstream: UpstreamSide) -> bool:
    with pytest.raises(ClientLeft):
        await carried(side, upstream, [])
    return True


async def test_production_that_breaks_off_is_told() -> None:
    async with both() as (side, client, upstream, server):
        await client.send(GET)
        await server.send(ENDLESS + b"5\r\nhel")
        server.sock.shutdown(socket.SHUT_WR)
        with pytest.raises(UpstreamUnavailable, match="broke off"):
            await carried(side, upstream, [])
        assert not upstream.reusable


async def test_what_is_no_http_is_told_to_the_door() -> None:
    async with both() as (side, client, _, _):
        await client.send(b"\x16\x03\x01 hello\r\n\r\n")
        with pytest.raises(NotUnderstood):
            await side.head()


async def switch(upstream: UpstreamSide, server: Peer) -> None:
    """Have production change protocol."""
    upstream.ask(b"", ASKED)
    await server.send(write.switched(101, (), upgrade="tcp"))
    assert (await upstream.head()).switched


async def test_bytes_go_both_ways_after_a_change_of_protocol() -> None:
    async with both() as (side, client, upstream, server):
        await switch(upstream, server)
        async with asyncio.TaskGroup() as group:
            group.create_task(
                two_way(side.connection, upstream, down=bytes.upper, up=lambda data: data[::-1])
            )
            await client.send(b"abc")
            assert await server.receive(3) == b"cba"
            await server.send(b"answer")
            assert await client.receive(6) == b"ANSWER"
            client.sock.shutdown(socket.SHUT_WR)
            assert await server.receive(1) == b""
            await server.send(b"still there")
            assert await client.receive(11) == b"STILL THERE"
            server.sock.close()
        assert await client.receive(1) == b""


async def test_production_is_left_once_the_client_is_gone() -> None:
    async with both() as (side, client, upstream, server):
        await switch(upstream, server)
        async with asyncio.TaskGroup() as group:
            group.create_task(two_way(side.connection, upstream, down=bytes, up=bytes))
            client.sock.close()
            with contextlib.suppress(OSError):
                while True:
                    await server.send(b"nobody reads this")
                    await asyncio.sleep(0.001)


async def test_a_client_that_still_sends_reads_its_answer() -> None:
    async with both() as (side, client, _, _):
        await client.send(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
        await side.head()
        async with asyncio.TaskGroup() as group:
            side.answer(403, (), b"no", close=True)
            group.create_task(side.linger())
            with contextlib.suppress(OSError):
                await client.send(b"x" * 3000000)
            assert (await client.receive_all()).endswith(b"\r\n\r\nno")
            client.sock.close()


async def test_a_client_that_asks_on_and_takes_no_answer_waits() -> None:
    async with connected() as (near, client):
        side = ClientSide(near)
        answered = 0

        async def serve() -> None:
            nonlocal answered
            while await side.head() is not None:
                await side.body(0)
                side.answer(200, (), b"x" * 10_000)
                answered += 1

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(serve()), group.create_task(client.send(GET * 10_000))]
            await asyncio.sleep(0.3)
            assert answered * 10_000 < 4 * WRITE_HIGH
            assert await client.receive(2 * WRITE_HIGH)
            for task in tasks:
                task.cancel()


async def test_the_end_is_said_to_a_peer_that_has_reset_the_connection() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(listener.getsockname())
    far, _ = listener.accept()
    listener.close()
    connection = Connection.over(await stream_over(near))
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()
    connection.write_eof()
    connection.write(b"dropped")
    await asyncio.sleep(0.01)
    assert connection.lost


async def test_a_client_that_asks_ahead_leaves_others_their_turn() -> None:
    async with connected() as (near, client):
        side, turns = ClientSide(near), 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        await client.send(GET * 500)
        async with asyncio.TaskGroup() as group:
            counting = group.create_task(count())
            for _ in range(500):
                await side.head()
                await side.body(0)
            counting.cancel()
        assert turns > 400
