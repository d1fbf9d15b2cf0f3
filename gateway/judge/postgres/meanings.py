"""What the names in a statement could mean, and what stands against them.

Knows one statement's names; what those names reach in the catalogue is ``reach.py``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from itertools import chain
from typing import ClassVar, Final

from gateway.judge.postgres import functions
from gateway.judge.postgres.analysis import Issue, leaves, unknown
from gateway.judge.postgres.context import SearchPath, SqlContext
from gateway.judge.postgres.names import SYSTEM, Name, Names, cut_elsewhere, shown, written
from gateway.judge.postgres.parse import Node
from gateway.judge.postgres.session import SetSetting
from gateway.judge.postgres.snapshot import Function, Type


class Kind(Enum):
    """What sort of object of the catalogue a name stands for."""

    FUNCTION = "function"
    RELATION = "relation"
    MADE = "made"
    """A relation of whose columns' types values are made."""
    HELD = "held"
    """A relation beside whose columns literals stand."""
    OPERATOR = "operator"
    OUTPUT = "output"
    """A type whose values are there already."""
    INPUT = "input"
    """A type that values are made of."""


Key = tuple[Kind, int]
"""An object of the catalogue by its oid."""

_MADE_QUALIFIED: Final = (SYSTEM, "json_object")
"""Our grammar takes json_object(…) for the built-in; an older server looks along its search_path."""
_QUALIFIED_SINCE: Final = 16
_JSON: Final = 114
_XML: Final = 142
_OPERATORS_OF: Final = {
    "AEXPR_BETWEEN": (">=", "<="),
    "AEXPR_NOT_BETWEEN": (">", "<"),
    "AEXPR_BETWEEN_SYM": (">=", "<=", ">", "<"),
    "AEXPR_NOT_BETWEEN_SYM": (">=", "<=", ">", "<"),
}


