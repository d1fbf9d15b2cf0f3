"""What an endpoint's catalogue holds, as a value: everything that a name in a statement could mean.

The rows are read by the queries in ``introspect.py``; the same rows of an empty PostgreSQL 18 are the
built-in snapshot of the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import count
from typing import Any, Final, TypeVar

import msgspec

FIRST_USER_OID: Final = 16384
"""Objects of initdb have smaller oids (FirstNormalObjectId)."""
INTERNAL: Final = 2281
"""Type oid of ``internal``: what has such an argument can't be called from SQL."""

_ELEMENTS: Final = frozenset({2283, 2776, 5077, 5079})
"""Type oids of anyelement, anynonarray, anycompatible, anycompatiblenonarray."""
_CONTAINERS: Final = frozenset({2277, 3831, 4537, 4538, 5078, 5080})
"""Type oids of anyarray, anyrange, anymultirange and their compatible kin."""
_VARYING: Final = _ELEMENTS | _CONTAINERS | {3500}
"""Type oids of all polymorphic types: also anyenum."""
_JSON: Final = frozenset({114, 3802})
"""Type oids of json and jsonb."""

_numbers = count(1)


class Replaced(Enum):
    """How a function that came with the server differs from what came."""

    NOT = "not"
    BODY = "body"
    """It is in SQL still, with another body: judged by that, as users' are."""
    KIND = "kind"
    """It is another sort of function now."""


