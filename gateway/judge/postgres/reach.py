"""What an object of the catalogue reaches: it is a read only when all of that is.

Direct findings about each object are kept with the snapshot; the closure over them is walked for each
question, so that functions which call each other can't vouch for each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.judge.postgres import functions
from gateway.judge.postgres.analysis import Issue, leaves, unknown, worst, writes
from gateway.judge.postgres.context import SearchPath, SqlContext
from gateway.judge.postgres.folding import constant_parts
from gateway.judge.postgres.making import met
from gateway.judge.postgres.meanings import Kind
from gateway.judge.postgres.names import DEPARSED
from gateway.judge.postgres.parse import NotParsed, Statement, parse
from gateway.judge.postgres.settings import split_path
from gateway.judge.postgres.snapshot import FIRST_USER_OID, Cast, Function
from gateway.judge.postgres.walk import Walk

Place = tuple[Kind, int, frozenset[SearchPath]]
"""An object, and the search_paths that hold when it runs."""
Direct = tuple[tuple[Issue, ...], tuple[Place, ...]]
"""What stands against an object by itself, and what it reaches."""

_READ_KINDS: Final = frozenset("rvmpSt")
_MAX_CONTEXTS: Final = 64
_STANDARD: Final = "CREATE FUNCTION f() RETURNS void "


class Reach:
    """Judges what names reach, under one context.

    Args:
        context: what is judged under.
    """

    __slots__ = ("_context", "_memory")

    def __init__(self, context: SqlContext) -> None:
        self._context = context
        memory = context.snapshot.memory
        if context.token not in memory and len(memory) >= _MAX_CONTEXTS:
            memory.clear()
        self._memory: dict[Place, Direct] = memory.setdefault(context.token, {})

    def judge(self, walk: Walk, paths: frozenset[SearchPath]) -> tuple[Issue, ...]:
        """What stands against the objects that a walk has met.

        Args:
            walk: done.
            paths: search_paths that could hold while it runs.
        """
        places: list[tuple[Place, str]] = [
            ((kind, oid, paths), walk.reached.get((kind, oid), "A column's type")) for kind, oid in met(walk)
        ]
        places += [((Kind.FUNCTION, oid, paths), "a cast") for oid in self._context.snapshot.loose_casts]
        places += [((Kind.OUTPUT, oid, paths), "A type") for oid in self._context.snapshot.everywhere]
        found = (self._closure(place, name) for place, name in places)
        return tuple(issue for issue in found if issue is not None)

    def _closure(self, start: Place, name: str) -> Issue | None:
        seen = {start}
        work = [start]
        issues: list[Issue] = []
        while work:
            found, reached = self._direct(work.pop())
            issues.extend(found)
            fresh = [place for place in reached if place not in seen]
            seen.update(fresh)
            work.extend(fresh)
        issue = worst(issues)
        if issue is None or name in issue.reason:
            return issue
        reason = f"{name} reaches what is not a read: {issue.reason}"
        return Issue(issue.decision, issue.rule, reason, issue.doubt)

    def _direct(self, place: Place) -> Direct:
        known = self._memory.get(place)
        if known is None:
            kind, oid, paths = place
            match kind:
                case Kind.FUNCTION:
                    known = self._function(oid, paths)
                case Kind.RELATION:
                    known = self._relation(oid, paths)
                case Kind.MADE | Kind.HELD:
                    known = self._made(oid, paths, alone=kind is Kind.MADE)
                case Kind.OPERATOR:
                    known = self._operator(oid, paths)
                case Kind.OUTPUT:
                    known = self._type(oid, paths)
                case Kind.INPUT:
                    known = self._typed_in(oid, paths)
            self._memory[place] = known
        return known

    def _function(self, oid: int, paths: frozenset[SearchPath]) -> Direct:
        function = self._context.snapshot.functions_by_oid.get(oid)
        if function is None:
            return (unknown("function.unknown", f"Function {oid} is not known."),), ()
        issue = None
        if function.came:
            issue = functions.judge_builtin(function, len(function.arguments), self._context)
        if issue is None and not function.builtin:
            issue = functions.judge_own(function, self._context)
        if issue is not None:
            return (issue,), ()
        if function.builtin or functions.is_listed(function, self._context):
            return (), ()
        name = f"{function.schema}.{function.name}()"
        inside = _path_inside(function, paths)
        if inside is None:
            return (unknown("function.path", f"The search_path of {name} can't be read."),), ()
        if function.standard:
            issues, reached = self._texts(
                [f"{_STANDARD}{function.body}"], DEPARSED, inside, name, standard=True
            )
        elif function.language == "sql":
            issues, reached = self._texts([function.body], inside, inside, name)
        else:
            issues, reached = (), ()
        defaults = [f"SELECT {function.default_expressions}"] if function.default_expressions else []
        more, also = self._texts(defaults, DEPARSED, paths, name)
        parts = [(Kind.FUNCTION, each, inside) for each in function.reaches]
        named = (*function.arguments, function.result, *function.columns)
        types = [(Kind.INPUT, each, paths) for each in named]
        return issues + more, (*reached, *also, *parts, *self._somebodys(types))

    def _relation(self, oid: int, paths: frozenset[SearchPath]) -> Direct:
        relation = self._context.snapshot.relations_by_oid.get(oid)
        if relation is None:
            return (unknown("relation.unknown", f"Relation {oid} is not known."),), ()
        if relation.builtin:
            return (), ()
        name = f"{relation.schema}.{relation.name}"
        if relation.kind == "f" and name not in self._context.lists.get("foreign_tables", ()):
            reason = f"{name} is a foreign table: it reaches elsewhere; an operator can list it as a read."
            return (leaves("relation.foreign", reason),), ()
        if relation.kind not in _READ_KINDS and relation.kind != "f":
            return (unknown("relation.kind", f"{name} is nothing that can be read."),), ()
        texts = [relation.definition] if relation.definition else []
        texts += [f"SELECT {expression}" for expression in relation.expressions]
        issues, reached = self._texts(texts, DEPARSED, paths, name)
        folded = [f"SELECT {expression}" for expression in relation.folded]
        more, also = self._texts(folded, DEPARSED, paths, name, folded=True)
        children = [(Kind.RELATION, child, paths) for child in relation.children]
        types = [(Kind.OUTPUT, each, paths) for each in relation.types]
        called = [(Kind.FUNCTION, each, paths) for each in (*relation.reaches, *self._casts(relation.row))]
        return issues + more, (*reached, *also, *children, *types, *called)

    def _made(self, oid: int, paths: frozenset[SearchPath], *, alone: bool) -> Direct:
        """What happens where values of a relation's columns' types are made beside those that are there.

        Args:
            oid: of the relation.
            paths: search_paths that hold.
            alone: of domains too, not only of what holds values of other types.
        """
        relation = self._context.snapshot.relations_by_oid.get(oid)
        types = [
            self._context.snapshot.types_by_oid.get(each) for each in (relation.types if relation else ())
        ]
        return (), tuple((Kind.INPUT, each.oid, paths) for each in types if each and (alone or each.parts))

    def _operator(self, oid: int, paths: frozenset[SearchPath]) -> Direct:
        operator = self._context.snapshot.operators_by_oid.get(oid)
        if operator is None:
            return (unknown("operator.unknown", f"Operator {oid} is not known."),), ()
        return (), tuple((Kind.FUNCTION, function, paths) for function in operator.functions)

    def _type(self, oid: int, paths: frozenset[SearchPath]) -> Direct:
        """What happens to values that are there already: output, comparison, casts."""
        each = self._context.snapshot.types_by_oid.get(oid)
        if each is None:
            # A table's row type is not listed: its columns' types come with the table.
            return (), ()
        called = [(Kind.FUNCTION, function, paths) for function in (*each.functions, *self._casts(oid))]
        parts = [(Kind.OUTPUT, part, paths) for part in each.parts]
        # The server's own I/O functions serve types of a user's making as well.
        return (), (*self._somebodys(called), *parts)

    def _typed_in(self, oid: int, paths: frozenset[SearchPath]) -> Direct:
        """What happens where a value is made: a domain's constraints on top of all else."""
        each = self._context.snapshot.types_by_oid.get(oid)
        if each is None:
            return (), ()
        checks = [f"SELECT {check}" for check in each.checks]
        issues, reached = self._texts(checks, DEPARSED, paths, f"{each.schema}.{each.name}")
        casts = [(Kind.FUNCTION, function, paths) for function in self._casts(oid)]
        parts = [(Kind.INPUT, part, paths) for part in each.parts]
        return issues, (*reached, *casts, *parts, (Kind.OUTPUT, oid, paths))

    def _somebodys(self, places: Iterable[Place]) -> list[Place]:
        """Those functions and types that somebody made or had a hand in."""
        snapshot = self._context.snapshot

        def touched(kind: Kind, oid: int) -> bool:
            if oid >= FIRST_USER_OID:
                return True
            if kind is Kind.FUNCTION:
                return oid in snapshot.functions_by_oid and not snapshot.functions_by_oid[oid].builtin
            return oid in snapshot.handled

        return [place for place in places if touched(*place[:2])]

    def _casts(self, oid: int) -> list[int]:
        def joins(cast: Cast) -> bool:
            return cast.function != 0 and oid in (cast.source, cast.target)

        return [cast.function for cast in self._context.snapshot.casts if joins(cast)]

    def _texts(
        self,
        texts: Iterable[str],
        paths: frozenset[SearchPath],
        running: frozenset[SearchPath],
        name: str,
        *,
        folded: bool = False,
        standard: bool = False,
    ) -> Direct:
        """Read what an object runs.

        Args:
            texts: SQL.
            paths: search_paths its names are looked up along.
            running: search_paths that hold in what it calls.
            name: of the object.
            folded: only the parts that the planner may work out beforehand count.
            standard: it is an SQL-standard body behind ``_STANDARD``.
        """
        issues: list[Issue] = []
        reached: list[Place] = []
        for text in texts:
            try:
                statements = _standard_body(text) if standard else parse(text)
            except NotParsed as error:
                issues.append(unknown("body.unread", f"What {name} does can't be read: {error.message}"))
                continue
            for statement in statements:
                walk = Walk(self._context, paths, folded=folded)
                issue = _read_in(walk, statement, name)
                issues.extend([issue] if issue else walk.issues)
                reached.extend((kind, oid, running) for kind, oid in met(walk))
        return tuple(issues), tuple(reached)


