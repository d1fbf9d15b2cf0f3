"""Requests as they stand in a recording, and as they are typed."""

from __future__ import annotations

import pytest

from gateway.domain.http import Request
from gateway.protocols.docker.units import request_of, text_of

KIND = (("content-type", "application/json"),)


@pytest.mark.parametrize(
    "request_",
    [Request("GET", "/info"), Request("POST", "/containers/a/exec", KIND, b'{"Cmd": ["ls"]}')],
)
def test_a_recorded_text_is_the_request(request_: Request) -> None:
    assert request_of(text_of(request_).decode()) == request_


def test_passwords_for_registries_are_not_recorded() -> None:
    said = Request("POST", "/v1.41/auth", KIND, b'{"password": "hunter2"}')
    assert text_of(said) == b"POST /v1.41/auth"


def test_a_body_may_follow_on_the_same_line() -> None:
    assert request_of('POST /a {"Cmd": ["ls"]}') == Request("POST", "/a", KIND, b'{"Cmd": ["ls"]}')
    assert request_of("GET") == Request("GET", "")
