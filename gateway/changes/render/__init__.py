"""Migration files, one module a convention of naming and layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.changes.render import dbmate, flyway, plain
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.changes.render.sql import Convention

CONVENTIONS: dict[str, Convention] = {
    "plain": plain.CONVENTION,
    "flyway": flyway.CONVENTION,
    "dbmate": dbmate.CONVENTION,
}


def convention(name: str) -> Convention:
    """Return the convention that an endpoint's repository names.

    Raises:
        InvalidInput: there is none of that name.
    """
    try:
        return CONVENTIONS[name]
    except KeyError:
        raise InvalidInput(
            f"the repository's convention {name!r} is unknown",
            hint=f"set it to one of: {', '.join(sorted(CONVENTIONS))}",
        ) from None
