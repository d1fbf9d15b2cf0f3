"""Production's side of a session: answers to the client, each mapped to what it answers; the hot loop back.

Every message is framed; the whole of one read goes to the client in one write, but for what must be replaced.
"""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import UpstreamUnavailable
from gateway.protocols.postgres import swift, wire
from gateway.protocols.postgres.exchange import PRODUCTION_GONE, Exchange
from gateway.protocols.postgres.units import (
    BIND,
    CLOSE,
    DESCRIBE,
    EXECUTE,
    PARSE,
    QUERY,
    SWIFT,
    SYNC,
    Awaited,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_CONTROL: Final = 1 << 26
"""Bytes of a message other than rows: it is kept until it is whole."""

_ROW: Final = ord("D")
_COPY_ROW: Final = ord("d")
_COLUMNS: Final = ord("T")
_KNOWN: Final = frozenset(b"123ACDEGHIKNRSTVWZcdnstv")
_FORBIDDEN: Final = {
    ord("G"): "it would copy data in",
    ord("W"): "it would stream both ways",
    ord("R"): "it asked for a login in mid-session",
    ord("V"): "it answered a function call that nobody made",
}


class ServerSide:
    """What production answers.

    Args:
        exchange: shared with the client's side.
        keep_results: whether result rows go into the recording.
        on_parameter: told of each ParameterStatus; raises where an invariant is broken.
    """

    def __init__(
        self, exchange: Exchange, *, keep_results: bool, on_parameter: Callable[[str, str], None]
    ) -> None:
        self.exchange = exchange
        self._keep_results = keep_results
        self._on_parameter = on_parameter
        self._buffer = b""
        self._row_rest = 0
        self._paused = 0
        self._held = False
        self._notices: list[bytes] = []
        self._seen = 0
        self._marked = 0
        self._rows = 0
        self._out: list[bytes] = []
        self._silent = False
        self.transport: asyncio.Transport
        self.client: asyncio.Transport
        self.said_fatal = False
        """Whether production has told the client itself why it ends."""
        self.quiet = asyncio.Event()
        """Set once production has nothing of this session left to do, while the session is being cut."""

    # ---- the loop's callbacks --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport  # type: ignore[assignment]  # uvloop's are not registered as asyncio's

    def connection_lost(self, exc: Exception | None) -> None:
        """Production is gone."""
        del exc
        self.quiet.set()
        self.exchange.end(PRODUCTION_GONE)

    def eof_received(self) -> None:
        """Production sends no more: the transport closes itself."""

    def pause_writing(self) -> None:
        """Production reads slower than the client sends: the client waits."""
        self.exchange.client.pause()

    def resume_writing(self) -> None:
        """Production has caught up."""
        self.exchange.client.resume()

    def data_received(self, data: bytes) -> None:
        """Take what production sent."""
        try:
            if self._held:
                self._buffer += data
                return
            if self._buffer:
                data = self._buffer + data
                self._buffer = b""
            awaited = self.exchange.awaited
            head = awaited[0] if awaited else None
            if head is not None and head.kind == SWIFT:
                if len(awaited) > 1 or self._notices or self._silent:
                    swift.spell_out(self.exchange, head)
                elif swift.answer(self, head, data):
                    return
            self._take(data)
        except Exception as error:  # noqa: BLE001 - a callback's error ends the session's task, with its reason
            self.quiet.set()
            self.exchange.failed(error)

    # ---- waiting ---------------------------------------------------------------------------------

    def pause(self) -> None:
        """Stop reading; one ``resume`` for each."""
        self._paused += 1
        if self._paused == 1 and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        """Undo one ``pause``."""
        self._paused -= 1
        if self._paused == 0 and not self.transport.is_closing():
            self.transport.resume_reading()

    # ---- what the gateway says itself ------------------------------------------------------------

    def say(self, notice: bytes) -> None:
        """Send a notice to the client as soon as no message stands half sent."""
        if self._row_rest or self._out:
            self._notices.append(notice)
        else:
            self.client.write(notice)

    def hush(self) -> bool:
        """Forward nothing more; production's answers are read only to see it come to rest.

        Returns:
            Whether the client stands between two messages, so that it can be told something.
        """
        self._silent = True
        return not self._row_rest

    def unblock(self) -> None:
        """Read on whatever held it up, to see production come to rest."""
        self._held = False
        while self._paused:
            self.resume()

    # ---- framing ---------------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        """Frame, follow, forward: verbatim up to what must be replaced."""
        end = len(data)
        position = 0
        if self._row_rest:
            position = min(self._row_rest, end)
            self._row_rest -= position
        start = kept = 0
        while True:
            position = self._skip_rows(data, position, end)
            if end - position < 5:
                break
            kind = data[position]
            after = position + wire.uint32(data, position + 1) + 1
            if kind not in _KNOWN or not 5 <= after - position <= MOST_CONTROL:
                raise UpstreamUnavailable("production sent a message of an unknown type or impossible length")
            if after > end:
                break
            if self._keep_results:
                self._keep(data, kept, position)
                kept = position if kind == _COLUMNS else after
            instead = self._message(kind, data, position, after)
            if instead is not None:
                if position > start:
                    self._out.append(data[start:position])
                if instead:
                    self._out.append(instead)
                start = after
            position = after
            if self._held:
                break
        if self._keep_results:
            self._keep(data, kept, position)
        self._finish_read(data, start, position)

    def _skip_rows(self, data: bytes, position: int, end: int) -> int:
        """Count the rows that stand at ``position``; return where the next other message begins.

        The tightest loop there is: a thousand rows come in one read. It runs off the end by design.
        """
        rows = 0
        try:
            while True:
                kind = data[position]
                if kind != _ROW and kind != _COPY_ROW:  # noqa: PLR1714 - a fifth faster than a tuple
                    break
                size = data[position + 1]
                size = size << 8 | data[position + 2]
                size = size << 8 | data[position + 3]
                position += (size << 8 | data[position + 4]) + 1
                rows += 1
        except IndexError:
            if position > end:
                self._row_rest = position - end
                position = end
        self._rows += rows
        return position

    def _finish_read(self, data: bytes, start: int, position: int) -> None:
        """Forward what was framed, keep what is not whole."""
        self._seen += position
        if position > start:
            self._out.append(data if start == 0 and position == len(data) else data[start:position])
        if position < len(data):
            self._buffer = data[position:] + self._buffer
        if self._notices and not self._row_rest:
            self._out += self._notices
            self._notices.clear()
        if self._out:
            if not self._silent:
                self.client.write(self._out[0] if len(self._out) == 1 else b"".join(self._out))
            self._out.clear()
        exchange = self.exchange
        if not exchange.awaited and not self._held:
            self.quiet.set() if self._silent else exchange.client.drained()

    # ---- following -------------------------------------------------------------------------------

    def _message(self, kind: int, data: bytes, position: int, after: int) -> bytes | None:
        """Follow one message; return what the client gets instead, None: the message itself."""
        exchange = self.exchange
        head = exchange.awaited[0] if exchange.awaited else None
        if kind == 67:  # CommandComplete
            return self._completed(head, data[position + 5 : after - 1], position)
        if kind == 90:  # ReadyForQuery
            self._ready(data[position + 5], position)
            return None
        if kind == 84 or kind == 110:  # RowDescription, NoData  # noqa: PLR1714 - twice as fast as a tuple
            if head is not None and head.kind == DESCRIBE:
                exchange.awaited.popleft()
            return None
        if kind == 49:  # ParseComplete
            self._confirmed(PARSE)
        elif kind == 50:  # BindComplete
            self._confirmed(BIND)
        elif kind == 51:  # CloseComplete
            self._confirmed(CLOSE)
        elif kind == 69:  # ErrorResponse
            return self._error(head, data[position + 5 : after], position)
        elif kind == 115:  # PortalSuspended
            self._suspended(head, position)
        elif kind == 73:  # EmptyQueryResponse
            if head is not None and head.kind == EXECUTE:
                exchange.awaited.popleft()
                self._answered(head, position)
        elif kind == 83:  # ParameterStatus
            self._on_parameter(*wire.parse_parameter_status(data[position + 5 : after]))
        elif kind == 75:  # BackendKeyData
            return b""
        elif kind in _FORBIDDEN:
            raise UpstreamUnavailable(f"production's answer was not passed on: {_FORBIDDEN[kind]}")
        return None

    def _confirmed(self, kind: int) -> None:
        awaited = self._next(kind)
        if awaited.prepared is not None:
            self.exchange.names.statement_done(awaited.prepared)
        elif awaited.portal is not None:
            self.exchange.names.portal_done(awaited.portal)

    def _next(self, kind: int) -> Awaited:
        """Return what the answer belongs to; an answer to nothing ends the session."""
        awaited = self.exchange.awaited.popleft() if self.exchange.awaited else None
        if awaited is None or awaited.kind != kind:
            raise UpstreamUnavailable("production answered something that was not asked")
        return awaited

    def _completed(self, head: Awaited | None, tag: bytes, position: int) -> bytes | None:
        if head is None or head.kind not in (QUERY, EXECUTE) or head.answer or head.refused:
            raise UpstreamUnavailable("production answered something that was not asked")
        exchange = self.exchange
        head.tag = tag
        notice = b""
        if head.judged is not None and head.statement < len(head.judged.statements):
            statement = head.judged.statements[head.statement]
            if statement.session_effects:
                notice = exchange.completed(head, statement, tag)
        head.statement += 1
        head.rows += self._rows
        self._rows = 0
        if head.kind == EXECUTE:
            exchange.awaited.popleft()
            if head.portal is not None and not head.portal.name:
                head.portal.text = None  # run to its end, and no FETCH can name it
            self._answered(head, position)
        if not notice:
            return None
        return notice + wire.message(b"C", tag + b"\0")

    def _suspended(self, head: Awaited | None, position: int) -> None:
        awaited = self._next(EXECUTE)
        awaited.tag = b"(suspended)"
        awaited.rows += self._rows
        self._rows = 0
        self._answered(awaited, position)
        del head

    def _ready(self, status: int, position: int) -> None:
        exchange = self.exchange
        head = exchange.awaited.popleft() if exchange.awaited else None
        if head is None or head.kind not in (QUERY, SYNC):
            raise UpstreamUnavailable("production answered something that was not asked")
        if head.kind == QUERY and head.answer is None:
            self._answered(head, position)
        self._rows = 0
        exchange.ready(status)

    def _answered(self, awaited: Awaited, position: int) -> None:
        """Record how a unit was answered; written before the client sees the answer's end."""
        at = self._seen + position
        size, self._marked = at - self._marked, at
        if not awaited.number:
            return
        portal = awaited.portal
        rows, started = awaited.rows, awaited.started
        if portal is not None:
            portal.rows += rows
            rows, started = portal.rows, portal.started
        code, message = awaited.failure or ("", "")
        told = wire.rows_of(awaited.tag)
        self.exchange.session.answered(
            awaited.number,
            tag=awaited.tag.decode("utf-8", "replace"),
            rows=rows if told is None or portal is not None or awaited.statement > 1 else told,
            size=size,
            nanoseconds=monotonic_ns() - started,
            error_code=code,
            error_message=message,
        )

    # ---- errors ----------------------------------------------------------------------------------

    def _error(self, head: Awaited | None, body: bytes, position: int) -> bytes | None:
        """Follow an error; one that stands for a refusal is replaced by ours."""
        fields = wire.parse_error(body)
        if fields.get("V") in ("FATAL", "PANIC"):
            self.said_fatal = True
            return None
        exchange = self.exchange
        if head is None or head.kind == SYNC:
            exchange.following.failed()  # a commit can fail at Sync
            return None
        if head.refused is None and head.answer is None:
            head.failure = (fields.get("C", ""), fields.get("M", ""))
        if head.kind == QUERY:
            exchange.following.failed()
        else:
            self._skip_to_sync(head, position)
        if head.refused is not None:
            self._held = True
            self.pause()
            exchange.later(partial(self._file, head))
            return b""
        return head.answer

    def _skip_to_sync(self, head: Awaited, position: int) -> None:
        """Production skips what stands before the next Sync: names go back to what they stood for."""
        exchange = self.exchange
        awaited = exchange.awaited
        skipped: list[Awaited] = []
        while awaited and awaited[0].kind != SYNC:
            skipped.append(awaited.popleft())
        if not awaited:
            exchange.skipping = True
        if head.failure is not None:
            self._answered(head, position)
        for each in reversed(skipped):
            if each.prepared is not None:
                exchange.names.statement_failed(each.prepared, each.before)  # type: ignore[arg-type]
            elif each.portal is not None and each.kind != EXECUTE:
                exchange.names.portal_failed(each.portal, each.before)  # type: ignore[arg-type]
        exchange.following.failed()
        self._rows = 0

    async def _file(self, awaited: Awaited) -> None:
        """Draft the change request, answer with its name, go on with what came behind."""
        answer = await self.exchange.file(awaited)
        awaited.refused, awaited.answer = None, answer
        if not self._silent:
            self.client.write(answer)
        self._held = False
        self.resume()
        data, self._buffer = self._buffer, b""
        self._take(data)

    # ---- results ---------------------------------------------------------------------------------

    def _keep(self, data: bytes, start: int, position: int) -> None:
        """Record raw result messages where the endpoint's policy keeps results."""
        awaited = self.exchange.awaited
        if position > start and awaited and awaited[0].number:
            self.exchange.session.output(awaited[0].number, 1, data[start:position])
