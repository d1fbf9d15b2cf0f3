"""What a statement changes for those behind it in the same session, as values that a proxy can follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.judge.postgres.analysis import StatementAnalysis


@dataclass(frozen=True, slots=True)
class SetSetting:
    """SET, or ``set_config`` anywhere in a statement.

    Attributes:
        name: in lower case.
        values: as given, unquoted; for ``search_path`` one a schema; none where a setting that may have any
            value gets one that isn't told before it runs.
        local: until the transaction's end only.
        certain: False where it stands in a query that may run it never or many times.
    """

    name: str
    values: tuple[str, ...]
    local: bool
    certain: bool = True


@dataclass(frozen=True, slots=True)
class ResetSetting:
    """RESET name, or SET name TO DEFAULT.

    Attributes:
        name: in lower case.
        local: until the transaction's end only.
    """

    name: str
    local: bool = False


@dataclass(frozen=True, slots=True)
class ResetAll:
    """RESET ALL: every setting as the start-up packet had it."""


@dataclass(frozen=True, slots=True)
class DiscardAll:
    """DISCARD ALL: settings, prepared statements, cursors, as at the start."""


@dataclass(frozen=True, slots=True)
class PrepareStatement:
    """PREPARE.

    Attributes:
        name: of the statement, in the name space of the wire's statements.
        text: what it will run.
        analysis: of what it will run, under the context it was prepared in.
    """

    name: str
    text: str
    analysis: StatementAnalysis


@dataclass(frozen=True, slots=True)
class Deallocate:
    """DEALLOCATE.

    Attributes:
        name: None: all.
    """

    name: str | None


@dataclass(frozen=True, slots=True)
class Begin:
    """BEGIN or START TRANSACTION."""


@dataclass(frozen=True, slots=True)
class Commit:
    """COMMIT or END.

    Attributes:
        chain: a new transaction begins at once.
    """

    chain: bool


@dataclass(frozen=True, slots=True)
class Rollback:
    """ROLLBACK or ABORT.

    Attributes:
        chain: a new transaction begins at once.
    """

    chain: bool


@dataclass(frozen=True, slots=True)
class Savepoint:
    """SAVEPOINT.

    Attributes:
        name: of the savepoint.
    """

    name: str


@dataclass(frozen=True, slots=True)
class RollbackTo:
    """ROLLBACK TO.

    Attributes:
        name: of the savepoint.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Release:
    """RELEASE.

    Attributes:
        name: of the savepoint.
    """

    name: str


@dataclass(frozen=True, slots=True)
class DeclareCursor:
    """DECLARE.

    Attributes:
        name: of the cursor, in the name space of the wire's portals.
        hold: it outlives the transaction.
    """

    name: str
    hold: bool


@dataclass(frozen=True, slots=True)
class CloseCursor:
    """CLOSE.

    Attributes:
        name: None: all.
    """

    name: str | None


SessionEffect = (
    SetSetting
    | ResetSetting
    | ResetAll
    | DiscardAll
    | PrepareStatement
    | Deallocate
    | Begin
    | Commit
    | Rollback
    | Savepoint
    | RollbackTo
    | Release
    | DeclareCursor
    | CloseCursor
)
