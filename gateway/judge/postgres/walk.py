"""Walks a tree node by node with the allowlist of node types, and gathers what it is made of.

Iterative, so that no depth of nesting can exhaust the stack. Knows one statement's names; what those names
reach in the catalogue is ``reach.py``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import ClassVar, Final

from gateway.judge.postgres import functions
from gateway.judge.postgres.analysis import Issue, leaves, unknown, writes
from gateway.judge.postgres.context import SearchPath, SqlContext
from gateway.judge.postgres.names import SYSTEM, Name, Names, cut_elsewhere, shown, written
from gateway.judge.postgres.nodes import NODES, How
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
Scope = frozenset[str]
"""Names of the CTEs that can be seen."""

_NO_SCOPE: Final[Scope] = frozenset()
_MADE_QUALIFIED: Final = (SYSTEM, "json_object")
"""Our grammar takes json_object(…) for the built-in; an older server looks along its search_path."""
_QUALIFIED_SINCE: Final = 16
_APART: Final = frozenset({"withClause", "intoClause"})
"""Fields that the hook of their node deals with."""
_OPERATORS_OF: Final = {
    "AEXPR_BETWEEN": (">=", "<="),
    "AEXPR_NOT_BETWEEN": (">", "<"),
    "AEXPR_BETWEEN_SYM": (">=", "<=", ">", "<"),
    "AEXPR_NOT_BETWEEN_SYM": (">=", "<=", ">", "<"),
}


class Walk:
    """One walk over one statement, body or expression.

    Args:
        context: what it is judged under.
        paths: search_paths that its own names are looked up along.
        planned: it is only planned, not run, so that statements that write may stand in it.
        folded: it is only worked out beforehand, so that functions which are not IMMUTABLE are never called.
    """

    def __init__(
        self,
        context: SqlContext,
        paths: frozenset[SearchPath],
        *,
        planned: bool = False,
        folded: bool = False,
    ) -> None:
        self.context = context
        self.names = Names(context.snapshot, paths, context.role)
        self.issues: list[Issue] = []
        self.reached: dict[Key, str] = {}
        self.tables: dict[str, None] = {}
        self.settings: list[SetSetting] = []
        self.by_argument = False
        self.makes = False
        """Whether values may be made of whatever types its relations' columns have."""
        self.gathers = False
        """Whether single values may be gathered into arrays or ranges."""
        self.roots: list[tuple[str, Node]] = []
        """What was walked."""
        self._attributes: set[str] = set()
        self.folded = folded
        self._planned = planned
        self._major = context.snapshot.major
        self._work: list[tuple[str, Node, Scope]] = []

    def query(self, kind: str, node: Node) -> None:
        """Walk one node and all that is under it.

        Args:
            kind: its type.
            node: its fields.
        """
        work = self._work
        self.roots.append((kind, node))
        work.append((kind, node, _NO_SCOPE))
        while work:
            self._visit(*work.pop())

    def wrapped(self, value: object) -> None:
        """Walk a wrapped node or a list of them; nothing for None."""
        for kind, node in _unwrapped(value):
            self.query(kind, node)

    def _visit(self, kind: str, node: Node, scope: Scope) -> None:
        known = NODES.get(kind)
        if known is None:
            self.issues.append(unknown("node", f"{kind} is not known to be part of a read."))
            return
        if known.since > self._major:
            self.issues.append(
                unknown("node.version", f"{kind} means something else to PostgreSQL {self._major}.")
            )
            return
        hook = self._HOOKS.get(kind)
        if hook is not None:
            scope = hook(self, node, scope)
        fields = known.fields
        children: list[tuple[str, Node, Scope]] = []
        for name, value in node.items():
            how = fields.get(name)
            if how is How.PLAIN:
                continue
            if how is How.NODE:
                children.extend((each, child, scope) for each, child in _unwrapped(value))
            elif how is None:
                self.issues.append(unknown("node.field", f"{kind}.{name} is not known to be part of a read."))
            elif name not in _APART:
                children.append((how, value, scope))
        if children:
            self._work.extend(reversed(children))

    # Queries.

    def _scoped(self, node: Node, scope: Scope) -> Scope:
        """Walk the CTEs of a query; return what the query itself sees."""
        clause = node.get("withClause")
        if not clause:
            return scope
        recursive = bool(clause.get("recursive"))
        bodies = [(each, child) for each, child in _unwrapped(clause.get("ctes", []))]
        inner = scope | {str(child.get("ctename", "")) for _, child in bodies}
        seen = scope
        for each, child in bodies:
            self._work.append((each, child, inner if recursive else seen))
            seen |= {str(child.get("ctename", ""))}
        return inner

    def _select(self, node: Node, scope: Scope) -> Scope:
        if "lockingClause" in node:
            self._written("select.for-update", "FOR UPDATE and FOR SHARE lock rows, which writes to them.")
        if "intoClause" in node:
            self.issues.append(writes("select.into", "SELECT INTO makes a table."))
        functions.pin_setting_names(node)
        return self._scoped(node, scope)

    def _written(self, rule: str, reason: str) -> None:
        """Note a write, unless it is only planned."""
        if not self._planned:
            self.issues.append(writes(rule, reason))

    def _range(self, node: Node, scope: Scope) -> Scope:
        name = _relation_name(node)
        if len(name) == 1 and name[0] in scope:
            return scope
        self.relation(name)
        return scope

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

    # Expressions.

    def _call(self, node: Node, scope: Scope) -> Scope:
        name = written(node.get("funcname", ()))
        if name is None or cut_elsewhere(name):
            self.issues.append(unknown("function.name", "A function's name can't be told."))
            return scope
        if name == _MADE_QUALIFIED and self._major < _QUALIFIED_SINCE:
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
            return scope
        if not found and not shorter:
            self.issues.append(functions.missing(self.names, name, given))
        for function in found:
            self._meant(function, given, args)
        for function, fewer in shorter:
            self._meant(function, fewer, [])
        return scope

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
        if function.builtin:
            issue = functions.judge_builtin(function, given, self.context)
            if issue is not None:
                self.issues.append(issue)
        else:
            self.reached.setdefault((Kind.FUNCTION, function.oid), f"{function.schema}.{function.name}()")

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
        self._type(node, _NO_SCOPE)
        return None

    def _column(self, node: Node, scope: Scope) -> Scope:
        fields = node.get("fields", ())
        if len(fields) > 1 and "String" in fields[-1]:
            self._attribute(fields[-1]["String"].get("sval", ""))
        return scope

    def _indirection(self, node: Node, scope: Scope) -> Scope:
        for step in node.get("indirection", ()):
            if "String" in step:
                self._attribute(step["String"].get("sval", ""))
        return scope

    def _attribute(self, name: str) -> None:
        """``x.f`` and ``(x).f`` are calls of ``f(x)`` where x has no such column."""
        if name in self._attributes:
            return
        self._attributes.add(name)
        for function in self.names.functions((name,), 1):
            if function.name not in self.context.catalogue.functions.by_argument:
                self._function(function, 1)
        for each in self.names.types((name,)):
            self._reach_type(each, (name,))

    def _expression(self, node: Node, scope: Scope) -> Scope:
        name = written(node.get("name", ()))
        if name is None:
            self.issues.append(unknown("operator.name", "An operator's name can't be told."))
            return scope
        binary = "lexpr" in node
        for symbol in _OPERATORS_OF.get(node.get("kind", ""), (name[-1],)):
            self._operator((*name[:-1], symbol), binary=binary)
        return scope

    def _operator(self, name: Name, *, binary: bool) -> None:
        if len(name) == 1 and (name[0], binary) in self.context.snapshot.settled_operators:
            return
        found = self.names.operators(name, binary=binary)
        if not found:
            self.issues.append(unknown("operator.unknown", f"There is no operator {shown(name)}."))
        for operator in found:
            self.makes = self.makes or self.context.snapshot.makes_values(operator)
            if not operator.builtin:
                self.reached.setdefault((Kind.OPERATOR, operator.oid), f"{operator.schema}.{operator.name}")

    def _equality(self, node: Node, scope: Scope) -> Scope:
        """What compares without a symbol: CASE x WHEN, JOIN USING, IN (SELECT …)."""
        if node.get("arg") or node.get("usingClause") or node.get("isNatural") or node.get("testexpr"):
            symbol = written(node["operName"]) if node.get("operName") else ("=",)
            if symbol is None:
                self.issues.append(unknown("operator.name", "An operator's name can't be told."))
            else:
                self._operator(symbol, binary=True)
        return scope

    def _sort(self, node: Node, scope: Scope) -> Scope:
        if node.get("useOp"):
            symbol = written(node["useOp"])
            if symbol is None:
                self.issues.append(unknown("operator.name", "An operator's name can't be told."))
            else:
                self._operator(symbol, binary=True)
        return scope

    def _type(self, node: Node, scope: Scope) -> Scope:
        name = written(node.get("names", ()))
        if name is None or cut_elsewhere(name):
            self.issues.append(unknown("type.name", "A type's name can't be told."))
            return scope
        self.type(name)
        return scope

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

    def _sample(self, node: Node, scope: Scope) -> Scope:
        name = written(node.get("method", ()))
        found = self.names.samplers(name) if name else []
        if not found:
            self.issues.append(unknown("function.sampler", "The sampling method is not known."))
        for function in found:
            self._function(function, 1)
        return scope

    def _insert(self, node: Node, scope: Scope) -> Scope:
        return self._writer("INSERT", node, scope)

    def _update(self, node: Node, scope: Scope) -> Scope:
        return self._writer("UPDATE", node, scope)

    def _delete(self, node: Node, scope: Scope) -> Scope:
        return self._writer("DELETE", node, scope)

    def _merge(self, node: Node, scope: Scope) -> Scope:
        return self._writer("MERGE", node, scope)

    def _writer(self, word: str, node: Node, scope: Scope) -> Scope:
        self._written(f"statement.{word.lower()}", f"{word} writes rows.")
        target = _relation_name(node.get("relation", {}))
        if self._planned and target:
            # A CTE of that name does not hide the target.
            self.relation(target)
        for relation in self.names.relations(target) if self._planned and target else ():
            if relation.rules or relation.kind == "v":
                reason = f"A write to {relation.schema}.{relation.name} is rewritten into other statements."
                self.issues.append(unknown("relation.rules", reason))
        return self._scoped(node, scope)

    _HOOKS: ClassVar[dict[str, Callable[[Walk, Node, Scope], Scope]]] = {
        "SelectStmt": _select,
        "InsertStmt": _insert,
        "UpdateStmt": _update,
        "DeleteStmt": _delete,
        "MergeStmt": _merge,
        "RangeVar": _range,
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
    }
    """What is noted of a node, beside walking its fields; returns what its fields see."""


