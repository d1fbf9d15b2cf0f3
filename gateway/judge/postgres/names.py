"""What a name could mean: candidates along every search_path that could hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from gateway.judge.postgres.context import SearchPath
from gateway.judge.postgres.parse import Node
from gateway.judge.postgres.snapshot import (
    INTERNAL,
    Function,
    Operator,
    Relation,
    Snapshot,
    Type,
)

Name = tuple[str, ...]
"""A possibly qualified name, unquoted."""

SYSTEM: Final = "pg_catalog"
DEPARSED: Final[frozenset[SearchPath]] = frozenset({()})
"""What the server deparsed under an empty search_path."""
_PARTS: Final = 3
"""catalog.schema.name"""
_TRUNCATED_BYTES: Final = 60
"""So long a name beyond ASCII may be cut elsewhere by a server of another encoding."""

Found = TypeVar("Found", Function, Relation, Operator, Type)


class Names:
    """Looks names up in a snapshot, along a set of search_paths.

    Args:
        snapshot: the catalogue.
        paths: every search_path that could hold.
        role: what ``$user`` stands for.
    """

    __slots__ = ("_anywhere", "_searched", "paths", "snapshot")

    def __init__(self, snapshot: Snapshot, paths: frozenset[SearchPath], role: str) -> None:
        self.snapshot = snapshot
        self.paths = paths
        schemas = {schema for path in paths for schema in path}
        self._searched = {role if schema == "$user" else schema for schema in schemas} | {SYSTEM}
        self._anywhere = snapshot.complete and not role and "$user" in schemas

    def functions(self, name: Name, given: int | None) -> list[Function]:
        """Functions that a call could mean.

        Args:
            name: as written.
            given: number of arguments; None: any.
        """
        return [
            function
            for function in self._candidates(self.snapshot.functions, name)
            if (given is None or function.takes(given)) and INTERNAL not in function.arguments
        ]

    def without_void(self, name: Name, args: Sequence[Node]) -> list[tuple[Function, int]]:
        """Functions of fewer arguments that a call could mean, with how many they get.

        The server drops arguments that are parameters of type void, a kindness to drivers that send a
        call's result as a parameter; which are is said beside the text, or by a cast.
        Source: ParseFuncOrColumn in PostgreSQL's src/backend/parser/parse_func.c.
        """
        given = len(args)
        droppable = sum(1 for arg in args if _is_parameter(arg))
        return [
            (function, fewer)
            for fewer in range(given - droppable, given)
            for function in self.functions(name, fewer)
        ]

    def samplers(self, name: Name) -> list[Function]:
        """Functions that TABLESAMPLE could mean."""
        return [
            function
            for function in self._candidates(self.snapshot.functions, name)
            if function.arguments == (INTERNAL,)
        ]

    def operators(self, name: Name, *, binary: bool) -> list[Operator]:
        """Operators that a symbol could mean."""
        return [each for each in self._candidates(self.snapshot.operators, name) if each.binary == binary]

    def relations(self, name: Name) -> list[Relation]:
        """Relations that a name could mean."""
        return self._candidates(self.snapshot.relations, name)

    def types(self, name: Name) -> list[Type]:
        """Types that a name could mean, array types aside where they have names of their own."""
        return self._candidates(self.snapshot.types, name)

    def _candidates(self, table: dict[str, tuple[Found, ...]], name: Name) -> list[Found]:
        found = table.get(name[-1], ())
        if not name[-1].isascii() and name[-1].lower() != name[-1]:
            # A server of a single-byte encoding folds such letters where ours does not.
            found += table.get(name[-1].lower(), ())
        if len(name) > 1:
            return [each for each in found if each.schema == name[-2]]
        if self._anywhere:
            # Whose "$user" is isn't known: any schema could be it.
            return list(found)
        return [each for each in found if each.schema in self._searched]


def _is_parameter(arg: Node) -> bool:
    """Whether an argument is ``$n``, or a cast of it: a cast gives an open parameter its type."""
    while "TypeCast" in arg:
        arg = arg["TypeCast"].get("arg", {})
    return "ParamRef" in arg


def written(parts: Sequence[Node]) -> Name | None:
    """The name in a list of String nodes; None where it is something else."""
    name = tuple(str(part["String"].get("sval", "")) for part in parts if "String" in part)
    return name if 0 < len(name) == len(parts) <= _PARTS else None


def cut_elsewhere(name: Sequence[str]) -> bool:
    """Whether a server of another encoding might cut the name where we don't."""
    return any(not part.isascii() and len(part.encode()) >= _TRUNCATED_BYTES for part in name)


def shown(name: Sequence[str]) -> str:
    """The name for a sentence."""
    return ".".join(name)
