"""Names of statements and portals: presumed when a message is forwarded, settled by the server's answers.

Wire statements and SQL's PREPARE share one name space; portals and SQL's cursors another. A failed message
gives the name back to what it stood for. A name whose fate hangs on an earlier, unanswered segment of the
pipeline (the messages up to a Sync) is not guessed at: the client's next message waits for the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.domain.ids import UnitNumber

if TYPE_CHECKING:
    from gateway.judge.postgres.analysis import SqlJudgement
    from gateway.judge.postgres.context import SearchPath


class Prepared:
    """What a statement's name stands for.

    Attributes:
        name: empty: the unnamed one.
        text: as judged; None: closed.
        number: of the unit that holds the text; 0: of none yet.
        types: parameter type oids as given in Parse.
        judged: the judge's answer when it was last asked.
        segment: of the pipeline, in which the name came to stand for this.
        settled: whether the server has confirmed it.
    """

    __slots__ = ("judged", "name", "number", "segment", "settled", "text", "types")

    def __init__(
        self,
        name: bytes,
        text: bytes | None,
        *,
        segment: int,
        types: tuple[int, ...] = (),
        settled: bool = False,
    ) -> None:
        self.name = name
        self.text = text
        self.number = UnitNumber(0)
        self.types = types
        self.judged: SqlJudgement | None = None
        self.segment = segment
        self.settled = settled


class Portal:
    """What a portal's name stands for.

    Attributes:
        name: empty: the unnamed one.
        number: of the unit that it runs; 0: closed.
        judged: the judge's answer for that unit.
        segment: of the pipeline, in which the name came to stand for this.
        settled: whether the server has confirmed it.
        rows: rows it gave so far.
        started: when it was first run, in ns of the monotonic clock; 0: not yet.
        text: what it runs, as sent; None: not known, or run to its end.
        paths: the search_paths under which that was judged.
        executes: whether it runs a prepared statement by its name.
        changes: of the names, when it was judged.
    """

    __slots__ = (
        "changes",
        "executes",
        "judged",
        "name",
        "number",
        "paths",
        "rows",
        "segment",
        "settled",
        "started",
        "text",
    )

    def __init__(
        self,
        name: bytes,
        number: UnitNumber,
        *,
        segment: int,
        judged: SqlJudgement | None = None,
        settled: bool = False,
    ) -> None:
        self.name = name
        self.number = number
        self.judged = judged
        self.segment = segment
        self.settled = settled
        self.rows = 0
        self.started = 0
        self.text: bytes | None = None
        self.paths: frozenset[SearchPath] = frozenset()
        self.executes = False
        self.changes = 0


MOST_STATEMENTS: Final = 5_000
MOST_BYTES: Final = 32 << 20
"""A session may keep so many prepared statements, with so many bytes of text in all."""
MOST_PORTALS: Final = 1_000
"""A transaction may have so many portals open; each costs production more than us."""
COUNTED_FROM: Final = 256
"""Fewer statements are not counted: drivers keep at most so many."""


MOST_NAME: Final = 63
"""Bytes of a name that the server tells apart (NAMEDATALEN - 1); it cuts longer ones in silence."""


def tellable(name: bytes) -> bool:
    """Whether the server takes a name as it is: not cut, not in another encoding than we read it in."""
    return len(name) <= MOST_NAME and name.isascii()


class Names:
    """The names of one session.

    Attributes:
        statements: name → what it stands for, as far as we know.
        portals: the same for portals and cursors.
        changes: how often a statement's name came to stand for something else.
    """

    __slots__ = ("changes", "portals", "statements")

    def __init__(self) -> None:
        self.statements: dict[bytes, Prepared] = {}
        self.portals: dict[bytes, Portal] = {}
        self.changes = 0

    def unsettled(self, found: Prepared | Portal | None, segment: int) -> bool:
        """Whether what a name stands for hangs on an earlier segment of the pipeline."""
        return found is not None and not found.settled and found.segment != segment

    def known_text(self, prepared: Prepared) -> None:
        """Let a statement tell the unit that holds its text, where its name stands for the same text now.

        Drivers parse one text again and again under one name; it is recorded once.
        """
        before = self.statements.get(prepared.name)
        if before is not None and before.number and before.text == prepared.text:
            prepared.number = before.number

    def set_statement(self, prepared: Prepared) -> Prepared | None:
        """Presume that the name stands for this from here on; return what it stood for."""
        before = self.statements.get(prepared.name)
        self.statements[prepared.name] = prepared
        self.changes += 1
        return before if prepared.name else None

    def set_portal(self, portal: Portal) -> Portal | None:
        """Presume that the name stands for this from here on; return what it stood for."""
        before = self.portals.get(portal.name)
        self.portals[portal.name] = portal
        return before if portal.name else None

    def statement_done(self, prepared: Prepared) -> None:
        """The server has confirmed a Parse or a Close."""
        prepared.settled = True
        if prepared.text is None and self.statements.get(prepared.name) is prepared:
            del self.statements[prepared.name]

    def portal_done(self, portal: Portal) -> None:
        """The server has confirmed a Bind or a Close."""
        portal.settled = True
        if not portal.number and self.portals.get(portal.name) is portal:
            del self.portals[portal.name]

    def statement_failed(self, prepared: Prepared, before: Prepared | None) -> None:
        """The server has refused or skipped it: the name stands for what it did before."""
        self.changes += 1
        if self.statements.get(prepared.name) is prepared:
            if before is None:
                del self.statements[prepared.name]
            else:
                self.statements[prepared.name] = before

    def portal_failed(self, portal: Portal, before: Portal | None) -> None:
        """The server has refused or skipped it: the name stands for what it did before."""
        if self.portals.get(portal.name) is portal:
            if before is None:
                del self.portals[portal.name]
            else:
                self.portals[portal.name] = before

    def full(self) -> bool:
        """Whether the session keeps as many statements as it may."""
        count = len(self.statements)
        if count < COUNTED_FROM:
            return False
        size = sum(len(each.text or b"") for each in self.statements.values())
        return count >= MOST_STATEMENTS or size >= MOST_BYTES

    def crowded(self, portal: bytes) -> bool:
        """Whether one more open portal would be one too many."""
        return len(self.portals) >= MOST_PORTALS and portal not in self.portals

    def query_ran(self) -> None:
        """A simple Query drops the unnamed statement and the unnamed portal."""
        self.statements.pop(b"", None)
        self.portals.pop(b"", None)

    def transaction_ended(self) -> None:
        """Portals end with their transaction. Cursors held over it are known by name to the server alone."""
        for name in [name for name, portal in self.portals.items() if portal.settled]:
            del self.portals[name]

    def deallocate(self, name: bytes | None) -> None:
        """A name, or all (None), was deallocated in SQL."""
        self.changes += 1
        if name is None:
            self.statements.clear()
        else:
            self.statements.pop(name, None)

    def close_cursor(self, name: bytes | None) -> None:
        """A cursor, or all (None), was closed in SQL."""
        if name is None:
            self.portals.clear()
        else:
            self.portals.pop(name, None)
