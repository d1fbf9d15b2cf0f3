"""Plain numbered SQL: ``0007_update-customers.sql``, continuing the repository's highest number and width."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.changes.render import sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_NUMBERED = re.compile(r"^([0-9]+)([_.\-])?[^/]*\.sql$", re.IGNORECASE)


class _Plain:
    """The convention; see ``sql.Convention``."""

    def name(self, existing: Sequence[str], slug: str, drafted_at: datetime) -> str:
        """Return the name behind the highest number, as wide as that one."""
        numbered = [found for found in map(_NUMBERED.match, existing) if found]
        if not numbered:
            return f"0001_{slug}.sql"
        highest = max(numbered, key=lambda found: int(found[1]))
        digits, separator = highest[1], highest[2] or "_"
        if sql.is_stamp(digits):
            return f"{sql.stamp(drafted_at, digits)}{separator}{slug}.sql"
        return f"{str(int(digits) + 1).zfill(len(digits))}{separator}{slug}.sql"

    def number(self, name: str) -> str:
        """Return the digits before the first separator, without leading zeros."""
        found = _NUMBERED.match(name)
        return str(int(found[1])) if found else ""

    def lay_out(self, migration: sql.Migration) -> str:
        """Return header, statements and the commented rollback section."""
        alone = f"\n-- Outside of a transaction: {sql.field(migration.alone)}" if migration.alone else ""
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


CONVENTION = _Plain()
