"""Flyway: ``V7__update_customers.sql``. Its community edition has no undo files: the way back is a comment.

https://documentation.red-gate.com/flyway/flyway-concepts/migrations/versioned-migrations
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.changes.render import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_VERSIONED = re.compile(r"^V([0-9]+(?:[._][0-9]+)*)__.*\.sql$")


def _order(version: str) -> tuple[int, ...]:
    """Return a version's parts as flyway compares them: trailing zeros count as nothing."""
    parts = [int(part) for part in re.split(r"[._]", version)]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return tuple(parts)


class _Flyway:
    """The convention; see ``sql.Convention``."""

    def name(self, existing: Sequence[str], slug: str, drafted_at: datetime) -> str:
        """Return the name behind the highest version: its last part counts on, in its width."""
        described = slug.replace("-", "_")
        versions = [found[1] for found in map(_VERSIONED.match, existing) if found]
        if not versions:
            return f"V1__{described}.sql"
        highest = max(versions, key=_order)
        if sql.is_stamp(highest):
            return f"V{sql.stamp(drafted_at, highest)}__{described}.sql"
        before, last = re.fullmatch(r"(.*?)([0-9]+)", highest, re.DOTALL).groups()  # type: ignore[union-attr]
        return f"V{before}{str(int(last) + 1).zfill(len(last))}__{described}.sql"

    def number(self, name: str) -> str:
        """Return the version in flyway's order of parts."""
        found = _VERSIONED.match(name)
        return ".".join(map(str, _order(found[1]))) if found else ""

    def lay_out(self, migration: sql.Migration) -> str:
        """Return header, statements and the commented rollback section."""
        alone = ""
        if migration.alone:
            alone = (
                f"\n-- Outside of a transaction: {sql.field(migration.alone)}; flyway detects most of these, "
                "else set executeInTransaction=false for this file"
            )
        return (
            f"{sql.header(migration)}{alone}\n\n{sql.body(migration)}\n\n{sql.comment_rollback(migration)}\n"
        )

    def lacks_rollback(self, text: str) -> bool:
        """Whether the commented section is missing or says nothing."""
        return sql.comment_section_lacks(text)

    def without_way_back(self, text: str, why: str) -> str:
        """Return the text with the reason in its commented section."""
        return sql.comment_without_way_back(text, why)

    def settle(self, text: str) -> str:
        """Return the text with its rollback section commented."""
        return sql.settle_comments(text)


CONVENTION = _Flyway()
