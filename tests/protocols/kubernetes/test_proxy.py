"""What a door tells a client beside its answers, and how it ends while nothing is asked."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from gateway.domain.secret import Secret
from gateway.domain.session import EndCause, Ending
from gateway.protocols.kubernetes.entrance import Asked
from gateway.protocols.kubernetes.proxy import KubernetesDoor
from gateway.transport.http.connection import Connection
from gateway.transport.http.exchange import ClientSide
from gateway.transport.http.head import RequestHead
from gateway.transport.stream import stream_over

REVOKED = Ending(EndCause.REVOKED, "taken away by approver")


@asynccontextmanager
async def door() -> AsyncIterator[tuple[KubernetesDoor, Connection]]:
    """A door and its client."""
    ours, theirs = socket.socketpair()
    ends = [Connection.over(await stream_over(each)) for each in (ours, theirs)]
    first = Asked(RequestHead("GET", "/api", (("user-agent", "kubectl/1.32"),)), "prod-k8s", Secret("t"))
    arrival = SimpleNamespace(peer="10.0.0.1:5", source="10.0.0.1", passage=None)
    made = KubernetesDoor(
        cast("Any", None), ClientSide(ends[0]), first, cast("Any", arrival), cast("Any", None)
    )
    try:
        yield made, ends[1]
    finally:
        for end in ends:
            end.abort()


async def test_the_record_says_who_came_with_which_client() -> None:
    async with door() as (made, _):
        assert (made.client, made.source) == ("10.0.0.1:5 kubectl/1.32", "10.0.0.1")


async def test_a_notice_goes_with_the_next_answer_once() -> None:
    async with door() as (made, _):
        await made.warn("your access ends in 5 minutes")
        assert made._told() == (("warning", '299 - "glassgate: your access ends in 5 minutes"'),)
        assert made._told() == ()


async def test_a_connection_that_waits_for_a_request_is_idle_and_just_closed() -> None:
    async with door() as (made, client):
        assert not made.busy()
        assert await made.cut(REVOKED)
        assert await client.read() == b""


async def test_a_request_that_is_not_answered_yet_is_told_why_it_will_not_be() -> None:
    async with door() as (made, client):
        made._busy = True
        assert made.busy()
        assert await made.cut(REVOKED)
        head, _, body = (await client.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"Connection: close" in head
    assert json.loads(body)["message"] == "glassgate: taken away by approver"


async def test_a_client_that_never_sends_the_rest_of_its_request_is_idle() -> None:
    async with door() as (made, client), asyncio.TaskGroup() as group:
        head = RequestHead("POST", "/api", (("host", "x"),), length=5)
        client.write(b"POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{")
        assert await made._client.head() is not None
        answering = group.create_task(made._answer(cast("Any", None), Asked(head, "prod-k8s", Secret("t"))))
        await asyncio.sleep(0.01)
        assert not answering.done()
        assert not made.busy()
        answering.cancel()
