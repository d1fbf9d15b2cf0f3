"""Bytes → heads, pieces of bodies, ends. Without I/O; the parser is llhttp's (httptools).

llhttp takes 2 µs for a request that h11 takes 70 for. A head reaches it only whole, and only where it fits
our own grammar (``head.py``), which is narrower than llhttp's; the length of a body is counted here; chunks
are llhttp's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import httptools

from gateway.transport.http.head import (
    END,
    MOST_HEAD,
    REQUEST_HEAD,
    RESPONSE_HEAD,
    NotUnderstood,
    decoded,
    request_head,
    response_head,
)

if TYPE_CHECKING:
    from gateway.transport.http.head import End, RequestHead, ResponseHead

_BLANK_LINE: Final = b"\r\n\r\n"
_BEFORE_CHUNKS: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_ONLY_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,7})\r\n")
_AFTER_CHUNK: Final = b"\r\n0\r\n\r\n"
_EVERYTHING: Final = -1
MOST_WAITING: Final = 1 << 14
"""Bytes of a chunk that is waited for, so that it goes on whole."""
MOST_KNOWN: Final = 8
"""Heads of answers that are remembered of one connection."""


class _Parsed:
    """What llhttp found in one message."""

    def __init__(self) -> None:
        self.fields: list[tuple[bytes, bytes]] = []
        self.url = self.status = b""
        self.body: list[bytes] = []
        self.begun = self.headed = self.done = False

    def on_message_begin(self) -> None:
        """One parser serves one message."""
        if self.begun:
            raise NotUnderstood("bytes behind the end of a message")
        self.begun = True

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self.url += url

    def on_status(self, status: bytes) -> None:
        """A piece of the phrase behind the status."""
        self.status += status

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those behind the last chunk are read and dropped (RFC 9110, section 6.5.1)."""
        if not self.headed:
            self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The head has ended."""
        self.headed = True

    def on_body(self, body: bytes) -> None:
        """A piece of a chunk."""
        self.body.append(body)

    def on_message_complete(self) -> None:
        """The last chunk, or a head without a body, has ended."""
        self.done = True

    def taken(self) -> bytes:
        """Return what has come of the body since."""
        body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
        self.body.clear()
        return body


class _Reader:
    """What both sides share: finding a head, counting a body, following chunks."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._found: _Parsed
        self._parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None = None
        self._searched = 0
        self._rest = 0
        self._framing = 0

    @property
    def begun(self) -> bool:
        """Whether something has come of a message that was not returned yet."""
        return bool(self._held)

    def _head_end(self, data: bytes) -> int:
        """Take bytes; return where the head among those held ends, 0 where it has not come whole."""
        self._held += data
        end = self._held.find(_BLANK_LINE, self._searched) + len(_BLANK_LINE)
        whole = end >= len(_BLANK_LINE)
        self._searched = 0 if whole else max(0, len(self._held) - len(_BLANK_LINE) + 1)
        if (end if whole else len(self._held)) > MOST_HEAD:
            raise NotUnderstood(f"a head of more than {MOST_HEAD >> 10} KiB", 431)
        return end if whole else 0

    def _split(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Take bytes; return a head and all that came behind it, None where it has not come whole."""
        if not self._held:  # nearly always: it comes in one piece
            end = data.find(_BLANK_LINE) + len(_BLANK_LINE)
            if len(_BLANK_LINE) <= end <= MOST_HEAD:
                return data[:end], data[end:]
        end = self._head_end(data)
        return (self._cut(end), self._cut(len(self._held))) if end else None

    def _cut(self, end: int) -> bytes:
        head = bytes(self._held[:end])
        del self._held[:end]
        return head

    def _fed(self, data: bytes) -> None:
        """Hand bytes to the parser."""
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return  # of a head; what follows is counted, or the other protocol's
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, NotUnderstood):
                raise error.__context__ from None
            raise NotUnderstood(f"not HTTP: {error}") from error

    def _counted(self, data: bytes) -> bytes:
        """Return what of some bytes is the body's, by its length."""
        if self._rest == _EVERYTHING:
            return data
        body = data[: self._rest]
        self._rest -= len(body)
        return body

    def _bound(self, fed: int, body: int) -> None:
        """Bound what comes between two pieces of a body: sizes, extensions, trailers."""
        self._framing = 0 if body else self._framing + fed
        if self._framing > MOST_HEAD:
            raise NotUnderstood(f"more than {MOST_HEAD >> 10} KiB between two pieces of a body")


class RequestReader(_Reader):
    """Reads a client's requests, one behind the other.

    ``feed`` returns what belongs to one request and not a byte of the next one: bytes behind a request's end
    are kept until it is called again, with nothing if need be; ``rest`` takes them where the protocol
    changes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._inside = False
        self._asked: tuple[bytes, RequestHead] | None = None
        self._tail = b""  # the last bytes that were fed: an empty line may be cut anywhere

    def feed(self, data: bytes) -> list[RequestHead | bytes | End]:
        """Take bytes.

        Args:
            data: as they came.

        Returns:
            What they came to: heads, pieces of bodies, ends; no more than to the end of one request.

        Raises:
            NotUnderstood: the connection can't be used any further.
        """
        again = self._asked
        if again is not None and data == again[0] and not (self._inside or self._held or again[1].length):
            return [again[1], END]
        events: list[RequestHead | bytes | End] = []
        if not self._inside:
            found = self._split(data)
            if found is None:
                return events
            head = self._head(found[0])
            events.append(head)
            self._inside = True
            self._rest = _EVERYTHING if head.length is None else head.length
            data = found[1]
        body = self._chunks(data) if self._rest == _EVERYTHING else self._piece(data)
        if body:
            events.append(body)
        if self._found.done if self._rest == _EVERYTHING else not self._rest:
            self._inside = False
            events.append(END)
        return events

    def rest(self) -> bytes:
        """Take what has come behind what was returned."""
        return self._cut(len(self._held))

    def _head(self, head: bytes) -> RequestHead:
        if self._asked is not None and self._asked[0] == head:
            return self._asked[1]  # a client that asks the same again
        if not REQUEST_HEAD.fullmatch(head):
            raise NotUnderstood("the head is not HTTP/1.1 as it is taken here")
        self._found = found = _Parsed()
        self._framing, self._tail = 0, b""
        self._parser = parser = httptools.HttpRequestParser(found)
        self._fed(head)
        method = parser.get_method().decode("ascii")
        made = request_head(method, found.url.decode("ascii"), decoded(found.fields))
        self._asked = None if made.length is None else (head, made)  # chunks need the parser
        return made

    def _piece(self, data: bytes) -> bytes:
        body = self._counted(data)
        self._held += data[len(body) :]
        return body

    def _chunks(self, data: bytes) -> bytes:
        """Feed chunks, never over the end of the body: only behind an empty line can it be."""
        at = 0
        while at < len(data) and not self._found.done:
            end = self._next_blank(data, at)
            self._fed(data[at:end])
            at = end
        body = self._found.taken()
        self._bound(at, len(body))
        self._tail = b"" if self._found.done else (self._tail + data[:at])[-3:]
        self._held += data[at:]
        return body

    def _next_blank(self, data: bytes, at: int) -> int:
        """Return where the next empty line ends, which may have begun before; the data's end without one."""
        if at == 0 and self._tail:
            end = (self._tail + data[:3]).find(_BLANK_LINE)
            if end >= 0:
                return end + len(_BLANK_LINE) - len(self._tail)
        end = data.find(_BLANK_LINE, at)
        return len(data) if end < 0 else end + len(_BLANK_LINE)


class ResponseReader(_Reader):
    """Reads the answer to one request.

    Args:
        asked: the request: to HEAD there is no body.
        hijacked: content types by which an answer of 200 changes protocol as 101 does.
        known: heads of answers that came on the same connection, by their bytes: a server says the same again
            and again, and its date but once a second.
    """

    def __init__(
        self,
        asked: RequestHead,
        hijacked: frozenset[str] = frozenset(),
        known: dict[bytes, ResponseHead] | None = None,
    ) -> None:
        super().__init__()
        self._asked = asked
        self._hijacked = hijacked
        plain = asked.method == "GET" and not asked.upgrade and not hijacked
        self._known = known if plain else None
        self._inside = self._done = self._to_the_end = self._chunked = self._one_chunk = False
        self._waiting = b""

    def feed(self, data: bytes) -> list[ResponseHead | bytes | End]:
        """Take bytes.

        Returns:
            What they came to: interim heads, the head, pieces of the body, its end. Behind a change of
            protocol all bytes are pieces.

        Raises:
            NotUnderstood: it is no answer to what was asked.
        """
        events: list[ResponseHead | bytes | End] = []
        while not self._inside:
            found = self._split(data)
            if found is None:
                return events
            events.append(self._head(found[0]))
            data = found[1]
        if self._done and data:
            raise NotUnderstood("bytes behind the end of an answer")
        body = self._body(data)
        if body:
            events.append(body)
        if self._ended() and not self._done:
            self._done = True
            events.append(END)
        return events

    def ended(self) -> list[ResponseHead | bytes | End]:
        """The connection has ended.

        Returns:
            The end, where the answer lasted until then.

        Raises:
            NotUnderstood: it was cut short.
        """
        if self._done:
            return []
        if not self._to_the_end:
            raise NotUnderstood("the connection ended in the middle of an answer")
        self._done = True
        return [END]

    def _head(self, head: bytes) -> ResponseHead:
        known = self._known.get(head) if self._known is not None else None
        if known is None:
            return self._new_head(head)
        self._inside = True
        self._parser = None  # that of an interim head has read its end
        self._chunked = known.length is None
        self._rest = known.length or 0
        return known

    def _new_head(self, head: bytes) -> ResponseHead:
        if not RESPONSE_HEAD.fullmatch(head):
            raise NotUnderstood("the head is not HTTP/1.1 as it is taken here")
        self._found = found = _Parsed()
        self._framing = 0
        self._parser = parser = httptools.HttpResponseParser(found)
        self._fed(head)
        fields = decoded(found.fields)
        made, self._to_the_end = response_head(
            parser.get_status_code(),
            found.status.decode("latin-1"),
            fields,
            version=parser.get_http_version(),
            asked=self._asked,
            hijacked=self._hijacked,
        )
        self._inside = not made.interim
        self._chunked = made.length is None and not self._to_the_end
        self._rest = _EVERYTHING if self._to_the_end else made.length or 0
        if self._known is not None and self._inside and not self._to_the_end:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[head] = made
        return made

    def _body(self, data: bytes) -> bytes:
        if self._chunked:
            if self._parser is None:  # behind a head that is known
                data = self._waiting + data
                if not data:
                    return b""
                only = only_chunk(data)
                self._one_chunk = bool(only)
                self._waiting = data if only == b"" else b""
                if only is not None:
                    return only
                self._found = found = _Parsed()
                self._parser = httptools.HttpResponseParser(found)
                self._fed(_BEFORE_CHUNKS)  # chunks are llhttp's, which wants a head before them
            self._fed(data)
            body = self._found.taken()
            self._bound(len(data), len(body))
            return body
        body = self._counted(data)
        if len(body) < len(data):
            raise NotUnderstood("bytes behind the end of an answer")
        return body

    def _ended(self) -> bool:
        if not self._chunked:
            return not self._rest
        return self._one_chunk or (self._parser is not None and self._found.done)


def only_chunk(data: bytes) -> bytes | None:
    """Return the body where some bytes are one chunk and the end, to the byte, as small answers come.

    Args:
        data: all that has come behind a head.

    Returns:
        Nothing where a part of a small chunk has come, and the rest is waited for: a server that writes one
        sends it in two, and each piece that goes on costs as much as a whole answer. None where it is
        anything else, which is for the parser.
    """
    size = _ONLY_CHUNK.match(data)
    if size is None:
        return None
    start, length = size.end(), int(size[1], 16)
    lacking = start + length + len(_AFTER_CHUNK) - len(data)
    if lacking > len(_AFTER_CHUNK):
        return b"" if length <= MOST_WAITING else None
    if not length or lacking or not data.endswith(_AFTER_CHUNK):
        return None
    return data[start : start + length]