def _read_in(walk: Walk, statement: Statement, name: str) -> Issue | None:
    """Walk one statement of an object's body."""
    if statement.kind == "ReturnStmt":
        walk.wrapped(statement.node.get("returnval"))
    elif statement.kind != "SelectStmt":
        return writes("body.statement", f"{name} runs a statement that is no SELECT.")
    elif walk.folded:
        for kind, node in constant_parts(statement.node):
            walk.query(kind, node)
    else:
        walk.query(statement.kind, statement.node)
    if walk.settings:
        return writes("body.setting", f"{name} changes settings.")
    return None


def _standard_body(text: str) -> tuple[Statement, ...]:
    """The statements of ``BEGIN ATOMIC … END`` or ``RETURN …``, in the one place where they may stand."""
    (definition,) = parse(text)
    body = definition.node.get("sql_body", {})
    if "List" in body:
        items = [
            inner
            for outer in body["List"].get("items", [])
            for inner in outer.get("List", {}).get("items", [])
        ]
    else:
        items = [body]
    return tuple(Statement(kind, node, 0, None) for item in items for kind, node in item.items())


def _path_inside(function: Function, paths: frozenset[SearchPath]) -> frozenset[SearchPath] | None:
    """The search_paths that hold in a function's body, None where they can't be told."""
    for setting in function.settings:
        key, _, value = setting.partition("=")
        if key.lower() == "search_path":
            path = split_path(value)
            return None if path is None else frozenset({path})
    return paths
