"""A malicious client against a role that may do all: judge and wire alone keep production as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest
from postgres_door import Gate, Speaker, endpoint_for, gate_for

from gateway.domain.verdict import Decision
from gateway.protocols.postgres import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from servers import Production

_TWINS = """
DROP SCHEMA IF EXISTS trap CASCADE;
CREATE SCHEMA trap;
CREATE OR REPLACE FUNCTION public.twin() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'innocent' $$;
CREATE FUNCTION trap.twin() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'trapped'; END $$;
CREATE OR REPLACE FUNCTION public.late(n int) RETURNS SETOF text LANGUAGE sql STABLE ROWS 5
    AS $$ SELECT twin() FROM generate_series(1, n) OFFSET 0 $$;
CREATE FUNCTION trap.checked(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN true; END $$;
CREATE DOMAIN trap.sprung AS text CHECK (trap.checked(VALUE));
"""
TWIN = wire.query(b"SELECT twin()")


def run(name: bytes = b"", portal: bytes = b"") -> bytes:
    return wire.bind(portal, name) + wire.execute(portal)


@pytest.fixture(scope="module")
async def domain(production: Production) -> int:
    """Two functions of one name, one of them a writer; the oid of a domain that runs code."""
    connection = await asyncpg.connect(production.server.dsn(production.database))
    await connection.execute(_TWINS)
    oid = await connection.fetchval("SELECT 'trap.sprung'::regtype::oid::int8")
    await connection.close()
    return int(oid)


@pytest.fixture(scope="module")
async def open_gate(
    production: Production, domain: int, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gate]:
    endpoint = endpoint_for(
        production, user=production.superuser, password=production.superuser_password, require="none"
    )
    async with gate_for(tmp_path_factory.mktemp("open"), {"orders-db": endpoint}) as made:
        yield made


@pytest.fixture
async def attacker(open_gate: Gate) -> AsyncIterator[Speaker]:
    made = await Speaker.login(open_gate)
    yield made
    await made.close()


def trapped(speaker: Speaker) -> bool:
    """Whether the writer ran."""
    return any(b"trapped" in each.body for each in speaker.last)


@pytest.mark.parametrize(
    "texts",
    [
        (b"BEGIN", b"ROLLBACK", b"SET search_path = trap"),
        (b"ROLLBACK", b"BEGIN", b"SET search_path = trap", b"COMMIT"),
        (b"BEGIN; SET search_path = trap; COMMIT; ROLLBACK",),
        (b"BEGIN; SET search_path = trap; COMMIT; BEGIN; ROLLBACK",),
        (b"SET search_path = trap; COMMIT; ROLLBACK",),
        (b"BEGIN; SAVEPOINT a; SET search_path = trap; RELEASE a; COMMIT", b"ROLLBACK"),
        (b"BEGIN; SET LOCAL search_path = public; SET search_path = trap; COMMIT",),
        (b"SELECT set_config('search_path', 'trap', false)", b"ROLLBACK"),
        (b"SET search_path = public", b"BEGIN; SET search_path = trap", b"COMMIT AND CHAIN", b"ROLLBACK"),
    ],
)
async def test_no_order_of_transactions_hides_a_search_path(
    attacker: Speaker, texts: tuple[bytes, ...]
) -> None:
    for text in texts:
        await attacker.ask(wire.query(text))
    assert await attacker.ask(TWIN) == "EZI"
    assert await attacker.ask(wire.query(b"SHOW search_path")) == "TDCZI"
    assert any(b"trap" in each.body for each in attacker.last)


@pytest.mark.parametrize(
    "texts",
    [
        (b"BEGIN; SET search_path = trap", b"ROLLBACK"),
        (b"BEGIN; SET search_path = trap; ROLLBACK",),
        (b"SET search_path = trap", b"RESET search_path"),
        (b"BEGIN; SET LOCAL search_path = trap; COMMIT",),
        (b"SET search_path = trap; COMMIT; SET search_path = public",),
    ],
)
async def test_a_search_path_that_is_undone_does_not_stay(
    attacker: Speaker, texts: tuple[bytes, ...]
) -> None:
    for text in texts:
        await attacker.ask(wire.query(text))
    assert await attacker.ask(TWIN) == "TDCZI"
    assert not trapped(attacker)


async def test_reset_goes_back_to_the_path_of_the_start_up_packet(open_gate: Gate) -> None:
    speaker = await Speaker.login(open_gate, search_path="trap")
    await speaker.ask(wire.query(b"SET search_path = public"))
    assert await speaker.ask(wire.query(b"RESET search_path; SELECT twin()")) == "EZI"
    await speaker.close()


async def test_the_types_of_values_are_judged(open_gate: Gate, attacker: Speaker, domain: int) -> None:
    read = wire.parse(b"", b"SELECT $1 IS NULL", [domain]) + wire.bind(b"", b"", [b"x"]) + wire.execute(b"")
    assert await attacker.ask(read, wire.SYNC) == "EZI"
    assert await attacker.ask(wire.parse(b"s", b"SELECT $1 IS NULL", [domain]), wire.SYNC) == "EZI"
    # The gateway's own rendering of the values of a refused write asks with the same types.
    write = wire.parse(b"", b"UPDATE customers SET name = $1", [domain])
    with pytest.raises(ConnectionResetError):
        await attacker.ask(write, wire.bind(b"", b"", [b"x"]), wire.execute(b""), wire.SYNC)
    (asked,) = (judged for unit, judged in open_gate.room.units if b"quote_nullable" in unit.text)
    assert asked.verdict.decision is Decision.CHANGE


async def test_a_portal_is_judged_again_under_a_new_search_path(attacker: Speaker) -> None:
    copy = wire.parse(b"x", b"COPY (SELECT twin()) TO STDOUT") + wire.bind(b"p", b"x")
    await attacker.ask(wire.query(b"BEGIN"))
    assert await attacker.ask(copy, wire.SYNC) == "12ZT"
    await attacker.ask(wire.query(b"SET search_path = trap"))
    assert await attacker.ask(wire.execute(b"p"), wire.SYNC) == "EZE"
    # The order of the pipeline is no way round: SET is bound first, run last but one.
    await attacker.ask(wire.query(b"ROLLBACK"))
    setting = wire.parse(b"s", b"SET search_path = trap") + wire.bind(b"q", b"s")
    await attacker.ask(wire.query(b"BEGIN"))
    await attacker.ask(setting, wire.bind(b"p", b"x"), wire.execute(b"q"), wire.execute(b"p"), wire.SYNC)
    assert not trapped(attacker)
    await attacker.ask(wire.query(b"ROLLBACK"))


@pytest.mark.parametrize(
    "texts",
    [
        (b"BEGIN; DECLARE c CURSOR FOR SELECT late(3)", b"SET search_path = trap", b"FETCH ALL FROM c"),
        (b"BEGIN; DECLARE c CURSOR FOR SELECT late(3); SET search_path = trap; FETCH ALL FROM c",),
        (b"BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT late(3); SET search_path = trap; COMMIT; FETCH c",),
    ],
)
async def test_a_cursor_is_not_run_under_another_search_path(
    attacker: Speaker, texts: tuple[bytes, ...]
) -> None:
    for text in texts:
        await attacker.ask(wire.query(text))
        assert not trapped(attacker)


async def test_a_cursor_whose_declaration_is_under_way_counts(attacker: Speaker) -> None:
    attacker.send(
        *map(wire.query, (b"BEGIN; DECLARE c CURSOR FOR SELECT late(3)", b"SET search_path = trap"))
    )
    await attacker.until(b"Z")
    attacker.last = await attacker.until(b"Z")
    assert [each.kind for each in attacker.last] == [b"E", b"Z"]


async def test_what_execute_means_waits_for_what_is_not_answered(attacker: Speaker) -> None:
    await attacker.ask(wire.parse(b"a", b"SELECT twin()"), wire.parse(b"x", b"EXECUTE a"), wire.SYNC)
    await attacker.ask(wire.query(b"SET search_path = trap"))
    # The second Parse fails (the name is taken): EXECUTE still means the first.
    attacker.send(wire.parse(b"a", b"SELECT 1"), wire.SYNC, run(b"x"), wire.SYNC)
    await attacker.until(b"Z")
    attacker.last = await attacker.until(b"Z")
    assert "E" in "".join(each.kind.decode() for each in attacker.last)
    assert not trapped(attacker)


async def test_names_that_the_server_would_cut_are_not_taken(attacker: Speaker) -> None:
    cut = b"a" * 63
    assert await attacker.ask(wire.parse(cut, b"SELECT 1"), wire.SYNC) == "1ZI"
    assert await attacker.ask(wire.close(b"S", cut + b"X"), wire.SYNC) == "EZI"
    assert await attacker.ask(wire.parse(cut + b"Y", b"SELECT 2"), wire.SYNC) == "EZI"
    assert await attacker.ask(wire.parse("é".encode(), b"SELECT 2"), run("é".encode()), wire.SYNC) == "EZI"
    assert await attacker.ask(wire.parse(b"", b"SELECT 2"), run(b"", cut + b"p"), wire.SYNC) == "EZI"
    assert await attacker.ask(run(cut), wire.SYNC) == "2DCZI"


@pytest.mark.parametrize(
    "intruder",
    [wire.message(b"F", b"\0\0\0\1" + bytes(6)), wire.query(b"x" * (3 << 20)), wire.query(b"SELECT 1")],
)
async def test_what_the_server_skips_is_not_awaited(attacker: Speaker, intruder: bytes) -> None:
    attacker.send(wire.parse(b"", b"SELECT nothing FROM customers"), wire.FLUSH)
    await attacker.until(b"E")
    assert await attacker.ask(intruder, wire.SYNC) == "ZI"
    assert await attacker.ask(wire.parse(b"", b"SELECT 1"), run(), wire.SYNC) == "12DCZI"


async def test_a_fetched_cursor_does_not_end_a_transaction_for_us(attacker: Speaker) -> None:
    await attacker.ask(wire.query(b"ROLLBACK; BEGIN; DECLARE c CURSOR FOR SELECT 1"))
    await attacker.ask(wire.query(b"SET search_path = trap"))
    assert await attacker.ask(wire.execute(b"c"), wire.SYNC) == "DCZT"
    await attacker.ask(wire.query(b"COMMIT"))
    assert await attacker.ask(TWIN) == "EZI"


async def test_texts_read_in_another_encoding_are_not_run(attacker: Speaker) -> None:
    setting = wire.parse(b"", b"SET client_encoding = 'LATIN1'") + run()
    shown = wire.parse(b"", "SELECT 'é'".encode()) + run()
    assert await attacker.ask(setting, shown, wire.SYNC) == "12CEZI"
    assert await attacker.ask(setting, wire.SYNC) == "12CSZI"
    assert await attacker.ask(wire.query("SELECT 'é'".encode("latin-1"))) == "TDCZI"


async def test_a_statement_of_the_old_encoding_is_forgotten(attacker: Speaker) -> None:
    assert await attacker.ask(wire.parse(b"s", "SELECT 'é'".encode()), wire.SYNC) == "1ZI"
    assert (await attacker.ask(wire.query(b"SET client_encoding = 'LATIN1'"))).endswith("ZI")
    assert await attacker.ask(run(b"s"), wire.SYNC) == "EZI"


async def test_one_client_does_not_decide_how_the_catalogue_is_read(open_gate: Gate) -> None:
    parameters = {"client_encoding": "LATIN1", "statement_timeout": "5000", "search_path": "trap"}
    speaker = await Speaker.login(open_gate, **parameters)
    read_as = dict(open_gate.room.door._feed._target.parameters)
    assert read_as.keys() & {"statement_timeout", "search_path"} == set()
    assert read_as["client_encoding"] == "UTF8"
    await speaker.close()


@pytest.mark.parametrize("path", ["x" * 64, "a,,b", 'a "b"', '"a', "public, pg_catalog"])
async def test_a_search_path_that_the_server_reads_otherwise_is_not_passed_on(
    open_gate: Gate, path: str
) -> None:
    with pytest.raises(ConnectionResetError):
        await Speaker.login(open_gate, search_path=path)


async def test_running_on_is_admitted_again_once_the_lease_has_lapsed(
    open_gate: Gate, attacker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = wire.parse(b"", b"SELECT generate_series(1, 9)") + wire.bind(b"p", b"")
    await attacker.ask(wire.query(b"BEGIN"))
    assert await attacker.ask(many, wire.execute(b"p", 1), wire.SYNC) == "12DsZT"
    admitted = len(open_gate.room.units)
    assert await attacker.ask(wire.execute(b"p", 1), wire.SYNC) == "DsZT"
    assert len(open_gate.room.units) == admitted
    monkeypatch.setattr(open_gate.room, "lapsed", lambda: True)
    assert await attacker.ask(wire.execute(b"p", 1), wire.SYNC) == "DsZT"
    assert len(open_gate.room.units) == admitted + 1


async def test_a_transaction_has_only_so_many_portals(attacker: Speaker) -> None:
    await attacker.ask(wire.parse(b"s", b"SELECT 1"), wire.SYNC, wire.query(b"BEGIN"))
    await attacker.until(b"Z")
    assert await attacker.ask(*(wire.bind(b"p%d" % at, b"s") for at in range(1001)), wire.SYNC) == (
        "2" * 1000 + "EZE"
    )
