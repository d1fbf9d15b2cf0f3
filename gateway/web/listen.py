"""The API on a TCP port, over TLS only."""

from __future__ import annotations

import logging
import ssl
from typing import Self

from aiohttp import web

_QUIET = logging.getLogger("gateway.web.http")
"""What aiohttp says of malformed HTTP holds the bytes themselves, tokens too: that stays out of the log."""
_QUIET.disabled = True


class ApiListener:
    """The running API.

    Args:
        runner: of the application.
        port: that it listens on.
    """

    def __init__(self, runner: web.AppRunner, port: int) -> None:
        self._runner = runner
        self.port = port

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
        runner = web.AppRunner(app, access_log=None, logger=_QUIET, keepalive_timeout=30, shutdown_timeout=2)
        await runner.setup()
        site = web.TCPSite(runner, host, port, ssl_context=tls, backlog=512)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        return cls(runner, runner.addresses[0][1])

    async def stop(self) -> None:
        """Take no more connections, give answers under way a moment, close."""
        await self._runner.cleanup()
