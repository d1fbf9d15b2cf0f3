"""What is too much, too slow or broken: a clear error each time, and a bystander who does not notice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from live_clients import NEW, Live
from postgres_door import Speaker

from gateway.protocols.postgres import wire


@dataclass(frozen=True)
class Address:
    host: str
    port: int
    ca: Path


@pytest.fixture(scope="module")
def live(own_live: Live) -> Live:
    """A gateway whose memory is looked at."""
    return own_live


async def login(live: Live, endpoint: str = NEW) -> Speaker:
    speaker = await Speaker.connect(Address("localhost", live.gateway.postgres_port, live.gateway.ca))  # type: ignore[arg-type]
    speaker.send(
        wire.startup({"user": f"engineer+{endpoint}", "database": "shop"}, version=wire.PROTOCOL_3_0)
    )
    await speaker.until(b"R")
    speaker.send(wire.message(b"p", live.token().encode() + b"\0"))
    await speaker.until(b"Z")
    return speaker


@pytest.fixture
async def speaker(live: Live) -> AsyncIterator[Speaker]:
    made = await login(live)
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def bystander(live: Live) -> Iterator[list[float]]:
    """Asks all the time; every answer must come, and soon."""
    waits: list[float] = []
    over = threading.Event()
    failures: list[Exception] = []

    def ask() -> None:
        try:
            with psycopg.connect(live.dsn(), autocommit=True) as connection:
                while not over.is_set():
                    began = time.monotonic()
                    assert connection.execute("SELECT 42").fetchone() == (42,)
                    waits.append(time.monotonic() - began)
                    over.wait(0.02)
        except (psycopg.Error, AssertionError) as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    until = time.monotonic() + 10
    while not waits and not failures and time.monotonic() < until:
        time.sleep(0.01)
    yield waits
    over.set()
    thread.join(10)
    assert not failures
    assert max(waits) < 3


def resident(live: Live) -> int:
    """Megabytes that the gateway holds in memory."""
    assert live.gateway.process is not None
    status = Path(f"/proc/{live.gateway.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) >> 10


async def test_a_statement_of_fifty_megabytes(live: Live, speaker: Speaker) -> None:
    speaker.send(wire.query(b"SELECT '" + b"x" * 50_000_000 + b"'"))
    got = await speaker.until(b"Z", 60)
    assert wire.parse_error(got[0].body)["C"] == "54000"
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"
    assert resident(live) < 600


async def test_ten_thousand_statements_in_one_string(speaker: Speaker) -> None:
    speaker.send(wire.query(b"SELECT 1;" * 10_000))
    got = await speaker.until(b"Z", 60)
    kinds = "".join(each.kind.decode() for each in got)
    assert kinds in ("TDC" * 10_000 + "Z", "EZ")
    speaker.send(wire.query(b"SELECT 1;" * 9_999 + b"DELETE FROM orders"))
    got = await speaker.until(b"Z", 60)
    assert [each.kind for each in got] == [b"E", b"Z"]
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT " + b"(" * 20_000 + b"1" + b")" * 20_000,
        b"SELECT " + b"NOT " * 50_000 + b"true",
        b"SELECT " + b"- " * 50_000 + b"1",
        b"SELECT 1" + b" + 1" * 50_000,
        b"SELECT " + b"[" * 10_000,
        b"SELECT 1 " + b"UNION SELECT 1 " * 20_000,
        b"SELECT CASE WHEN true THEN " * 5_000,
        b"WITH a AS (" * 5_000,
        b"/*" * 50_000,
        b"SELECT $$" + b"x" * 100_000,
        b"\xff\xfe SELECT 1",
        b"SELECT '\xed\xa0\x80'",
    ],
    ids=lambda text: text[:24].decode("utf-8", "replace"),
)
async def test_texts_made_to_hurt(speaker: Speaker, text: bytes) -> None:
    speaker.send(wire.query(text))
    got = await speaker.until(b"Z", 30)
    assert got[0].kind in (b"E", b"T")
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"


@pytest.mark.parametrize(
    "sent",
    [
        b"Q\0\0\0\0",
        b"Q\0\0\0\3",
        b"Q\xff\xff\xff\xff" + b"x" * 100,
        b"Q\x7f\xff\xff\xff" + b"x" * 100,
        b"?\0\0\0\4",
        b"\0" * 64,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"p\0\0\0\6x\0",
        b"R\0\0\0\10\0\0\0\0",
    ],
    ids=lambda sent: sent[:9].hex(),
)
async def test_malformed_messages_end_the_session_with_an_error(speaker: Speaker, sent: bytes) -> None:
    speaker.send(sent)
    got = await speaker.closed(10)
    assert wire.parse_error(got[0].body)["S"] == "FATAL"
    assert wire.parse_error(got[0].body)["M"]


@pytest.mark.parametrize(
    "sent",
    [
        wire.message(b"P", b"x"),
        wire.message(b"P", b"\0SELECT 1\0\xff\xff"),
        wire.message(b"P", b"\0SELECT 1\0\0\5\0\0"),
        wire.message(b"B", b"\0\0\0\1"),
        wire.message(b"B", b"\0\0\0\0\xff\xff"),
        wire.message(b"B", b"\0\0\0\0\0\1\0\0\0\7x\0\0"),
        wire.message(b"B", b"\0none\0\0\0\0\0\0\0"),
        wire.message(b"E", b"none\0\0\0\0\0"),
        wire.message(b"P", b"\0SELECT '\xff'\0\0\0"),
    ],
    ids=lambda sent: sent.hex()[:30],
)
async def test_broken_extended_messages(speaker: Speaker, sent: bytes) -> None:
    speaker.send(sent + wire.SYNC)
    got = await speaker.until(b"Z")
    assert [each.kind for each in got] == [b"E", b"Z"]
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"


def raw(live: Live) -> socket.socket:
    made = socket.create_connection(("localhost", live.gateway.postgres_port), 10)
    made.settimeout(10)
    return made


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0",
        b"\0\0\0\x08\x04\xd2\x16",
        b"\0\0\0\x09\x04\xd2\x16\x2f!",
        b"\xff\xff\xff\xff\x04\xd2\x16\x2f",
        b"\0\0\0\x08\0\0\0\0",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"x" * 50,
        struct.pack("!ii", 8, 80877103) + struct.pack("!ii", 8, 196608),
    ],
    ids=lambda sent: sent.hex()[:24],
)
def test_first_bytes_that_lead_nowhere(live: Live, sent: bytes) -> None:
    with raw(live) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(sent)
        with contextlib.suppress(OSError):  # closed already
            connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass


def test_a_hundred_connections_at_once(live: Live) -> None:
    async def one(number: int, dsn: str) -> int:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            cursor = await connection.execute("SELECT %s::int, pg_sleep(0.5)", (number,))
            row = await cursor.fetchone()
            assert row is not None
            return int(row[0])

    async def all_of_them() -> list[int]:
        dsn = live.dsn()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number, dsn)) for number in range(100)]
        return [task.result() for task in tasks]

    assert asyncio.run(all_of_them()) == list(range(100))


def test_half_open_connections_hold_nobody_up(live: Live) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(raw(live)).sendall(b"\0\0\0\x08")
        assert live.psql("-Atc", "SELECT 1").out.strip() == "1"


def test_a_client_that_vanishes_leaves_nothing_running(live: Live) -> None:
    mark = "SELECT pg_sleep(40), 'vanished'"
    connection = psycopg.connect(live.dsn(), autocommit=True)
    connection.pgconn.send_query(mark.encode())
    production = live.servers[NEW]
    with psycopg.connect(production.dsn(production.superuser), autocommit=True) as direct:
        question = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = %s"
        wait_for(lambda: direct.execute(question, (mark,)).fetchone() == (1,))
        stream = socket.socket(fileno=os.dup(connection.pgconn.socket))
        stream.shutdown(socket.SHUT_RDWR)
        stream.close()
        wait_for(lambda: direct.execute(question, (mark,)).fetchone() == (0,))
    connection.close()


def wait_for(condition: object, seconds: float = 8) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.05)


async def test_a_slow_reader_of_a_big_result_costs_no_memory(live: Live, speaker: Speaker) -> None:
    before = resident(live)
    speaker.send(wire.query(b"SELECT repeat('x', 100000) FROM generate_series(1, 5000)"))
    await asyncio.sleep(3)
    assert resident(live) - before < 60
    speaker.writer.transport.abort()


async def test_a_client_that_sends_byte_by_byte(speaker: Speaker) -> None:
    for byte in wire.query(b"SELECT 'slow'") + wire.query(b"DELETE FROM orders"):
        speaker.send(bytes([byte]))
        await speaker.writer.drain()
        await asyncio.sleep(0.002)
    first = await speaker.until(b"Z")
    second = await speaker.until(b"Z")
    assert "".join(each.kind.decode() for each in first) == "TDCZ"
    assert "".join(each.kind.decode() for each in second) == "EZ"


async def test_a_client_that_never_reads_its_answers(live: Live) -> None:
    before = resident(live)
    deaf = await login(live)
    query = wire.query(b"SELECT repeat('y', 10000)")
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(4):
            while True:
                deaf.send(query * 100)
                await deaf.writer.drain()
    assert resident(live) - before < 80
    deaf.writer.transport.abort()
