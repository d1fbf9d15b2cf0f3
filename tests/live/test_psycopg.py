"""psycopg 3 in all its modes, against both servers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from live_clients import Live
from psycopg import ClientCursor, RawCursor, errors, pq

IDLE, IN_TRANSACTION, FAILED = (
    pq.TransactionStatus.IDLE,
    pq.TransactionStatus.INTRANS,
    pq.TransactionStatus.INERROR,
)


@pytest.fixture
def connection(live: Live, endpoint: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(live.dsn(endpoint), autocommit=True) as made:
        yield made


@pytest.mark.parametrize("cursor", [psycopg.Cursor, ClientCursor, RawCursor])
@pytest.mark.parametrize("prepare", [True, False, None])
@pytest.mark.parametrize("binary", [True, False])
def test_every_way_to_execute(
    connection: psycopg.Connection, cursor: type[psycopg.Cursor], prepare: bool | None, binary: bool
) -> None:
    connection.cursor_factory = cursor
    text = "SELECT email, id, preferences, created_at FROM customers WHERE id = "
    text += "$1" if cursor is RawCursor else "%s"
    client_side = cursor is ClientCursor
    for number in range(1, 8):
        row = connection.execute(
            text, (number,), prepare=False if client_side else prepare, binary=binary and not client_side
        ).fetchone()
        assert row is not None
        assert row[1] == number
        assert isinstance(row[2], dict)


def test_transaction_blocks_and_nested_savepoints(connection: psycopg.Connection) -> None:
    with connection.transaction():
        with pytest.raises(errors.ReadOnlySqlTransaction), connection.transaction():
            connection.execute("UPDATE customers SET city = %s WHERE id = %s", ("Rome", 1))
        assert connection.info.transaction_status == IN_TRANSACTION
        assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(errors.DivisionByZero), connection.transaction():
            connection.execute("SELECT 1/0")
        assert connection.execute("SELECT 2").fetchone() == (2,)
    assert connection.info.transaction_status == IDLE


def test_a_refusal_leaves_the_transaction_failed(connection: psycopg.Connection) -> None:
    connection.autocommit = False
    connection.execute("SELECT 1")
    with pytest.raises(errors.ReadOnlySqlTransaction):
        connection.execute("DELETE FROM orders WHERE id = %s", (1,))
    assert connection.info.transaction_status == FAILED
    with pytest.raises(errors.InFailedSqlTransaction):
        connection.execute("SELECT 1")
    connection.rollback()
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_read_only_and_isolation_attributes(live: Live, endpoint: str) -> None:
    with psycopg.connect(live.dsn(endpoint)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.read_only = True
        connection.deferrable = True
        assert connection.execute("SHOW transaction_isolation").fetchone() == ("serializable",)
        connection.rollback()
        connection.read_only = False
        with pytest.raises(psycopg.Error, match="not run"):
            connection.execute("SELECT 1")


def test_server_side_cursors(connection: psycopg.Connection) -> None:
    with connection.transaction(), connection.cursor("walk", scrollable=True, binary=True) as cursor:
        cursor.itersize = 40
        cursor.execute("SELECT id FROM customers WHERE id > %s ORDER BY id", (10,))
        assert cursor.fetchone() == (11,)
        cursor.scroll(100)
        assert cursor.fetchmany(2) == [(112,), (113,)]
        cursor.scroll(0, mode="absolute")
        assert sum(1 for _ in cursor) == 590
    with connection.cursor("held", withhold=True) as held:
        held.execute("SELECT 1 UNION SELECT 2")
        assert held.fetchall() == [(1,), (2,)]


def test_streaming_row_by_row_and_several_results(connection: psycopg.Connection) -> None:
    with connection.cursor() as cursor:
        assert sum(1 for _ in cursor.stream("SELECT generate_series(1, %s)", (3000,))) == 3000
        cursor.execute("SELECT 1; SELECT 2; SELECT 3")
        assert [each.fetchone() for each in cursor.results()] == [(1,), (2,), (3,)]


@pytest.mark.parametrize("how", ["", "WITH (FORMAT csv)", "(FORMAT binary)"])
def test_copy_out(connection: psycopg.Connection, how: str) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY customers TO STDOUT {how}") as copy:
        size = sum(len(data) for data in copy)
    assert size > 60_000


def test_copy_in_is_refused_and_the_session_goes_on(connection: psycopg.Connection) -> None:
    with (
        pytest.raises(errors.ReadOnlySqlTransaction),
        connection.cursor() as cursor,
        cursor.copy("COPY customers (email) FROM STDIN") as copy,
    ):
        copy.write_row(("x",))
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_executemany(connection: psycopg.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "SELECT id FROM customers WHERE id = %s", [(n,) for n in range(1, 30)], returning=True
        )
        assert [each.fetchone() for each in cursor.results()] == [(n,) for n in range(1, 30)]
        with pytest.raises(errors.ReadOnlySqlTransaction):
            cursor.executemany("UPDATE customers SET city = %s WHERE id = %s", [("a", 1), ("b", 2)])
    assert connection.execute("SELECT 1").fetchone() == (1,)


def send_on(pipeline: psycopg.Pipeline, behind: psycopg.Cursor) -> None:
    behind.execute("SELECT 'behind'")
    pipeline.sync()


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ("SELECT 1/0", errors.DivisionByZero),
        ("UPDATE customers SET city = 'x'", errors.ReadOnlySqlTransaction),
        ("SET transaction_read_only = off", psycopg.Error),
        ("this is no statement", errors.SyntaxError),
        ("SELECT no_such_function(1)", errors.UndefinedFunction),
    ],
)
def test_a_pipeline_that_breaks_in_the_middle(
    connection: psycopg.Connection, bad: str, error: type[Exception]
) -> None:
    with connection.pipeline() as pipeline:
        before, broken, behind = (connection.cursor() for _ in range(3))
        before.execute("SELECT 'before'")
        broken.execute(bad)
        with pytest.raises(error):  # psycopg reads answers when it can: at the next statement, or at the sync
            send_on(pipeline, behind)
        with suppress(psycopg.Error):
            pipeline.sync()
        assert before.fetchone() == ("before",)
        with pytest.raises(psycopg.Error):
            broken.fetchone()
        with pytest.raises(psycopg.Error):
            behind.fetchone()
        after = connection.execute("SELECT 'after'")
        assert after.fetchone() == ("after",)
    assert connection.info.transaction_status == IDLE


def test_settings_and_names_changed_in_mid_pipeline(connection: psycopg.Connection) -> None:
    with connection.pipeline():
        connection.execute("SET search_path = reporting, public")
        first = connection.execute("SELECT count(*) FROM revenue_by_country")
        connection.execute("PREPARE here AS SELECT 42")
        second = connection.execute("EXECUTE here")
        connection.execute("DEALLOCATE here")
        connection.execute("RESET search_path")
        third = connection.execute("SELECT count(*) FROM customers")
        assert first.fetchone() is not None
        assert second.fetchone() == (42,)
        assert third.fetchone() == (600,)


def test_a_search_path_that_shadows_is_judged_from_its_place_on(connection: psycopg.Connection) -> None:
    with connection.pipeline() as pipeline:
        connection.execute("SET search_path = reporting, pg_catalog")
        with pytest.raises(psycopg.Error, match="pg_catalog must be first"):
            send_on(pipeline, connection.cursor())
        with suppress(psycopg.Error):
            pipeline.sync()


def test_notifications_are_refused(connection: psycopg.Connection) -> None:
    for text in ("LISTEN shop", "NOTIFY shop, 'x'", "SELECT pg_notify('shop', 'x')"):
        with pytest.raises(psycopg.Error):
            connection.execute(text)
    connection.execute("UNLISTEN *")
    assert list(connection.notifies(timeout=0.05)) == []


def test_two_phase_and_large_objects_are_refused(live: Live, endpoint: str) -> None:
    prepared = psycopg.connect(live.dsn(endpoint))
    prepared.tpc_begin(prepared.xid(1, "global", "branch"))
    with pytest.raises(psycopg.Error, match="not run"):
        prepared.tpc_prepare()
    prepared.close()
    with (
        psycopg.connect(live.dsn(endpoint), autocommit=True) as connection,
        pytest.raises(psycopg.Error, match="not run"),
    ):
        connection.execute("SELECT lo_create(0)")


def test_cancel_from_another_thread(connection: psycopg.Connection) -> None:
    timer = threading.Timer(0.3, connection.cancel_safe)
    timer.start()
    with pytest.raises(errors.QueryCanceled):
        connection.execute("SELECT pg_sleep(30)")
    timer.join()
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_large_rows_and_many_columns(connection: psycopg.Connection) -> None:
    row = connection.execute("SELECT repeat('x', 30000000)").fetchone()
    assert row is not None
    assert len(row[0]) == 30_000_000
    columns = ", ".join(f"{number} AS c{number}" for number in range(1600))
    assert len(connection.execute(f"SELECT {columns}").fetchone() or ()) == 1600
    value = "y" * 5_000_000
    assert connection.execute("SELECT length(%s)", (value,)).fetchone() == (5_000_000,)


def test_notices_reach_the_client(connection: psycopg.Connection) -> None:
    seen: list[str] = []
    connection.add_notice_handler(lambda notice: seen.append(notice.message_primary or ""))
    connection.execute("ROLLBACK")
    assert seen == ["there is no transaction in progress"]


async def test_async_tasks_share_one_connection(live: Live, endpoint: str) -> None:
    async with await psycopg.AsyncConnection.connect(live.dsn(endpoint), autocommit=True) as connection:

        async def ask(number: int) -> int:
            cursor = await connection.execute("SELECT %s::int", (number,))
            row = await cursor.fetchone()
            assert row is not None
            return int(row[0])

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(number)) for number in range(50)]
        assert [task.result() for task in tasks] == list(range(50))


def test_errors_keep_what_the_server_said(connection: psycopg.Connection) -> None:
    with pytest.raises(errors.UndefinedColumn) as caught:
        connection.execute("SELECT emial FROM customers")
    diagnosis = caught.value.diag
    assert diagnosis.statement_position == "8"
    assert "customers.email" in (diagnosis.message_hint or "")
