"""Logging in, on a gateway of the module's own: wrong logins pause everybody at this address."""

from __future__ import annotations

from plain_http import Http


def test_a_login_gives_a_token_that_proves_it(call: Http) -> None:
    password = call.gateway.passwords["engineer"]
    answer = call("POST /v1/login", json_body={"name": "engineer", "password": password})
    assert answer.status == 200
    assert answer.json["change_password"] is False
    me = call("GET /v1/whoami", token=answer.json["token"]).json
    assert (me["name"], me["roles"]) == ("engineer", ["engineer"])
    assert me["actions"] == ["connect", "request", "submit"]


def test_another_password_ends_other_logins(call: Http) -> None:
    other = call.gateway.tokens["approver"]
    call.gateway.login("approver")
    body = {"password": "quite-another-password"}
    for wrong in ({}, {"current": "not-theirs"}, {"current": ""}):
        refused = call("PUT /v1/people/approver/password", by="approver", json_body=body | wrong)
        assert refused.status == 401
        assert refused.json["error"]["message"] == "that is not your current password"
    known = {"current": call.gateway.passwords["approver"]}
    assert call("PUT /v1/people/approver/password", by="approver", json_body=body | known).status == 200
    assert call("GET /v1/whoami", by="approver").status == 200
    assert call("GET /v1/whoami", token=other).status == 401
    assert call("PUT /v1/people/engineer/password", by="approver", json_body=body).status == 403


def test_wrong_logins_all_answer_alike_and_are_paused(call: Http) -> None:
    answers = [
        call("POST /v1/login", json_body={"name": name, "password": "wrong-password"})
        for name in ("nobody-at-all", "reviewer")
    ]
    assert {answer.status for answer in answers} == {401}
    assert answers[0].json == answers[1].json
    statuses = [
        call("POST /v1/login", json_body={"name": "reviewer", "password": "wrong"}).status for _ in range(25)
    ]
    assert statuses[-1] == 429
    assert set(statuses) == {401, 429}
