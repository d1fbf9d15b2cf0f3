"""Every way to change production by hand: none reaches it; what an artifact could carry is drafted."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import psycopg
import pytest
from live_clients import NEW, Live
from psycopg import pq

from gateway.web.shapes.changes import ChangeFacts, ChangeId, ChangeLine, ChangeList, DraftLast, ListChanges

CHANGES = [
    "UPDATE customers SET city = 'Rome' WHERE id = 1",
    "WITH gone AS (DELETE FROM payments WHERE id = 2 RETURNING id) SELECT count(*) FROM gone",
    "INSERT INTO customers (email, full_name, country, city) VALUES ('a@b.c', 'A', 'DE', 'Rome')",
    "DELETE FROM order_items WHERE order_id = 3",
    "MERGE INTO products p USING (SELECT 4 AS id) s ON p.id = s.id WHEN MATCHED THEN DELETE",
    "SELECT nextval('invoice_numbers')",
    "SELECT setval('invoice_numbers', 5)",
    "SELECT next_invoice_number()",
    "SELECT record_visit(1, 'home')",
    "TRUNCATE visits",
    "VACUUM customers",
    "ANALYZE customers",
    "REINDEX TABLE customers",
    "CLUSTER customers USING customers_pkey",
    "REFRESH MATERIALIZED VIEW reporting.daily_revenue",
    "DO $$ BEGIN DELETE FROM visits; END $$",
    "CREATE TABLE fresh (id int)",
    "CREATE TABLE copied AS SELECT * FROM customers",
    "SELECT * INTO copied FROM customers",
    "CREATE INDEX CONCURRENTLY quick ON orders (total)",
    "ALTER TABLE customers ADD COLUMN nickname text",
    "DROP VIEW low_stock",
    "GRANT SELECT ON customers TO PUBLIC",
    "COMMENT ON TABLE customers IS 'people'",
    "SELECT * FROM customers WHERE id = 1 FOR UPDATE",
    "EXPLAIN ANALYZE UPDATE customers SET city = 'Rome'",
    "COMMIT; DELETE FROM orders",
    "SELECT 1; DELETE FROM visits",
    "SELECT lo_create(0)",
    "LOCK TABLE customers IN EXCLUSIVE MODE",
]
REFUSED = [
    "SET transaction_read_only = off",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "BEGIN READ WRITE",
    "RESET default_transaction_read_only",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT query_to_xml('DELETE FROM orders', true, true, '')",
    "SELECT pg_advisory_lock(1)",
    "LISTEN shop",
    "PREPARE TRANSACTION 'x'",
    "SELECT pg_export_snapshot(), dblink('x', 'y')",
]


@pytest.fixture(scope="module")
def live(own_live: Live) -> Live:
    """A gateway whose drafts are looked at."""
    return own_live


@pytest.fixture(scope="module", autouse=True)
def production_stays_as_it_is(live: Live) -> Iterator[None]:
    """Byte for byte, over everything that this module tries."""
    before = {name: live.dump(name) for name in live.servers}
    yield
    for name in live.servers:
        assert live.dump(name) == before[name]


@pytest.fixture
def connection(live: Live, endpoint: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(live.dsn(endpoint), autocommit=True) as made:
        yield made


def changes(live: Live, state: str = "draft") -> list[ChangeLine]:
    question = ListChanges(state=state, limit=1000)
    return list(live.gateway.client("engineer").call("GET /v1/changes", question, ChangeList).changes)


def shown(live: Live, number: int) -> ChangeFacts:
    return live.gateway.client("engineer").call("GET /v1/changes/{id}", ChangeId(id=number), ChangeFacts)


def number_in(error: psycopg.Error) -> int:
    detail = error.diag.message_detail or ""
    assert "change request" in detail, str(error)
    return int(detail.split("change request ")[1].split()[0])


@pytest.mark.parametrize("protocol", ["simple", "extended"])
@pytest.mark.parametrize("text", CHANGES)
def test_a_write_becomes_a_draft_with_the_statement_in_it(
    live: Live, connection: psycopg.Connection, text: str, protocol: str
) -> None:
    several = "; " in text and not text.startswith("DO ")
    if protocol == "extended" and several:
        pytest.skip("the extended protocol takes one statement")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused:
        connection.execute(text.encode(), prepare=protocol == "extended")
    assert connection.info.transaction_status == pq.TransactionStatus.IDLE
    change = shown(live, number_in(refused.value))
    assert change.units[-1].text == text or any(unit.text == text for unit in change.units)
    assert "migrations/" in change.files[0].path
    assert change.files[0].text is not None
    assert "Rollback" in change.files[0].text
    assert text.rsplit("; ", maxsplit=1)[-1].split(maxsplit=1)[0] in change.files[0].text
    hint = refused.value.diag.message_hint or ""
    assert f"glassgate change submit {change.change.id}" in hint
    assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("prepare", [True, False])
@pytest.mark.parametrize("text", REFUSED)
def test_what_loosens_or_leaves_is_refused_without_a_draft(
    live: Live, connection: psycopg.Connection, text: str, prepare: bool
) -> None:
    drafts = len(changes(live))
    with pytest.raises(psycopg.Error, match=r"not run|no function"):
        connection.execute(text.encode(), prepare=prepare)
    assert len(changes(live)) == drafts
    assert connection.execute("SHOW transaction_read_only").fetchone() == ("on",)


def test_bind_values_stand_in_the_migration(live: Live, connection: psycopg.Connection) -> None:
    text = "UPDATE customers SET city = %s, newsletter = %s, preferences = %s WHERE id = %s"
    for binary in (False, True):
        values = (f"O'Higgins {binary}", True, psycopg.types.json.Jsonb({"a": [1, None]}), 17)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused:
            connection.execute(text, values, binary=binary)
        change = shown(live, number_in(refused.value))
        written = change.files[0].text or ""
        assert f"O''Higgins {binary}" in written
        assert '{"a": [1, null]}' in written
        assert "17" in written
        assert change.units[0].tables == ("public.customers",)
        assert change.units[0].estimated_rows == 1


def test_binary_values_are_written_by_the_server(live: Live, connection: psycopg.Connection) -> None:
    raw = connection.pgconn
    result = raw.exec_params(
        b"UPDATE customers SET created_at = $1, city = $2 WHERE id = $3",
        [struct.pack("!q", 0), b"Graz", struct.pack("!q", 21)],
        [1184, 25, 20],
        [1, 0, 1],
    )
    assert result.error_field(pq.DiagnosticField.SQLSTATE) == b"25006"
    detail = (result.error_field(pq.DiagnosticField.MESSAGE_DETAIL) or b"").decode()
    number = int(detail.split("change request ")[1].split()[0])
    written = shown(live, number).files[0].text or ""
    assert "'2000-01-01 00:00:00+00'" in written
    assert "'Graz'" in written
    assert "'21'" in written


def test_nulls_arrays_and_numbers(live: Live, connection: psycopg.Connection) -> None:
    text = "UPDATE products SET name = %s, stock = %s, price = %s WHERE id = ANY(%s)"
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused:
        connection.execute(text, (None, -5, 12.5, [1, 2, 3]))
    written = shown(live, number_in(refused.value)).files[0].text or ""
    assert "NULL" in written
    assert "'-5'" in written
    assert "12.5" in written
    assert "{1,2,3}" in written


def test_statements_of_one_transaction_belong_together(live: Live, endpoint: str) -> None:
    with psycopg.connect(live.dsn(endpoint)) as connection:
        numbers = []
        for at in range(3):
            connection.execute("SAVEPOINT s") if at == 0 else None
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused:
                connection.execute("UPDATE customers SET city = 'Oslo' WHERE id = %s", (at + 100,))
            numbers.append(number_in(refused.value))
            connection.execute("ROLLBACK TO s")
        assert len(set(numbers)) == 1
        assert connection.info.transaction_status == pq.TransactionStatus.INTRANS
        connection.commit()
    change = shown(live, numbers[0])
    assert change.change.state == "draft"
    assert [unit.number for unit in change.units] == sorted(unit.number for unit in change.units)
    assert len(change.units) == 3
    assert (change.files[0].text or "").count("Oslo") == 3


def test_the_clients_rollback_drops_the_draft(live: Live, endpoint: str) -> None:
    notices: list[str] = []
    with psycopg.connect(live.dsn(endpoint)) as connection:
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused:
            connection.execute(f"UPDATE customers SET city = 'Dropped {endpoint}'".encode())
        number = number_in(refused.value)
        assert connection.info.transaction_status == pq.TransactionStatus.INERROR
        connection.rollback()
    assert any(f"drops the draft of change request {number}" in notice for notice in notices)
    assert until_state(live, number, "dropped")


def test_a_rollback_drops_no_older_draft(live: Live, endpoint: str) -> None:
    text = f"UPDATE customers SET city = 'Twice {endpoint}'"
    notices: list[str] = []
    with psycopg.connect(live.dsn(endpoint)) as connection:
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as first:
            connection.execute(text.encode())
        connection.commit()
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as second:
            connection.execute(text.encode())
        assert number_in(second.value) == number_in(first.value)
        assert "Joined" in (second.value.diag.message_detail or "")
        connection.rollback()
    number = number_in(first.value)
    assert notices == [f"your ROLLBACK takes its statements out of change request {number}, which stays"]
    with psycopg.connect(live.dsn(endpoint)) as connection:
        connection.execute("SELECT 1")
    assert shown(live, number).change.state == "draft"


def until_state(live: Live, number: int, state: str) -> bool:
    end = time.monotonic() + 5
    while shown(live, number).change.state != state:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_write_in_a_named_prepared_statement(live: Live, connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        connection.execute("PREPARE w (int) AS UPDATE customers SET city = 'x' WHERE id = $1")
    with pytest.raises(psycopg.Error):
        connection.execute("EXECUTE w (1)")
    connection.execute("PREPARE r (int) AS SELECT city FROM customers WHERE id = $1")
    assert connection.execute("EXECUTE r (1)").fetchone()
    raw = connection.pgconn
    assert raw.prepare(b"again", b"SELECT 1").status == pq.ExecStatus.COMMAND_OK
    assert raw.prepare(b"again2", b"DELETE FROM orders").error_message
    assert raw.exec_prepared(b"again2", []).error_message
    assert raw.exec_prepared(b"again", []).get_value(0, 0) == b"1"


def test_a_parameter_of_type_void_hides_no_other_function(connection: psycopg.Connection) -> None:
    hidden = "SELECT ''a''::tsquery, set_config(''work_mem'', ''9MB'', false)::tsquery"
    text = f"SELECT ts_rewrite('a'::tsquery, {{}}, '{hidden}')"
    before = connection.execute("SHOW work_mem").fetchone()
    for parameter, types in (("$1", [2278]), ("$1::void", None)):
        result = connection.pgconn.exec_params(text.format(parameter).encode(), [b""], types)
        assert result.error_field(pq.DiagnosticField.SQLSTATE) == b"42501"
        assert connection.execute("SHOW work_mem").fetchone() == before


def test_the_last_refused_unit_can_be_drafted_by_hand(live: Live, endpoint: str) -> None:
    engineer = live.gateway.client("engineer")
    with psycopg.connect(live.dsn(endpoint), autocommit=True) as connection:
        text = f"SELECT pg_terminate_backend({1 if endpoint == NEW else 2})"
        with pytest.raises(psycopg.Error, match="not run") as refused:
            connection.execute(text.encode())
    assert "glassgate change draft LAST" in (refused.value.diag.message_hint or "")
    filed = engineer.call("POST /v1/changes/draft-last", DraftLast(), ChangeLine)
    assert shown(live, filed.id).units[-1].text == text
