"""One exchange between a client and production: whole or piece by piece, at the pace of the slower side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import PeerError, UpstreamUnavailable
from gateway.transport.http import write
from gateway.transport.http.head import END, NO_BODY, End, NotUnderstood, RequestHead, ResponseHead
from gateway.transport.http.read import RequestReader, ResponseReader

if TYPE_CHECKING:
    from gateway.transport.http.connection import Connection
    from gateway.transport.http.head import Headers

LINGER_SECONDS: Final = 2.0
"""A client that is still sending has so long to read an answer: closing at once would take it away again."""
MOST_LINGERING: Final = 64 << 20
"""Bytes that are read and dropped meanwhile."""


class ClientLeft(PeerError):
    """The client closed the connection before its answer had ended."""

    def __init__(self) -> None:
        super().__init__("the client left")


class ClientSide:
    """The client's side: requests come in one behind the other, each is answered before the next is read.

    Args:
        connection: to the client.

    Attributes:
        connection: see above.
        answering: whether an answer to the last request was begun.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.answering = False
        self._reader = RequestReader()
        self._events: list[RequestHead | bytes | End] = []
        self._asked: RequestHead | None = None
        self._waits = self._whole = False
        self._chunks = self._bodyless = False
        self._said: tuple[tuple[object, ...], bytes] = ((), b"")

    # ---- requests --------------------------------------------------------------------------------

    async def head(self) -> RequestHead | None:
        """Return the next request's head, None once the client has left.

        Raises:
            NotUnderstood: it is no HTTP; nothing more can be read.
            ClientLeft: it left in the middle of a head.
        """
        # Who asks on and on and takes no answer waits, and keeps no memory of ours.
        if self.connection.behind:
            await self.connection.drain()
        if self.whole:  # the end of a body that was given up one piece before it is no request
            self._events.clear()
        if self._reader.begun:
            self._events += self._reader.feed(b"")
        if self._events:
            await asyncio.sleep(0)  # it asks ahead: others come first
        while not self._events:
            data = await self.connection.read()
            if not data and self._reader.begun:
                raise ClientLeft
            if not data:
                return None
            self._events += self._reader.feed(data)
        head = self._events.pop(0)
        assert isinstance(head, RequestHead)
        self._asked, self._waits, self._whole = head, head.waits, False
        self.answering = False
        return head

    async def data(self) -> bytes:
        """Return the next piece of the request's body, nothing once it is whole.

        Raises:
            NotUnderstood: it is no HTTP.
            ClientLeft: it left in the middle of it.
        """
        while not self._whole:
            if not self._events:
                self._go_on()
                data = await self.connection.read()
                if not data:
                    raise ClientLeft
                self._events += self._reader.feed(data)
                continue
            event = self._events.pop(0)
            if isinstance(event, bytes):
                return event
            self._whole = event is END
        return b""

    def _go_on(self) -> None:
        """Tell a client that waits to send the body."""
        if self._waits:
            self._waits = False
            self.connection.write(write.CONTINUE)

    async def body(self, most: int) -> bytes | None:
        """Return the request's whole body, None where it is longer than ``most`` bytes.

        Raises:
            NotUnderstood: it is no HTTP.
            ClientLeft: it left in the middle of it.
        """
        if self._events and self._events[0] is END:  # as for nearly every request there is none
            self._events.clear()
            self._whole = True
            return b""
        if self._asked is not None and (self._asked.length or 0) > most:
            return None
        pieces: list[bytes] = []
        size = 0
        while piece := await self.data():
            pieces.append(piece)
            size += len(piece)
            if size > most:
                return None
        return b"".join(pieces)

    @property
    def whole(self) -> bool:
        """Whether the request has been read to its end."""
        return self._whole or (bool(self._events) and self._events[0] is END)

    def switch(self, status: int, headers: Headers, *, reason: str = "", upgrade: str = "") -> bytes:
        """Send the head behind which no HTTP follows.

        Args:
            status: 101, or 200 of an old hijack.
            headers: that speak of no connection.
            reason: phrase behind the status; empty: the usual one.
            upgrade: the protocol; empty: an old hijack.

        Returns:
            What the client has sent of the other protocol already.
        """
        self.answering = True
        self.connection.write(write.switched(status, headers, reason=reason, upgrade=upgrade))
        return self.rest()

    def rest(self) -> bytes:
        """Take what came behind the request: bytes of the protocol that it changes to."""
        return self._reader.rest()

    # ---- answers ---------------------------------------------------------------------------------

    def begin(
        self,
        status: int,
        headers: Headers,
        *,
        reason: str = "",
        length: int | None = None,
        close: bool = False,
    ) -> None:
        """Send an answer's head.

        Args:
            status: three digits.
            headers: that speak of no connection.
            reason: phrase behind the status; empty: the usual one.
            length: of the body; None: not known, it goes out in chunks.
            close: whether the connection ends behind it.
        """
        self.connection.write(self._begun(status, headers, reason, length, close=close))

    def _begun(self, status: int, headers: Headers, reason: str, length: int | None, *, close: bool) -> bytes:
        """Return an answer's head, which is on its way; the one before where it is the same."""
        self.answering = True
        head = (status, headers, reason, length, close, self._asked is not None and self._asked.method)
        if head == self._said[0]:
            return self._said[1]
        self._bodyless = self._asked is not None and self._asked.method == "HEAD"
        self._bodyless = self._bodyless or status in NO_BODY
        self._chunks = length is None and not self._bodyless
        told = not self._bodyless or bool(length)
        made = write.response(status, headers, reason=reason, length=length, told=told, close=close)
        self._said = (head, made)
        return made

    def hand_over(self, head: ResponseHead, headers: Headers, body: bytes) -> None:
        """Hand over an answer all of which has come, framed as it came.

        Args:
            head: production's.
            headers: of it that go on.
            body: as it came.
        """
        made = self._begun(head.status, headers, head.reason, head.length, close=False)
        if self._bodyless:
            self.connection.send(made)
        elif self._chunks:
            self.connection.send(made, *write.chunk(body), write.LAST_CHUNK)
        else:
            self.connection.send(made, body)

    def piece(self, data: bytes) -> None:
        """Send a piece of the answer's body."""
        if not self._bodyless and data:
            self.connection.write(*(write.chunk(data) if self._chunks else (data,)))

    def finish(self) -> None:
        """The answer's body is whole."""
        if self._chunks:
            self.connection.write(write.LAST_CHUNK)

    def answer(self, status: int, headers: Headers, body: bytes, *, close: bool = False) -> None:
        """Send a whole answer."""
        self.begin(status, headers, length=len(body), close=close)
        self.piece(body)
        self.finish()

    async def linger(self) -> None:
        """Let a client that is still sending read its answer, then close."""
        self.connection.write_eof()
        dropped = 0
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while dropped < MOST_LINGERING and (data := await self.connection.read()):
                    dropped += len(data)
        except TimeoutError:
            pass
        self.connection.close()


