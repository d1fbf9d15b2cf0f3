"""The way back: a right inverse where the statement proves it, else what a person needs to write one."""

from __future__ import annotations

from itertools import pairwise

from gateway.changes.pieces import Apart, Piece, Pieces, join, loud, words
from gateway.judge.postgres.tokens import TokenKind

NOTHING_TO_UNDO = "-- (nothing to undo: {} changes no rows and no definitions)"

_START = Piece(Apart.SPACE, "")
_NAME = (TokenKind.WORD, TokenKind.QUOTED)
_CONTENT_FREE = frozenset({"VACUUM", "ANALYZE", "ANALYSE", "REINDEX", "CHECKPOINT"})
_DROPPABLE = {
    "TABLE": "TABLE",
    "VIEW": "VIEW",
    "SEQUENCE": "SEQUENCE",
    "SCHEMA": "SCHEMA",
    "TYPE": "TYPE",
    "DOMAIN": "DOMAIN",
}
_AFTER_NAME = {
    "TABLE": ("(",),
    "VIEW": ("AS", "("),
    "SEQUENCE": None,
    "SCHEMA": None,
    "TYPE": ("AS",),
    "DOMAIN": ("AS",),
}


def inverse(statement: Pieces) -> str | None:
    """Return the statement that undoes this one exactly, None unless that is certain from its own words.

    It holds in the search path of the statement. ``IF [NOT] EXISTS`` and ``OR REPLACE`` make it uncertain:
    whether anything was done then depends on what was there before.
    """
    back = _inverse(loud(statement))
    # A name may hold a line break; the way back stands in a comment, whose next line would run.
    return back if back is None or back.isprintable() else None


def _inverse(seen: Pieces) -> str | None:
    first = words(seen)
    if not first:
        return None
    if first[0] in _CONTENT_FREE:
        return NOTHING_TO_UNDO.format(first[0])
    if first[0] == "CREATE":
        return _created(seen)
    if first[:2] == ("ALTER", "TABLE"):
        return _altered(seen)
    return None


def _name(seen: Pieces, at: int) -> tuple[str, int]:
    """Return the possibly qualified name that stands here, empty for none, and the place behind it."""
    if at >= len(seen) or seen[at].kind not in _NAME or seen[at].word in ("IF", "ONLY"):
        return "", at
    name = seen[at].text
    at += 1
    while at + 1 < len(seen) and seen[at].text == "." and seen[at + 1].kind in _NAME:
        name += "." + seen[at + 1].text
        at += 2
    return name, at


def _created(seen: Pieces) -> str | None:
    """Undo ``CREATE TABLE|VIEW|SEQUENCE|SCHEMA|TYPE|DOMAIN|INDEX`` of something that was not there."""
    kind = seen[1].word if len(seen) > 1 else ""
    if kind in ("UNIQUE", "INDEX"):
        return _created_index(seen)
    name, behind = _name(seen, 2)
    if kind not in _DROPPABLE or not name or (kind == "SCHEMA" and name.upper() == "AUTHORIZATION"):
        return None
    expected = _AFTER_NAME[kind]
    if expected is not None and (
        behind >= len(seen) or (seen[behind].word or seen[behind].text) not in expected
    ):
        return None
    if kind == "SCHEMA" and behind < len(seen):
        return None  # schema elements or an owner may follow: DROP SCHEMA without CASCADE would fail
    if kind == "SEQUENCE" and any(piece.word == "IF" for piece in seen[2:4]):
        return None
    return f"DROP {kind} {name};"


def _created_index(seen: Pieces) -> str | None:
    """Undo ``CREATE [UNIQUE] INDEX [CONCURRENTLY] name ON schema.table``: it lives in the table's schema."""
    at = 1 + (seen[1].word == "UNIQUE") + 1
    concurrently = at < len(seen) and seen[at].word == "CONCURRENTLY"
    at += concurrently
    name, at = _name(seen, at)
    if not name or "." in name or at >= len(seen) or seen[at].word != "ON" or name.upper() == "ON":
        return None
    at += 1 + (at + 1 < len(seen) and seen[at + 1].word == "ONLY")
    table, _ = _name(seen, at)
    schema, _, _ = table.rpartition(".")
    if not schema:
        return None
    return f"DROP INDEX {'CONCURRENTLY ' if concurrently else ''}{schema}.{name};"


