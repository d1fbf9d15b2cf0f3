"""Warned, cancelled, cut: what the client sees and what production is left with."""

from __future__ import annotations

import asyncio
import resource
from typing import TYPE_CHECKING

import psycopg
import pytest
from postgres_door import Gate, Speaker, endpoint_for, gate_for

from gateway.domain.session import EndCause, Ending
from gateway.protocols.postgres import wire

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Production

REVOKED = Ending(EndCause.REVOKED, "your access was revoked", by="approver")
SLEEP = b"SELECT pg_sleep(30)"


async def running(production: object, text: str) -> int:
    """Count what production runs of this text."""
    async with await psycopg.AsyncConnection.connect(production.dsn()) as connection:  # type: ignore[attr-defined]
        asked = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = %s"
        return (await (await connection.execute(asked, (text,))).fetchone())[0]


async def test_a_warning_comes_between_messages(gate: Gate, speaker: Speaker) -> None:
    await gate.room.door.warn("your access ends in 5 minutes")
    assert await speaker.ask(wire.query(b"SELECT 1")) == "NTDCZI"
    notice = wire.parse_error(speaker.last[0].body)
    assert (notice["S"], notice["M"]) == ("WARNING", "your access ends in 5 minutes")


async def test_a_warning_waits_for_the_end_of_a_row(gate: Gate, speaker: Speaker) -> None:
    speaker.send(wire.query(b"SELECT repeat('x', 50000000)"))
    await asyncio.sleep(0.3)
    await gate.room.door.warn("soon")
    got = await speaker.until(b"Z", 20)
    assert len(next(each.body for each in got if each.kind == b"D")) > 50_000_000
    if not any(each.kind == b"N" for each in got):
        assert wire.parse_error((await speaker.until(b"N"))[-1].body)["M"] == "soon"


async def test_a_cut_in_the_middle_of_a_query_cancels_it(
    gate: Gate, production: object, speaker: Speaker
) -> None:
    speaker.send(wire.query(SLEEP))
    while not await running(production, SLEEP.decode()):
        await asyncio.sleep(0.02)
    async with asyncio.timeout(2):
        assert await gate.room.door.cut(REVOKED) is True
    last = (await speaker.closed())[-1]
    fields = wire.parse_error(last.body)
    assert (fields["S"], fields["C"]) == ("FATAL", "57P01")
    assert fields["M"] == "your access was revoked"
    assert await running(production, SLEEP.decode()) == 0


async def test_a_cut_between_queries_is_confirmed_at_once(gate: Gate, speaker: Speaker) -> None:
    assert await gate.room.door.cut(REVOKED) is True
    assert wire.parse_error((await speaker.closed())[-1].body)["C"] == "57P01"


async def test_a_cut_reaches_past_a_client_that_does_not_read(gate: Gate, production: object) -> None:
    text = b"SELECT repeat('y', 10000) FROM generate_series(1, 100000)"
    speaker = await Speaker.login(gate)
    room = gate.room
    speaker.send(wire.query(text))
    speaker.writer.transport.pause_reading()
    await asyncio.sleep(0.5)
    async with asyncio.timeout(4):
        assert await room.door.cut(REVOKED) is True
    assert await running(production, text.decode()) == 0
    speaker.writer.transport.abort()


async def test_a_client_that_leaves_has_its_query_cancelled(gate: Gate, production: object) -> None:
    speaker = await Speaker.login(gate)
    room = gate.room
    text = b"SELECT pg_sleep(31)"
    speaker.send(wire.query(text))
    while not await running(production, text.decode()):
        await asyncio.sleep(0.02)
    speaker.writer.transport.abort()
    async with asyncio.timeout(4):
        await room.ended.wait()
    assert await running(production, text.decode()) == 0


@pytest.mark.parametrize("version", [wire.PROTOCOL_3_0, wire.PROTOCOL_3_2])
async def test_a_cancel_request_with_our_key_cancels_and_no_other_does(gate: Gate, version: int) -> None:
    speaker = await Speaker.login(gate, version=version)
    speaker.send(wire.query(SLEEP))
    await asyncio.sleep(0.3)
    wrong = bytes(len(speaker.key))
    for key in (wrong, speaker.key):
        _, writer = await asyncio.open_connection(gate.host, gate.port)
        writer.write(wire.cancel_request(speaker.process, key))
        await asyncio.sleep(0.3)
        writer.close()
        if key == wrong:
            assert not speaker.kept
    got = await speaker.until(b"Z")
    assert wire.parse_error(next(each.body for each in got if each.kind == b"E"))["C"] == "57014"
    assert ("cancel", "the client asked to cancel its running query") in gate.room.events
    assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"
    await speaker.close()


async def test_no_statement_runs_past_the_endpoints_ceiling(production: Production, tmp_path: Path) -> None:
    endpoints = {"orders-db": endpoint_for(production, statement_timeout_ms=400)}
    async with gate_for(tmp_path, endpoints) as made:
        speaker = await Speaker.login(made)
        for text in (SLEEP, b"SET statement_timeout = 0; " + SLEEP):
            got = await speaker.ask(wire.query(text))
            assert got.endswith("EZI")
            assert speaker.error["C"] == "57014"
        assert ("ceiling", "a statement ran for more than 0.4 s") in made.room.events
        assert await speaker.ask(wire.query(b"SELECT 1")) == "TDCZI"
        await speaker.close()


async def test_psycopg_cancels_safely_over_tls(gate: Gate) -> None:
    async def sleep(connection: psycopg.AsyncConnection) -> None:
        with pytest.raises(psycopg.errors.QueryCanceled):
            await connection.execute("SELECT pg_sleep(20)")

    async with (
        await psycopg.AsyncConnection.connect(gate.dsn()) as connection,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(sleep(connection))
        await asyncio.sleep(0.3)
        await connection.cancel_safe()


async def test_a_slow_reader_does_not_grow_the_gateway(gate: Gate) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    speaker = await Speaker.login(gate)
    speaker.send(wire.query(b"SELECT repeat('z', 1000) FROM generate_series(1, 300000)"))
    speaker.writer.transport.pause_reading()
    await asyncio.sleep(1.5)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
    speaker.writer.transport.resume_reading()
    rows = sum(each.kind == b"D" for each in await speaker.until(b"Z", 30))
    assert rows == 300_000
    assert list(gate.room.answers.values())[-1]["rows"] == 300_000
    await speaker.close()