class UpstreamSide:
    """Production's side: one request at a time.

    Args:
        connection: to production.

    Attributes:
        connection: see above.
        reusable: whether another request may be sent on it.
        begun: whether anything of an answer has come.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.reusable = True
        self.begun = False
        self._reader: ResponseReader | None = None
        self._known: dict[bytes, ResponseHead] = {}
        self._events: list[ResponseHead | bytes | End] = []
        self._done = True

    def ask(self, sent: bytes, asked: RequestHead, hijacked: frozenset[str] = frozenset()) -> None:
        """Send a request; an answer that was not read to its end before is in the way.

        Args:
            sent: all of it.
            asked: its head, which tells what can be answered.
            hijacked: content types by which an answer of 200 changes protocol as 101 does.
        """
        if not self.whole:
            raise UpstreamUnavailable("another answer is on its way")
        self._reader = ResponseReader(asked, hijacked, self._known)
        self._events.clear()
        self._done = self.reusable = self.begun = False
        self.connection.send(sent)

    @property
    def whole(self) -> bool:
        """Whether the answer has been read to its end."""
        return self._done or (bool(self._events) and self._events[0] is END)

    async def head(self) -> ResponseHead:
        """Return the answer's head; interim ones are read over.

        Raises:
            UpstreamUnavailable: it broke off, or does not speak HTTP as it is taken here.
        """
        while True:
            while not self._events:
                self._take(await self.connection.read())
            event = self._events.pop(0)
            self._done = event is END
            if isinstance(event, ResponseHead) and not event.interim:
                self.reusable = event.keep_alive
                return event

    def at_once(self) -> bytes | None:
        """Return the answer's body where all of it has come with its head; None where it is still to come."""
        events = self._events
        if not events or events[-1] is not END or len(events) > 2:
            return None
        body = events[0] if len(events) == 2 else b""
        assert isinstance(body, bytes)
        events.clear()
        self._done = True
        return body

    async def data(self) -> bytes:
        """Return the next piece of the answer's body, nothing once it is whole.

        Raises:
            UpstreamUnavailable: it broke off, or does not speak HTTP as it is taken here.
        """
        if self._done:
            return b""
        while not self._events:
            self._take(await self.connection.read())
        event = self._events.pop(0)
        self._done = event is END
        return event if isinstance(event, bytes) else b""

    async def body(self, most: int) -> bytes:
        """Return the answer's whole body.

        Raises:
            UpstreamUnavailable: it broke off, or is longer than ``most`` bytes.
        """
        pieces: list[bytes] = []
        size = 0
        while piece := await self.data():
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise UpstreamUnavailable(f"production's answer is longer than {most >> 20} MB")
        return b"".join(pieces)

    def _take(self, data: bytes) -> None:
        """Take what came, or the connection's end.

        Raises:
            UpstreamUnavailable: it is no answer, or the middle of one.
        """
        reader = self._reader
        assert reader is not None
        try:
            self.begun = self.begun or bool(data)
            self._events += reader.feed(data) if data else reader.ended()
        except NotUnderstood as error:
            self._done, self.reusable = True, False
            raise UpstreamUnavailable(f"production's answer broke off: {error.message}") from error
