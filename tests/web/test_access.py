"""Asking, deciding, holding, over HTTP."""

from __future__ import annotations

import threading
import time
from typing import Any

import msgspec
from plain_http import Http

from gateway.web.shapes.access import ListRequests, RequestFacts, WaitForRequest


def ask(
    call: Http, reason: str = "INC-42: checkout is slow", seconds: int = 3600, by: str = "engineer"
) -> Any:
    body = {"endpoint": "orders-db", "seconds": seconds, "reason": reason}
    answer = call("POST /v1/requests", by=by, json_body=body)
    assert answer.status == 200, answer.body
    return answer.json


def test_a_request_becomes_a_grant_by_an_approver(call: Http) -> None:
    asked = ask(call)
    assert (asked["state"], asked["needed"], asked["labels"]["env"]) == ("pending", 1, "prod")
    seen = call(f"GET /v1/requests/{asked['id']}", by="approver").json
    assert seen["may_approve"] is True
    body = {"seconds": 1800, "note": "go on"}
    approved = call(f"POST /v1/requests/{asked['id']}/approve", by="approver", json_body=body)
    assert approved.json["state"] == "approved"
    grants = call("GET /v1/grants?mine=true", by="engineer").json["grants"]
    mine = next(one for one in grants if one["id"] == approved.json["grant"])
    assert (mine["state"], mine["seconds"], mine["ends_at"]) == ("ready", 1800, None)
    again = call(f"POST /v1/requests/{asked['id']}/approve", by="approver", json_body={})
    assert (again.status, again.json["error"]["code"]) == (409, "conflict")
    assert call(f"POST /v1/grants/{mine['id']}/drop", by="engineer").status == 200
    assert call("GET /v1/grants?mine=true", by="engineer").json["grants"] == []
    past = call("GET /v1/grants?mine=true&live=false", by="engineer").json["grants"]
    assert past[0]["state"] == "dropped"


def test_nobody_approves_their_own_administrators_included(call: Http) -> None:
    asked = ask(call, by="admin")
    answer = call(f"POST /v1/requests/{asked['id']}/approve", by="admin", json_body={})
    assert answer.status == 403
    assert "own" in answer.json["error"]["message"]
    assert call(f"POST /v1/requests/{asked['id']}/withdraw", by="admin").json["state"] == "withdrawn"


def test_an_approver_sees_what_is_held_already(call: Http) -> None:
    call.gateway.grant(minutes=10)
    asked = ask(call)
    seen = call(f"GET /v1/requests/{asked['id']}", by="approver").json
    assert [grant["seconds"] for grant in seen["holds"]] == [600]
    denied = call(f"POST /v1/requests/{asked['id']}/deny", by="approver", json_body={"reason": "enough"})
    assert (denied.json["state"], denied.json["decision"]) == ("denied", "enough")


def test_a_decision_is_answered_when_it_falls(call: Http) -> None:
    asked = ask(call)
    client = call.gateway.client("engineer")
    waited: list[tuple[str, float]] = []

    def wait() -> None:
        started = time.monotonic()
        question = WaitForRequest(id=asked["id"], seconds=20)
        now = client.call("GET /v1/requests/{id}/decision", question, RequestFacts)
        waited.append((now.state, time.monotonic() - started))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.5)
    call(f"POST /v1/requests/{asked['id']}/approve", by="approver", json_body={})
    thread.join(20)
    assert waited[0][0] == "approved"
    assert waited[0][1] < 5


def test_waiting_has_an_end(call: Http) -> None:
    asked = ask(call)
    answer = call(f"GET /v1/requests/{asked['id']}/decision?seconds=0", by="engineer")
    assert answer.json["state"] == "pending"


def test_requests_are_watched_as_they_come_and_move(call: Http) -> None:
    first = ask(call, reason="INC-77: watch this")
    second = None
    seen = []
    for line in call.gateway.client("approver").json_lines("GET /v1/requests/watch", ListRequests()):
        one = msgspec.json.decode(line, type=RequestFacts)
        seen.append((one.id, one.state))
        if seen[-1] == (first["id"], "pending"):
            second = ask(call, reason="INC-78: and this")
        elif second is not None and seen[-1] == (second["id"], "pending"):
            call(f"POST /v1/requests/{first['id']}/deny", by="approver", json_body={"reason": "seen"})
        elif seen[-1] == (first["id"], "denied"):
            break
    assert second is not None


def test_a_revoked_grant_says_by_whom_and_why(call: Http) -> None:
    granted = call.gateway.grant()
    path = f"POST /v1/grants/{granted.grant}/revoke"
    assert call(path, by="engineer", json_body={"reason": "no"}).status == 403
    assert call(path, by="approver", json_body={"reason": "wrong database"}).status == 200
    past = call("GET /v1/grants?mine=true&live=false", by="engineer").json["grants"]
    mine = next(one for one in past if one["id"] == granted.grant)
    assert (mine["state"], mine["closed_by"], mine["closed_why"]) == ("revoked", "approver", "wrong database")


def test_what_is_held_stands_with_the_endpoint(call: Http) -> None:
    asked = ask(call)
    line = call("GET /v1/endpoints?text=orders&label=env=prod", by="engineer").json["endpoints"][0]
    assert line["access"] in {"ready", "pending"}
    way = call("GET /v1/endpoints/orders-db/connection", by="engineer").json
    assert (way["user"], way["database"], way["host"]) == ("engineer+orders-db", "shop", "localhost")
    assert way["port"] == call.gateway.postgres_port
    assert way["request"] is not None
    assert way["request"] >= asked["id"]
    assert call("GET /v1/endpoints?label=env=dev", by="engineer").json["endpoints"] == []
    assert call("GET /v1/endpoints/nothing/connection", by="engineer").status == 404
