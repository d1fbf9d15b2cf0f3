from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.domain.errors import ConfigurationBroken
from gateway.store.migrations import migrate, read_migrations
from gateway.store.pool import Store

SHIPPED = Path(__file__).resolve().parents[2] / "migrations"


@pytest.fixture
async def store(empty_dsn):
    async with await Store.open(empty_dsn) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (n integer); INSERT INTO first VALUES (1);")
    (tmp_path / "0002_second.sql").write_text("CREATE TABLE second AS SELECT n FROM first;")
    return tmp_path


async def test_the_shipped_ones_apply_once(store) -> None:
    names = [migration.name for migration in read_migrations(SHIPPED)]
    assert names[0] == "0001_access.sql"
    assert await migrate(store, SHIPPED) == names
    assert await migrate(store, SHIPPED) == []


async def test_only_what_is_new_is_applied(store, folder) -> None:
    assert await migrate(store, folder) == ["0001_first.sql", "0002_second.sql"]
    (folder / "0010_third.sql").write_text("DROP TABLE second;")
    assert await migrate(store, folder) == ["0010_third.sql"]


async def test_replicas_that_start_at_once_apply_each_once(store, folder, empty_dsn) -> None:
    (folder / "0003_slow.sql").write_text("SELECT pg_sleep(0.3); INSERT INTO first VALUES (2);")
    async with await Store.open(empty_dsn) as other, asyncio.TaskGroup() as group:
        done = [group.create_task(migrate(each, folder)) for each in (store, other)]
    assert sorted(len(task.result()) for task in done) == [0, 3]
    async with store.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM first") == 2


async def test_a_file_that_fails_leaves_nothing_of_itself(store, folder) -> None:
    (folder / "0002_second.sql").write_text("INSERT INTO first VALUES (9); SELECT nonsense;")
    with pytest.raises(ConfigurationBroken, match=r"0002_second\.sql can't be applied: .*nonsense"):
        await migrate(store, folder)
    async with store.connection() as conn:
        assert await conn.fetchval("SELECT sum(n) FROM first") == 1
    (folder / "0002_second.sql").write_text("INSERT INTO first VALUES (2);")
    assert await migrate(store, folder) == ["0002_second.sql"]


async def test_an_applied_file_is_never_edited(store, folder) -> None:
    await migrate(store, folder)
    (folder / "0001_first.sql").write_text("CREATE TABLE other (n integer);")
    with pytest.raises(ConfigurationBroken, match=r"0001_first\.sql was edited"):
        await migrate(store, folder)


async def test_an_older_gateway_does_not_start_on_a_newer_store(store, folder) -> None:
    await migrate(store, folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(ConfigurationBroken, match=r"brought further \(0002_second\.sql\)"):
        await migrate(store, folder)


@pytest.mark.parametrize("name", ["1_short.sql", "0003-dash.sql", "0003_Upper.sql", "0002_twice.sql"])
def test_names_that_can_not_be(folder, name) -> None:
    (folder / name).write_text("SELECT 1;")
    with pytest.raises(ConfigurationBroken, match=name.replace(".", r"\.")):
        read_migrations(folder)


def test_a_folder_without_migrations_is_a_broken_installation(tmp_path) -> None:
    with pytest.raises(ConfigurationBroken, match="holds no migrations"):
        read_migrations(tmp_path)
