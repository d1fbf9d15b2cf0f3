"""What a request says of who sends it and where to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from gateway.domain.errors import AuthenticationFailed, NotFound
from gateway.domain.secret import Secret
from gateway.protocols.kubernetes.entrance import Bearers, asked_of
from gateway.transport.http.head import RequestHead

if TYPE_CHECKING:
    from gateway.domain.identity import Identity

BEARER = (("host", "gw"), ("authorization", "Bearer gg-c-abc_123"), ("accept", "application/json"))


@pytest.mark.parametrize(
    ("target", "endpoint", "rest"),
    [
        ("/endpoints/prod-k8s/api/v1/pods?limit=5", "prod-k8s", "/api/v1/pods?limit=5"),
        ("/endpoints/prod-k8s", "prod-k8s", "/"),
        ("/endpoints/prod-k8s/", "prod-k8s", "/"),
        ("/endpoints/a.b-1?timeout=32s", "a.b-1", "/?timeout=32s"),
        ("/endpoints/prod-k8s//api", "prod-k8s", "//api"),
        ("/endpoints/a/endpoints/b/api", "a", "/endpoints/b/api"),
    ],
)
def test_the_prefix_names_the_endpoint_and_is_taken_off(target: str, endpoint: str, rest: str) -> None:
    asked = asked_of(RequestHead("GET", target, BEARER))
    assert (asked.endpoint, asked.head.target, asked.token) == (endpoint, rest, Secret("gg-c-abc_123"))


def test_the_token_goes_no_further() -> None:
    asked = asked_of(RequestHead("GET", "/endpoints/a/api", BEARER))
    assert asked.head.headers == (("host", "gw"), ("accept", "application/json"))


@pytest.mark.parametrize(
    "target",
    ["/", "/api/v1/pods", "/endpoints", "/endpoints/", "/endpoints/A", "/endpoints/..", "/endpoints/%61/api",
     "/endpoints//api", "//endpoints/a/api", "/endpoints/a;x/api", "/Endpoints/a/api"],
)  # fmt: skip
def test_a_path_that_names_no_endpoint_leads_nowhere(target: str) -> None:
    with pytest.raises(NotFound):
        asked_of(RequestHead("GET", target, BEARER))


def test_a_connection_that_leads_somewhere_takes_paths_of_the_cluster_s_own() -> None:
    asked = asked_of(RequestHead("GET", "/openapi/v3?hash=1", BEARER), "prod-k8s")
    assert (asked.endpoint, asked.head.target) == ("prod-k8s", "/openapi/v3?hash=1")
    with pytest.raises(NotFound):
        asked_of(RequestHead("GET", "/endpoints/%61/api", BEARER), "prod-k8s")


@pytest.mark.parametrize(
    "given",
    ["", "Basic YWJj", "Bearer", "Bearer ", "Bearer a b", "bearer=x", "Bearer a,Bearer b", "xBearer a"],
)
def test_without_one_token_nobody_is_known(given: str) -> None:
    headers = (("host", "gw"), *([("authorization", given)] if given else []))
    with pytest.raises(AuthenticationFailed):
        asked_of(RequestHead("GET", "/endpoints/a/api", headers))


async def test_a_connection_belongs_to_a_person_whatever_token_they_show() -> None:
    people = {b"first": 1, b"second": 1, b"theirs": 2}

    async def prove(token: Secret) -> Identity:
        number = people.get(token.reveal())
        if number is None:
            raise AuthenticationFailed("nobody")
        return cast("Identity", SimpleNamespace(id=number, scopes=frozenset({"connect"})))

    bearers = Bearers(prove, await prove(Secret(b"first")), Secret(b"first"))
    for token in (b"first", b"second", b"second", b"first"):
        await bearers.check(Secret(token))
    for token in (b"theirs", b"unknown"):
        with pytest.raises(AuthenticationFailed):
            await bearers.check(Secret(token))


@pytest.mark.parametrize(
    ("first", "later", "goes_on"),
    [
        ((), (), True),
        (("connect",), (), True),
        (("connect",), ("connect", "request-secrets"), True),
        ((), ("connect",), False),
        (("connect", "request-secrets"), ("connect",), False),
    ],
)
async def test_a_token_for_less_does_not_go_on_with_what_another_opened(
    first: tuple[str, ...], later: tuple[str, ...], goes_on: bool
) -> None:
    async def prove(token: Secret) -> Identity:
        scopes = frozenset(first if token.reveal() == b"first" else later)
        return cast("Identity", SimpleNamespace(id=1, scopes=scopes))

    bearers = Bearers(prove, await prove(Secret(b"first")), Secret(b"first"))
    if goes_on:
        await bearers.check(Secret(b"later"))
    else:
        with pytest.raises(AuthenticationFailed, match="good for less"):
            await bearers.check(Secret(b"later"))
