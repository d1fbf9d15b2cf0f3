"""An HTTP request's path, query and body → the route's request type: nothing unknown, nothing twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.web.routes import Route
    from gateway.web.shapes.shape import Question

BODY_SECONDS = 30.0
"""A body has so long to arrive."""


class BodyTooLarge(InvalidInput):
    """The body is larger than its route takes."""


async def read_request(request: web.Request, route: Route) -> Question:
    """Turn an HTTP request into the route's request type.

    Args:
        request: as received.
        route: the row of the table it matched.

    Raises:
        InvalidInput: a member is unknown, missing, twice there or of the wrong type; it is named.
    """
    members: dict[str, Any] = {}
    if route.has_body:
        if request.query_string:
            raise InvalidInput(f"{route.method} takes its members in the body, not in the query")
        members = await _body(request, route)
    else:
        members = _query(request, route)
    for name in route.path_members:
        if name in members:
            raise InvalidInput(f"`{name}` stands in the path already")
        members[name] = request.match_info[name]
    try:
        return msgspec.convert(members, route.request, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"{error}".replace("`$.", "`"), hint="GET /openapi.json describes every member"
        ) from error


async def _body(request: web.Request, route: Route) -> dict[str, Any]:
    """Read the JSON body, as an object."""
    data = bytearray()
    if (request.content_length or 0) > route.body_bytes:
        raise BodyTooLarge(f"the body is larger than {route.body_bytes} bytes")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_chunked(64 << 10):
                data += chunk
                if len(data) > route.body_bytes:
                    raise BodyTooLarge(f"the body is larger than {route.body_bytes} bytes")
    except TimeoutError as error:
        raise InvalidInput(f"the body did not arrive within {BODY_SECONDS:.0f} s") from error
    if not data:
        return {}
    if request.content_type != "application/json":
        raise InvalidInput("the body must be application/json")
    try:
        members = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"the body is not JSON: {error}") from error
    if not isinstance(members, dict):
        raise InvalidInput("the body must be a JSON object")
    return members


def _query(request: web.Request, route: Route) -> dict[str, Any]:
    """Read the query; a member that is a list may stand there several times."""
    several = {
        field.name
        for field in msgspec.structs.fields(route.request)
        if getattr(field.type, "__origin__", None) is tuple
    }
    members: dict[str, Any] = {}
    for name in request.query:
        values = request.query.getall(name)
        if name in several:
            members[name] = values
        elif len(values) > 1:
            raise InvalidInput(f"`{name}` stands twice in the query")
        else:
            members[name] = values[0]
    return members
