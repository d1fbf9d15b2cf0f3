"""Messages → units: what is judged and recorded as one, and what is awaited from production for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.domain.ids import UnitNumber
from gateway.domain.unit import Unit

if TYPE_CHECKING:
    from gateway.domain.unit import Refused
    from gateway.judge.postgres.analysis import SqlJudgement
    from gateway.protocols.postgres.names import Portal, Prepared


class SqlUnit(Unit):
    """A whole Query, a Parse, or a Bind with the text it will run.

    Attributes:
        types: type oids of the values, 0 where open.
        formats: 0 text, 1 binary: none: all text; one: for all.
        judged: the judge's answer once it was asked, with the state of the session at that time.
    """

    types: tuple[int, ...] = ()
    formats: tuple[int, ...] = ()
    judged: SqlJudgement | None = None

    def __post_init__(self) -> None:
        """Say in the record which values are binary, and of what types."""
        if 1 in self.formats:
            shown = (",".join(map(str, numbers)) for numbers in (self.formats, self.types))
            self.context = "formats {} types {}".format(*shown)


QUERY: Final = ord("Q")
PARSE: Final = ord("P")
BIND: Final = ord("B")
DESCRIBE: Final = ord("D")
EXECUTE: Final = ord("E")
CLOSE: Final = ord("C")
SYNC: Final = ord("S")
SWIFT: Final = 0
"""In a message type's place: a whole statement that went the swift way, up to its Sync."""

NO_UNIT: Final = UnitNumber(0)


class Awaited:
    """One forwarded message and what came of it so far. Mutable and slotted: one is made per message.

    Attributes:
        kind: type byte of the message.
        number: the unit it belongs to; 0: none.
        started: when it was forwarded, in ns of the monotonic clock.
        judged: of the unit, for what its completion means to the session.
        statement: how many statements of a Query have completed.
        rows: rows so far.
        tag: last CommandComplete.
        failure: SQLSTATE and message of an error.
        refused: refused units that wait for the server's error: the first is named to the client.
        answer: what the client gets in the place of the server's error.
        prepared: what a Parse or Close does to the statements' names.
        portal: what a Bind or Close does to the portals' names, or what an Execute runs.
        before: what the name stood for before, to come back should the message fail.
        unit: where it changes the session: what it runs.
    """

    __slots__ = (
        "answer",
        "before",
        "failure",
        "judged",
        "kind",
        "number",
        "portal",
        "prepared",
        "refused",
        "rows",
        "started",
        "statement",
        "tag",
        "unit",
    )

    def __init__(
        self,
        kind: int,
        number: UnitNumber = NO_UNIT,
        started: int = 0,
        judged: SqlJudgement | None = None,
    ) -> None:
        self.kind = kind
        self.number = number
        self.started = started
        self.judged = judged
        self.statement = 0
        self.rows = 0
        self.tag = b""
        self.failure: tuple[str, str] | None = None
        self.refused: list[Refused[SqlUnit, SqlJudgement]] | None = None
        self.answer: bytes | None = None
        self.prepared: Prepared | None = None
        self.portal: Portal | None = None
        self.before: Prepared | Portal | None = None
        self.unit: SqlUnit | None = None


AWAITED_SYNC: Final = Awaited(SYNC)
AWAITED_DESCRIBE: Final = Awaited(DESCRIBE)
