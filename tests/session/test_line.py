"""The straight line with a real client, a real gateway and real production."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from live_gateway import Beginning, LiveGateway
from servers import Production
from stopwatch import unhurried

from gateway.web.shapes.access import (
    Approve,
    FileRequest,
    GrantId,
    GrantList,
    ListGrants,
    RequestFacts,
    Revoke,
)
from gateway.web.shapes.identity import Done, PersonRole
from gateway.web.shapes.sessions import Kill, ListSessions, SessionList


def grant_of(gateway: LiveGateway, person: str) -> int:
    held = gateway.client(person).call("GET /v1/grants", ListGrants(mine=True), GrantList).grants
    return held[0].id


def live_sessions(gateway: LiveGateway, person: str) -> list[int]:
    listed = (
        gateway.client("reviewer").call("GET /v1/sessions", ListSessions(state="live"), SessionList).sessions
    )
    return [session.id for session in listed if session.identity == person]


@contextmanager
def newcomer(gateway: LiveGateway, name: str) -> Iterator[str]:
    """An engineer of the test's own, so that one test's revocation ends no other test's sessions."""
    gateway.add_person(name, "engineer")
    gateway.grant(person=name)
    yield name


def test_a_read_is_answered_and_a_write_never_reaches_production(
    gateway: LiveGateway, production: Production
) -> None:
    gateway.grant()
    with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
        before = connection.execute("SELECT count(*), max(status) FROM orders").fetchone()
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused:
            connection.execute("UPDATE orders SET status = 'mended' WHERE id = 1")
        assert "change request" in str(refused.value.diag.message_detail)
        assert "glassgate change submit" in str(refused.value.diag.message_hint)
        assert connection.execute("SELECT count(*), max(status) FROM orders").fetchone() == before
    with psycopg.connect(production.dsn(production.superuser)) as direct:
        found = direct.execute("SELECT count(*) FROM orders WHERE status = 'mended'").fetchone()
        assert found == (0,)


def test_without_a_grant_the_refusal_says_what_to_type(gateway: LiveGateway) -> None:
    gateway.add_person("nora", "engineer")
    with pytest.raises(psycopg.OperationalError, match=r"glassgate request orders-db --for"):
        psycopg.connect(gateway.dsn(person="nora"))


@contextmanager
def running_query(gateway: LiveGateway, person: str) -> Iterator[dict[str, object]]:
    """A query that would run for a minute, in a thread; what became of it stands in the dictionary."""
    outcome: dict[str, object] = {}

    def run() -> None:
        try:
            with psycopg.connect(gateway.dsn(person=person), autocommit=True) as connection:
                outcome["connected"] = True
                connection.execute("SELECT pg_sleep(60)")
        except psycopg.Error as error:
            outcome["error"] = str(error)
            outcome["ended"] = unhurried()

    thread = threading.Thread(target=run)
    thread.start()
    until = time.monotonic() + 10
    while not live_sessions(gateway, person) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.3)
    yield outcome
    thread.join(10)
    assert not thread.is_alive()


def sleeping_in(production: Production) -> int:
    with psycopg.connect(production.dsn(production.superuser)) as direct:
        row = direct.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE query LIKE 'SELECT pg_sleep(60)%' AND state = 'active'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def comes_to_rest(production: Production) -> bool:
    """Whether nothing sleeps there a moment after the client was told: production is told behind it."""
    until = unhurried() + 1.0
    while sleeping_in(production):
        if unhurried() > until:
            return False
        time.sleep(0.02)
    return True


def test_revoking_cuts_a_running_query_within_a_second(gateway: LiveGateway, production: Production) -> None:
    with newcomer(gateway, "rhea") as person, running_query(gateway, person) as outcome:
        assert sleeping_in(production) == 1
        revoked = unhurried()
        question = Revoke(id=grant_of(gateway, person), reason="done here")
        gateway.client("approver").call("POST /v1/grants/{id}/revoke", question, Done)
    assert "taken away by approver: done here" in str(outcome["error"])
    assert float(str(outcome["ended"])) - revoked < 1.0
    assert comes_to_rest(production)


def test_taking_the_role_cuts_within_a_second(gateway: LiveGateway, production: Production) -> None:
    with newcomer(gateway, "rolf") as person, running_query(gateway, person) as outcome:
        taken = unhurried()
        question = PersonRole(name=person, role="engineer")
        gateway.client("admin").call("DELETE /v1/people/{name}/roles/{role}", question, Done)
    assert "taken away" in str(outcome["error"])
    assert float(str(outcome["ended"])) - taken < 1.0
    assert comes_to_rest(production)


def test_a_kill_says_who_and_why(gateway: LiveGateway, production: Production) -> None:
    with newcomer(gateway, "kim") as person, running_query(gateway, person) as outcome:
        (session,) = live_sessions(gateway, person)
        killed = unhurried()
        gateway.client("reviewer").call(
            "POST /v1/sessions/{id}/kill", Kill(id=session, reason="too heavy"), Done
        )
    assert "ended by reviewer: too heavy" in str(outcome["error"])
    assert float(str(outcome["ended"])) - killed < 1.0
    assert comes_to_rest(production)


