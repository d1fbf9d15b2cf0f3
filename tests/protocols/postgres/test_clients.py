"""Real clients read through the door as if it were the server."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import psycopg
import pytest
import sqlalchemy

from gateway.domain.verdict import Decision

if TYPE_CHECKING:
    from postgres_door import Gate

DEBIAN = Path("/usr/bin")


async def run(
    program: Path, *arguments: str, environment: dict[str, str], stdin: str = ""
) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        program, *arguments, env=environment, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
    return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture(params=["15", "17"])
def psql(request: pytest.FixtureRequest, production: object) -> Path:
    if request.param == "17":
        return production.server.bin("psql")  # type: ignore[attr-defined]
    if not (DEBIAN / "psql").exists():
        pytest.skip("no psql of Debian's")
    return DEBIAN / "psql"


async def test_psql_reads_and_is_told_of_the_change_request(gate: Gate, psql: Path) -> None:
    script = "SELECT count(*) FROM customers;\nUPDATE customers SET city = 'Graz';\nSELECT 'still here';\n"
    code, out, err = await run(psql, "-X", "-At", environment=gate.environment(), stdin=script)
    assert code == 0
    assert out.split() == ["600", "still", "here"]
    assert "ERROR:  UPDATE writes rows; it was not run" in err
    assert "Drafted as change request" in err
    assert "To propose it: glassgate change submit 3" in err


@pytest.mark.parametrize(
    "command",
    ["\\dt+", "\\d customers", "\\d+ open_orders", "\\df", "\\sf record_visit", "\\du", "\\dn+", "\\dp"],
)
async def test_backslash_commands_pass(gate: Gate, psql: Path, command: str) -> None:
    environment = gate.environment()
    code, out, err = await run(psql, "-X", "-v", "ON_ERROR_STOP=1", environment=environment, stdin=command)
    assert (code, err) == (0, "")
    assert out


async def test_copy_out_and_fetch_count(gate: Gate, psql: Path) -> None:
    script = (
        "\\copy (SELECT id FROM customers ORDER BY id) TO STDOUT\n\\set FETCH_COUNT 50\nTABLE products;\n"
    )
    code, out, err = await run(psql, "-X", "-At", environment=gate.environment(), stdin=script)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) > 600


async def test_pg_dump_alone_and_in_parallel(gate: Gate, production: object, short_folder: Path) -> None:
    program = production.server.bin("pg_dump")  # type: ignore[attr-defined]
    code, out, err = await run(program, environment=gate.environment())
    assert (code, err) == (0, "")
    assert out.count("\n") > 5000
    folder = short_folder / "dump"
    code, _, err = await run(program, "-j", "3", "-Fd", "-f", str(folder), environment=gate.environment())
    assert (code, err) == (0, "")
    assert len(list(folder.iterdir())) > 5


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
async def test_pgbench_in_every_mode(gate: Gate, production: object, short_folder: Path, mode: str) -> None:
    script = short_folder / "read.sql"
    script.write_text("\\set id random(1, 600)\nSELECT city FROM customers WHERE id = :id;\n")
    program = production.server.bin("pgbench")  # type: ignore[attr-defined]
    arguments = ("-n", "-M", mode, "-c", "4", "-t", "200", "-f", str(script))
    code, out, err = await run(program, *arguments, environment=gate.environment())
    assert code == 0, err
    assert "number of failed transactions: 0" in out
    for room in gate.line.rooms[-4:]:
        ran = [number for number, (unit, _) in enumerate(room.units, 1) if b"SELECT city" in unit.text]
        assert sum(room.answers.get(number, {}).get("rows", 0) for number in ran) == 200
        if mode != "simple":
            assert all(room.units[number - 1][0].values for number in ran[-150:])


async def test_psycopg_reads_binary_and_by_server_side_cursor(gate: Gate) -> None:
    async with await psycopg.AsyncConnection.connect(gate.dsn()) as connection:
        cursor = await connection.execute("SELECT %b::int8 + 1, now()", (41,), binary=True)
        assert (await cursor.fetchone())[0] == 42
        async with connection.cursor("walker") as walker:
            await walker.execute("SELECT id FROM customers ORDER BY id")
            walker.itersize = 50
            assert [row[0] async for row in walker][:3] == [1, 2, 3]
        for _ in range(8):  # psycopg prepares from the fifth on
            await connection.execute("SELECT city FROM customers WHERE id = %s", (3,))


async def test_psycopg_pipeline(gate: Gate) -> None:
    async with (
        await psycopg.AsyncConnection.connect(gate.dsn(), autocommit=True) as connection,
        connection.pipeline() as pipeline,
    ):
        first = await connection.execute("SELECT 1")
        await connection.execute("SET search_path TO public")
        second = await connection.execute("SELECT count(*) FROM customers")
        await pipeline.sync()
        third = await connection.execute("SELECT 3")
        assert [(await each.fetchone())[0] for each in (first, second, third)] == [1, 600, 3]


async def test_psycopg_refusal_carries_state_detail_and_values(gate: Gate) -> None:
    async with await psycopg.AsyncConnection.connect(gate.dsn()) as connection:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as caught:
            await connection.execute("UPDATE customers SET city = %s WHERE id = %s", ("Graz", 5))
        assert "change request" in (caught.value.diag.message_detail or "")
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
    room = gate.room
    capture = room.captures[-1]
    assert capture.text == "UPDATE customers SET city = $1 WHERE id = $2"
    assert capture.values == (b"Graz", b"\x00\x05")
    assert room.rendered[-1] == ("'Graz'", "'5'")


async def test_executemany_of_a_write_joins_one_change_request(gate: Gate) -> None:
    async with await psycopg.AsyncConnection.connect(gate.dsn()) as connection:
        rows = [(f"City {at}", at) for at in range(1, 5)]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            async with connection.cursor() as cursor:
                await cursor.executemany("UPDATE customers SET city = %s WHERE id = %s", rows)
    captured = gate.room.captures
    assert [capture.values[0] for capture in captured] == [b"City 1", b"City 2", b"City 3", b"City 4"]
    assert len({capture.batch for capture in captured}) == 1


async def test_asyncpg_prepares_fetches_and_walks(gate: Gate) -> None:
    tls = ssl.create_default_context(cafile=str(gate.ca))
    connection = await asyncpg.connect(
        host=gate.host,
        port=gate.port,
        user="engineer+orders-db",
        password="ggd_test",
        database="shop",
        ssl=tls,
    )
    try:
        assert await connection.fetchval("SELECT count(*) FROM customers WHERE id <= $1", 100) == 100
        statement = await connection.prepare("SELECT city FROM customers WHERE id = $1")
        assert await statement.fetchval(1)
        async with connection.transaction():
            walked = [row["id"] async for row in connection.cursor("SELECT id FROM customers ORDER BY id")]
        assert len(walked) == 600
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("DELETE FROM customers WHERE id = $1", 3)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.reset()
    finally:
        await connection.close()


async def test_sqlalchemy_reflects_and_reads(gate: Gate) -> None:
    def use() -> tuple[int, int]:
        url = sqlalchemy.URL.create(
            "postgresql+psycopg", username="engineer+orders-db", password="ggd_test", host=gate.host,
            port=gate.port, database="shop", query={"sslmode": "verify-full", "sslrootcert": str(gate.ca)},
        )  # fmt: skip
        engine = sqlalchemy.create_engine(url)
        try:
            tables = sqlalchemy.MetaData()
            tables.reflect(engine)
            with engine.connect() as connection:
                customers = tables.tables["customers"]
                count = connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(customers))
                return len(tables.tables), count.scalar_one()
        finally:
            engine.dispose()

    assert await asyncio.to_thread(use) == (6, 600)


async def test_several_databases_of_one_server(gate: Gate) -> None:
    for database in ("shop", "postgres"):
        async with await psycopg.AsyncConnection.connect(gate.dsn(database)) as connection:
            cursor = await connection.execute("SELECT current_database()")
            assert await cursor.fetchone() == (database,)


async def test_postgres_15_behind_the_door(gate15: Gate) -> None:
    async with await psycopg.AsyncConnection.connect(gate15.dsn()) as connection:
        cursor = await connection.execute("SELECT current_setting('server_version_num')::int / 10000")
        assert await cursor.fetchone() == (15,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await connection.execute("DELETE FROM customers")


async def test_results_are_kept_where_the_endpoint_says_so(gate: Gate) -> None:
    async with await psycopg.AsyncConnection.connect(gate.dsn(endpoint="kept-db")) as connection:
        await connection.execute("SELECT 'a kept row'")
    kept = b"".join(data for _, _, data in gate.room.outputs)
    assert b"a kept row" in kept


async def test_everything_admitted_was_judged_a_read(gate: Gate) -> None:
    for room in gate.line.rooms:
        for number in room.answers:
            unit, judged = room.units[number - 1]
            assert judged.verdict.decision is Decision.ALLOW, unit.text
