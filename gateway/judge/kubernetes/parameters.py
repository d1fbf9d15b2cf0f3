"""Queries, read by the catalogue's table of parameters and rebuilt from it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.judge.http.reading import NotRead
from gateway.judge.kubernetes.catalogue import KubernetesCatalogue, ParameterKind

MAX_TEXTS: Final = 1000
"""How often one parameter may stand in a query."""

_FORMS: Final = {
    "number": re.compile(r"-?[0-9]{1,18}"),
    "moment": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}(?:Z|[+-][0-9]{2}:[0-9]{2})"),
    "period": re.compile(r"[0-9]{0,18}|(?:[0-9]{1,18}(?:\.[0-9]{0,18})?(?:ns|us|µs|ms|s|m|h))+"),
}


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it was understood.

    Attributes:
        pairs: what goes on, in the order sent, each value in the one form that it has.
    """

    pairs: tuple[tuple[str, str], ...]

    def text(self, name: str) -> str:
        """Return a parameter's value, empty where it was not given."""
        return next((value for each, value in self.pairs if each == name), "")

    def texts(self, name: str) -> tuple[str, ...]:
        """Return every value of a parameter."""
        return tuple(value for each, value in self.pairs if each == name)

    def flag(self, name: str) -> bool:
        """Whether a flag is set."""
        return self.text(name) == "true"

    def without(self, *names: str) -> Query:
        """Return the query without some of its parameters."""
        return Query(tuple(pair for pair in self.pairs if pair[0] not in names))


def read_query(
    pairs: tuple[tuple[str, str], ...], takes: Iterable[str], catalogue: KubernetesCatalogue
) -> Query:
    """Read a query; what is not taken is left out, as the API server itself passes over what it doesn't know.

    Args:
        pairs: decoded.
        takes: the parameters that are taken.
        catalogue: says how each is read.

    Raises:
        NotRead: a parameter stands there twice, has a value of another form, or one that is never given.
    """
    taken = frozenset(takes)
    read: list[tuple[str, str]] = []
    seen: set[str] = set()
    for name, value in pairs:
        kind = catalogue.parameters.get(name)
        if kind is None or name not in taken:
            continue
        if name in seen and kind != "texts":
            raise NotRead("repeated-parameter", f"The query has {name} twice.")
        seen.add(name)
        _add(read, name, value, kind)
    return Query(tuple(read))


def is_flag_set(value: str) -> bool:
    """Whether the API server takes a flag's value for true (``Convert_Slice_string_To_bool``).

    Args:
        value: as given, decoded.
    """
    return value != "0" and value.casefold() != "false"


def _add(read: list[tuple[str, str]], name: str, value: str, kind: ParameterKind) -> None:
    if kind == "flag":
        read.append((name, "true" if is_flag_set(value) else "false"))
    elif kind == "never":
        if is_flag_set(value):
            raise NotRead("parameter", f"{name} is not allowed.")
    elif kind in _FORMS and not _FORMS[kind].fullmatch(value):
        raise NotRead("parameter", f"The value of {name} is no {kind}.")
    else:
        read.append((name, value))
        if len(read) > MAX_TEXTS:
            raise NotRead("parameter", f"The query has more than {MAX_TEXTS} parameters.")