def test_a_grant_ends_by_itself_and_says_so(gateway: LiveGateway) -> None:
    gateway.add_person("tess", "engineer")
    filed = gateway.client("tess").call(
        "POST /v1/requests",
        FileRequest(endpoint="orders-db", seconds=60, reason="INC-1: a short look"),
        RequestFacts,
    )
    gateway.client("approver").call(
        "POST /v1/requests/{id}/approve", Approve(id=filed.id, seconds=2), RequestFacts
    )
    began, since = time.monotonic(), unhurried()
    with (
        pytest.raises(psycopg.OperationalError, match="the time of the grant is up"),
        psycopg.connect(gateway.dsn(person="tess"), autocommit=True) as connection,
    ):
        connection.execute("SELECT pg_sleep(30)")
    assert time.monotonic() - began > 1.5
    assert unhurried() - since < 4


def test_a_dropped_grant_ends_its_sessions_and_no_other(gateway: LiveGateway) -> None:
    with (
        newcomer(gateway, "dora") as dropping,
        newcomer(gateway, "dina") as staying,
        psycopg.connect(gateway.dsn(person=dropping), autocommit=True) as first,
        psycopg.connect(gateway.dsn(person=staying), autocommit=True) as second,
    ):
        question = GrantId(id=grant_of(gateway, dropping))
        gateway.client(dropping).call("POST /v1/grants/{id}/drop", question, Done)
        time.sleep(1)
        with pytest.raises(psycopg.OperationalError):
            first.execute("SELECT 1")
        assert second.execute("SELECT 1").fetchone() == (1,)


def test_five_minutes_before_the_end_the_client_gets_a_notice(gateway: LiveGateway) -> None:
    gateway.add_person("wilma", "engineer")
    question = FileRequest(endpoint="orders-db", seconds=3600, reason="INC-2: a longer look")
    filed = gateway.client("wilma").call("POST /v1/requests", question, RequestFacts)
    approval = Approve(id=filed.id, seconds=302)
    gateway.client("approver").call("POST /v1/requests/{id}/approve", approval, RequestFacts)
    notices: list[str] = []
    with psycopg.connect(gateway.dsn(person="wilma"), autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        assert connection.execute("SELECT 1, pg_sleep(4)").fetchone() == (1, "")
    assert any("ends in 5 minutes" in notice for notice in notices)


def test_a_restart_tells_live_clients(
    tmp_path: Path, production: Production, fresh_beginning: Beginning
) -> None:
    other = LiveGateway.start(tmp_path, beginning=fresh_beginning)
    other.add_endpoint(production)
    other.grant()
    with psycopg.connect(other.dsn(), autocommit=True) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert other.stop() == 0
        with pytest.raises(psycopg.OperationalError, match="restarting"):
            connection.execute("SELECT 1")


@pytest.mark.parametrize("processes", [1, 2])
def test_a_restart_lets_what_runs_end_and_cuts_it_where_there_is_no_time(
    tmp_path: Path, production: Production, fresh_beginning: Beginning, processes: int
) -> None:
    long = "[limits]\ndrain-seconds = 20\n"
    other = LiveGateway.start(tmp_path, beginning=fresh_beginning, processes=processes, settings=long)
    other.add_endpoint(production)
    other.grant()
    notices: list[str] = []
    with (
        psycopg.connect(other.dsn(), autocommit=True) as first,
        psycopg.connect(other.dsn(), autocommit=True) as second,
        ThreadPoolExecutor(3) as threads,
    ):
        first.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        ending = threads.submit(first.execute, "SELECT 'whole', pg_sleep(1.5)")
        cut = threads.submit(second.execute, "SELECT pg_sleep(60)")
        time.sleep(0.5)
        stopping = threads.submit(other.stop)
        assert ending.result(10).fetchone() == ("whole", "")
        assert any("restarting: this session ends with what runs in it" in each for each in notices)
        time.sleep(0.5)
        with pytest.raises(psycopg.OperationalError, match="restarting"):
            first.execute("SELECT 1")
        assert not cut.done()
        assert other.process is not None
        began = unhurried()
        other.process.send_signal(signal.SIGINT)
        with pytest.raises(psycopg.OperationalError, match="restarting"):
            cut.result(10)
        assert stopping.result(10) == 0
        assert unhurried() - began < 5
    assert comes_to_rest(production)


def test_a_change_request_says_how_many_rows_it_would_touch(gateway: LiveGateway) -> None:
    gateway.grant()
    with (
        psycopg.connect(gateway.dsn(), autocommit=True) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused,
    ):
        connection.execute("UPDATE orders SET status = 'paid' WHERE id = %s", (7,))
    assert "some 1 row" in str(refused.value.diag.message_detail)
