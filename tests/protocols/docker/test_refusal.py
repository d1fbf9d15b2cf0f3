"""Refusals as docker reads them."""

from __future__ import annotations

import json

import pytest

from gateway.domain import errors
from gateway.domain.ids import ChangeId
from gateway.domain.unit import Filed
from gateway.domain.verdict import Decision, Verdict
from gateway.protocols.docker import refusal
from gateway.transport.http.head import NotUnderstood

VERDICT = Verdict(Decision.CHANGE, "docker.container.restart", "It restarts a container.")


def test_docker_takes_the_message_out_of_this_type_alone() -> None:
    assert refusal.HEADERS == (("Content-Type", "application/json"),)
    assert json.loads(refusal.body('a "message"\n→')) == {"message": 'a "message"\n→'}


def test_a_refusal_names_its_change_request() -> None:
    filed = Filed(
        ChangeId(7), False, "docker restart web", "https://gw/changes/7", "glassgate change submit 7", "d"
    )
    assert refusal.refused(VERDICT, filed) == (
        "glassgate: It restarts a container; it was not run\n"
        "  drafted as change request 7 (docker restart web): https://gw/changes/7\n  d\n"
        "  → to propose it: glassgate change submit 7"
    )


def test_a_refusal_without_one_says_how_to_make_it() -> None:
    assert "glassgate change draft LAST" in refusal.refused(VERDICT, None)


def test_nothing_that_a_terminal_obeys_is_said() -> None:
    verdict = Verdict(Decision.REFUSE, "x", "no \x1b[2J such")
    assert "\x1b" not in refusal.refused(verdict, None)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.AuthenticationFailed("x"), 401),
        (errors.TooManyAttempts("x"), 429),
        (errors.NotAuthorised("x"), 403),
        (errors.NotFound("x"), 404),
        (errors.UpstreamUnavailable("x"), 502),
        (errors.StoreUnavailable("x"), 503),
        (NotUnderstood("x", 431), 431),
        (errors.GlassgateError("x"), 500),
    ],
)
def test_each_error_has_its_status(error: errors.GlassgateError, status: int) -> None:
    assert refusal.status_of(error) == status
