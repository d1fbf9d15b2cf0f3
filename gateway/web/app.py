"""The route table → an aiohttp application: identity, permission, request type, handler, answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from gateway.domain.errors import AuthenticationFailed, GlassgateError, NotAuthorised, TooManyAttempts
from gateway.domain.identity import BearerEvidence
from gateway.domain.secret import Secret
from gateway.log import get_logger
from gateway.web.handlers.streams import closing
from gateway.web.intake import BodyTooLarge, read_request
from gateway.web.problems import Problem, ProblemAnswer, answer_to
from gateway.web.routes import Answer, Call, PublicCall, Raw, Route
from gateway.web.shapes.shape import Shape
from gateway.web.table import ROUTES

if TYPE_CHECKING:
    from gateway.web.parts import WebParts

log = get_logger("web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEARTBEAT_SECONDS: Final = 10.0
"""A silent stream sends an empty line so often, so that both sides notice when the other is gone."""

GUARD_SECONDS: Final = 2.0
"""A stream's reader is looked at again so often: a token or role that is gone ends it."""

HEADERS: Final = {
    "Strict-Transport-Security": "max-age=31536000",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "glassgate",
}
"""Stand on every answer."""


def build_app(parts: WebParts) -> web.Application:
    """Make the application of the HTTP API.

    Args:
        parts: the services behind it.
    """
    app = web.Application(middlewares=[_errors_as_json(parts)], client_max_size=0)
    app.on_response_prepare.append(_set_headers)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _serve(route, parts), name=None)
    return app


async def _set_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers[name] = value


def _errors_as_json(parts: WebParts) -> Any:
    """Make the middleware that turns every error into the API's own answer, and counts every answer."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        try:
            response = await handler(request)
        except BodyTooLarge as error:
            response = problem(413, Problem(code="body-too-large", message=error.message, hint=error.hint))
        except GlassgateError as error:
            response = _told(error)
        except web.HTTPException as error:
            response = _unrouted(request, error)
        except (ConnectionResetError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("request failed", method=request.method, path=request.path)
            response = problem(
                500, Problem(code="fault", message="the gateway failed; its log says more", hint="")
            )
        info = request.match_info.route.resource
        path = info.canonical if info is not None else "-"
        parts.metrics.answered(request.method, path, response.status, time.perf_counter() - started)
        return response

    return middleware


def _told(error: GlassgateError) -> web.Response:
    """Answer with an error of the tree."""
    status, body = answer_to(error)
    response = problem(status, body.error)
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = "60"
    elif isinstance(error, AuthenticationFailed):
        response.headers["WWW-Authenticate"] = 'Bearer realm="glassgate"'
    return response


def _unrouted(request: web.Request, error: web.HTTPException) -> web.Response:
    """Answer where no route, or none with that method, stands."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        message = f"{request.path} does not take {request.method}"
        response = problem(
            405, Problem(code="method-not-allowed", message=message, hint=f"it takes {allowed}")
        )
        response.headers["Allow"] = allowed
        return response
    if error.status == web.HTTPNotFound.status_code:
        message = "no such route"
        return problem(404, Problem(code="not-found", message=message, hint="GET /openapi.json lists them"))
    return problem(error.status, Problem(code="bad-request", message=error.reason or "bad request"))


