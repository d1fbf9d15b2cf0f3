"""Streams: alive while nothing happens, over when their reader's right is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from plain_http import Http

from gateway.domain.errors import AuthenticationFailed, NotAuthorised
from gateway.web.shapes.access import ListRequests


@pytest.fixture(scope="module", autouse=True)
def silent(call: Http) -> Iterator[Future[float]]:
    """Seconds until a stream that tells of nothing shows that it lives; the other tests fill the wait."""
    connection = call.connect()
    headers = {"Authorization": f"Bearer {call.gateway.tokens['approver']}"}
    connection.request("GET", "/v1/requests/watch?state=denied", headers=headers)
    response = connection.getresponse()
    assert response.headers["Content-Type"] == "application/x-ndjson"
    started = time.monotonic()

    def seconds() -> float:
        assert response.readline() == b"\n"
        return time.monotonic() - started

    with ThreadPoolExecutor() as pool:
        yield pool.submit(seconds)
    connection.close()


def test_a_stream_ends_when_its_token_is_revoked(call: Http) -> None:
    call.gateway.add_person("watcher", "approver")
    lines = call.gateway.client("watcher").json_lines("GET /v1/requests/watch", ListRequests())
    call.gateway.grant()
    body = {"endpoint": "orders-db", "seconds": 60, "reason": "INC-1: to be seen"}
    assert call("POST /v1/requests", by="engineer", json_body=body).status == 200
    assert next(lines)
    assert call("POST /v1/logout", by="watcher").status == 200
    started = time.monotonic()
    with pytest.raises(AuthenticationFailed):
        list(lines)
    assert time.monotonic() - started < 8


def test_a_stream_ends_when_its_role_is_taken(call: Http) -> None:
    call.gateway.add_person("watcher2", "approver")
    body = {"endpoint": "orders-db", "seconds": 60, "reason": "INC-2: to be seen"}
    assert call("POST /v1/requests", by="engineer", json_body=body).status == 200
    lines = call.gateway.client("watcher2").json_lines("GET /v1/requests/watch", ListRequests())
    assert next(lines)
    assert call("DELETE /v1/people/watcher2/roles/approver", by="admin").status == 200
    with pytest.raises(NotAuthorised):
        list(lines)


def test_a_reader_that_leaves_disturbs_nobody(call: Http) -> None:
    for _ in range(5):
        connection = call.connect()
        headers = {"Authorization": f"Bearer {call.gateway.tokens['approver']}"}
        connection.request("GET", "/v1/requests/watch", headers=headers)
        assert connection.getresponse().status == 200
        connection.close()
    assert call("GET /healthz").status == 200
    assert "Traceback" not in call.gateway.log


def test_metrics_count_answers_and_sessions(call: Http) -> None:
    assert call("GET /metrics", by="engineer").status == 403
    text = call("GET /metrics", by="admin").body.decode()
    assert 'glassgate_http_answers_total{method="GET",route="/metrics",status="403"}' in text
    assert "glassgate_sessions 0.0" in text
    assert "process_resident_memory_bytes" in text


def test_readiness_and_trust_are_told_to_anybody(call: Http) -> None:
    assert call("GET /readyz").json["ready"] is True
    shown = call("GET /v1/ca").json
    assert shown["pem"] == call.gateway.ca.read_text()
    described = call("GET /openapi.json")
    assert described.headers["Content-Type"].startswith("application/json")
    assert "/v1/requests" in described.json["paths"]


def test_a_silent_stream_shows_that_it_lives(silent: Future[float]) -> None:
    assert silent.result() < 15
