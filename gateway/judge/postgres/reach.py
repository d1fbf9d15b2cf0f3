"""What an object of the catalogue reaches: it is a read only when all of that is.

Direct findings about each object are kept with the snapshot; the closure over them is walked for each
question, so that functions which call each other can't vouch for each other.
"""

from __future__ import annotations

from typing import Final

from gateway.judge.postgres import functions
from gateway.judge.postgres.analysis import Issue, leaves, unknown, worst, writes
from gateway.judge.postgres.context import SearchPath, SqlContext
from gateway.judge.postgres.names import DEPARSED
from gateway.judge.postgres.parse import NotParsed, parse
from gateway.judge.postgres.settings import split_path
from gateway.judge.postgres.snapshot import FIRST_USER_OID, Cast
from gateway.judge.postgres.walk import Walk

Place = tuple[str, int, frozenset[SearchPath]]
"""An object, and the search_paths that hold when it runs."""
Direct = tuple[tuple[Issue, ...], tuple[Place, ...]]
"""What stands against an object by itself, and what it reaches."""

_READ_KINDS: Final = frozenset("rvmpS")
_MAX_PATHS: Final = 64


class Reach:
    """Judges what names reach, under one context.

    Args:
        context: what is judged under.
    """

    __slots__ = ("_context", "_memory")

    def __init__(self, context: SqlContext) -> None:
        self._context = context
        memory: dict[object, dict[Place, Direct]] = context.snapshot.memory
        if len(memory) > _MAX_PATHS:
            memory.clear()
        self._memory = memory.setdefault(context.token, {})

    def judge(self, walk: Walk, paths: frozenset[SearchPath]) -> tuple[Issue, ...]:
        """What stands against the objects that a walk has met.

        Args:
            walk: done.
            paths: search_paths that could hold while it runs.
        """
        issues: list[Issue] = []
        for (kind, oid), name in walk.reached.items():
            issue = self._closure((kind, oid, paths), name)
            if issue is not None:
                issues.append(issue)
        for cast in self._context.snapshot.casts:
            if cast.implicit and cast.source < FIRST_USER_OID and cast.function:
                issue = self._closure(("f", cast.function, paths), "an implicit cast")
                if issue is not None:
                    issues.append(issue)
        return tuple(issues)

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
        return Issue(
            issue.decision, issue.rule, f"{name} reaches what is not a read: {issue.reason}", issue.doubt
        )

    def _direct(self, place: Place) -> Direct:
        known = self._memory.get(place)
        if known is None:
            kind, oid, paths = place
            match kind:
                case "f":
                    known = self._function(oid, paths)
                case "r":
                    known = self._relation(oid, paths)
                case "o":
                    known = self._operator(oid, paths)
                case _:
                    known = self._type(oid, paths)
            self._memory[place] = known
        return known

    def _function(self, oid: int, paths: frozenset[SearchPath]) -> Direct:
        function = self._context.snapshot.functions_by_oid.get(oid)
        if function is None:
            return (unknown("function.unknown", f"Function {oid} is not known."),), ()
        if function.builtin:
            issue = functions.judge_builtin(function, len(function.arguments), self._context)
            return ((issue,) if issue else ()), ()
        issue = functions.judge_own(function, self._context)
        if issue is not None:
            return (issue,), ()
        types = tuple(
            ("t", each, paths) for each in (*function.arguments, function.result) if each >= FIRST_USER_OID
        )
        if functions.is_listed(function, self._context):
            return (), ()
        inside = paths
        for setting in function.settings:
            key, _, value = setting.partition("=")
            if key.lower() == "search_path":
                inside = frozenset({split_path(value) or ()})
        issues, reached = self._texts((function.body,), inside, inside, function.schema)
        more, also = self._texts(
            (f"SELECT {function.default_expressions}",) if function.default_expressions else (),
            DEPARSED,
            paths,
            function.schema,
        )
        parts = tuple(("f", each, inside) for each in function.reaches)
        return issues + more, reached + also + parts + types

    def _relation(self, oid: int, paths: frozenset[SearchPath]) -> Direct:
        relation = self._context.snapshot.relations_by_oid.get(oid)
        if relation is None:
            return (unknown("relation.unknown", f"Relation {oid} is not known."),), ()
        if relation.builtin:
            return (), ()
        name = f"{relation.schema}.{relation.name}"
        if relation.kind == "f" and name not in self._context.lists.get("foreign_tables", ()):
            issue = leaves(
                "relation.foreign",
                f"{name} is a foreign table: it reaches elsewhere; an operator can list it as a read.",
            )
            return (issue,), ()
        if relation.kind not in _READ_KINDS and relation.kind != "f":
            return (unknown("relation.kind", f"{name} is nothing that can be read."),), ()
        texts = [relation.definition] if relation.definition else []
        texts += [f"SELECT {expression}" for expression in relation.expressions]
        issues, reached = self._texts(texts, DEPARSED, paths, name)
        children = tuple(("r", child, paths) for child in relation.children)
        types = tuple(("t", each, paths) for each in relation.types)
        return issues, reached + children + types

    def _operator(self, oid: int, paths: frozenset[SearchPath]) -> Direct:
        for each in self._context.snapshot.operators.values():
            for operator in each:
                if operator.oid == oid:
                    return (), tuple(("f", function, paths) for function in operator.functions)
        return (unknown("operator.unknown", f"Operator {oid} is not known."),), ()

    def _type(self, oid: int, paths: frozenset[SearchPath]) -> Direct:
        each = self._context.snapshot.types_by_oid.get(oid)
        if each is None:
            # A table's row type is not listed: its columns' types come with the table.
            return (), ()
        called = [("f", function, paths) for function in each.functions if function >= FIRST_USER_OID]
        called += [("f", cast.function, paths) for cast in self._casts(oid) if cast.function]
        parts = [("t", part, paths) for part in each.parts]
        issues, reached = self._texts(
            [f"SELECT {check}" for check in each.checks], DEPARSED, paths, f"{each.schema}.{each.name}"
        )
        return issues, (*reached, *called, *parts)

    def _casts(self, oid: int) -> list[Cast]:
        return [cast for cast in self._context.snapshot.casts if oid in (cast.source, cast.target)]

    def _texts(
        self,
        texts: list[str] | tuple[str, ...],
        paths: frozenset[SearchPath],
        running: frozenset[SearchPath],
        name: str,
    ) -> Direct:
        issues: list[Issue] = []
        reached: list[Place] = []
        for text in texts:
            try:
                statements = parse(text)
            except NotParsed as error:
                issues.append(unknown("body.unread", f"What {name} does can't be read: {error.message}"))
                continue
            for statement in statements:
                if statement.kind not in {"SelectStmt", "ReturnStmt"}:
                    issues.append(writes("body.statement", f"{name} runs a statement that is no SELECT."))
                    continue
                walk = Walk(self._context, paths)
                if statement.kind == "ReturnStmt":
                    walk.wrapped(statement.node.get("returnval"))
                else:
                    walk.query(statement.kind, statement.node)
                issues.extend(walk.issues)
                if walk.settings:
                    issues.append(writes("body.setting", f"{name} changes settings."))
                reached.extend((kind, oid, running) for kind, oid in walk.reached)
        return tuple(issues), tuple(reached)