def problem(status: int, told: Problem) -> web.Response:
    """Make an error's answer."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(ProblemAnswer(error=told)),
        content_type="application/json",
    )


def _serve(route: Route, parts: WebParts) -> Handler:
    """Make the aiohttp handler of one row of the table."""

    async def handle(request: web.Request) -> web.StreamResponse:
        call: Call | PublicCall
        if route.public is not None:
            call = PublicCall(parts, _source(request))
        else:
            call = await authorise(request, route, parts)
        result = await route.handler(call, await read_request(request, route))
        if route.answer is Answer.JSON:
            return _json(result)
        if route.answer is Answer.LINES:
            return await _lines(request, result, still_allowed=lambda: authorise(request, route, parts))
        return await _raw(request, result)

    return handle


async def authorise(request: web.Request, route: Route, parts: WebParts) -> Call:
    """Prove who calls and that policy opens the route to them.

    Raises:
        AuthenticationFailed: no bearer token, or it proves nothing.
        NotAuthorised: policy gives this identity none of the route's actions.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise AuthenticationFailed("not logged in", hint="glassgate login")
    identity = await parts.authenticator.authenticate(
        BearerEvidence(token=Secret(token.strip()), source=_source(request))
    )
    permissions = await parts.policy.permissions(identity)
    if not any(permissions.allows(action.value) for action in route.actions):
        needed = " or ".join(sorted(action.value for action in route.actions))
        raise NotAuthorised(
            f"{identity.name} may not do this: policy asks for {needed}",
            hint="ask an administrator for a role (glassgate role grant NAME ROLE)",
        )
    return Call(parts, identity, permissions, _source(request))


def _source(request: web.Request) -> str:
    return request.remote or "unknown"


def _json(result: Shape | bytes) -> web.Response:
    body = result if isinstance(result, bytes) else msgspec.json.encode(result)
    return web.Response(body=body, content_type="application/json")


async def _raw(request: web.Request, result: Raw) -> web.StreamResponse:
    """Stream bytes; an error in mid-stream breaks the connection off, so that half is not taken for whole."""
    response = web.StreamResponse(headers={"Content-Type": result.media_type})
    if result.filename:
        response.headers["Content-Disposition"] = f'attachment; filename="{result.filename}"'
    async with closing(result.chunks) as chunks:
        # What can be told with a status code is told before the answer begins.
        chunk = await anext(chunks, b"")
        await response.prepare(request)
        return await _rest(request, response, chunk, chunks)


async def _rest(
    request: web.Request, response: web.StreamResponse, chunk: bytes, chunks: AsyncIterator[bytes]
) -> web.StreamResponse:
    try:
        await response.write(chunk)
        async for following in chunks:
            await response.write(following)
    except ConnectionError:
        return response
    except Exception:
        log.exception("answer broken off", path=request.path)
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


async def _lines(
    request: web.Request,
    items: AsyncGenerator[object, None],
    *,
    still_allowed: Callable[[], Awaitable[object]],
) -> web.StreamResponse:
    """Stream one JSON object a line; an error in mid-stream is the last line, the end of the right too."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=16)
    async with asyncio.TaskGroup() as group:
        pump = group.create_task(_pump(items, waiting))
        guard = group.create_task(_guard(still_allowed, waiting))
        try:
            await _drain(waiting, response)
        except ConnectionError:
            log.info("stream's client is gone", path=request.path)
        finally:
            pump.cancel()
            guard.cancel()
    return response


async def _guard(
    still_allowed: Callable[[], Awaitable[object]], waiting: asyncio.Queue[bytes | None]
) -> None:
    """End a stream soon after its reader's token or role is gone."""
    while True:
        await asyncio.sleep(GUARD_SECONDS)
        try:
            await still_allowed()
        except GlassgateError as error:
            await waiting.put(msgspec.json.encode(answer_to(error)[1]) + b"\n")
            await waiting.put(None)
            return


async def _drain(waiting: asyncio.Queue[bytes | None], response: web.StreamResponse) -> None:
    """Write what comes, and a heartbeat where nothing does."""
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                line = await waiting.get()
        except TimeoutError:
            line = b"\n"
        if line is None:
            break
        await response.write(line)
    await response.write_eof()


async def _pump(items: AsyncGenerator[object, None], waiting: asyncio.Queue[bytes | None]) -> None:
    """Encode what comes into the bounded queue; None at the end."""
    try:
        async with aclosing(items) as open_items:
            async for item in open_items:
                await waiting.put(msgspec.json.encode(item) + b"\n")
    except GlassgateError as error:
        await waiting.put(msgspec.json.encode(answer_to(error)[1]) + b"\n")
    except Exception:
        log.exception("stream failed")
        fault = Problem(code="fault", message="the gateway failed; its log says more")
        await waiting.put(msgspec.json.encode(ProblemAnswer(error=fault)) + b"\n")
    await waiting.put(None)
