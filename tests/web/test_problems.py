"""Every error of the tree has its status code, and comes out of the client as what it went in."""

from __future__ import annotations

import inspect

import pytest

from gateway.cli.client import KNOWN
from gateway.cli.statuses import Status, status_of
from gateway.domain import errors
from gateway.domain.errors import GlassgateError
from gateway.web.problems import STATUS, answer_to, code_of

TREE = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, GlassgateError) and kind not in {GlassgateError, errors.AnotherKind}
]
"""AnotherKind is for doors to tell apart: the API answers it as the NotFound that it is."""


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_and_a_code_that_leads_back(kind: type[GlassgateError]) -> None:
    status, body = answer_to(kind("what went wrong", hint="do this"))
    assert 400 <= status < 600
    assert status == STATUS[kind]
    assert KNOWN[body.error.code] is kind
    assert (body.error.message, body.error.hint) == ("what went wrong", "do this")


def test_an_error_outside_the_tree_takes_its_nearest_ancestors() -> None:
    class Odd(errors.Conflict):
        pass

    status, body = answer_to(Odd("odd"))
    assert (status, body.error.code) == (409, "conflict")
    assert answer_to(GlassgateError("bare"))[0] == 500
    assert code_of(errors.NotAuthorised) == "not-authorised"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.TooManyAttempts, Status.NOT_AUTHORISED),
        (errors.NotAuthorised, Status.NOT_AUTHORISED),
        (errors.StoreUnavailable, Status.UNAVAILABLE),
        (errors.ConfigurationBroken, Status.CONFIGURATION),
        (errors.InvalidInput, Status.ERROR),
        (errors.ProofBroken, Status.PROOF_BROKEN),
        (errors.NotFound, Status.ERROR),
    ],
)
def test_the_command_ends_with_the_status_of_the_error(kind: type[GlassgateError], status: Status) -> None:
    assert status_of(kind("x")) is status
