"""Policy by labels: what one may not review, decide or administer can not be seen either; reload."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from live_gateway import Beginning, LiveGateway
from plain_http import Http
from servers import Production

from gateway.settings import SHIPPED

ROWS = """
p, dev-reviewer, env=dev, review, allow
p, dev-reviewer, env=dev, kill, allow
p, dev-approver, env=dev, approve, allow
p, dev-admin, env=dev, administer, allow
p, dev-engineer, env=dev, request, allow
p, dev-engineer, env=dev, connect, allow
"""


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policy") / "policies"
    shutil.copytree(SHIPPED / "policies", folder)
    with (folder / "policy.csv").open("a") as file:
        file.write(ROWS)
    return folder


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, production: Production, beginning: Beginning, policies: Path
) -> Iterator[LiveGateway]:
    live = LiveGateway.start(tmp_path_factory.mktemp("gateway"), beginning=beginning)
    live.stop()
    config = live.folder / "gateway.toml"
    config.write_text(f'policies = "{policies}"\n{config.read_text()}')
    live.launch()
    live.add_endpoint(production)
    live.add_endpoint(production, name="dev-db", labels={"env": "dev"})
    for role in ("reviewer", "approver", "admin", "engineer"):
        live.add_person(f"dev-{role}", f"dev-{role}")
    yield live
    live.stop()


@pytest.fixture(scope="module")
def sessions(gateway: LiveGateway) -> dict[str, int]:
    """Endpoint → number of a past session there, with a refused write."""
    for endpoint in ("orders-db", "dev-db"):
        gateway.grant(endpoint)
        with psycopg.connect(gateway.dsn(endpoint), autocommit=True) as connection:
            connection.execute("SELECT 'seen' AS found")
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("DELETE FROM customers WHERE id = 1")
    found: dict[str, int] = {}
    while len(found) < 2:
        past = Http(gateway)("GET /v1/sessions?state=past", by="reviewer").json["sessions"]
        found = {one["endpoint"]: one["id"] for one in past if one["recording"] == "whole"}
    return found


def test_a_reviewer_sees_the_sessions_of_their_labels_only(call: Http, sessions: dict[str, int]) -> None:
    seen = call("GET /v1/sessions", by="dev-reviewer").json["sessions"]
    assert {one["endpoint"] for one in seen} == {"dev-db"}
    assert call(f"GET /v1/sessions/{sessions['dev-db']}/replay", by="dev-reviewer").status == 200
    for route in ("", "/replay", "/export", "/watch"):
        assert call(f"GET /v1/sessions/{sessions['orders-db']}{route}", by="dev-reviewer").status == 404
    assert (
        call(f"POST /v1/sessions/{sessions['orders-db']}/kill", by="dev-reviewer", json_body={}).status == 404
    )


def test_search_finds_nothing_beyond_ones_labels(call: Http, sessions: dict[str, int]) -> None:
    hits = call("GET /v1/search?text=seen", by="dev-reviewer").lines
    assert {hit["session"] for hit in hits} == {sessions["dev-db"]}
    everything = {hit["session"] for hit in call("GET /v1/search?text=seen", by="reviewer").lines}
    assert everything == set(sessions.values())


def test_change_requests_follow_the_labels_too(call: Http, sessions: dict[str, int]) -> None:
    assert sessions
    seen = call("GET /v1/changes", by="dev-reviewer").json["changes"]
    assert {one["endpoint"] for one in seen} == {"dev-db"}
    mine = {one["endpoint"]: one["id"] for one in call("GET /v1/changes", by="engineer").json["changes"]}
    assert call(f"GET /v1/changes/{mine['dev-db']}", by="dev-reviewer").status == 200
    assert call(f"GET /v1/changes/{mine['orders-db']}", by="dev-reviewer").status == 404
    body = {"reason": "not mine"}
    submitted = call(f"POST /v1/changes/{mine['orders-db']}/submit", by="dev-engineer", json_body=body)
    assert submitted.status == 403
    other = call("POST /v1/changes/99999/submit", by="engineer", json_body=body)
    assert other.status == 404


def test_an_administrator_of_some_labels_administers_these_only(call: Http, sessions: dict[str, int]) -> None:
    assert call("GET /v1/endpoints/dev-db", by="dev-admin").status == 200
    assert call("GET /v1/endpoints/orders-db", by="dev-admin").status == 404
    assert call("DELETE /v1/endpoints/orders-db", by="dev-admin").status == 404
    assert call("POST /v1/endpoints/orders-db/check", by="dev-admin").status == 404
    assert call(f"GET /v1/sessions/{sessions['orders-db']}", by="dev-admin").status == 403


def test_one_asks_and_approves_within_ones_labels(call: Http) -> None:
    names = [one["name"] for one in call("GET /v1/endpoints", by="dev-engineer").json["endpoints"]]
    assert names == ["dev-db"]
    asked = {"endpoint": "orders-db", "seconds": 60, "reason": "INC-1: look"}
    assert call("POST /v1/requests", by="dev-engineer", json_body=asked).status == 404
    filed = call("POST /v1/requests", by="engineer", json_body=asked).json["id"]
    assert call(f"POST /v1/requests/{filed}/approve", by="dev-approver", json_body={}).status == 404
    assert filed not in [one["id"] for one in call("GET /v1/requests", by="dev-approver").json["requests"]]


def test_policy_is_reloaded_and_a_broken_file_changes_nothing(call: Http, policies: Path) -> None:
    rows = policies / "policy.csv"
    before = call("GET /v1/policy", by="admin").json["version"]
    whole = rows.read_text()
    rows.write_text(whole + "p, dev-reviewer, *, review, allow\n")
    assert call("POST /v1/policy/reload", by="admin").json["version"] == before + 1
    endpoints = {one["endpoint"] for one in call("GET /v1/sessions", by="dev-reviewer").json["sessions"]}
    assert endpoints == {"dev-db", "orders-db"}
    rows.write_text(whole + "p, dev-reviewer, *, fly, allow\n")
    broken = call("POST /v1/policy/reload", by="admin")
    assert (broken.status, broken.json["error"]["code"]) == (422, "configuration-broken")
    line = len(whole.splitlines()) + 1
    assert f"policy.csv:{line}" in broken.json["error"]["message"]
    shown = call("GET /v1/policy", by="admin").json
    assert shown["version"] == before + 1
    assert f"policy.csv:{line}" in shown["broken"]
    findings = call("GET /v1/doctor", by="admin").json["findings"]
    assert not next(one["good"] for one in findings if one["part"] == "policy")
    rows.write_text(whole)
    assert call("POST /v1/policy/reload", by="admin").json["broken"] == ""


def test_sessions_of_an_endpoint_that_is_gone_stay_with_who_could_see_them(
    call: Http, sessions: dict[str, int]
) -> None:
    assert call("DELETE /v1/endpoints/dev-db", by="dev-admin").status == 200
    assert call(f"GET /v1/sessions/{sessions['dev-db']}/replay", by="dev-reviewer").status == 200
    assert call(f"GET /v1/sessions/{sessions['dev-db']}/replay", by="reviewer").status == 200
    assert call(f"GET /v1/sessions/{sessions['orders-db']}", by="dev-reviewer").status == 404
