"""What Kubernetes' clients are told, in the shapes that they show."""

from __future__ import annotations

import json

import pytest

from gateway.domain.errors import AuthenticationFailed, NotAuthorised, NotFound, UpstreamUnavailable
from gateway.domain.ids import ChangeId
from gateway.domain.session import EndCause, Ending
from gateway.domain.unit import Filed
from gateway.domain.verdict import Decision, Verdict
from gateway.protocols.kubernetes import refusal
from gateway.protocols.kubernetes.remote import exit_code
from gateway.transport.http.head import NotUnderstood

VERDICT = Verdict(Decision.CHANGE, "kubernetes.patch", "patch of deployments changes the cluster.")
FILED = Filed(
    change=ChangeId(17),
    joined=False,
    title='scale deployments.apps/shop "now"',
    url="https://gw:8443/v1/changes/17",
    submit='glassgate change submit 17 --reason "…"',
    detail="one file",
)


def test_a_refused_write_names_its_change_request_once_in_each_place() -> None:
    said = refusal.refused(VERDICT, FILED)
    status = json.loads(said.body)
    assert (said.code, status["kind"], status["reason"], status["code"]) == (403, "Status", "Forbidden", 403)
    assert "change request 17" in status["message"]
    assert "https://gw:8443/v1/changes/17" in status["message"]
    warning = dict(said.headers)["warning"]
    assert warning.startswith('299 - "glassgate: to propose change request 17: ')
    assert warning.endswith('--reason \\"...\\""')


def test_a_refusal_without_a_change_request_says_how_to_propose_one() -> None:
    said = refusal.refused(VERDICT, None)
    assert "glassgate change draft LAST" in dict(said.headers)["warning"]
    assert "kubernetes.patch" in dict(said.headers)["warning"]


def test_a_warning_is_one_line_of_ascii() -> None:
    told = refusal.warning('a\r\nInjected: x \x1b[31m ü \\ "q" ' + "long " * 500)
    assert told.isascii()
    assert told.isprintable()
    assert len(told) < 1200


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (AuthenticationFailed("who"), 401, "Unauthorized"),
        (NotAuthorised("no grant", hint="glassgate request x"), 403, "Forbidden"),
        (NotFound("none"), 404, "NotFound"),
        (UpstreamUnavailable("away"), 503, "ServiceUnavailable"),
        (NotUnderstood("what", 431), 431, "BadRequest"),
    ],
)
def test_errors_are_status_objects(error: NotAuthorised, code: int, reason: str) -> None:
    said = refusal.of_error(error)
    status = json.loads(said.body)
    assert (said.code, status["code"], status["reason"]) == (code, code, reason)
    assert error.message in status["message"]
    assert error.hint in status["message"]
    assert ("www-authenticate" in dict(said.headers)) is (code == 401)


def test_the_end_of_access_is_forbidden_and_any_other_a_pause() -> None:
    assert refusal.reason_of_ending(Ending(EndCause.REVOKED, "")) == refusal.FORBIDDEN
    assert refusal.reason_of_ending(Ending(EndCause.DRAINED, "")) == refusal.UNAVAILABLE


def test_a_watch_ends_by_an_event_of_its_own() -> None:
    line = refusal.watch_error(refusal.FORBIDDEN, "your access has ended")
    event = json.loads(line)
    assert line.endswith(b"\n")
    assert (event["type"], event["object"]["kind"], event["object"]["code"]) == ("ERROR", "Status", 403)


@pytest.mark.parametrize("code", [0, 1, 126, 255])
def test_exit_statuses_come_through(code: int) -> None:
    assert exit_code(refusal.exit_status(code, "it ended")) == code


@pytest.mark.parametrize(
    "told", [b"", b"nonsense", b'{"status": "Failure"}', refusal.stream_error(refusal.FORBIDDEN, "over")]
)
def test_what_tells_no_exit_status_is_a_failure(told: bytes) -> None:
    assert exit_code(told) == 70
