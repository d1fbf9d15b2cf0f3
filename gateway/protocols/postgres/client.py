"""The client's side of a session: messages in, admitted units out to production. The hot loop of the way there.

Every message is framed; what is forwarded is forwarded as it came, all of one read in one write.
"""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import PeerError
from gateway.domain.unit import Admitted
from gateway.domain.verdict import Decision
from gateway.protocols.postgres import refusal, swift, wire
from gateway.protocols.postgres.exchange import CLIENT_GONE, Exchange
from gateway.protocols.postgres.names import Portal, Prepared
from gateway.protocols.postgres.units import (
    AWAITED_DESCRIBE,
    AWAITED_SYNC,
    BIND,
    CLOSE,
    EXECUTE,
    NO_UNIT,
    PARSE,
    QUERY,
    Awaited,
    SqlUnit,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.domain.unit import Refused
    from gateway.judge.postgres.analysis import SqlJudgement

    Outcome = Admitted[SqlUnit, SqlJudgement] | Refused[SqlUnit, SqlJudgement]

MAX_SMALL: Final = 1 << 16
"""Bytes of a message that carries names only."""
MAX_HEAD: Final = 1 << 12
"""Bytes looked at of a message too large to keep."""
MOST_FILED: Final = 100
"""Refused units of one pipeline that become part of the change request."""

_HEADER: Final = wire.INT32.unpack_from
_COPY: Final = frozenset(b"dcf")
_LARGE: Final = frozenset(b"QPB")
_SMALL: Final = frozenset(b"DECHSXF")


class ClientSide(asyncio.Protocol):
    """What the client sends.

    Args:
        exchange: shared with production's side.
        most_bytes: largest statement, bind values included, that is read.
        swift_way: whether the commonest traffic may go the swift way.
    """

    def __init__(self, exchange: Exchange, *, most_bytes: int, swift_way: bool = True) -> None:
        self.exchange = exchange
        self._swift = swift_way
        self._most = most_bytes
        self._buffer = bytearray()
        self._need = 0
        self._discard = 0
        self._held = False
        self._drain = False
        self._paused = 0
        self._out: list[bytes] = []
        self._unflushed = False
        self._doomed = False
        self._doom: Awaited | None = None
        self._doomed_texts: dict[bytes, SqlUnit] = {}
        self.transport: asyncio.Transport
        self.server: asyncio.Transport

    # ---- the loop's callbacks --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport  # type: ignore[assignment]  # uvloop's are not registered as asyncio's

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, with or without a word."""
        del exc
        self.exchange.end(CLIENT_GONE)

    def pause_writing(self) -> None:
        """The client reads slower than production answers: production waits."""
        self.exchange.server.pause()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.exchange.server.resume()

    def data_received(self, data: bytes) -> None:
        """Take what the client sent; nothing it sends can end another session."""
        try:
            if self._held or self.exchange.ending is not None:
                self._buffer += data
                return
            if self._buffer:
                self._buffer += data
                if len(self._buffer) < self._need:
                    return
                data = bytes(self._buffer)
                self._buffer.clear()
            elif self._may_be_swift(data) and swift.send(self, data):
                return
            self.take(data)
        except Exception as error:  # noqa: BLE001 - a callback's error ends the session's task, with its reason
            self.exchange.failed(error)

    def _may_be_swift(self, data: bytes) -> bool:
        exchange = self.exchange
        return (
            self._swift
            and not exchange.awaited
            and not exchange.skipping
            and not self._doomed
            and not self._discard
            and len(data) <= self._most
        )

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

    def _hold(self) -> None:
        self._held = True
        self.pause()

    def _release(self) -> None:
        self._held = False
        self.resume()
        data = bytes(self._buffer)
        self._buffer.clear()
        self.take(data)

    def drained(self) -> None:
        """Production has answered everything: what waited for that goes on."""
        if self._drain:
            self._drain = False
            self._release()

    def _wait_for_answers(self) -> None:
        """Wait until everything sent is answered, so that names mean what the server says they mean."""
        if self._unflushed:
            self._out.append(wire.FLUSH)
        self._drain = True
        self._hold()

    def _admit(self, unit: SqlUnit, then: Callable[[Outcome], None]) -> bool:
        """Have a unit judged and recorded, now or, where something must wait, later.

        Returns:
            Whether it is done; False: reading goes on by itself when it is.
        """
        outcome = self.exchange.session.admit_now(unit)
        if outcome is not None:
            then(outcome)
            return True
        self._hold()
        self.exchange.later(partial(self._admit_slowly, unit, then))
        return False

    async def _admit_slowly(self, unit: SqlUnit, then: Callable[[Outcome], None]) -> None:
        await self.exchange.following.prepare(unit)
        then(await self.exchange.session.admit(unit))
        self._release()

    # ---- framing ---------------------------------------------------------------------------------

    def take(self, data: bytes) -> None:
        """Cut into messages and handle each; keep what is not complete or must wait."""
        position = 0
        end = len(data)
        if self._discard:
            position = min(self._discard, end)
            self._discard -= position
        while end - position >= 5 and not self._held:
            kind = data[position]
            size = _HEADER(data, position + 1)[0] + 1
            after = position + size
            if after > end or size < 5:
                if self._incomplete(kind, size, data[position : position + MAX_HEAD]):
                    self._discard = max(0, after - end)
                    position = min(after, end)
                    continue
                break
            if kind == BIND or kind == PARSE or kind == QUERY:  # noqa: PLR1714 - twice as fast as a tuple
                if size > self._most:
                    self._too_large(kind, data[position : position + MAX_HEAD])
                    position = after
                    continue
                step = self._statement(kind, data, position, after)
            else:
                step = self._other(kind, data, position, after)
            if step == position:
                break
            position = step
        if position < end:
            rest = data[position:] if position else data
            self._buffer[:0] = rest
            self._need = _HEADER(rest, 1)[0] + 1 if len(rest) >= 5 else 5
        if self._out:
            self._forward()

    def _forward(self) -> None:
        out = self._out
        self.server.write(out[0] if len(out) == 1 else b"".join(out))
        out.clear()

    def _incomplete(self, kind: int, size: int, head: bytes) -> bool:
        """Look at a message that has not come whole.

        Returns:
            Whether it is to be skipped, as it is answered (or ignored) already.
        """
        if kind in _COPY and size >= 5:
            return True
        if size < 5 or kind not in _LARGE | _SMALL or (kind in _SMALL and size > MAX_SMALL):
            raise PeerError("malformed message: an unknown type or an impossible length")
        if kind in _LARGE and size > self._most and len(head) >= min(size, MAX_HEAD):
            self._too_large(kind, head)
            return True
        return False

    def _too_large(self, kind: int, head: bytes) -> None:
        """Answer a statement that is larger than what is judged, without keeping it."""
        self.exchange.session.event("too-large", f"a message of more than {self._most} bytes was not read")
        name = wire.Fields(head, 5).string() if kind == PARSE else b""
        self._refuse_plainly(
            kind,
            name,
            refusal.error(
                f"the statement is larger than {self._most} bytes, more than the gateway judges",
                code=refusal.TOO_LARGE,
                hint="split it, or bind long lists as arrays",
            ),
        )

    # ---- statements ------------------------------------------------------------------------------

    def _statement(self, kind: int, data: bytes, position: int, after: int) -> int:
        """Handle a Query, Parse or Bind; return where the next message begins."""
        if self._doomed or self.exchange.skipping:
            return self._doomed_statement(kind, data, position, after)
        if kind == QUERY:
            return self._query(data, position, after)
        if kind == PARSE:
            return self._parse(data, position, after)
        return self._bind(data, position, after)

    def _query(self, data: bytes, position: int, after: int) -> int:
        text = data[position + 5 : after - 1]
        if data[after - 1] or b"\0" in text:
            self._refuse_plainly(QUERY, b"", _malformed("a NUL in the statement"))
            return after
        if self.exchange.awaited and self.exchange.following.must_settle(text):
            self._wait_for_answers()
            return position
        raw = data if position == 0 and after == len(data) else data[position:after]
        self._admit(SqlUnit(text), partial(self.query_judged, raw))
        return after

    def query_judged(self, raw: bytes, outcome: Outcome) -> None:
        exchange = self.exchange
        awaited = Awaited(QUERY, outcome.number, monotonic_ns(), outcome.judged)
        if isinstance(outcome, Admitted):
            exchange.following.admitted(outcome.judged)
            self._out.append(raw)
        else:
            self._refuse(awaited, outcome)
            self._out.append(refusal.failing_query())
        exchange.names.query_ran()
        exchange.awaited.append(awaited)
        exchange.segment += 1
        self._unflushed = False

    def _parse(self, data: bytes, position: int, after: int) -> int:
        exchange = self.exchange
        try:
            read = wire.parse_parse(data[position + 5 : after])
        except PeerError as error:
            self._refuse_plainly(PARSE, b"", _malformed(error.message))
            return after
        names = exchange.names
        if exchange.awaited:
            unsettled = read.name and names.unsettled(names.statements.get(read.name), exchange.segment)
            if unsettled or exchange.following.must_settle(read.text):
                self._wait_for_answers()
                return position
        prepared = Prepared(read.name, read.text, segment=exchange.segment, types=read.types)
        raw = data[position:after]
        bound = _bind_behind(data, after, read.name)
        if bound is None:
            unit = SqlUnit(read.text, types=read.types)
            self._admit(unit, partial(self._parse_judged, prepared, raw))
            return after
        bind, bind_after = bound
        unit = SqlUnit(read.text, bind.values, types=read.types, formats=bind.formats)
        both = data[position:bind_after]
        self._admit(unit, partial(self.parse_and_bind_judged, prepared, bind.portal, both))
        return bind_after

    def _parse_judged(self, prepared: Prepared, raw: bytes, outcome: Outcome) -> None:
        awaited = self._presume_statement(prepared, outcome)
        if isinstance(outcome, Admitted):
            self._out.append(raw)
        else:
            self._refuse(awaited, outcome)
            self._out.append(refusal.failing_parse(prepared.name))
            self._doom_segment(awaited)
            self._doomed_texts[prepared.name] = outcome.unit
        self._unflushed = True

    def parse_and_bind_judged(self, prepared: Prepared, portal: bytes, raw: bytes, outcome: Outcome) -> None:
        """A statement and its values in one unit: what most drivers send."""
        self._parse_judged(prepared, raw, outcome)
        if isinstance(outcome, Admitted):
            self._presume_portal(portal, outcome)

    def _presume_statement(self, prepared: Prepared, outcome: Outcome) -> Awaited:
        exchange = self.exchange
        prepared.number = outcome.number
        prepared.judged = outcome.judged
        awaited = Awaited(PARSE, outcome.number, monotonic_ns(), outcome.judged)
        awaited.prepared = prepared
        awaited.before = exchange.names.set_statement(prepared)
        exchange.awaited.append(awaited)
        return awaited

    def _presume_portal(self, name: bytes, outcome: Outcome) -> None:
        exchange = self.exchange
        portal = Portal(name, outcome.number, segment=exchange.segment, judged=outcome.judged)
        awaited = Awaited(BIND, outcome.number, monotonic_ns())
        awaited.portal = portal
        awaited.before = exchange.names.set_portal(portal)
        exchange.awaited.append(awaited)

    def _bind(self, data: bytes, position: int, after: int) -> int:
        exchange = self.exchange
        try:
            bind = wire.parse_bind(data, position + 5, after)
        except PeerError as error:
            self._refuse_plainly(BIND, b"", _malformed(error.message))
            return after
        names = exchange.names
        prepared = names.statements.get(bind.statement)
        unsettled = names.unsettled(prepared, exchange.segment) or names.unsettled(
            names.portals.get(bind.portal), exchange.segment
        )
        if exchange.awaited and (unsettled or exchange.following.in_flight):
            self._wait_for_answers()
            return position
        if prepared is None or prepared.text is None:
            self._refuse_plainly(BIND, b"", _no_statement(bind.statement))
            return after
        unit = SqlUnit(
            prepared.text,
            bind.values,
            repeats=prepared.number or None,
            types=prepared.types,
            formats=bind.formats,
        )
        self._admit(unit, partial(self.bind_judged, bind.portal, data[position:after]))
        return after

    def bind_judged(self, portal: bytes, raw: bytes, outcome: Outcome) -> None:
        if isinstance(outcome, Admitted):
            self._presume_portal(portal, outcome)
            self._out.append(raw)
        else:
            awaited = Awaited(BIND, outcome.number, monotonic_ns())
            self._refuse(awaited, outcome)
            self._out.append(refusal.failing_bind())
            self.exchange.awaited.append(awaited)
            self._doom_segment(awaited)
        self._unflushed = True

    # ---- refusals --------------------------------------------------------------------------------

    def _refuse(self, awaited: Awaited, outcome: Refused[SqlUnit, SqlJudgement]) -> None:
        if outcome.verdict.decision is Decision.CHANGE:
            awaited.refused = [outcome]
        else:
            awaited.answer = refusal.refused(outcome.verdict, None)

    def _refuse_plainly(self, kind: int, name: bytes, answer: bytes) -> None:
        """Answer something that is no unit, at the place the server would have."""
        if (self._doomed or self.exchange.skipping) and kind != QUERY:
            return
        awaited = Awaited(kind)
        awaited.answer = answer
        self.exchange.awaited.append(awaited)
        if kind == QUERY:
            self.exchange.names.query_ran()
            self.exchange.segment += 1
            self._out.append(refusal.failing_query())
            return
        if kind == PARSE:
            if not name:
                self.exchange.names.statements.pop(b"", None)
            self._out.append(refusal.failing_parse(name))
        else:
            self._out.append(refusal.failing_bind())
        self._unflushed = True
        self._doom_segment(None)

    def _doom_segment(self, doom: Awaited | None) -> None:
        """What stands in the pipeline up to Sync will be skipped by the server: it is not forwarded."""
        self._doomed = True
        self._doom = doom

    def _doomed_statement(self, kind: int, data: bytes, position: int, after: int) -> int:
        """Keep what is skipped out of production; a write among it joins the change request of the first."""
        doom = self._doom
        if kind == QUERY or doom is None or doom.refused is None or len(doom.refused) >= MOST_FILED:
            return after
        unit = self._doomed_unit(kind, data[position + 5 : after])
        if unit is not None:
            self._admit(unit, partial(self._doomed_judged, doom))
        return after

    def _doomed_unit(self, kind: int, body: bytes) -> SqlUnit | None:
        try:
            if kind == PARSE:
                parsed = wire.parse_parse(body)
                self._doomed_texts[parsed.name] = SqlUnit(parsed.text, types=parsed.types)
                return None
            bound = wire.parse_bind(body, 0, len(body))
        except PeerError:
            return None
        known = self._doomed_texts.get(bound.statement)
        if known is None:
            return None
        return SqlUnit(known.text, bound.values, types=known.types, formats=bound.formats)

    def _doomed_judged(self, doom: Awaited, outcome: Outcome) -> None:
        if isinstance(outcome, Admitted) or outcome.verdict.decision is not Decision.CHANGE:
            return
        if doom.refused is None:
            return
        first = doom.refused[0].unit
        if first.values is None and first.text == outcome.unit.text:
            doom.refused[0] = outcome
        else:
            doom.refused.append(outcome)

    # ---- the rest --------------------------------------------------------------------------------

    def _other(self, kind: int, data: bytes, position: int, after: int) -> int:
        """Handle a message that carries no statement; return where the next begins."""
        if kind == 83:  # Sync
            self._sync(data[position:after])
        elif kind == 88:  # Terminate
            self.exchange.end(CLIENT_GONE)
        elif kind in _COPY:
            pass  # the server would ignore them too: nothing is ever copied in
        elif kind == 70:  # FunctionCall
            self._refuse_plainly(QUERY, b"", _function_call())
        elif self._doomed or self.exchange.skipping:
            if kind not in _SMALL:
                raise PeerError(f"a message of type {chr(kind)!r} has no place here")
        elif kind == EXECUTE:
            return self._execute(data, position, after)
        elif kind == 68:  # Describe
            wire.parse_named(data[position + 5 : after])
            self.exchange.awaited.append(AWAITED_DESCRIBE)
            self._out.append(data[position:after])
            self._unflushed = True
        elif kind == CLOSE:
            return self._close(data, position, after)
        elif kind == 72:  # Flush
            self._out.append(data[position:after])
            self._unflushed = False
        else:
            raise PeerError(f"a message of type {chr(kind)!r} has no place here")
        return after

    def _sync(self, raw: bytes) -> None:
        exchange = self.exchange
        exchange.awaited.append(AWAITED_SYNC)
        exchange.segment += 1
        exchange.skipping = False
        self._out.append(raw)
        self._unflushed = False
        if self._doomed:
            self._doomed = False
            self._doom = None
            self._doomed_texts.clear()

    def _execute(self, data: bytes, position: int, after: int) -> int:
        exchange = self.exchange
        name, _ = wire.parse_execute(data[position + 5 : after])
        names = exchange.names
        portal = names.portals.get(name)
        unsettled = names.unsettled(portal, exchange.segment) or exchange.following.in_flight
        if exchange.awaited and unsettled:
            self._wait_for_answers()
            return position
        if portal is None or not portal.number:
            self._refuse_plainly(EXECUTE, b"", _no_portal(name))
            return after
        ending = exchange.session.over()
        if ending is not None:
            exchange.end(ending)
            return after
        now = monotonic_ns()
        portal.started = portal.started or now
        awaited = Awaited(EXECUTE, portal.number, now, portal.judged)
        awaited.portal = portal
        if portal.judged is not None:
            exchange.following.admitted(portal.judged)
        exchange.awaited.append(awaited)
        self._out.append(data[position:after])
        self._unflushed = True
        return after

    def _close(self, data: bytes, position: int, after: int) -> int:
        exchange = self.exchange
        kind, name = wire.parse_named(data[position + 5 : after])
        names = exchange.names
        found = names.statements.get(name) if kind == b"S" else names.portals.get(name)
        if exchange.awaited and names.unsettled(found, exchange.segment):
            self._wait_for_answers()
            return position
        awaited = Awaited(CLOSE)
        if kind == b"S":
            awaited.prepared = Prepared(name, None, segment=exchange.segment)
            awaited.before = names.statements.get(name)
            names.statements[name] = awaited.prepared
        else:
            awaited.portal = Portal(name, NO_UNIT, segment=exchange.segment)
            awaited.before = names.set_portal(awaited.portal)
        exchange.awaited.append(awaited)
        self._out.append(data[position:after])
        self._unflushed = True
        return after


def _bind_behind(data: bytes, position: int, statement: bytes) -> tuple[wire.Bind, int] | None:
    """Read the Bind that stands whole right behind a Parse of the same name, where one does."""
    if len(data) - position < 5 or data[position] != BIND:
        return None
    after = position + 1 + _HEADER(data, position + 1)[0]
    if after > len(data) or after < position + 5:
        return None
    try:
        bind = wire.parse_bind(data, position + 5, after)
    except PeerError:
        return None
    return (bind, after) if bind.statement == statement else None


def _malformed(why: str) -> bytes:
    return refusal.error(f"invalid message: {why}", code=refusal.PROTOCOL_VIOLATION)


def _no_statement(name: bytes) -> bytes:
    shown = name.decode("utf-8", "replace")
    text = (
        f'prepared statement "{shown}" does not exist'
        if name
        else "unnamed prepared statement does not exist"
    )
    return refusal.error(text, code=refusal.NO_STATEMENT)


def _no_portal(name: bytes) -> bytes:
    return refusal.error(f'portal "{name.decode("utf-8", "replace")}" does not exist', code=refusal.NO_PORTAL)


def _function_call() -> bytes:
    return refusal.error(
        "function calls by the fast-path protocol are not possible through the gateway",
        code=refusal.NOT_SUPPORTED,
        hint="SELECT the function",
    )
