"""Several processes behind one port: sessions are spread, decisions hold in each, a dead one is replaced."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from live_gateway import Beginning, LiveGateway
from servers import Production
from stopwatch import unhurried

from gateway.domain.errors import NotFound
from gateway.web.shapes.access import GrantFacts, GrantList, ListGrants, Revoke
from gateway.web.shapes.identity import Done
from gateway.web.shapes.sessions import ListSessions, Proof, SessionFacts, SessionList, Verify, Watched

PROCESSES = 2


@pytest.fixture(scope="module")
def started(
    tmp_path_factory: pytest.TempPathFactory, production: Production, beginning: Beginning
) -> Iterator[LiveGateway]:
    """A gateway of several processes, which a test may end."""
    made = LiveGateway.start(tmp_path_factory.mktemp("gateway"), beginning=beginning, processes=PROCESSES)
    made.add_endpoint(production)
    yield made
    assert made.process is not None
    if made.process.poll() is None:
        made.stop()


@pytest.fixture
def gateway(started: LiveGateway) -> LiveGateway:
    """The same with all its processes, no session, and access for the engineer; its log is the test's."""
    assert started.process is not None
    if started.process.poll() is not None:
        started.launch()
    wait_for(lambda: len(started.pids()) == PROCESSES and not live(started))
    wait_for(lambda: started.log.count("process ready") >= started.log.count("starting"))
    if not grants(started):
        started.grant()
    (started.folder / "gateway.log").write_text("")
    return started


def wait_for(holds: Callable[[], bool], seconds: float = 40) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


@contextlib.contextmanager
def connected(gateway: LiveGateway, count: int) -> Iterator[list[psycopg.Connection]]:
    dsn = gateway.dsn()
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(psycopg.connect(dsn, autocommit=True)) for _ in range(count)]


def grants(gateway: LiveGateway) -> tuple[GrantFacts, ...]:
    return gateway.client("engineer").call("GET /v1/grants", ListGrants(mine=True), GrantList).grants


def live(gateway: LiveGateway) -> tuple[SessionFacts, ...]:
    return (
        gateway.client("reviewer").call("GET /v1/sessions", ListSessions(state="live"), SessionList).sessions
    )


def spread(beginning: Beginning) -> Counter[str]:
    """How many live sessions each process has, by its name."""
    with psycopg.connect(beginning.dsn) as store:
        rows = store.execute("SELECT replica FROM sessions WHERE ended_at IS NULL").fetchall()
    return Counter(replica for (replica,) in rows)


def test_sessions_are_spread_evenly_and_each_is_cancelled_watched_and_counted(
    gateway: LiveGateway, beginning: Beginning
) -> None:
    with connected(gateway, 4) as connections:
        assert sorted(spread(beginning).values()) == [2, 2]
        assert len(live(gateway)) == 4
        reviewer = gateway.client("reviewer")
        for session in live(gateway):
            first = next(reviewer.json_lines("GET /v1/sessions/{id}/watch", Watched(id=session.id)))
            assert str(session.id).encode() in first
        with pytest.raises(NotFound):
            next(reviewer.json_lines("GET /v1/sessions/{id}/watch", Watched(id=4711)))
        for connection in connections:
            begun = unhurried()
            timer = threading.Timer(0.3, connection.cancel)
            timer.start()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("SELECT pg_sleep(20)")
            timer.join()
            assert unhurried() - begun < 3
            assert connection.execute("SELECT 1").fetchone() == (1,)
    wait_for(lambda: not live(gateway))


def test_a_revoked_grant_ends_the_sessions_of_every_process_within_a_second(gateway: LiveGateway) -> None:
    (grant,) = grants(gateway)
    with connected(gateway, 4) as connections:
        ends: list[float] = []

        def run(connection: psycopg.Connection) -> None:
            with pytest.raises(psycopg.OperationalError, match="taken away by approver"):
                connection.execute("SELECT pg_sleep(20)")
            ends.append(unhurried())

        threads = [threading.Thread(target=run, args=(each,)) for each in connections]
        for each in threads:
            each.start()
        time.sleep(0.5)
        asked = unhurried()
        question = Revoke(id=grant.id, reason="seen enough")
        gateway.client("approver").call("POST /v1/grants/{id}/revoke", question, Done)
        for each in threads:
            each.join()
        assert len(ends) == 4
        assert max(ends) - asked < 1.5


def test_a_killed_process_is_replaced_and_its_sessions_are_closed_with_a_valid_proof(
    gateway: LiveGateway, beginning: Beginning
) -> None:
    with connected(gateway, 4) as connections:
        for number, connection in enumerate(connections):
            connection.execute(f"SELECT 'before the kill', {number}")
        begun = {session.id for session in live(gateway)}
        os.kill(gateway.pids()[1:][0], signal.SIGKILL)
        broken = 0
        for connection in connections:
            try:
                connection.execute("SELECT 1")
            except psycopg.OperationalError:
                broken += 1
        assert broken == 2
        wait_for(lambda: gateway.log.count("process ready") == 1)
        assert len(gateway.pids()[1:]) == PROCESSES - 1
        wait_for(lambda: len(live(gateway)) == 2)
        with connected(gateway, 2):
            assert sorted(spread(beginning).values()) == [2, 2]
    with psycopg.connect(beginning.dsn) as store:
        question = "SELECT count(*) FROM sessions WHERE end_cause = 'interrupted' AND id = ANY (%s)"
        assert store.execute(question, (list(begun),)).fetchone() == (2,)
    proof = gateway.client("reviewer").call("POST /v1/verify", Verify(), Proof)
    assert (proof.good, proof.problem) == (True, "")


def test_none_outlives_the_first_and_what_it_left_is_closed_at_the_next_start(gateway: LiveGateway) -> None:
    with connected(gateway, 4) as connections:
        connections[0].execute("SELECT 'before the kill'")
        left = gateway.pids()[1:]
        assert len(left) == PROCESSES - 1
        gateway.kill()
        wait_for(lambda: not any(Path(f"/proc/{each}").exists() for each in left), 40)
    gateway.launch()
    assert not live(gateway)
    proof = gateway.client("reviewer").call("POST /v1/verify", Verify(), Proof)
    assert (proof.good, proof.problem) == (True, "")


def test_all_killed_at_once_leave_nothing_open(gateway: LiveGateway) -> None:
    with connected(gateway, 4):
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGSTOP)  # or it would start another one
        for each in gateway.pids()[1:]:
            os.kill(each, signal.SIGKILL)
        gateway.kill()
    gateway.launch()
    assert not live(gateway)
    assert "sessions interrupted 4" in gateway.log


def test_sigterm_drains_every_process(gateway: LiveGateway) -> None:
    with connected(gateway, 4) as connections:
        left = gateway.pids()[1:]
        assert gateway.stop() == 0
        assert not any(Path(f"/proc/{each}").exists() for each in left)
        for connection in connections:
            with pytest.raises(psycopg.OperationalError, match="the gateway is restarting"):
                connection.execute("SELECT 1")


def test_one_bound_of_connections_holds_for_all(
    tmp_path: Path, production: Production, fresh_beginning: Beginning
) -> None:
    made = LiveGateway.start(
        tmp_path, beginning=fresh_beginning, processes=2, settings="[limits]\nconnections = 4\n"
    )
    try:
        made.add_endpoint(production)
        made.grant()
        wait_for(lambda: "process ready" in made.log)
        with connected(made, 4), pytest.raises(psycopg.OperationalError, match="too many connections"):
            psycopg.connect(made.dsn())
        wait_for(lambda: not live(made))
        with connected(made, 4):
            pass
    finally:
        made.stop()
