"""Walks a tree node by node with the allowlist of node types, and gathers what it is made of.

Iterative, so that no depth of nesting can exhaust the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Final

from gateway.judge.postgres import functions
from gateway.judge.postgres.analysis import unknown, writes
from gateway.judge.postgres.context import SearchPath, SqlContext
from gateway.judge.postgres.meanings import Meanings
from gateway.judge.postgres.names import Name
from gateway.judge.postgres.nodes import NODES, How
from gateway.judge.postgres.parse import Node

Scope = frozenset[str]
"""Names of the CTEs that can be seen."""

_NO_SCOPE: Final[Scope] = frozenset()
_APART: Final = frozenset({"withClause", "intoClause"})
"""Fields that the hook of their node deals with."""


class Walk(Meanings):
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
        super().__init__(context, paths, folded=folded)
        self.roots: list[tuple[str, Node]] = []
        """What was walked."""
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
        naming = self.NAMING.get(kind)
        if naming is not None:
            naming(self, node)
        elif (scoping := self._SCOPING.get(kind)) is not None:
            scope = scoping(self, node, scope)
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

    _SCOPING: ClassVar[dict[str, Callable[[Walk, Node, Scope], Scope]]] = {
        "SelectStmt": _select,
        "InsertStmt": _insert,
        "UpdateStmt": _update,
        "DeleteStmt": _delete,
        "MergeStmt": _merge,
        "RangeVar": _range,
    }
    """What is noted of a node that bears on CTEs; returns what its fields see."""


def _relation_name(node: Node) -> Name:
    return tuple(str(node[part]) for part in ("schemaname", "relname") if part in node)


def _unwrapped(value: object) -> Iterable[tuple[str, Node]]:
    if isinstance(value, list):
        for each in value:
            # An empty node stands for an absent element, as in a DEFAULT partition or a bare slice bound.
            yield from each.items()
    elif isinstance(value, dict):
        yield from value.items()
