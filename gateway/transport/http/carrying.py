"""What goes on once heads have been exchanged: bodies and streams, carried at the pace of the slower side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.domain.errors import UpstreamUnavailable
from gateway.transport.http.exchange import ClientLeft

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.transport.http.connection import Connection
    from gateway.transport.http.exchange import ClientSide, UpstreamSide


class OneWay:
    """Closes production's connection as soon as the client, to whom an answer is on its way, leaves.

    As a block it raises :class:`ClientLeft` in place of what production's connection broke by. Twice for each
    request: a generator in its place takes three times as long.

    Args:
        client: None: nobody's leaving matters.
        upstream: that an answer is awaited from.
    """

    __slots__ = ("_client", "_upstream")

    def __init__(self, client: Connection | None, upstream: Connection) -> None:
        self._client = client
        self._upstream = upstream

    def __enter__(self) -> None:
        if self._client is not None:
            self._client.when_it_leaves(self._upstream.abort)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._client is None:
            return
        self._client.when_it_leaves(None)
        if isinstance(error, UpstreamUnavailable) and self._client.ended:
            raise ClientLeft from None


async def pump(upstream: UpstreamSide, client: ClientSide, seen: Callable[[bytes], None]) -> None:
    """Carry the body of an answer whose head has been sent, at the client's pace.

    Args:
        upstream: its head has been read.
        client: where it goes.
        seen: told of each piece before it is sent on.

    Raises:
        UpstreamUnavailable: production broke off in the middle; so does the client's answer.
    """
    while piece := await upstream.data():
        seen(piece)
        client.piece(piece)
        await client.connection.drain()
    client.finish()


async def two_way(
    client: Connection,
    upstream: UpstreamSide,
    *,
    down: Callable[[bytes], bytes],
    up: Callable[[bytes], bytes],
    half: bool = True,
    left: Callable[[], None] | None = None,
) -> None:
    """Carry bytes both ways until production sends no more, or the client is gone.

    Args:
        client: one side; what came behind its request has been sent on.
        upstream: the other, behind the head by which the protocol changed.
        down: what of production's bytes goes to the client.
        up: what of the client's bytes goes to production.
        half: whether a client that only sends no more has not left.
        left: called once the client has left; None: production's side is broken off.
    """
    client.when_it_leaves(left or upstream.connection.abort, half=half)
    try:
        async with asyncio.TaskGroup() as group:
            upward = group.create_task(_carry(client.read, upstream.connection, up))
            await _carry(upstream.data, client, down)
            upward.cancel()
    finally:
        client.when_it_leaves(None)


async def _carry(
    read: Callable[[], Awaitable[bytes]], target: Connection, through: Callable[[bytes], bytes]
) -> None:
    """Carry one way until the source sends no more; then the target is told so."""
    while data := await read():
        target.write(through(data))
        await target.drain()
    target.write_eof()
