"""The sample production that tests and the demo stand on."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from dulwich.repo import Repo
from servers import SAMPLE_CUSTOMERS, Production


@pytest.fixture(params=["production", "production15"])
def sample(request: pytest.FixtureRequest) -> Production:
    return request.getfixturevalue(request.param)


async def test_the_shop_is_filled_and_the_reader_can_only_read(sample: Production) -> None:
    reader = await asyncpg.connect(sample.dsn(sample.reader))
    try:
        assert await reader.fetchval("SELECT count(*) FROM customers") == SAMPLE_CUSTOMERS
        assert await reader.fetchval("SELECT count(*) FROM orders") == SAMPLE_CUSTOMERS * 3
        assert await reader.fetchval("SELECT count(*) FROM order_items") > SAMPLE_CUSTOMERS * 5
        assert await reader.fetchval("SELECT count(*) FROM orders WHERE total <= 0") == 0
        assert await reader.fetchval("SELECT count(*) FROM open_orders") > 0
        assert await reader.fetchval("SELECT count(*) FROM reporting.daily_revenue") > 0
        for write in (
            "DELETE FROM visits",
            "CREATE TABLE t ()",
            "CREATE TEMP TABLE t ()",
            "SELECT nextval('invoice_numbers')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await reader.execute(write)
    finally:
        await reader.close()


async def test_the_writer_writes(sample: Production) -> None:
    writer = await asyncpg.connect(sample.dsn(sample.writer))
    try:
        transaction = writer.transaction()
        await transaction.start()
        assert await writer.execute("UPDATE customers SET loyalty = 'gold' WHERE id = 7") == "UPDATE 1"
        assert await writer.fetchval("SELECT record_visit(7, '/checkout')") >= 1
        await transaction.rollback()
    finally:
        await writer.close()


async def test_nobody_gets_in_without_tls(sample: Production) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(sample.dsn(sample.reader).replace("verify-full", "disable"))


async def test_the_repository_holds_the_service(git_repository: Path) -> None:
    repository = Repo(str(git_repository))
    tree = repository[repository[repository.head()].tree]
    assert set(tree) == {b"README.md", b"config", b"manifests", b"migrations"}
    repository.close()
