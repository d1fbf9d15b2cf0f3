"""Default deny: every route but the public ones refuses whoever shows nothing, or has no role."""

from __future__ import annotations

import re

import pytest
from plain_http import Http

from gateway.web.routes import Action, Route
from gateway.web.table import ROUTES

GUARDED = [one for one in ROUTES if one.public is None]
ROLE_ACTIONS = {
    "engineer": {Action.REQUEST, Action.CONNECT, Action.SUBMIT},
    "approver": {Action.APPROVE, Action.REVOKE},
    "reviewer": {Action.REVIEW, Action.KILL, Action.REVOKE},
}


def spot(one: Route) -> str:
    return f"{one.method} {re.sub(r'{.+?}', '1', one.path)}"


@pytest.mark.parametrize("one", GUARDED, ids=lambda one: f"{one.method} {one.path}")
def test_nobody_gets_in_without_an_identity(call: Http, one: Route) -> None:
    answer = call(spot(one))
    assert answer.status == 401
    assert answer.json["error"]["code"] == "authentication-failed"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("one", GUARDED, ids=lambda one: f"{one.method} {one.path}")
def test_an_identity_without_roles_gets_nothing(call: Http, one: Route) -> None:
    answer = call(spot(one), by="nobody")
    assert answer.status == 403
    assert answer.json["error"]["code"] == "not-authorised"


@pytest.mark.parametrize("role", ROLE_ACTIONS)
def test_a_role_opens_no_route_that_its_actions_do_not(call: Http, role: str) -> None:
    closed = [one for one in GUARDED if not one.actions & ROLE_ACTIONS[role]]
    assert closed
    for one in closed:
        assert call(spot(one), by=role).status == 403, spot(one)


@pytest.mark.parametrize("token", ["ggm_" + "x" * 43, "x.y.z", "x" * 4000])
def test_a_made_up_token_proves_nothing(call: Http, token: str) -> None:
    assert call("GET /v1/whoami", token=token).status == 401


def test_a_token_is_over_at_once_after_logout(call: Http) -> None:
    call.gateway.add_person("leaver", "engineer")
    token = call.gateway.tokens["leaver"]
    assert call("GET /v1/whoami", token=token).status == 200
    assert call("POST /v1/logout", token=token).status == 200
    assert call("GET /v1/whoami", token=token).status == 401


def test_a_scoped_machine_token_does_no_more_than_its_scopes(call: Http) -> None:
    made = call(
        "POST /v1/machine-tokens", by="engineer", json_body={"label": "report", "scopes": ["connect"]}
    )
    assert made.status == 200
    token = made.json["token"]
    assert call("GET /v1/whoami", token=token).json["actions"] == ["connect"]
    assert call("POST /v1/database-tokens", token=token).status == 200
    asked = {"endpoint": "orders-db", "seconds": 60, "reason": "INC-1: look"}
    assert call("POST /v1/requests", token=token, json_body=asked).status == 403
    assert call("POST /v1/machine-tokens", token=token, json_body={"label": "more"}).status == 403
    password = {"password": "another-password-1"}
    assert call("PUT /v1/people/engineer/password", token=token, json_body=password).status == 403
    number = made.json["id"]
    assert call(f"DELETE /v1/machine-tokens/{number}", by="engineer").status == 200
    assert call("GET /v1/whoami", token=token).status == 401


def test_a_person_removed_is_out_at_once(call: Http) -> None:
    call.gateway.add_person("goner", "engineer")
    assert call("DELETE /v1/people/goner", by="admin").status == 200
    assert call("GET /v1/whoami", by="goner").status == 401


def test_not_found_and_not_allowed_answer_alike(call: Http) -> None:
    call.gateway.grant()
    there, absent = (call(f"GET /v1/requests/{number}", by="engineer") for number in (1, 99_999))
    assert there.status == 200
    call.gateway.add_person("stranger", "engineer")
    hidden = call("GET /v1/requests/1", by="stranger")
    assert (hidden.status, absent.status) == (404, 404)
    assert hidden.body.replace(b"1", b"N") == absent.body.replace(b"99999", b"N")
    assert call("GET /v1/sessions/99999", by="reviewer").status == 404
    assert call("GET /v1/changes/99999", by="engineer").status == 404


def test_an_endpoints_catalogue_is_told_to_holders_of_access_only(call: Http) -> None:
    call.gateway.add_person("curious", "engineer")
    asked = {"texts": ["SELECT * FROM customers"]}
    assert call("POST /v1/endpoints/orders-db/judge", by="curious", json_body=asked).status == 403
    call.gateway.grant(person="curious")
    assert call("POST /v1/endpoints/orders-db/judge", by="curious", json_body=asked).status == 200
