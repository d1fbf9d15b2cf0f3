"""Functions that came with the server and are no longer as they came.

A superuser can replace any of them; its oid stays. What a function in C does the server knows by its oid, so
that only what is in SQL, and what became another sort of function, does something else than it did. The known
definitions are those of the built-in snapshot: of what is in SQL they are the same in all majors, and where a
major's own differs, its body is read like a user's.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from msgspec.structs import replace

from gateway.judge.postgres.builtin import builtin
from gateway.judge.postgres.snapshot import FIRST_USER_OID, Function, Replaced

_SERVERS: Final = frozenset({"internal", "c", "sql"})
"""Languages of the server's own functions."""
_Signature = tuple[str, str, tuple[int, ...]]


def marked(functions: Iterable[Function]) -> tuple[Function, ...]:
    """Return the functions of a server with those marked that somebody replaced.

    Args:
        functions: all rows of its pg_proc.
    """
    rows = tuple(functions)
    writing = {each.oid for each in rows if each.volatility == "v" or each.oid >= FIRST_USER_OID}
    return tuple(_marked(each, writing) if each.oid < FIRST_USER_OID else each for each in rows)


def _marked(function: Function, writing: set[int]) -> Function:
    known = _known().get(_signature(function))
    another = known is not None and (
        (known.language, known.kind) != (function.language, function.kind)
        or (known.volatility == "v" and function.volatility != "v")
    )
    if another or function.language not in _SERVERS or not writing.isdisjoint(function.reaches):
        return replace(function, replaced=Replaced.KIND)
    if function.language == "sql" and (known is None or _runs(known) != _runs(function)):
        return replace(function, replaced=Replaced.BODY)
    return function


def _runs(function: Function) -> tuple[object, ...]:
    return function.body, function.standard, function.definer, function.settings


@cache
def _known() -> dict[_Signature, Function]:
    return {_signature(each): each for each in builtin().functions_by_oid.values()}


def _signature(function: Function) -> _Signature:
    return function.schema, function.name, function.arguments
