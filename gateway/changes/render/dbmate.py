"""dbmate: ``YYYYMMDDhhmmss_update_customers.sql`` with ``-- migrate:up`` and ``-- migrate:down`` sections.

https://github.com/amacneil/dbmate#creating-migrations
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.changes.render import sql
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_VERSIONED = re.compile(r"^([0-9]+).*\.sql$")
_DOWN = re.compile(r"^--\s*migrate:down(?:[ \t].*)?$", re.MULTILINE)


class _Dbmate:
    """The convention; see ``sql.Convention``."""

    def name(self, existing: Sequence[str], slug: str, drafted_at: datetime) -> str:
        """Return a name with the time of the draft, behind the highest version."""
        described = slug.replace("-", "_")
        versions = [found[1] for found in map(_VERSIONED.match, existing) if found]
        stamps = [version for version in versions if sql.is_stamp(version)]
        return f"{sql.stamp(drafted_at, max(stamps, default=''))}_{described}.sql"

    def number(self, name: str) -> str:
        """Return the leading digits."""
        found = _VERSIONED.match(name)
        return found[1] if found else ""

    def lay_out(self, migration: sql.Migration) -> str:
        """Return header, the up section and the down section."""
        option = " transaction:false" if migration.alone else ""
        alone = f"\n-- Outside of a transaction: {sql.field(migration.alone)}" if migration.alone else ""
        down = "\n".join([*sql.guidance_lines(migration), *migration.rollback])
        return (
            f"{sql.header(migration)}{alone}\n\n-- migrate:up{option}\n\n{sql.body(migration)}\n\n"
            f"-- migrate:down{option}\n\n{down}\n"
        )

    def lacks_rollback(self, text: str) -> bool:
        """Whether the down section is missing, or runs nothing and says nothing."""
        found = _DOWN.search(text)
        if found is None:
            return True
        lines = [line.strip() for line in text[found.end() :].split("\n")]
        return not any(line and not line.startswith("-- #") for line in lines)

    def without_way_back(self, text: str, why: str) -> str:
        """Return the text with a down section that says why there is no way back."""
        found = _DOWN.search(text)
        before = text[: found.end()] if found else text.rstrip("\n") + "\n\n-- migrate:down"
        return f"{before}\n\n-- # No way back: {sql.field(why)}\n"

    def settle(self, text: str) -> str:
        """Return the text as it is.

        Raises:
            InvalidInput: the up section is missing: dbmate would refuse the file.
        """
        if not re.search(r"^--\s*migrate:up", text, re.MULTILINE):
            raise InvalidInput(
                "the migration has no line `-- migrate:up`", hint="keep dbmate's section lines"
            )
        return text.rstrip("\n") + "\n"


CONVENTION = _Dbmate()