def _altered(seen: Pieces) -> str | None:
    """Undo one ``ADD COLUMN``, ``ADD CONSTRAINT`` or ``RENAME COLUMN`` of a table."""
    table, at = _name(seen, 2)
    if not table or _commas(seen[at:]):
        return None
    action = tuple(piece.word or piece.text for piece in seen[at : at + 2])
    name, behind = _name(seen, at + 2)
    if not name or "." in name:
        return None
    if action == ("ADD", "COLUMN"):
        return f"ALTER TABLE {table} DROP COLUMN {name};"
    if action == ("ADD", "CONSTRAINT") and _only_a_check(seen[behind:]):
        return f"ALTER TABLE {table} DROP CONSTRAINT {name};"
    if action == ("RENAME", "COLUMN") and behind < len(seen) and seen[behind].word == "TO":
        renamed, end = _name(seen, behind + 1)
        if renamed and end == len(seen):
            return f"ALTER TABLE {table} RENAME COLUMN {renamed} TO {name};"
    return None


def _only_a_check(seen: Pieces) -> bool:
    """Whether only a constraint is added: PRIMARY KEY also sets NOT NULL, USING INDEX takes one over."""
    kind = seen[0].word if seen else ""
    taken = any((one.word, two.word) == ("USING", "INDEX") for one, two in pairwise(seen))
    return kind in ("CHECK", "UNIQUE", "FOREIGN", "EXCLUDE") and not taken


def _commas(seen: Pieces) -> bool:
    """Whether a comma stands outside of parentheses: several actions in one statement."""
    depth = 0
    for piece in seen:
        depth += (piece.text in ("(", "[")) - (piece.text in (")", "]"))
        if piece.text == "," and depth == 0:
            return True
    return False


def guidance(statement: Pieces) -> tuple[str, ...]:
    """Return lines that help to write the way back, among them a read of what would be lost."""
    first = words(statement)
    verb = first[0] if first else ""
    read = _old_rows(statement)
    if verb in ("UPDATE", "DELETE") and read:
        return ("Before it runs, keep the rows that it changes; this read shows them:", read)
    if verb == "INSERT":
        return ("Delete the rows that it adds, by their key: DELETE FROM … WHERE …",)
    if verb == "TRUNCATE":
        return ("The rows are gone afterwards: name the backup or table that they can be loaded from.",)
    if verb == "DROP":
        return ("Write the definition as it is now (pg_dump --schema-only), and where the data comes from.",)
    if verb in ("GRANT", "REVOKE"):
        return (
            "Look at what is granted now (\\dp, \\du): undoing must not take away what was there before.",
        )
    if verb in ("ALTER", "CREATE", "COMMENT"):
        return ("Write the statement that brings back the definition as it is now.",)
    return ("Write the statements that bring back the state as it is now.",)


def _old_rows(statement: Pieces) -> str:
    """Return ``SELECT * FROM table WHERE …`` for a plain UPDATE or DELETE of one table, else nothing."""
    pieces = tuple(
        Piece(each.kind, " ") if each.quiet else each
        for before, each in pairwise((_START, *statement))
        if not (each.quiet and before.quiet)
    )
    seen = loud(pieces)
    at = 2 if seen[0].word == "DELETE" else 1
    only = at < len(seen) and seen[at].word == "ONLY"
    table, behind = _name(seen, at + only)
    if not table or any(piece.word in ("USING", "CURRENT") for piece in seen):
        return ""
    alias = ""
    if behind < len(seen) and seen[behind].word not in ("SET", "WHERE", "RETURNING"):
        behind += seen[behind].word == "AS"
        alias, _ = _name(seen, behind)
    condition = _top_level(pieces, "WHERE", ("RETURNING",))
    if _top_level(pieces, "FROM", ("WHERE", "RETURNING")) and seen[0].word == "UPDATE":
        return ""
    source = f"{'ONLY ' if only else ''}{table}{' ' + alias if alias else ''}"
    return f"SELECT * FROM {source}{' WHERE ' + condition if condition else ''};"  # noqa: S608 - text in a comment, never run


def _top_level(pieces: Pieces, start: str, ends: tuple[str, ...]) -> str:
    """Return what stands between a keyword and the next of others, outside of parentheses, on one line."""
    depth = 0
    chosen: list[Piece] = []
    inside = False
    for piece in pieces:
        depth += (piece.text in ("(", "[")) - (piece.text in (")", "]"))
        if depth == 0 and piece.word in ends:
            inside = False
        if inside:
            chosen.append(piece)
        if depth == 0 and piece.word == start:
            inside = True
    text = join(tuple(chosen)).strip()
    return "" if "\n" in text or "\r" in text else text
