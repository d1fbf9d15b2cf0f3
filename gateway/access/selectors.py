"""Which endpoints a row of policy speaks of: ``env=prod team=payments|orders``, or ``*``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.endpoint import Endpoint

OWN = frozenset({"name", "kind"})
"""Keys that speak of the endpoint itself; no label has them."""

LABEL_KEY = re.compile(r"[a-z][a-z0-9._/-]{0,62}")
LABEL_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}")


@dataclass(frozen=True, slots=True)
class Selector:
    """What an endpoint must have: for each key one of the values; an empty set means any value.

    Attributes:
        wanted: key → values.
        text: as written.
    """

    wanted: tuple[tuple[str, frozenset[str]], ...]
    text: str

    def fits(self, facts: Mapping[str, str]) -> bool:
        """Whether an endpoint with these facts is meant."""
        for key, values in self.wanted:
            value = facts.get(key)
            if value is None or (values and value not in values):
                return False
        return True


def parse_selector(text: str) -> Selector:
    """Parse ``*`` or ``key=value key=a|b key=*``.

    Raises:
        InvalidInput: it is neither; the message names the part.
    """
    parts = text.split()
    if parts == ["*"]:
        return Selector((), "*")
    if not parts:
        raise InvalidInput("no endpoints are named", hint="write * for all of them")
    wanted = []
    for part in parts:
        key, _, values = part.partition("=")
        alternatives = values.split("|")
        if not LABEL_KEY.fullmatch(key) or not (
            values == "*" or all(LABEL_VALUE.fullmatch(value) for value in alternatives)
        ):
            raise InvalidInput(
                f"{part!r} is not a label", hint="write key=value, key=a|b or key=*, or a lone * for all"
            )
        wanted.append((key, frozenset[str]() if values == "*" else frozenset(alternatives)))
    return Selector(tuple(wanted), " ".join(parts))


def facts_of(endpoint: Endpoint) -> dict[str, str]:
    """Return what selectors look at: the labels, and the endpoint's own name and kind."""
    return {**endpoint.labels, "name": endpoint.name, "kind": endpoint.kind.value}
