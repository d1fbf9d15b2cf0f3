"""A client's streams of an exec, by WebSocket channels and by SPDY."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.domain.errors import PeerError
from gateway.protocols.kubernetes import streams, websocket
from gateway.protocols.kubernetes.console import Console, Locked
from gateway.protocols.kubernetes.streams import (
    Channel,
    Sized,
    SpdyStreams,
    Typed,
    TypedAll,
    WebSocketStreams,
)
from gateway.protocols.kubernetes.websocket import Message, Opcode, WebSocketReader
from gateway.terminal.programs import TABLES, KeyLock
from gateway.transport.http.connection import WRITE_HIGH, Connection
from gateway.transport.stream import stream_over


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Connection, Connection]]:
    """A gateway's end and its client's."""
    ours, theirs = socket.socketpair()
    ends = [Connection.over(await stream_over(each)) for each in (ours, theirs)]
    try:
        yield ends[0], ends[1]
    finally:
        for end in ends:
            end.abort()


def said(channel: int, data: bytes) -> bytes:
    return websocket.frame(Opcode.BINARY, bytes((channel,)) + data, masked=True)


async def test_channels_carry_input_sizes_and_ends() -> None:
    async with connected() as (ours, client):
        spoken = WebSocketStreams(ours, said(0, b"early"))
        assert await spoken.heard() == [Typed(b"early")]
        client.write(said(0, b"x") + said(4, b'{"Width":80,"Height":24}') + said(255, b"\0") + said(9, b"?"))
        assert await spoken.heard() == [Typed(b"x"), Sized(80, 24), TypedAll()]


async def test_what_is_written_comes_by_channel_and_the_status_last() -> None:
    async with connected() as (ours, client):
        spoken = WebSocketStreams(ours, b"")
        spoken.write(Channel.STDOUT, b"out")
        spoken.end(b"{}")
        reader, found = WebSocketReader(masked=False), []
        while len(found) < 3:
            found += reader.feed(await client.read())
        assert found == [
            Message(Opcode.BINARY, b"\1out"),
            Message(Opcode.BINARY, b"\3{}"),
            Message(Opcode.CLOSE, websocket.NORMAL),
        ]


async def test_pings_are_answered_and_a_close_ends_it() -> None:
    async with connected() as (ours, client):
        spoken = WebSocketStreams(ours, b"")
        client.write(websocket.frame(Opcode.PING, b"hi", masked=True))
        client.write(websocket.frame(Opcode.CLOSE, b"", masked=True))
        assert await spoken.heard() is None
        assert WebSocketReader(masked=False).feed(await client.read()) == [
            Message(Opcode.PONG, b"hi"),
            Message(Opcode.CLOSE, websocket.NORMAL),
        ]


@pytest.mark.parametrize(
    "data", [b"", b"{}", b'{"Width":0,"Height":5}', b'{"Width":99999,"Height":5}', b"[1]", b"\xff"]
)
def test_what_is_no_size_is_none(data: bytes) -> None:
    assert streams.sizes_of(data) == []


def test_sizes_may_come_one_behind_the_other() -> None:
    both = streams.size_message(Sized(80, 24)) + streams.size_message(Sized(100, 30))
    assert streams.sizes_of(both) == [Sized(80, 24), Sized(100, 30)]
    assert json.loads(streams.size_message(Sized(1, 2))) == {"Width": 1, "Height": 2}


async def test_spdy_waits_for_the_streams_that_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STREAMS_SECONDS", 0.05)
    async with connected() as (ours, _client):
        with pytest.raises(PeerError, match="did not open"):
            await SpdyStreams(ours, b"", [Channel.STDOUT]).ready()


class Ear:
    """What a console's input goes to."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def fed(self, data: bytes) -> None:
        self.heard.append(data)

    def fed_up(self) -> None:
        self.heard.append(None)

    def resized(self, size: Sized) -> None:
        self.heard.append(size)

    async def drain(self) -> None:
        return


async def test_input_waits_for_a_listener_and_the_size_does_not() -> None:
    async with connected() as (ours, client), asyncio.TaskGroup() as group:
        console = Console(WebSocketStreams(ours, b""), tty=True)
        listening = group.create_task(console.listen())
        client.write(said(4, b'{"Width":80,"Height":24}') + said(0, b"ls\n") + said(255, b"\0"))
        while console.size is None:
            await asyncio.sleep(0.01)
        ear = Ear()
        console.join(ear)
        while len(ear.heard) < 3:
            await asyncio.sleep(0.01)
        assert ear.heard == [Sized(80, 24), b"ls\n", None]
        client.close()
        await listening
        assert console.gone.is_set()


def test_a_lock_drops_keys_that_a_program_may_not_be_sent() -> None:
    ear = Ear()
    locked = Locked(ear, KeyLock(TABLES["less"]))
    locked.fed(b"j!q")
    locked.fed(b"!")
    locked.fed_up()
    assert ear.heard == [b"jq", None]


async def test_a_client_that_pings_on_and_takes_no_answer_waits() -> None:
    async with connected() as (ours, client):
        spoken = WebSocketStreams(ours, b"")
        assert client._transport is not None
        assert ours._transport is not None
        client._transport.pause_reading()  # as a client that sleeps
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(spoken.heard())
            for _ in range(100):
                client.write(websocket.frame(Opcode.PING, b"x" * 125, masked=True) * 1000)
                await asyncio.sleep(0.002)
            assert ours._transport.get_write_buffer_size() < 4 * WRITE_HIGH
            hearing.cancel()
