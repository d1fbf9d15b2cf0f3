"""The API on a TCP port, over TLS only; connections are counted, and must say something soon."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

from aiohttp import web

FIRST_SECONDS: Final = 10.0
"""A new connection has so long for its TLS handshake, and again for its first request's head."""
KEEP_SECONDS: Final = 30.0
"""A connection stays open so long between requests."""
STOP_SECONDS: Final = 2.0
"""Answers under way have so long when the gateway stops."""
CONNECTIONS: Final = 1000
"""What comes on top is closed at once."""

_QUIET = logging.getLogger("gateway.web.http")
"""What aiohttp says of malformed HTTP holds the bytes themselves, tokens too: that stays out of the log."""
_QUIET.disabled = True


class _Refused(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


class _Doorkeeper:
    """Makes the protocol of each connection; closes those that never ask for anything.

    Attributes:
        server: makes aiohttp's own; until it is there, every connection is one too many.
    """

    def __init__(self) -> None:
        self._silent: set[Any] = set()
        self.server: web.Server | None = None

    def __call__(self) -> asyncio.Protocol:
        server = self.server
        if server is None or len(server.connections) >= CONNECTIONS:
            return _Refused()
        handler = server()
        self._silent.add(handler)
        asyncio.get_running_loop().call_later(FIRST_SECONDS, self._close_if_silent, handler)
        return handler

    def _close_if_silent(self, handler: web.RequestHandler) -> None:
        if handler in self._silent:
            self._silent.discard(handler)
            handler.force_close()

    @web.middleware
    async def heard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Note that a connection has asked for something."""
        self._silent.discard(request.protocol)
        return await handler(request)


class ApiListener:
    """The running API.

    Args:
        runner: of the application.
        server: that listens.
    """

    def __init__(self, runner: web.AppRunner, server: asyncio.Server) -> None:
        self._runner = runner
        self._server = server

    @property
    def port(self) -> int:
        """TCP port that it listens on."""
        return int(self._server.sockets[0].getsockname()[1])

    @classmethod
    async def start(cls, app: web.Application, *, host: str, port: int, tls: ssl.SSLContext) -> Self:
        """Listen.

        Args:
            app: of ``build_app``.
            host: address to bind.
            port: TCP port; 0 takes a free one.
            tls: the server's certificate.

        Raises:
            OSError: the address is in use or can't be bound.
        """
        doorkeeper = _Doorkeeper()
        app.middlewares.insert(0, doorkeeper.heard)
        runner = web.AppRunner(
            app,
            access_log=None,
            logger=_QUIET,
            keepalive_timeout=KEEP_SECONDS,
            shutdown_timeout=STOP_SECONDS,
        )
        await runner.setup()
        doorkeeper.server = runner.server
        try:
            server = await asyncio.get_running_loop().create_server(
                doorkeeper, host, port, ssl=tls, backlog=512, ssl_handshake_timeout=FIRST_SECONDS
            )
        except OSError:
            await runner.cleanup()
            raise
        return cls(runner, server)

    async def stop(self) -> None:
        """Take no more connections, give answers under way a moment, close."""
        self._server.close()
        await self._runner.cleanup()
