"""The way to an API server: by which credential, under which name, and what happens to idle connections."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trustme

from gateway.domain.endpoint import Endpoint, EndpointKind, EndpointSettings
from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.http import Request
from gateway.domain.ids import EndpointId
from gateway.domain.secret import Secret
from gateway.protocols.kubernetes.upstream import Upstream, targets_of

AUTHORITY = trustme.CA()
CA = AUTHORITY.cert_pem.bytes().decode()
VERSION = Request("GET", "/version", (("accept", "application/json"), ("user-agent", "kubectl/1.32")))


@dataclass
class Server:
    """Answers every request with what it was asked, and by whom."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    connections: int = 0
    closes: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        shown = writer.get_extra_info("ssl_object").getpeercert() or {}
        self.clients += [value for part in shown.get("subject", ()) for name, value in part if "Name" in name]
        try:
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                )
                if self.closes:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    context.load_verify_locations(cadata=CA)
    context.verify_mode = ssl.CERT_OPTIONAL
    made = Server()
    server = await asyncio.start_server(made.serve, "localhost", 0, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


def upstream(server: Server, secret: str, *, ca: str = CA, agent: str = "", reads: bool = True) -> Upstream:
    endpoint = Endpoint(
        id=EndpointId(1),
        name="prod-k8s",
        kind=EndpointKind.KUBERNETES,
        labels={},
        host="localhost",
        port=server.port,
        username="",
        tls="verify-full",
        ca=ca,
        repository=None,
        settings=EndpointSettings(),
        version=1,
    )
    return Upstream(targets_of(endpoint, Secret(secret)).reader, agent, reads=reads)


async def test_a_bearer_token_is_the_gateway_s_own() -> None:
    async with serving() as server:
        way = upstream(server, "of-the-gateway", agent="(session 17; engineer)")
        asked = Request("GET", "/version", (*VERSION.headers, ("authorization", "Bearer of-the-client")))
        head, body = await way.asked(asked, most=100)
        way.abort()
    assert (head.status, body) == (200, b"{}")
    sent = server.heads[0]
    assert "authorization: Bearer of-the-gateway\r\n" in sent
    assert "of-the-client" not in sent
    assert f"Host: localhost:{server.port}\r\n" in sent
    assert "(session 17; engineer) kubectl/1.32\r\n" in sent


async def test_a_client_certificate_is_shown_in_the_handshake() -> None:
    issued = AUTHORITY.issue_cert("gateway.example.com", common_name="the gateway")
    secret = json.dumps(
        {
            "certificate": issued.cert_chain_pems[0].bytes().decode(),
            "key": issued.private_key_pem.bytes().decode(),
        }
    )
    async with serving() as server:
        way = upstream(server, secret)
        await way.asked(VERSION, most=100)
        way.abort()
    assert "the gateway" in server.clients
    assert "authorization" not in server.heads[0]


async def test_one_connection_serves_request_after_request() -> None:
    async with serving() as server:
        way = upstream(server, "token")
        for _ in range(3):
            await way.asked(VERSION, most=100)
        way.abort()
    assert server.connections == 1


async def test_reviews_go_on_one_connection_too_and_what_is_tried_out_on_new_ones() -> None:
    review = Request("POST", "/review", (), b"")
    async with serving() as server:
        for reads, connections in ((True, 1), (False, 4)):
            way = upstream(server, "token", reads=reads)
            for _ in range(3):
                await way.asked(review, most=100)
            way.abort()
            assert server.connections == connections


async def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    async with serving() as server:
        way = upstream(server, "token")
        server.closes = True
        for _ in range(3):
            assert (await way.asked(VERSION, most=100))[0].status == 200
        way.abort()
    assert len(server.heads) == 3


async def test_another_authority_s_server_gets_nothing() -> None:
    async with serving() as server:
        with pytest.raises(UpstreamUnavailable):
            await upstream(server, "token", ca=trustme.CA().cert_pem.bytes().decode()).asked(VERSION, most=9)
    assert server.heads == []


async def test_a_session_that_is_over_dials_no_more() -> None:
    async with serving() as server:
        way = upstream(server, "token")
        way.abort()
        with pytest.raises(UpstreamUnavailable):
            await way.asked(VERSION, most=100)
    assert server.heads == []
