"""What is refused: answered where the server would, the rest of the pipeline skipped as the server would."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import PeerError
from gateway.domain.unit import Admitted
from gateway.domain.verdict import Decision
from gateway.protocols.postgres import refusal, wire
from gateway.protocols.postgres.reading import Reading
from gateway.protocols.postgres.units import PARSE, QUERY, Awaited, SqlUnit

if TYPE_CHECKING:
    from gateway.domain.unit import Refused
    from gateway.judge.postgres import SqlJudgement
    from gateway.protocols.postgres.exchange import Exchange
    from gateway.protocols.postgres.reading import Outcome

MOST_FILED: Final = 100
"""Refused units of one pipeline that become part of the change request."""


class Refusing(Reading):
    """Refusals in place, and the part of the pipeline that they doom."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self._doomed = False
        self._doom: Awaited | None = None
        self._doomed_texts: dict[bytes, SqlUnit] = {}

    def _refuse(self, awaited: Awaited, outcome: Refused[SqlUnit, SqlJudgement]) -> None:
        awaited.refused = [outcome]

    def _refuse_plainly(self, kind: int, name: bytes, answer: bytes) -> None:
        """Answer something that is no unit, at the place the server would have."""
        if self._doomed or self.exchange.skipping:
            return  # the server would skip it too, whatever it is
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
                if len(self._doomed_texts) < MOST_FILED:
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
        if isinstance(outcome, Admitted) or doom.refused is None:
            return
        first = doom.refused[0]
        if first.unit.values is None and first.unit.text == outcome.unit.text:
            doom.refused[0] = outcome
        elif first.verdict.decision is outcome.verdict.decision is Decision.CHANGE:
            doom.refused.append(outcome)