class Function(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of pg_proc.

    Attributes:
        oid, schema, name: which.
        kind: ``f`` function, ``a`` aggregate, ``w`` window, ``p`` procedure.
        arguments: type oids of the input arguments.
        defaults: how many of them have one.
        variadic: whether the last takes any number.
        result: type oid.
        volatility: ``i``, ``s`` or ``v``.
        language: name.
        definer: whether it runs with its owner's rights.
        owner: role name.
        extension: that it belongs to; empty: none.
        body: prosrc of an SQL or internal function, or the deparsed SQL-standard body; empty for built-ins
            that are not in SQL.
        standard: whether it is the latter.
        default_expressions: deparsed under an empty search_path; empty for built-ins.
        settings: ``name=value`` of its SET clauses.
        reaches: oids of an aggregate's functions.
        columns: type oids of its output columns, as far as somebody made those built-in types sort, hash or
            print.
        replaced: how one that came with the server differs from what came; see ``replaced.py``.
    """

    oid: int
    schema: str
    name: str
    kind: str
    arguments: tuple[int, ...]
    defaults: int
    variadic: bool
    result: int
    volatility: str
    language: str
    definer: bool
    owner: str
    extension: str
    body: str
    standard: bool
    default_expressions: str
    settings: tuple[str, ...]
    reaches: tuple[int, ...]
    columns: tuple[int, ...] = ()
    replaced: Replaced = Replaced.NOT

    @property
    def builtin(self) -> bool:
        """Whether it came with the server, and is as it came."""
        return self.oid < FIRST_USER_OID and self.replaced is Replaced.NOT

    @property
    def came(self) -> bool:
        """Whether it came with the server, replaced since or not."""
        return self.oid < FIRST_USER_OID

    def takes(self, given: int) -> bool:
        """Whether a call with so many arguments could mean it."""
        wanted = len(self.arguments)
        if self.variadic and given >= wanted - 1:
            return True
        return wanted - self.defaults <= given <= wanted

    def makes_values(self, *, symbol: bool = False) -> bool:
        """Whether it may make values of one argument's type out of another argument.

        ``lag(x, 1, 'y')`` makes 'y' a value of x's type, ``json_populate_record(x, '{…}')`` all that is in x:
        where that is a domain, its checks run.

        Args:
            symbol: it stands behind an operator; of those, the ones on two containers only compare.
        """
        varying = [argument for argument in self.arguments if argument in _VARYING]
        if len(varying) > 1 and not (symbol and _ELEMENTS.isdisjoint(varying)):
            return True
        return bool(varying) and any(each in _JSON or each >= FIRST_USER_OID for each in self.arguments)

    @property
    def gathers_values(self) -> bool:
        """Whether it makes an array, range or multirange of single values."""
        return self.result in _CONTAINERS and not _ELEMENTS.isdisjoint(self.arguments)


class Relation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of pg_class, with what reading it reaches.

    Attributes:
        oid, schema, name: which.
        kind: relkind.
        extension: that it belongs to; empty: none.
        definition: a view's SELECT, deparsed under an empty search_path; empty for built-ins, unless it names
            something of a user's making.
        expressions: policies, virtual generated columns, and rules, deparsed likewise.
        folded: index expressions, defaults, partition keys, checks, expressions of statistics: the planner
            may fold their constant parts.
        children: oids of partitions and heirs.
        types: oids of its columns' types that are not built-in, or that somebody made sort, hash or print.
        row: oid of its rows' type.
        rules: whether it has rules other than a view's own.
        reaches: oids of what the operator classes of its indexes and its partition key call, but for
            built-ins.
    """

    oid: int
    schema: str
    name: str
    kind: str
    extension: str
    definition: str
    expressions: tuple[str, ...]
    folded: tuple[str, ...]
    children: tuple[int, ...]
    types: tuple[int, ...]
    row: int
    rules: bool
    reaches: tuple[int, ...] = ()

    @property
    def builtin(self) -> bool:
        """Whether it came with the server, and reaches nothing of a user's making."""
        return self.oid < FIRST_USER_OID and not (self.definition or self.expressions or self.types)


class Operator(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of pg_operator.

    Attributes:
        oid, schema, name: which.
        binary: whether it takes two operands.
        functions: oids of its function, of its selectivity estimators, and of what may run in their place.
    """

    oid: int
    schema: str
    name: str
    binary: bool
    functions: tuple[int, ...]

    @property
    def builtin(self) -> bool:
        """Whether it came with the server."""
        return self.oid < FIRST_USER_OID


class Cast(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of pg_cast made by a user.

    Attributes:
        source, target: type oids.
        function: oid; 0 where none is called.
        implicit: whether it happens without being written.
    """

    source: int
    target: int
    function: int
    implicit: bool


class Type(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row of pg_type.

    Attributes:
        oid, schema, name: which.
        functions: oids of what runs when its values come and go; of built-ins, those only by which somebody
            made them sort, hash or print.
        parts: oids of its base, element, subtype and attributes' types that are not built-in, or that
            somebody made sort, hash or print.
        checks: a domain's constraints, deparsed under an empty search_path.
        everywhere: of such a built-in, whether its values come without being named: by constants, arrays, …
    """

    oid: int
    schema: str
    name: str
    functions: tuple[int, ...]
    parts: tuple[int, ...]
    checks: tuple[str, ...]
    everywhere: bool = False

    @property
    def builtin(self) -> bool:
        """Whether it came with the server, and its values meet nothing of a user's making."""
        return self.oid < FIRST_USER_OID and not (self.functions or self.parts)


Named = TypeVar("Named", Function, Relation, Operator, Type)


class Rows(msgspec.Struct, frozen=True, array_like=True):
    """Everything read from a catalogue.

    Attributes:
        version: ``server_version_num``.
        functions, relations, operators, casts, types: rows.
    """

    version: int
    functions: tuple[Function, ...]
    relations: tuple[Relation, ...]
    operators: tuple[Operator, ...]
    casts: tuple[Cast, ...]
    types: tuple[Type, ...]


class Snapshot:
    """A catalogue, indexed by name. Never changed once made; a newer one takes its place.

    Args:
        rows: what was read.
        epoch: grows with each reading of the same endpoint's catalogue.
        complete: False: what it doesn't hold may exist all the same (the built-in one): relations and types
            it doesn't know count as plain, functions and operators it doesn't know are not reads.
    """

    __slots__ = (
        "casts",
        "complete",
        "epoch",
        "everywhere",
        "functions",
        "functions_by_oid",
        "handled",
        "loose_casts",
        "major",
        "memory",
        "number",
        "operators",
        "operators_by_oid",
        "own_operators",
        "relations",
        "relations_by_oid",
        "settled_operators",
        "types",
        "types_by_oid",
        "version",
    )

    def __init__(self, rows: Rows, *, epoch: int = 0, complete: bool = True) -> None:
        self.version = rows.version
        self.major = rows.version // 10000
        self.epoch = epoch
        self.complete = complete
        self.number = next(_numbers)
        self.functions = _by_name(rows.functions)
        self.functions_by_oid = {function.oid: function for function in rows.functions}
        self.relations = _by_name(rows.relations)
        self.relations_by_oid = {relation.oid: relation for relation in rows.relations}
        self.operators = _by_name(rows.operators)
        self.operators_by_oid = {operator.oid: operator for operator in rows.operators}
        self.types = _by_name(rows.types)
        self.types_by_oid = {each.oid: each for each in rows.types}
        self.handled = frozenset(
            each.oid for each in rows.types if each.oid < FIRST_USER_OID and not each.builtin
        )
        """Built-in types that somebody made sort, hash or print, and those that hold or are such."""
        self.own_operators = frozenset(each.oid for each in rows.operators if self._came(each))
        """Operators that came with the server, and all that is behind them."""
        self.settled_operators = frozenset(
            (operator.name, operator.binary)
            for each in self.operators.values()
            if self._settled(each)
            for operator in each
        )
        """Symbols and whether they are binary, of operators that only the server itself brings and that only
        compute."""
        self.everywhere = tuple(each.oid for each in rows.types if each.everywhere)
        """Those of them whose values come without being named."""
        self.casts = rows.casts
        self.loose_casts = tuple(each.function for each in rows.casts if self._is_loose(each))
        """Functions of casts that may happen though no type of a user's making is named."""
        self.memory: dict[int, dict[Any, Any]] = {}
        """What the judge worked out about objects of this snapshot; forgetting it costs time only."""

    def behind(self, operator: Operator) -> Function | None:
        """The function that an operator calls."""
        return self.functions_by_oid.get(operator.functions[0]) if operator.functions else None

    def makes_values(self, operator: Operator) -> bool:
        """Whether an operator may make values of one operand's type out of the other."""
        called = (self.functions_by_oid.get(oid) for oid in operator.functions)
        return any(each is not None and each.makes_values(symbol=True) for each in called)

    def _is_loose(self, cast: Cast) -> bool:
        if cast.function == 0 or any(
            oid >= FIRST_USER_OID and oid in self.types_by_oid for oid in (cast.source, cast.target)
        ):
            return False
        # A cast's function is never volatile, so that the server's own only computes.
        called = self.functions_by_oid.get(cast.function)
        return called is None or not called.builtin

    def _came(self, operator: Operator) -> bool:
        called = [self.functions_by_oid.get(oid) for oid in operator.functions]
        return operator.builtin and all(each is not None and each.builtin for each in called)

    def arises(self, function: Function, among: Sequence[Function]) -> frozenset[int]:
        """Types of ``handled`` whose values a function gives though nothing that it gets shows one.

        An argument of such a type shows it, but for a literal. What a literal is the server tells by the
        other arguments, where one function alone fits those.

        Args:
            function: which.
            among: those that its name or symbol could mean.
        """
        if not self.handled:
            return self.handled
        made = self.handled.intersection((function.result, *function.columns))
        if not made or self.handled.isdisjoint(function.arguments):
            return made
        for each in among:
            if each is not function and len(each.arguments) == len(function.arguments):
                pairs = zip(function.arguments, each.arguments, strict=True)
                if all(one == other for one, other in pairs if one not in self.handled):
                    return frozenset()
        return made

    def _settled(self, operators: Sequence[Operator]) -> bool:
        called = [each for each in map(self.behind, operators) if each is not None]
        return all(
            each.oid in self.own_operators and not self.makes_values(each) for each in operators
        ) and not any(self.arises(each, called) for each in called)


def _by_name(rows: Iterable[Named]) -> dict[str, tuple[Named, ...]]:
    found: dict[str, list[Named]] = {}
    for row in rows:
        found.setdefault(row.name, []).append(row)
    return {name: tuple(each) for name, each in found.items()}
