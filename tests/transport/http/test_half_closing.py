"""TLS whose directions end one by one: each side may say that it is done, and still reads."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import uvloop

from gateway.domain.errors import PeerError, UpstreamUnavailable
from gateway.transport.accept import Arrival, Listener
from gateway.transport.authority import Authority
from gateway.transport.http.connection import Connection
from gateway.transport.stream import accept_tls, dial_socket, stream_over
from gateway.transport.tls import ServerTls, client_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path
    from typing import Any


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.open(tmp_path_factory.mktemp("tls"))


@contextlib.asynccontextmanager
async def listening(
    authority: Authority, serve: Callable[[Connection], Coroutine[Any, Any, None]]
) -> AsyncIterator[Listener]:
    tls = ServerTls(authority.server_certificate(["localhost"]))
    listener = Listener.open("127.0.0.1", 0)

    async def take(arrival: Arrival) -> None:
        connection = Connection.over(await accept_tls(arrival, tls.context))
        await serve(connection)
        connection.close()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(listener.run(take))
        yield listener
        running.cancel()
        listener.close()


async def dialled(authority: Authority, port: int) -> Connection:
    sock = await dial_socket("127.0.0.1", port)
    context = client_context(verify=True, ca=authority.pem)
    return Connection.over(await stream_over(sock, context=context, name="localhost"))


async def everything(connection: Connection) -> bytes:
    data = b""
    while piece := await connection.read():
        data += piece
    return data


async def test_a_side_that_is_done_still_reads(authority: Authority) -> None:
    async def serve(connection: Connection) -> None:
        assert await everything(connection) == b"question" * 50_000
        assert not connection.lost
        for _ in range(20):
            connection.write(b"answer" * 10_000)
            await connection.drain()

    async with listening(authority, serve) as listener:
        client = await dialled(authority, listener.port)
        client.write(b"question" * 50_000)
        client.write_eof()
        client.write(b"never sent")
        assert await everything(client) == b"answer" * 200_000
        client.close()


async def test_the_other_side_may_be_done_first(authority: Authority) -> None:
    taken = asyncio.get_running_loop().create_future()

    async def serve(connection: Connection) -> None:
        connection.write(b"all")
        connection.write_eof()
        taken.set_result(await everything(connection))

    async with listening(authority, serve) as listener:
        client = await dialled(authority, listener.port)
        assert await everything(client) == b"all"
        client.write(b"said afterwards")
        client.close()
        assert await taken == b"said afterwards"


async def test_the_loops_own_tls_is_understood(authority: Authority) -> None:
    async def serve(connection: Connection) -> None:
        connection.write((await connection.read()).upper())

    async with listening(authority, serve) as listener:
        reader, writer = await asyncio.open_connection(
            "localhost",
            listener.port,
            ssl=client_context(verify=True, ca=authority.pem),
            server_hostname="localhost",
            family=socket.AF_INET,
        )
        writer.write(b"hello")
        assert await reader.read() == b"HELLO"
        writer.close()
        await writer.wait_closed()


async def test_a_slow_reader_makes_the_writer_wait(authority: Authority) -> None:
    waiting = asyncio.Event()

    async def serve(connection: Connection) -> None:
        for _ in range(2000):
            if not connection._caught_up.is_set():
                waiting.set()
            connection.write(b"x" * 65536)
            try:
                async with asyncio.timeout(0.2):
                    await connection.drain()
            except TimeoutError:
                waiting.set()
                break
        connection.abort()

    async with listening(authority, serve) as listener:
        client = await dialled(authority, listener.port)
        await waiting.wait()
        assert client._size < 4 << 20
        client.abort()


async def test_who_leaves_without_a_word_is_noticed(authority: Authority) -> None:
    left = asyncio.Event()

    async def serve(connection: Connection) -> None:
        connection.when_it_leaves(left.set, half=True)
        await everything(connection)
        await left.wait()

    async with listening(authority, serve) as listener:
        client = await dialled(authority, listener.port)
        client.write(b"x")
        client.abort()
        await left.wait()


def test_closing_what_the_peer_has_closed_does_nothing(authority: Authority) -> None:
    async def main() -> None:
        lost, done = asyncio.Event(), asyncio.Event()

        async def serve(connection: Connection) -> None:
            connection.when_it_leaves(lost.set, half=True)
            await lost.wait()
            await asyncio.sleep(0)
            connection.write(b"to nobody")
            connection.write_eof()
            connection.close()
            await connection.leave(1.0)
            done.set()

        async with listening(authority, serve) as listener:
            client = await dialled(authority, listener.port)
            client.abort()
            await lost.wait()
            async with asyncio.timeout(2):
                await done.wait()
        await client.leave(1.0)

    uvloop.run(main())  # which is stricter about it than asyncio's own loop


async def test_what_is_no_tls_is_told(authority: Authority) -> None:
    errors: list[PeerError] = []
    tls = ServerTls(authority.server_certificate(["localhost"]))
    listener = Listener.open("127.0.0.1", 0)

    async def take(arrival: Arrival) -> None:
        with pytest.raises(PeerError) as raised:
            await accept_tls(arrival, tls.context)
        errors.append(raised.value)

    async with asyncio.TaskGroup() as group:
        running = group.create_task(listener.run(take))
        for said in (b"GET / HTTP/1.1\r\n\r\n", b""):
            sock = await dial_socket("127.0.0.1", listener.port)
            await asyncio.get_running_loop().sock_sendall(sock, said)
            sock.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                await asyncio.get_running_loop().sock_recv(sock, 100)
            sock.close()
        while len(errors) < 2:
            await asyncio.sleep(0.01)
        running.cancel()
    listener.close()
    assert all("no TLS" in error.message for error in errors)


async def test_a_certificate_that_is_not_trusted_is_told(authority: Authority, tmp_path: Path) -> None:
    async def serve(connection: Connection) -> None:
        raise AssertionError

    other = Authority.open(tmp_path)
    async with listening(authority, serve) as listener:
        sock = await dial_socket("127.0.0.1", listener.port)
        with pytest.raises(UpstreamUnavailable, match="no TLS with production"):
            await stream_over(sock, context=client_context(verify=True, ca=other.pem), name="localhost")


async def test_a_client_is_known_by_its_certificate(authority: Authority) -> None:
    tls = ServerTls(authority.server_certificate(["localhost"]), clients=authority.pem)
    assert tls.context.verify_mode is ssl.CERT_OPTIONAL
    shown: list[bytes | None] = []
    listener = Listener.open("127.0.0.1", 0)

    async def take(arrival: Arrival) -> None:
        made = await accept_tls(arrival, tls.context)
        shown.append(made.peer_certificate())
        made.close()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(listener.run(take))
        client = await dialled(authority, listener.port)
        assert await everything(client) == b""
        client.close()
        running.cancel()
    listener.close()
    assert shown == [None]
