"""Connections of one session to one place of production, dialled when they are needed and kept while idle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.domain.errors import UpstreamUnavailable
from gateway.transport.http import write
from gateway.transport.http.carrying import OneWay
from gateway.transport.http.exchange import UpstreamSide
from gateway.transport.http.head import RequestHead

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.domain.http import Request
    from gateway.transport.http.connection import Connection
    from gateway.transport.http.head import ResponseHead

REPEATABLE: Final = frozenset(("GET", "HEAD"))
"""May be sent again where a connection that lay idle turns out to be closed (RFC 9110, section 9.2.2)."""

MOST_IDLE: Final = 2
"""Connections that wait for a request: what may not be sent twice takes a new one each time."""


class Pool:
    """Connections of one session; none is ever passed to another.

    Args:
        dial: opens one.
        host: what ``Host`` says.
        repeatable: methods of what may be sent again where a connection turns out to be closed.
    """

    def __init__(
        self,
        dial: Callable[[], Awaitable[Connection]],
        host: str,
        *,
        repeatable: frozenset[str] = REPEATABLE,
    ) -> None:
        self._dial = dial
        self._repeatable = repeatable
        self._host = host
        self._idle: list[UpstreamSide] = []
        self._open: set[UpstreamSide] = set()
        self._closed = False
        self._written: tuple[Request, RequestHead, bytes] | None = None

    async def ask(
        self,
        request: Request,
        *,
        upgrade: str = "",
        hijacked: frozenset[str] = frozenset(),
        client: Connection | None = None,
    ) -> tuple[UpstreamSide, ResponseHead]:
        """Send a request; return its connection and the answer's head. ``done`` takes the connection back.

        Args:
            request: as judged and rebuilt.
            upgrade: the protocol to change to; empty: none.
            hijacked: content types by which an answer of 200 changes protocol as 101 does.
            client: whose leaving breaks it off; None: nobody's.

        Raises:
            UpstreamUnavailable: production can't be reached, or broke off.
            ClientLeft: the client left before the answer came.
        """
        asked, sent = self._write(request, upgrade)
        while not self._closed:
            kept = bool(self._idle) and request.method in self._repeatable
            side = self._idle.pop() if kept else await self._fresh()
            if side.connection.unread:  # an answer to nothing: it would be taken for this request's
                side.reusable = False
                self.done(side)
                continue
            try:
                with OneWay(client, side.connection):
                    side.ask(sent, asked, hijacked)
                    return side, await side.head()
            except UpstreamUnavailable:
                begun = side.begun
                self.done(side)
                if not kept or begun:
                    raise
            except BaseException:
                self.done(side)
                raise
        raise UpstreamUnavailable("the session is over")

    def _write(self, request: Request, upgrade: str) -> tuple[RequestHead, bytes]:
        """Return a request as it is sent; the very one that was sent last is not written down again.

        Raises:
            UpstreamUnavailable: it can't be.
        """
        if self._written is not None and self._written[0] is request and not upgrade:
            return self._written[1:]
        asked = RequestHead(request.method, request.target, request.headers, upgrade=upgrade)
        try:
            sent = write.request(request, self._host, upgrade=upgrade)
        except ValueError as error:
            raise UpstreamUnavailable("the request can't be written down for production") from error
        self._written = (request, asked, sent) if request.body is None and not upgrade else None
        return asked, sent

    async def asked(self, request: Request, *, most: int) -> tuple[ResponseHead, bytes]:
        """Send a request and return its whole answer.

        Raises:
            UpstreamUnavailable: production can't be reached, broke off, or answered more than ``most`` bytes.
        """
        side, head = await self.ask(request)
        try:
            return head, await side.body(most)
        finally:
            self.done(side)

    def done(self, side: UpstreamSide) -> None:
        """Keep a connection whose answer was read to its end for the next request; break off any other.

        One that is being closed sends what was written before; ``abort`` waits for that no longer.
        """
        spare = len(self._idle) < MOST_IDLE and not self._closed
        if side.reusable and side.whole and spare and not side.connection.ended:
            self._idle.append(side)
        elif not side.connection.closing:
            self._open.discard(side)
            side.connection.abort()

    def abort(self) -> None:
        """Break off whatever runs, and stay closed."""
        self._closed = True
        for side in self._open:
            side.connection.abort()
        self._open.clear()
        self._idle.clear()

    async def _fresh(self) -> UpstreamSide:
        side = UpstreamSide(await self._dial())
        if self._closed:
            side.connection.abort()
            raise UpstreamUnavailable("the session is over")
        self._open.add(side)
        return side
