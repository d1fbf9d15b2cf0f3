"""Byte streams: exact reads, a slow peer makes the writer wait, a hot loop takes over with every byte."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from gateway.domain.errors import PeerError, UpstreamUnavailable
from gateway.transport.stream import READ_AHEAD, ByteStream, dial_socket, stream_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def joined() -> AsyncIterator[tuple[ByteStream, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    stream = await stream_over(ours)
    try:
        yield stream, theirs
    finally:
        stream.abort()
        theirs.close()


async def test_exact_reads_whatever_the_pieces() -> None:
    async with joined() as (stream, peer):
        loop = asyncio.get_running_loop()
        for piece in (b"a", b"bcd", b"efghij"):
            await loop.sock_sendall(peer, piece)
        assert await stream.take(4) == b"abcd"
        assert await stream.take(6) == b"efghij"
        peer.close()
        with pytest.raises(PeerError, match="in the middle"):
            await stream.take(1)


async def test_a_fast_peer_is_made_to_wait() -> None:
    async with joined() as (stream, peer):
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                sent += peer.send(b"x" * 65536)
        await asyncio.sleep(0.1)
        with contextlib.suppress(BlockingIOError):
            while True:
                sent += peer.send(b"x" * 65536)
        assert len(stream._buffer) <= READ_AHEAD * 8
        assert await stream.take(sent) == b"x" * sent


async def test_a_slow_peer_makes_the_writer_wait() -> None:
    async with joined() as (stream, peer):
        loop = asyncio.get_running_loop()
        stream.write(b"y" * (1 << 20))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await stream.drain()
        got = 0
        while got < 1 << 20:
            got += len(await loop.sock_recv(peer, 1 << 16))
        await stream.drain()


async def test_a_hot_loop_takes_over_with_every_byte() -> None:
    class Hot(asyncio.Protocol):
        seen = b""

        def data_received(self, data: bytes) -> None:
            self.seen += data

    async with joined() as (stream, peer):
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(peer, b"abcdef")
        assert await stream.take(2) == b"ab"
        hot = Hot()
        rest = stream.hand_over(hot)
        await loop.sock_sendall(peer, b"ghi")
        await asyncio.sleep(0.05)
        assert rest + hot.seen == b"cdefghi"


async def test_what_cannot_be_reached_is_said() -> None:
    with pytest.raises(UpstreamUnavailable, match=r"127\.0\.0\.1:1"):
        await dial_socket("127.0.0.1", 1)
    with pytest.raises(UpstreamUnavailable, match=r"can't be reached at nowhere\.invalid"):
        await dial_socket("nowhere.invalid", 5432)
    with pytest.raises(UpstreamUnavailable, match="/nonexistent"):
        await dial_socket("", 0, unix="/nonexistent/.s.PGSQL.5432")
