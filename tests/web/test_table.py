"""The route table: nothing is open that doesn't say why, and the description is made from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.access.policy_files import ACTIONS
from gateway.web.openapi import describe
from gateway.web.routes import Action, Answer, Call, Public, Route, public, route
from gateway.web.shapes.identity import Done
from gateway.web.shapes.shape import Nothing, Question, Shape
from gateway.web.table import ROUTES

PUBLIC = {"GET /healthz", "GET /readyz", "GET /openapi.json", "GET /v1/ca", "POST /v1/login"}


def spot(one: Route) -> str:
    return f"{one.method} {one.path}"


async def nothing(_call: Call, _question: Nothing) -> Done:
    """Do nothing."""
    return Done(done="")


def test_only_these_routes_need_no_identity() -> None:
    assert {spot(one) for one in ROUTES if one.public is not None} == PUBLIC


def test_a_route_without_an_action_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="must state its actions"):
        route("GET /v1/open", frozenset(), nothing, takes=Nothing, gives=Done)
    with pytest.raises(TypeError, match="must state its actions"):
        Route("GET", "/x", frozenset(), None, "s", Nothing, Done, Answer.JSON, nothing)
    with pytest.raises(TypeError, match="must state its actions"):
        Route(
            "GET", "/x", frozenset({Action.REVIEW}), Public.HEALTH, "s", Nothing, Done, Answer.JSON, nothing
        )


def test_a_path_names_members_of_its_request_only() -> None:
    with pytest.raises(TypeError, match="has no"):
        route("GET /v1/x/{id}", Action.REVIEW, nothing, takes=Nothing, gives=Done)


def test_a_route_is_described() -> None:
    async def mute(_call: Any, _question: Nothing) -> Done:
        return Done(done="")

    with pytest.raises(TypeError, match="docstring"):
        public("GET /x", Public.HEALTH, mute, takes=Nothing, gives=Done)


def test_the_actions_are_those_of_policy() -> None:
    assert {action.value for action in Action} == ACTIONS


def test_no_route_stands_twice() -> None:
    spots = [re.sub(r"\{\w+\}", "{}", spot(one)) for one in ROUTES]
    assert len(spots) == len(set(spots))


def test_requests_refuse_what_they_do_not_know_and_answers_pass_it_over() -> None:
    for one in ROUTES:
        assert issubclass(one.request, Question), spot(one)
        if one.answer is not Answer.RAW:
            assert issubclass(one.response, Shape), spot(one)
            assert not issubclass(one.response, Question), spot(one)


def test_the_description_lists_every_route_with_its_actions() -> None:
    described = describe(ROUTES, version="1")
    assert described["openapi"].startswith("3.1")
    listed = {
        f"{method.upper()} {path}": operation
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    }
    assert set(listed) == {spot(one) for one in ROUTES}
    for one in ROUTES:
        operation = listed[spot(one)]
        assert operation["summary"].endswith(".")
        assert operation.get("x-actions", []) == sorted(action.value for action in one.actions)
        assert bool(operation["security"]) == (one.public is None)
        named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        assert named == set(one.path_members)
    assert len({operation["operationId"] for operation in listed.values()}) == len(listed)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_in_the_description_leads_somewhere() -> None:
    described = json.loads(json.dumps(describe(ROUTES, version="1")))
    for reference in references(described):
        found = described
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found