def _relation_name(node: Node) -> Name:
    return tuple(str(node[part]) for part in ("schemaname", "relname") if part in node)


def constant_parts(root: Node) -> Iterator[tuple[str, Node]]:
    """The largest parts of an expression that no column, parameter or sub-select bears on.

    Args:
        root: of a SelectStmt.
    """
    nodes: list[tuple[str, Node, int]] = [("SelectStmt", root, -1)]
    at = 0
    while at < len(nodes):
        for value in nodes[at][1].values():
            nodes.extend((kind, node, at) for kind, node in _nodes_in(value))
        at += 1
    varies = [kind in _VARYING for kind, _, _ in nodes]
    for number in range(len(nodes) - 1, 0, -1):
        if varies[number]:
            varies[nodes[number][2]] = True
    for number, (kind, node, parent) in enumerate(nodes):
        if number and varies[parent] and not varies[number]:
            yield kind, node


_VARYING: Final = frozenset({"SelectStmt", "ResTarget", "ColumnRef", "ParamRef", "SubLink"})


def _nodes_in(value: object) -> Iterator[tuple[str, Node]]:
    """The nodes that stand in a field, those of lists and unwrapped ones among them."""
    if isinstance(value, list):
        for each in value:
            yield from _nodes_in(each)
    elif isinstance(value, dict):
        for kind, node in value.items():
            if isinstance(node, dict) and kind[:1].isupper():
                yield kind, node
            else:
                yield from _nodes_in(node)


def _unwrapped(value: object) -> Iterable[tuple[str, Node]]:
    if isinstance(value, list):
        for each in value:
            # An empty node stands for an absent element, as in a DEFAULT partition or a bare slice bound.
            yield from each.items()
    elif isinstance(value, dict):
        yield from value.items()
