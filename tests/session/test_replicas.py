"""Two gateways on one store: what is decided at one holds at the other within a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from live_gateway import Beginning, LiveGateway
from servers import Production
from stopwatch import unhurried

from gateway.domain.errors import Conflict
from gateway.web.shapes.access import GrantList, ListGrants, Revoke
from gateway.web.shapes.identity import Done
from gateway.web.shapes.sessions import Kill, ListSessions, Proof, SessionList, Verify, Watched


@pytest.fixture(scope="module")
def replicas(
    tmp_path_factory: pytest.TempPathFactory, production: Production, beginning: Beginning
) -> Iterator[tuple[LiveGateway, LiveGateway]]:
    folder: Path = tmp_path_factory.mktemp("replicas")
    for name in ("one", "two"):
        (folder / name).mkdir()
    shared = f'[recording]\nfolder = "{folder / "recordings"}"\n'
    one = LiveGateway.start(folder / "one", beginning=beginning, settings=shared)
    one.add_endpoint(production)
    two = one.replica(folder / "two", store=beginning.dsn, settings=shared)
    yield one, two
    two.stop()
    one.stop()


def wait_for_the_end(connection: psycopg.Connection) -> tuple[float, str]:
    """Run a long query until the session is cut; returns when, and what the client was told."""
    with pytest.raises(psycopg.OperationalError) as cut:
        connection.execute("SELECT pg_sleep(20)")
    return unhurried(), str(cut.value)


def later(seconds: float, gateway: LiveGateway, person: str, spot: str, question: object) -> list[float]:
    """Ask this of a gateway in a moment, from another thread; the time it was asked comes into the list."""
    asked: list[float] = []

    def ask() -> None:
        time.sleep(seconds)
        asked.append(unhurried())
        gateway.client(person).call(spot, question, Done)

    threading.Thread(target=ask).start()
    return asked


def test_a_grant_revoked_at_one_replica_ends_the_session_at_the_other(
    replicas: tuple[LiveGateway, LiveGateway],
) -> None:
    one, two = replicas
    one.grant()
    (grant,) = one.client("engineer").call("GET /v1/grants", ListGrants(mine=True), GrantList).grants
    with psycopg.connect(two.dsn(), autocommit=True) as connection:
        question = Revoke(id=grant.id, reason="seen enough")
        asked = later(0.5, one, "approver", "POST /v1/grants/{id}/revoke", question)
        ended, told = wait_for_the_end(connection)
    assert ended - asked[0] < 1
    assert "taken away by approver: seen enough" in told


def test_a_session_killed_at_one_replica_ends_at_the_other(
    replicas: tuple[LiveGateway, LiveGateway],
) -> None:
    one, two = replicas
    one.grant()
    with psycopg.connect(two.dsn(), autocommit=True) as connection:
        live = one.client("reviewer").call("GET /v1/sessions", ListSessions(state="live"), SessionList)
        session = max(live.sessions, key=lambda each: each.id)  # those of the tests before are just ending
        question = Kill(id=session.id, reason="too heavy")
        asked = later(0.5, one, "reviewer", "POST /v1/sessions/{id}/kill", question)
        ended, told = wait_for_the_end(connection)
    assert ended - asked[0] < 1
    assert "ended by reviewer: too heavy" in told


def test_a_session_is_watched_and_replayed_from_anywhere(
    replicas: tuple[LiveGateway, LiveGateway],
) -> None:
    one, two = replicas
    one.grant()
    reviewer = one.client("reviewer")
    with psycopg.connect(two.dsn(), autocommit=True) as connection:
        connection.execute("SELECT 'seen from afar'")
        live = reviewer.call("GET /v1/sessions", ListSessions(state="live"), SessionList)
        session = max(live.sessions, key=lambda each: each.id)  # those of the tests before are just ending
        watched = reviewer.json_lines("GET /v1/sessions/{id}/watch", Watched(id=session.id))
        until = time.monotonic() + 5
        while b"seen from afar" not in next(watched):
            assert time.monotonic() < until
        for number in range(3):
            connection.execute(f"SELECT 'as it happens, {number}'")
            asked = time.monotonic()
            while f"as it happens, {number}".encode() not in next(watched):
                pass
            assert time.monotonic() - asked < 2
        until = time.monotonic() + 5
        replayed = b""
        while b"seen from afar" not in replayed and time.monotonic() < until:
            question = Watched(id=session.id)
            replayed = b"".join(reviewer.json_lines("GET /v1/sessions/{id}/replay", question))
        assert b"seen from afar" in replayed
    assert b"the client disconnected" in list(watched)[-1]
    with pytest.raises(Conflict, match=f"session {session.id} has ended"):
        list(reviewer.json_lines("GET /v1/sessions/{id}/watch", Watched(id=session.id)))


def test_one_ledger_proves_both(replicas: tuple[LiveGateway, LiveGateway]) -> None:
    one, two = replicas
    one.grant()
    for gateway in (one, two):
        with psycopg.connect(gateway.dsn(), autocommit=True) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    proof = one.client("reviewer").call("POST /v1/verify", Verify(), Proof)
    assert (proof.good, proof.problem) == (True, "")
    assert proof.sessions >= 2
