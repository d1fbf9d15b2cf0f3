"""Names of statements, portals and cursors follow the server's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.domain.ids import UnitNumber
from gateway.protocols.postgres import wire
from gateway.protocols.postgres.names import Names, Portal, Prepared

if TYPE_CHECKING:
    from postgres_door import Gate, Speaker


def run(name: bytes, *values: bytes, portal: bytes = b"") -> bytes:
    return wire.bind(portal, name, values) + wire.execute(portal)


def test_a_failed_parse_gives_the_name_back() -> None:
    names = Names()
    old = Prepared(b"s", b"SELECT 1", segment=0, settled=True)
    names.set_statement(old)
    new = Prepared(b"s", b"SELECT 2", segment=1)
    before = names.set_statement(new)
    names.statement_failed(new, before)
    assert names.statements[b"s"] is old


def test_the_unnamed_statement_is_gone_when_its_parse_fails() -> None:
    names = Names()
    names.set_statement(Prepared(b"", b"SELECT 1", segment=0, settled=True))
    new = Prepared(b"", b"SELEC", segment=1)
    names.statement_failed(new, names.set_statement(new))
    assert names.statements == {}


def test_a_closed_portal_comes_back_when_the_close_is_skipped() -> None:
    names = Names()
    held = Portal(b"p", UnitNumber(1), segment=0, settled=True)
    names.set_portal(held)
    closing = Portal(b"p", UnitNumber(0), segment=1)
    names.portal_failed(closing, names.set_portal(closing))
    assert names.portals[b"p"] is held


async def test_a_named_statement_outlives_a_failed_second_parse(gate: Gate, speaker: Speaker) -> None:
    assert await speaker.ask(wire.parse(b"s", b"SELECT 'old'"), wire.SYNC) == "1ZI"
    # In one write: the second Parse fails (the name is taken); the Bind behind the Sync runs the old text.
    speaker.send(wire.parse(b"s", b"SELECT 'new'"), wire.SYNC, run(b"s"), wire.SYNC)
    assert "".join(each.kind.decode() for each in await speaker.until(b"Z")) == "EZ"
    got = await speaker.until(b"Z")
    assert "".join(each.kind.decode() for each in got) == "2DCZ"
    assert b"old" in got[1].body
    assert gate.room.units[-1][0].text == b"SELECT 'old'"


async def test_a_refused_parse_keeps_the_named_statement(speaker: Speaker) -> None:
    await speaker.ask(wire.parse(b"s", b"SELECT 1"), wire.SYNC)
    assert await speaker.ask(wire.parse(b"s", b"DELETE FROM customers"), wire.SYNC) == "EZI"
    assert await speaker.ask(run(b"s"), wire.SYNC) == "2DCZI"


async def test_sql_and_wire_share_one_name_space(gate: Gate, speaker: Speaker) -> None:
    await speaker.ask(wire.query(b"PREPARE p AS SELECT 7"))
    assert await speaker.ask(run(b"p"), wire.SYNC) == "2DCZI"
    assert gate.room.units[-1][0].text.endswith(b"SELECT 7")
    await speaker.ask(wire.parse(b"w", b"SELECT 8"), wire.SYNC)
    assert await speaker.ask(wire.query(b"EXECUTE w")) == "TDCZI"
    assert await speaker.ask(wire.query(b"DEALLOCATE ALL")) == "CZI"
    assert await speaker.ask(run(b"w"), wire.SYNC) == "EZI"
    assert speaker.error["C"] == "26000"


async def test_prepare_and_use_in_one_pipeline(speaker: Speaker) -> None:
    prepare = wire.parse(b"", b"PREPARE q AS SELECT 9") + wire.bind(b"", b"") + wire.execute(b"")
    assert await speaker.ask(prepare, run(b"q"), wire.SYNC) == "12C2DCZI"


async def test_a_prepared_write_is_refused(speaker: Speaker) -> None:
    assert await speaker.ask(wire.query(b"PREPARE d AS DELETE FROM customers")) == "EZI"
    assert await speaker.ask(wire.query(b"EXECUTE d")) == "EZI"


async def test_portals_with_row_limits(gate: Gate, speaker: Speaker) -> None:
    text = b"SELECT generate_series(1, 5)"
    speaker.send(wire.query(b"BEGIN"))
    await speaker.until(b"Z")
    first = wire.parse(b"", text) + wire.bind(b"c", b"") + wire.execute(b"c", 2) + wire.SYNC
    assert await speaker.ask(first) == "12DDsZT"
    assert await speaker.ask(wire.execute(b"c", 2), wire.SYNC) == "DDsZT"
    assert await speaker.ask(wire.execute(b"c", 2), wire.SYNC) == "DCZT"
    answers = gate.room.answers
    assert answers[max(answers)]["rows"] == 5
    assert await speaker.ask(wire.close(b"P", b"c"), wire.SYNC) == "3ZT"
    assert await speaker.ask(wire.execute(b"c"), wire.SYNC) == "EZE"


async def test_a_cursor_of_sql_can_be_run_by_the_wire(speaker: Speaker) -> None:
    await speaker.ask(wire.query(b"BEGIN; DECLARE k CURSOR FOR SELECT generate_series(1, 3)"))
    assert await speaker.ask(wire.execute(b"k", 2), wire.SYNC) == "DDsZT"
    assert await speaker.ask(wire.query(b"CLOSE k; COMMIT")) == "CCZI"


async def test_a_search_path_set_in_the_pipeline_counts_behind_it(gate: Gate, speaker: Speaker) -> None:
    pipeline = b"".join(
        wire.parse(b"", text) + wire.bind(b"", b"") + wire.execute(b"")
        for text in (b"SET search_path TO pg_catalog", b"SELECT count(*) FROM customers")
    )
    await speaker.ask(pipeline, wire.SYNC)
    paths = gate.room.door._following.context.search_paths
    assert len(paths) >= 1
    assert await speaker.ask(wire.query(b"RESET search_path")) == "CZI"
    assert await speaker.ask(wire.query(b"SELECT count(*) FROM customers")) == "TDCZI"
    assert len(gate.room.door._following.context.search_paths) == 1


async def test_a_session_keeps_only_so_many_statements(gate: Gate) -> None:
    names = Names()
    for at in range(300):
        assert not names.full()
        names.set_statement(Prepared(b"%d" % at, b"x" * 120_000, segment=0, settled=True))
        if at == 279:
            break
    assert names.full()


async def test_binary_values_are_recorded_with_their_formats(gate: Gate, speaker: Speaker) -> None:
    parse = wire.parse(b"", b"SELECT $1::int4", [23])
    bound = wire.bind(b"", b"", [b"\0\0\0\5"], formats=[1])
    assert await speaker.ask(parse, bound, wire.execute(b""), wire.SYNC) == "12DCZI"
    assert gate.room.units[-1][0].context == "formats 1 types 23"
