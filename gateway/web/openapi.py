"""The route table → OpenAPI 3.1, from the types themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.web.problems import ProblemAnswer
from gateway.web.routes import Answer, Route
from gateway.web.shapes.shape import Shape

REFERENCE = "#/components/schemas/{name}"


def describe(routes: Sequence[Route], *, version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of the routes.

    Args:
        routes: the table.
        version: of the gateway.
    """
    types: list[Any] = [ProblemAnswer]
    for route in routes:
        types.append(route.request)
        if route.answer is not Answer.RAW:
            types.append(route.response)
    _, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    schemas = dict(components)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Glassgate",
            "version": version,
            "description": "Look at everything, change nothing: what the glassgate command calls.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "responses": {"200": _success(route), "default": _failure()},
        "security": [] if route.public is not None else [{"bearer": []}],
    }
    if route.public is None:
        operation["x-actions"] = sorted(action.value for action in route.actions)
    parameters = _parameters(route, schemas)
    if parameters:
        operation["parameters"] = parameters
    if route.has_body:
        body = _body(route, schemas)
        if body["properties"]:
            operation["requestBody"] = {
                "required": bool(body["required"]),
                "content": {"application/json": {"schema": body}},
            }
    return operation


def _operation_id(route: Route) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", route.path.lower().replace("/v1/", "/")).strip("_")
    return f"{route.method.lower()}_{words}"


def _parameters(route: Route, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """Describe members in the path, and in the query where there is no body."""
    schema = schemas[route.request.__name__]
    found = []
    for name, member in schema["properties"].items():
        if name in route.path_members:
            found.append({"name": name, "in": "path", "required": True, "schema": member})
        elif not route.has_body:
            required = name in schema.get("required", [])
            found.append({"name": name, "in": "query", "required": required, "schema": member})
    return found


def _body(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    """Describe the body: the request type without the members that stand in the path."""
    schema = schemas[route.request.__name__]
    return {
        **schema,
        "properties": {n: m for n, m in schema["properties"].items() if n not in route.path_members},
        "required": [name for name in schema.get("required", []) if name not in route.path_members],
    }


def _success(route: Route) -> dict[str, Any]:
    if route.answer is Answer.RAW:
        content = {media: {"schema": {"type": "string"}} for media in route.response}
        return {"description": route.summary, "content": content}
    media = "application/json" if route.answer is Answer.JSON else "application/x-ndjson"
    return {"description": route.summary, "content": {media: {"schema": _reference(route.response)}}}


def _reference(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and issubclass(kind, Shape):
        return {"$ref": REFERENCE.format(name=kind.__name__)}
    schemas, _ = msgspec.json.schema_components([kind], ref_template=REFERENCE)
    return dict(schemas[0])


def _failure() -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(name=ProblemAnswer.__name__)}
    return {"description": "What went wrong", "content": {"application/json": {"schema": schema}}}
