"""asyncpg: binary throughout, with its own look into the types."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal

import asyncpg
import pytest
from live_clients import Live


@pytest.fixture
async def connection(live: Live, endpoint: str) -> AsyncIterator[asyncpg.Connection]:
    context = ssl.create_default_context(cafile=str(live.gateway.ca))
    made = await asyncpg.connect(
        host="localhost",
        port=live.gateway.postgres_port,
        user=f"engineer+{endpoint}",
        password=live.token(),
        database="shop",
        ssl=context,
    )
    yield made
    await made.close()


async def test_values_of_every_kind(connection: asyncpg.Connection) -> None:
    row = await connection.fetchrow("SELECT * FROM customers WHERE id = $1", 5)
    assert isinstance(row["created_at"], datetime)
    assert row["newsletter"] in (True, False)
    price = await connection.fetchval("SELECT price_with_vat($1, $2)", Decimal("10.00"), "DE")
    assert price == Decimal("11.90")
    assert await connection.fetchval("SELECT $1::int[]", [1, 2, 3]) == [1, 2, 3]


async def test_type_introspection(connection: asyncpg.Connection) -> None:
    found = await connection.fetch("SELECT d FROM reporting.revenue_by_country AS d")
    assert found[0]["d"]["country"]
    ranges = await connection.fetchval("SELECT array[int4range(1, 5)]")
    assert ranges[0].lower == 1
    await connection.set_type_codec(
        "jsonb", encoder=str, decoder=lambda text: ("seen", text), schema="pg_catalog"
    )
    assert (await connection.fetchval("SELECT preferences FROM customers LIMIT 1"))[0] == "seen"
    await connection.reload_schema_state()


async def test_prepared_statements_and_cursors(connection: asyncpg.Connection) -> None:
    statement = await connection.prepare("SELECT id FROM customers WHERE id > $1 ORDER BY id")
    assert statement.get_attributes()[0].name == "id"
    assert len(await statement.fetch(590)) == 10
    assert (await statement.explain(1))[0]["Plan"]
    async with connection.transaction(readonly=True, isolation="serializable"):
        assert [row["id"] async for row in statement.cursor(0, prefetch=50)] == list(range(1, 601))
        cursor = await connection.cursor("SELECT generate_series(1, 100)")
        await cursor.forward(50)
        assert (await cursor.fetchrow())[0] == 51


async def test_writes_are_refused(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError) as refused:
        await connection.executemany("UPDATE customers SET city = $1 WHERE id = $2", [("a", 1), ("b", 2)])
    assert "change request" in refused.value.detail
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await connection.copy_records_to_table("customers", records=[("x",)], columns=["email"])
    with pytest.raises(asyncpg.PostgresError):
        await connection.add_listener("shop", print)
    async with connection.transaction():
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with connection.transaction():
                await connection.execute("DELETE FROM orders WHERE id = $1", 1)
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_writing_transaction_is_not_begun(connection: asyncpg.Connection) -> None:
    transaction = connection.transaction(isolation="serializable", readonly=False)
    await transaction.start()
    assert await connection.fetchval("SHOW transaction_read_only") == "on"
    await transaction.rollback()


async def test_copy_out(connection: asyncpg.Connection, tmp_path: object) -> None:
    target = f"{tmp_path}/out"
    await connection.copy_from_query(
        "SELECT * FROM orders WHERE id < $1", 100, output=target, format="binary"
    )
    await connection.copy_from_table("customers", output=target, format="csv", header=True)


async def test_a_pool_resets_its_connections(live: Live, endpoint: str) -> None:
    context = ssl.create_default_context(cafile=str(live.gateway.ca))
    async with asyncpg.create_pool(
        host="localhost", port=live.gateway.postgres_port, user=f"engineer+{endpoint}",
        password=live.token(), database="shop", ssl=context, min_size=2, max_size=4,
        server_settings={"application_name": "pooled", "search_path": "reporting, public"},
    ) as pool:  # fmt: skip
        for _ in range(6):
            async with pool.acquire() as connection:
                await connection.execute("SET statement_timeout = '5s'")
                assert await connection.fetchval("SELECT count(*) FROM customers") == 600
                assert await connection.fetchval("SHOW search_path") == "reporting, public"


async def test_a_timeout_cancels_on_the_server(connection: asyncpg.Connection) -> None:
    with pytest.raises(TimeoutError):
        await connection.fetch("SELECT pg_sleep(30)", timeout=0.3)
    assert await connection.fetchval("SELECT 1") == 1
