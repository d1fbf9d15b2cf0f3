"""What a migration must know of a statement beside its text: can it run in a transaction, or at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.changes.pieces import loud, words
from gateway.judge.postgres.tokens import TokenKind

if TYPE_CHECKING:
    from gateway.changes.pieces import Pieces

_CONTROL = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"})
_NEVER_INSIDE = (
    ("VACUUM",),
    ("ALTER", "SYSTEM"),
    ("CREATE", "DATABASE"),
    ("DROP", "DATABASE"),
    ("CREATE", "TABLESPACE"),
    ("DROP", "TABLESPACE"),
    ("CREATE", "SUBSCRIPTION"),
    ("DROP", "SUBSCRIPTION"),
    ("REINDEX", "DATABASE"),
    ("REINDEX", "SYSTEM"),
    ("REINDEX", "SCHEMA"),
)
_CONCURRENT = frozenset({"CREATE", "DROP", "REINDEX"})


def is_control(statement: Pieces) -> bool:
    """Whether it only begins, marks or ends a transaction: migration tools have their own around the file."""
    first = words(statement, 2)
    return first[:1] != () and first[0] in _CONTROL and first != ("END", "ATOMIC")


def alone(statement: Pieces) -> str:
    """Return why it can't run inside a transaction block, empty where it can."""
    first = words(statement, 6)
    seen = tuple(piece.word for piece in loud(statement))
    for start in _NEVER_INSIDE:
        if first[: len(start)] == start:
            return f"{' '.join(start)} can't run inside one"
    if first[:1] and first[0] in _CONCURRENT and "CONCURRENTLY" in first:
        return f"{first[0]} … CONCURRENTLY can't run inside one"
    if first[:2] == ("ALTER", "TABLE") and "DETACH" in seen and "CONCURRENTLY" in seen:
        return "DETACH PARTITION … CONCURRENTLY can't run inside one"
    if first[:2] == ("ALTER", "DATABASE") and "TABLESPACE" in seen:
        return "ALTER DATABASE … SET TABLESPACE can't run inside one"
    if first == ("CLUSTER",):
        return "CLUSTER of everything can't run inside one"
    return ""


def caution(statement: Pieces) -> str:
    """Return what must be added before it can run from a file, empty where nothing is missing."""
    first = words(statement, 2)
    seen = loud(statement)
    verbs = {piece.word for piece in seen}
    if first[:1] == ("COPY",) and {"FROM", "STDIN"} <= verbs:
        return "COPY … FROM STDIN: the rows that the client would have sent are not in this file; add them"
    if first[:1] == ("EXECUTE",):
        return "EXECUTE names a statement that only that session had prepared; write the statement itself"
    if any(piece.kind is TokenKind.PARAMETER for piece in seen) and first[:1] != ("PREPARE",):
        return "bind values are missing: the placeholders $1, $2, … must be replaced by hand"
    return ""
