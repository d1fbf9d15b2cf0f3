"""Requests as they stand in a recording, and as they are typed."""

from __future__ import annotations

import pytest

from gateway.domain.http import Request
from gateway.protocols.docker.units import WITHHELD, request_of, text_of

KIND = (("content-type", "application/json"),)


@pytest.mark.parametrize(
    "request_",
    [Request("GET", "/info"), Request("POST", "/containers/a/exec", KIND, b'{"Cmd": ["ls"]}')],
)
def test_a_recorded_text_is_the_request(request_: Request) -> None:
    assert request_of(text_of(request_).decode()) == request_


@pytest.mark.parametrize(
    "target",
    [
        *("/auth", "/v1.41/auth", "/secrets/create", "/v1.41/secrets/x/update?version=3"),
        *("/swarm/join", "/v1.41/swarm/unlock", "/swarm/update?rotateWorkerToken=true"),
        *("//v1.41//Secrets/create", "/v1.41/%73ecrets/create", "/x/../secrets/create"),
        "http://docker/secrets/create",
    ],
)
def test_bodies_that_hold_secrets_are_not_recorded(target: str) -> None:
    said = Request("POST", target, KIND, b'{"Data": "aHVudGVyMg=="}')
    assert text_of(said) == f"POST {target}\n".encode() + WITHHELD


@pytest.mark.parametrize("target", ["/containers/secrets/exec", "/configs/create", "/services/create"])
def test_other_bodies_are_recorded_whole(target: str) -> None:
    said = Request("POST", target, KIND, b'{"Cmd": ["mysql", "-phunter2"]}')
    assert text_of(said).endswith(b'["mysql", "-phunter2"]}')


def test_a_body_may_follow_on_the_same_line() -> None:
    assert request_of('POST /a {"Cmd": ["ls"]}') == Request("POST", "/a", KIND, b'{"Cmd": ["ls"]}')
    assert request_of("GET") == Request("GET", "")