class Meanings:
    """What is known of the names that one statement, body or expression holds.

    Args:
        context: what it is judged under.
        paths: search_paths that its own names are looked up along.
        folded: it is only worked out beforehand, so that functions which are not IMMUTABLE are never called.
    """

    def __init__(self, context: SqlContext, paths: frozenset[SearchPath], *, folded: bool = False) -> None:
        self.context = context
        self.names = Names(context.snapshot, paths, context.role)
        self.folded = folded
        self.issues: list[Issue] = []
        self.reached: dict[Key, str] = {}
        self.tables: dict[str, None] = {}
        self.settings: list[SetSetting] = []
        self.by_argument = False
        self.makes = False
        """Whether values may be made of whatever types its relations' columns have."""
        self.gathers = False
        """Whether single values may be gathered into arrays or ranges."""
        self._attributes: set[str] = set()

    def relation(self, name: Name) -> None:
        """Note a relation that is read."""
        found = self.names.relations(name)
        if not found or cut_elsewhere(name):
            self.tables[shown(name)] = None
            if self.context.snapshot.complete:
                self.issues.append(unknown("relation.unknown", f"There is no relation {shown(name)}."))
            return
        self.tables[f"{found[0].schema}.{found[0].name}"] = None
        for relation in found:
            if not relation.builtin:
                self.reached.setdefault((Kind.RELATION, relation.oid), f"{relation.schema}.{relation.name}")

    def _call(self, node: Node) -> None:
        name = written(node.get("funcname", ()))
        if name is None or cut_elsewhere(name):
            self.issues.append(unknown("function.name", "A function's name can't be told."))
            return
        if name == _MADE_QUALIFIED and self.context.snapshot.major < _QUALIFIED_SINCE:
            name = name[1:]
        args = node.get("args", [])
        given = len(args)
        if node.get("agg_within_group"):
            given += len(node.get("agg_order", []))
        found = self.names.functions(name, given)
        if not found and name == ("unnest",):
            # In FROM it stands for one call of the built-in an argument.
            found = self.names.functions((SYSTEM, "unnest"), 1)
        if not found and node.get("agg_within_group"):
            found = self.names.functions(name, None)
        shorter = [] if node.get("agg_within_group") else self.names.without_void(name, args)
        if not found and not shorter and self._coercion(name, given):
            return
        if not found and not shorter:
            self.issues.append(functions.missing(self.names, name, given))
        self._give(chain(found, (function for function, _ in shorter)))
        for function in found:
            self._meant(function, given, args)
        for function, fewer in shorter:
            self._meant(function, fewer, [])

    def _meant(self, function: Function, given: int, args: list[Node]) -> None:
        """Judge one of the functions that a call could mean; ``args`` is empty where it isn't known which."""
        rule = function.builtin and self.context.catalogue.functions.by_argument.get(function.name)
        if rule:
            self._by_argument(rule, args)
        else:
            self._function(function, given)

    def _function(self, function: Function, given: int) -> None:
        if self.folded and function.volatility != "i":
            return
        self.makes = self.makes or function.makes_values()
        self.gathers = self.gathers or function.gathers_values
        if function.came:
            issue = functions.judge_builtin(function, given, self.context)
            if issue is not None:
                self.issues.append(issue)
        if not function.builtin:
            self.reached.setdefault((Kind.FUNCTION, function.oid), f"{function.schema}.{function.name}()")

    def _give(self, found: Iterable[Function]) -> None:
        """Note what comes out of functions, of types that somebody made sort, hash or print."""
        if not self.context.snapshot.handled:
            return
        among = list(found)
        for function in among:
            for oid in self.context.snapshot.arises(function, among):
                self.reached.setdefault((Kind.OUTPUT, oid), f"{function.name}()")

    def _coercion(self, name: Name, given: int) -> bool:
        """``typename(x)`` is a cast where no function has that name."""
        if given != 1:
            return False
        found = self.names.types(name)
        for each in found:
            self._reach_type(each, name)
        return bool(found)

    def _by_argument(self, rule: str, args: list[Node]) -> None:
        self.by_argument = True
        if rule == "reading-mode":
            issue = functions.judge_lo_open(args)
        elif rule == "type-name":
            issue = self._type_by_text(args)
        else:
            issue, effects = functions.judge_set_config(args, self.context)
            self.settings.extend(effects)
        if issue is not None:
            self.issues.append(issue)

    def _type_by_text(self, args: list[Node]) -> Issue | None:
        node = functions.named_type(args)
        if node is None:
            return leaves("function.type-by-text", "The type's name must be a literal to be judged.")
        self._type(node)
        return None

    def _column(self, node: Node) -> None:
        fields = node.get("fields", ())
        if len(fields) > 1 and "String" in fields[-1]:
            self._attribute(fields[-1]["String"].get("sval", ""))

    def _indirection(self, node: Node) -> None:
        for step in node.get("indirection", ()):
            if "String" in step:
                self._attribute(step["String"].get("sval", ""))

    def _attribute(self, name: str) -> None:
        """``x.f`` and ``(x).f`` are calls of ``f(x)`` where x has no such column."""
        if name in self._attributes:
            return
        self._attributes.add(name)
        found = self.names.functions((name,), 1)
        self._give(found)
        for function in found:
            if function.name not in self.context.catalogue.functions.by_argument:
                self._function(function, 1)
        for each in self.names.types((name,)):
            self._reach_type(each, (name,))

    def _expression(self, node: Node) -> None:
        name = written(node.get("name", ()))
        if name is None:
            self.issues.append(unknown("operator.name", "An operator's name can't be told."))
            return
        binary = "lexpr" in node
        for symbol in _OPERATORS_OF.get(node.get("kind", ""), (name[-1],)):
            self._operator((*name[:-1], symbol), binary=binary)

    def _operator(self, name: Name, *, binary: bool) -> None:
        if len(name) == 1 and (name[0], binary) in self.context.snapshot.settled_operators:
            return
        found = self.names.operators(name, binary=binary)
        if not found:
            self.issues.append(unknown("operator.unknown", f"There is no operator {shown(name)}."))
        self._give(filter(None, map(self.context.snapshot.behind, found)))
        for operator in found:
            self.makes = self.makes or self.context.snapshot.makes_values(operator)
            if operator.oid not in self.context.snapshot.own_operators:
                self.reached.setdefault((Kind.OPERATOR, operator.oid), f"{operator.schema}.{operator.name}")

    def _equality(self, node: Node) -> None:
        """What compares without a symbol: CASE x WHEN, JOIN USING, IN (SELECT …)."""
        if node.get("arg") or node.get("usingClause") or node.get("isNatural") or node.get("testexpr"):
            symbol = written(node["operName"]) if node.get("operName") else ("=",)
            if symbol is None:
                self.issues.append(unknown("operator.name", "An operator's name can't be told."))
            else:
                self._operator(symbol, binary=True)

    def _sort(self, node: Node) -> None:
        if node.get("useOp"):
            symbol = written(node["useOp"])
            if symbol is None:
                self.issues.append(unknown("operator.name", "An operator's name can't be told."))
            else:
                self._operator(symbol, binary=True)

    def _type(self, node: Node) -> None:
        name = written(node.get("names", ()))
        if name is None or cut_elsewhere(name):
            self.issues.append(unknown("type.name", "A type's name can't be told."))
            return
        self.type(name)

    def type(self, name: Name) -> None:
        """Note a type whose values come or go."""
        found = self.names.types(name)
        for each in found:
            self._reach_type(each, name)
        if not found:
            rows = self.names.relations(name)
            for relation in rows:
                for oid in relation.types:
                    self.reached.setdefault((Kind.INPUT, oid), shown(name))
            if not rows and self.context.snapshot.complete:
                self.issues.append(unknown("type.unknown", f"There is no type {shown(name)}."))

    def _reach_type(self, each: Type, name: Name) -> None:
        if not each.builtin:
            self.reached.setdefault((Kind.INPUT, each.oid), shown(name))

    def _sample(self, node: Node) -> None:
        name = written(node.get("method", ()))
        found = self.names.samplers(name) if name else []
        if not found:
            self.issues.append(unknown("function.sampler", "The sampling method is not known."))
        for function in found:
            self._function(function, 1)

    def _json(self, _: Node) -> None:
        self._made(_JSON)

    def _xml(self, _: Node) -> None:
        self._made(_XML)

    def _made(self, oid: int) -> None:
        """Note a type whose values the grammar makes without naming it."""
        if oid in self.context.snapshot.handled:
            self.reached.setdefault((Kind.OUTPUT, oid), self.context.snapshot.types_by_oid[oid].name)

    NAMING: ClassVar[dict[str, Callable[[Meanings, Node], None]]] = {
        "RangeTableSample": _sample,
        "FuncCall": _call,
        "ColumnRef": _column,
        "A_Indirection": _indirection,
        "A_Expr": _expression,
        "CaseExpr": _equality,
        "JoinExpr": _equality,
        "SubLink": _equality,
        "SortBy": _sort,
        "TypeName": _type,
        "JsonObjectConstructor": _json,
        "JsonArrayConstructor": _json,
        "JsonArrayQueryConstructor": _json,
        "JsonAggConstructor": _json,
        "JsonParseExpr": _json,
        "JsonScalarExpr": _json,
        "XmlExpr": _xml,
    }
    """What is noted of a node that names something, or that something is called for."""
