"""The API's listener: who asks for nothing soon is closed, who asked once may ask again later."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from gateway.web import listen
from gateway.web.listen import ApiListener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from servers import Certificates

SECONDS = 1.0
"""What a new connection has here to ask for something."""
ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def healthy(_: web.Request) -> web.Response:
    return web.Response(text="it serves")


@pytest.fixture
async def listener(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> AsyncIterator[ApiListener]:
    monkeypatch.setattr(listen, "FIRST_SECONDS", SECONDS)
    app = web.Application()
    app.router.add_get("/healthz", healthy)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificates.chain, certificates.key)
    made = await ApiListener.start(app, host="127.0.0.1", port=0, tls=tls)
    yield made
    await made.stop()


@asynccontextmanager
async def connected(
    listener: ApiListener, certificates: Certificates
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    trust = ssl.create_default_context(cafile=str(certificates.ca))
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", listener.port, ssl=trust, server_hostname="localhost"
    )
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("said", [b"", ASK[:30]], ids=["nothing", "half a head"])
async def test_a_connection_that_asks_for_nothing_is_closed(
    listener: ApiListener, certificates: Certificates, said: bytes
) -> None:
    async with connected(listener, certificates) as (reader, writer):
        began = time.monotonic()
        writer.write(said)
        async with asyncio.timeout(SECONDS + 10):
            assert await reader.read() == b""
        assert time.monotonic() - began > SECONDS / 2


async def test_a_connection_that_asked_once_may_ask_again_later(
    listener: ApiListener, certificates: Certificates
) -> None:
    async with connected(listener, certificates) as (reader, writer):
        for wait in (SECONDS * 1.5, SECONDS * 1.5, 0):
            writer.write(ASK)
            answer = await reader.readuntil(b"it serves")
            assert answer.startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(wait)


async def test_a_connection_that_never_ends_its_handshake_is_closed(listener: ApiListener) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    try:
        async with asyncio.timeout(SECONDS + 10):
            assert await reader.read() == b""
    finally:
        writer.close()
        await writer.wait_closed()
