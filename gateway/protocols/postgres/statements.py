"""What each message of a client means: judged, recorded, then forwarded as it came or refused in place."""

from __future__ import annotations

from functools import partial
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import PeerError
from gateway.domain.unit import Admitted
from gateway.protocols.postgres import refusal, wire
from gateway.protocols.postgres.exchange import CLIENT_GONE
from gateway.protocols.postgres.names import MOST_NAME, Portal, Prepared, tellable
from gateway.protocols.postgres.refusing import Refusing
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
    from gateway.protocols.postgres.reading import Outcome

COPY: Final = frozenset(b"dcf")
SMALL: Final = frozenset(b"DECHSXF")
_HEADER: Final = wire.INT32.unpack_from


class Statements(Refusing):
    """The messages of the extended and the simple protocol, one method each."""

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
        """Forward a Query, or what fails in its place."""
        exchange = self.exchange
        awaited = Awaited(QUERY, outcome.number, monotonic_ns(), outcome.judged)
        if isinstance(outcome, Admitted):
            exchange.following.admitted(outcome.judged)
            awaited.unit = outcome.unit
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
        if not tellable(read.name):
            self._refuse_plainly(PARSE, b"", _name(read.name))
            return after
        if exchange.awaited:
            unsettled = read.name and names.unsettled(names.statements.get(read.name), exchange.segment)
            if unsettled or exchange.following.must_settle(read.text):
                self._wait_for_answers()
                return position
        if read.name and names.full():
            self._refuse_plainly(PARSE, read.name, _too_many())
            return after
        prepared = Prepared(read.name, read.text, segment=exchange.segment, types=read.types)
        names.known_text(prepared)
        raw = data[position:after]
        bound = _bind_behind(data, after, read.name)
        if bound is None:
            unit = SqlUnit(read.text, repeats=prepared.number or None, types=read.types)
            self._admit(unit, partial(self._parse_judged, prepared, raw))
            return after
        bind, bind_after = bound
        if self._bound_early(bind.portal):
            return position
        if self._no_portal_for(bind.portal):
            return bind_after
        unit = SqlUnit(
            read.text, bind.values, prepared.number or None, types=read.types, formats=bind.formats
        )
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
        prepared.number = prepared.number or outcome.number
        prepared.judged = outcome.judged
        awaited = Awaited(PARSE, outcome.number, monotonic_ns(), outcome.judged)
        awaited.prepared = prepared
        awaited.before = exchange.names.set_statement(prepared)
        exchange.awaited.append(awaited)
        return awaited

    def _no_portal_for(self, name: bytes) -> bool:
        """Whether a portal can't have this name, or there are too many; that is answered then."""
        if tellable(name) and not self.exchange.names.crowded(name):
            return False
        self._refuse_plainly(BIND, b"", _too_many() if tellable(name) else _name(name))
        return True

    def _bound_early(self, portal: bytes) -> bool:
        """Whether what a portal's name stands for hangs on answers that are waited for now."""
        exchange = self.exchange
        found = exchange.names.portals.get(portal) if portal else None
        if exchange.awaited and exchange.names.unsettled(found, exchange.segment):
            self._wait_for_answers()
            return True
        return False

    def _presume_portal(self, name: bytes, outcome: Outcome) -> None:
        exchange = self.exchange
        portal = Portal(name, outcome.number, segment=exchange.segment, judged=outcome.judged)
        exchange.following.bound(portal, outcome.unit.text)
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
        if self._no_portal_for(bind.portal):
            return after
        if self._bound_early(bind.portal):
            return position
        prepared = names.statements.get(bind.statement)
        text = None if prepared is None else prepared.text
        following = exchange.following
        unsettled = names.unsettled(prepared, exchange.segment) or following.in_flight
        if exchange.awaited and (unsettled or (text is not None and following.must_settle(text))):
            self._wait_for_answers()
            return position
        if prepared is None or text is None:
            self._refuse_plainly(BIND, b"", _no_statement(bind.statement))
            return after
        unit = SqlUnit(
            text,
            bind.values,
            repeats=prepared.number or None,
            types=prepared.types,
            formats=bind.formats,
        )
        self._admit(unit, partial(self.bind_judged, bind.portal, data[position:after]))
        return after

    def bind_judged(self, portal: bytes, raw: bytes, outcome: Outcome) -> None:
        """Forward a Bind, or what fails in its place."""
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

    # ---- the rest --------------------------------------------------------------------------------

    def _other(self, kind: int, data: bytes, position: int, after: int) -> int:
        """Handle a message that carries no statement; return where the next begins."""
        if kind == 83:  # Sync
            self._sync(data[position:after])
        elif kind == 88:  # Terminate
            self.exchange.end(CLIENT_GONE)
        elif kind in COPY:
            pass  # the server would ignore them too: nothing is ever copied in
        elif kind == 70:  # FunctionCall
            self._refuse_plainly(QUERY, b"", _function_call())
        elif self._doomed or self.exchange.skipping:
            if kind not in SMALL:
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
        raw = data[position:after]
        if exchange.session.lapsed() or not exchange.following.may_run(portal):
            if exchange.awaited:
                self._wait_for_answers()
                return position
            if portal.text is None:
                self._refuse_plainly(EXECUTE, b"", _no_portal(name))
                return after
            unit = SqlUnit(portal.text, repeats=portal.number)
            self._admit(unit, partial(self._execute_judged, portal, raw))
            return after
        self._run(portal, raw)
        return after

    def _execute_judged(self, portal: Portal, raw: bytes, outcome: Outcome) -> None:
        """Run a portal that had to be judged again, or what fails in its place."""
        if isinstance(outcome, Admitted):
            portal.number = outcome.number
            if portal.judged is not None:  # an SQL cursor's text does not run again
                portal.judged = outcome.judged
            self.exchange.following.bound(portal, outcome.unit.text)
            self._run(portal, raw)
            return
        awaited = Awaited(EXECUTE, outcome.number, monotonic_ns())
        self._refuse(awaited, outcome)
        self._out.append(refusal.failing_bind())
        self.exchange.awaited.append(awaited)
        self._doom_segment(awaited)
        self._unflushed = True

    def _run(self, portal: Portal, raw: bytes) -> None:
        exchange = self.exchange
        now = monotonic_ns()
        portal.started = portal.started or now
        awaited = Awaited(EXECUTE, portal.number, now, portal.judged)
        awaited.portal = portal
        if portal.judged is not None:
            exchange.following.admitted(portal.judged)
        exchange.awaited.append(awaited)
        self._out.append(raw)
        self._unflushed = True

    def _close(self, data: bytes, position: int, after: int) -> int:
        exchange = self.exchange
        kind, name = wire.parse_named(data[position + 5 : after])
        names = exchange.names
        if not tellable(name):
            self._refuse_plainly(CLOSE, b"", _name(name))
            return after
        found = names.statements.get(name) if kind == b"S" else names.portals.get(name)
        if exchange.awaited and names.unsettled(found, exchange.segment):
            self._wait_for_answers()
            return position
        awaited = Awaited(CLOSE)
        if kind == b"S":
            awaited.prepared = Prepared(name, None, segment=exchange.segment)
            awaited.before = names.statements.get(name)
            names.set_statement(awaited.prepared)
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


def _name(name: bytes) -> bytes:
    return refusal.error(
        f"a name of {len(name)} bytes, or beyond ASCII, can't be told apart through the gateway",
        code=refusal.NOT_SUPPORTED,
        hint=f"name statements and portals in ASCII, with at most {MOST_NAME} bytes",
    )


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


def _too_many() -> bytes:
    return refusal.error(
        "too many prepared statements or portals in this session",
        code=refusal.TOO_LARGE,
        hint="DEALLOCATE ALL",
    )


def _function_call() -> bytes:
    return refusal.error(
        "function calls by the fast-path protocol are not possible through the gateway",
        code=refusal.NOT_SUPPORTED,
        hint="SELECT the function",
    )
