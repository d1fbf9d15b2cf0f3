"""One statement → what it would do. What isn't named here is not a read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, Final

from gateway.domain.verdict import Decision
from gateway.judge.postgres.analysis import (
    Doubt,
    Effect,
    Issue,
    Keep,
    StatementAnalysis,
    leaves,
    unknown,
    worst,
    writes,
)
from gateway.judge.postgres.context import SearchPath, SqlContext
from gateway.judge.postgres.definitions import DEFINITIONS
from gateway.judge.postgres.finding import Finding, analysis, named_tables
from gateway.judge.postgres.nodes import QUERIES
from gateway.judge.postgres.parse import Node, NotParsed, Statement, parse
from gateway.judge.postgres.reach import Reach
from gateway.judge.postgres.session import (
    Begin,
    CloseCursor,
    Commit,
    Deallocate,
    DeclareCursor,
    DiscardAll,
    PrepareStatement,
    Release,
    ResetAll,
    ResetSetting,
    Rollback,
    RollbackTo,
    Savepoint,
    SessionEffect,
    SetSetting,
)
from gateway.judge.postgres.settings import judge_set, literal, transaction_modes
from gateway.judge.postgres.walk import Walk

ACCESS_SHARE: Final = 1
_CURSOR_HOLD: Final = 0x20
_MAX_PATHS: Final = 32
"""More search_paths than that at once are nobody's work but an attacker's."""
_EXPLAIN_OPTIONS: Final = frozenset(
    {"analyze", "verbose", "costs", "settings", "generic_plan", "buffers", "serialize", "wal", "timing"}
    | {"summary", "memory", "format"}
)
_COPY_OPTIONS: Final = frozenset(
    {
        "format",
        "freeze",
        "delimiter",
        "null",
        "default",
        "header",
        "quote",
        "escape",
        "force_quote",
        "encoding",
    }
)
_FALSE: Final = frozenset({"false", "off", "0"})
_BETWEEN: Final = b"; \t\n\r\f\v"
"""What may stand behind the last statement."""


class Judge:
    """Judges the statements of one text, one after the other.

    Args:
        context: what the first one is judged under.
        text: all of it, in UTF-8.
    """

    def __init__(self, context: SqlContext, text: bytes) -> None:
        self.context = context
        self._text = text
        self._known: Mapping[str, str] = context.prepared  # live and perhaps large: never copied
        self._prepared: dict[str, str | None] = {}
        self._executing: set[str] = set()
        self.keep = Keep.MASKED

    def statement(self, statement: Statement) -> StatementAnalysis:
        """Judge one statement and take over what it changes for those behind it.

        Args:
            statement: as parsed.
        """
        if len(self.context.search_paths) > _MAX_PATHS:
            issue = unknown("session.paths", "Too many search_paths could hold for names to be told.")
            return analysis(statement, Finding(issue, Effect.UNKNOWN))
        finding = self._find(statement.kind, statement.node, statement)
        self._follow(finding.effects)
        alone = statement.start == 0 and (
            statement.end is None or not self._text[statement.end :].strip(_BETWEEN)
        )
        if finding.keep is Keep.NEVER or self.keep is Keep.NEVER:
            self.keep = Keep.NEVER
        elif finding.keep is Keep.EXACT or not alone:
            self.keep = Keep.EXACT
        if alone:
            # Its end would be another with other integers.
            statement = replace(statement, end=None)
        return analysis(statement, finding)

    def _find(self, kind: str, node: Node, statement: Statement) -> Finding:
        if kind in QUERIES:
            return self._query(kind, node)
        rule = self._RULES.get(kind)
        if rule is not None:
            return rule(self, node, statement)
        definition = DEFINITIONS.get(kind)
        if definition is not None:
            issue = Issue(
                definition.decision,
                f"postgres.statement.{definition.rule}",
                definition.reason,
                Doubt.WRITES if definition.decision is Decision.CHANGE else Doubt.LEAVES,
            )
            return Finding(issue, definition.effect, tuple(named_tables(node)))
        return Finding(unknown("statement.unknown", f"{kind} is not known."), Effect.UNKNOWN)

    # Queries.

    def _query(self, kind: str, node: Node, *, planned: bool = False) -> Finding:
        """Judge a query that is run, or only planned."""
        if kind != "SelectStmt" and not planned:
            return self._writing(kind, node)
        paths = self.context.search_paths
        issues, walk = self._walk(kind, node, paths, planned=planned)
        moved = frozenset(each.values for each in walk.settings if each.name == "search_path")
        if moved - paths:
            # Bodies that run in this very statement may run under the new path.
            issues, walk = self._walk(kind, node, paths | moved, planned=planned)
        issue = worst(issues)
        explainable = not issues and not walk.settings
        if issues and not planned:
            explainable = not self._walk(kind, node, paths, planned=True)[0] and not walk.settings
        effect = Effect.READS if issue is None else _EFFECT_OF[issue.doubt]
        if issue is None and walk.settings:
            effect = Effect.SESSION
        masked = kind == "SelectStmt" and issue is None and not walk.by_argument
        return Finding(
            issue,
            effect,
            tuple(walk.tables),
            explainable,
            tuple(walk.settings),
            Keep.MASKED if masked else Keep.EXACT,
        )

    def _writing(self, kind: str, node: Node) -> Finding:
        """A statement that writes is a change, whatever else in it isn't known."""
        issues, walk = self._walk(kind, node, self.context.search_paths, planned=True)
        word = kind.removesuffix("Stmt").upper()
        known = [each for each in issues if each.doubt is not Doubt.UNKNOWN]
        issue = worst([writes(f"statement.{word.lower()}", f"{word} writes rows."), *known])
        explainable = not issues and not walk.settings
        return Finding(issue, Effect.WRITES, tuple(walk.tables), explainable, tuple(walk.settings))

    def _walk(
        self, kind: str, node: Node, paths: frozenset[SearchPath], *, planned: bool
    ) -> tuple[list[Issue], Walk]:
        walk = Walk(self.context, paths, planned=planned)
        walk.query(kind, node)
        return [*walk.issues, *Reach(self.context).judge(walk, paths)], walk

    def _inner(self, value: Node | None, *, planned: bool = False) -> Finding:
        """Judge the one query wrapped in another statement."""
        items = list((value or {}).items())
        if len(items) == 1 and items[0][0] in QUERIES:
            return self._query(*items[0], planned=planned)
        return Finding(unknown("statement.inner", "What this statement holds is not known."), Effect.UNKNOWN)

    def _explain(self, node: Node, statement: Statement) -> Finding:
        analyze = False
        for option in node.get("options", ()):
            element = option.get("DefElem", {})
            name = str(element.get("defname", "")).lower()
            if name not in _EXPLAIN_OPTIONS:
                return Finding(unknown("explain.option", f"EXPLAIN has no option {name}."), Effect.UNKNOWN)
            if name == "analyze":
                analyze = analyze or not _is_false(element)
        inner = node.get("query", {})
        if "ExecuteStmt" in inner:
            return self._execute(inner["ExecuteStmt"], statement, planned=not analyze)
        if "DeclareCursorStmt" in inner:
            inner = inner["DeclareCursorStmt"].get("query", {})
        if "CreateTableAsStmt" in inner or "RefreshMatViewStmt" in inner:
            issue = writes("explain.create", "EXPLAIN of a statement that makes a relation is not a read.")
            return Finding(issue, Effect.DEFINES)
        return self._inner(inner, planned=not analyze)

    def _copy(self, node: Node, _: Statement) -> Finding:
        if node.get("is_program"):
            return Finding(
                leaves("copy.program", "COPY … PROGRAM runs a program on the server."), Effect.LEAVES
            )
        if node.get("filename"):
            return Finding(leaves("copy.file", "COPY reaches the server's own files."), Effect.LEAVES)
        if node.get("is_from"):
            return Finding(
                writes("copy.from", "COPY FROM writes rows."), Effect.WRITES, tuple(named_tables(node))
            )
        for option in node.get("options", ()):
            name = str(option.get("DefElem", {}).get("defname", "")).lower()
            if name not in _COPY_OPTIONS:
                return Finding(unknown("copy.option", f"COPY TO has no option {name}."), Effect.UNKNOWN)
        if "query" in node:
            return self._inner(node["query"])
        relation = node.get("relation", {})
        return self._query("SelectStmt", {"fromClause": [{"RangeVar": relation}]})

    def _declare(self, node: Node, _: Statement) -> Finding:
        inner = self._inner(node.get("query"))
        hold = bool(int(node.get("options", 0)) & _CURSOR_HOLD)
        return replace(inner, effects=(*inner.effects, DeclareCursor(str(node.get("portalname", "")), hold)))

    # Prepared statements.

    def _prepare(self, node: Node, statement: Statement) -> Finding:
        inner = node.get("query", {})
        finding = self._inner(inner)
        walk = Walk(self.context, self.context.search_paths)
        walk.wrapped(node.get("argtypes"))
        issue = worst(
            [
                *([finding.issue] if finding.issue else []),
                *walk.issues,
                *Reach(self.context).judge(walk, self.context.search_paths),
            ]
        )
        name = str(node.get("name", ""))
        text = self._text[statement.start : statement.end].decode()
        self._prepared[name] = text
        if issue is not None:
            return replace(finding, issue=issue, effects=())
        ((kind, _),) = inner.items()
        prepared = analysis(Statement(kind, inner[kind], statement.start, statement.end), finding)
        effect = PrepareStatement(name, text, prepared)
        return Finding(None, Effect.SESSION, finding.tables, finding.explainable, (effect,))

    def _execute(self, node: Node, _: Statement, *, planned: bool = False) -> Finding:
        name = str(node.get("name", ""))
        text = self._prepared[name] if name in self._prepared else self._known.get(name)
        if text is None or name in self._executing:
            issue = unknown("execute.unknown", f"No statement {name} has been prepared in this session.")
            return Finding(issue, Effect.UNKNOWN, keep=Keep.NEVER)
        walk = Walk(self.context, self.context.search_paths)
        walk.wrapped(node.get("params"))
        issues = [*walk.issues, *Reach(self.context).judge(walk, self.context.search_paths)]
        finding = self._prepared_text(name, text, planned=planned)
        if finding.issue is not None:
            issues.append(finding.issue)
        return replace(finding, issue=worst(issues), keep=Keep.NEVER)

    def _prepared_text(self, name: str, text: str, *, planned: bool) -> Finding:
        try:
            statements = parse(text)
        except NotParsed as error:
            return Finding(unknown(error.rule, error.message), Effect.UNKNOWN)
        if len(statements) != 1:
            return Finding(unknown("execute.text", f"What {name} runs can't be told."), Effect.UNKNOWN)
        (statement,) = statements
        kind, node = statement.kind, statement.node
        if kind == "PrepareStmt":
            return self._inner(node.get("query"), planned=planned)
        if kind in QUERIES:
            return self._query(kind, node, planned=planned)
        self._executing.add(name)
        try:
            return self._find(kind, node, statement)
        finally:
            self._executing.discard(name)

    # The session.

    def _set(self, node: Node, _: Statement) -> Finding:
        issue, effects = judge_set(node, self.context)
        return Finding(issue, Effect.SESSION if issue is None else Effect.LEAVES, effects=effects)

    def _transaction(self, node: Node, _: Statement) -> Finding:
        issue = transaction_modes(node.get("options", ()))
        if issue is not None:
            return Finding(issue, Effect.LEAVES)
        name = str(node.get("savepoint_name", ""))
        chain = bool(node.get("chain"))
        effect: SessionEffect
        match node.get("kind"):
            case "TRANS_STMT_BEGIN" | "TRANS_STMT_START":
                effect = Begin()
            case "TRANS_STMT_COMMIT":
                effect = Commit(chain)
            case "TRANS_STMT_ROLLBACK":
                effect = Rollback(chain)
            case "TRANS_STMT_SAVEPOINT":
                effect = Savepoint(name)
            case "TRANS_STMT_RELEASE":
                effect = Release(name)
            case "TRANS_STMT_ROLLBACK_TO":
                effect = RollbackTo(name)
            case _:
                issue = leaves(
                    "transaction.two-phase", "Two-phase commit leaves a transaction in production."
                )
                return Finding(issue, Effect.LEAVES)
        return Finding(None, Effect.TRANSACTION, effects=(effect,))

    def _lock(self, node: Node, _: Statement) -> Finding:
        tables = tuple(named_tables(node))
        if node.get("mode") != ACCESS_SHARE:
            return Finding(writes("lock", "LOCK above ACCESS SHARE stops others."), Effect.LOCKS, tables)
        return replace(
            self._query("SelectStmt", {"fromClause": node.get("relations", [])}), explainable=False
        )

    def _follow(self, effects: tuple[SessionEffect, ...]) -> None:
        for effect in effects:
            match effect:
                case SetSetting(name="search_path"):
                    self._move({effect.values})
                case PrepareStatement():
                    self._prepared[effect.name] = effect.text
                case Deallocate(name=None) | DiscardAll():
                    self._prepared.clear()
                    self._known = {}
                    self._move({self.context.start_path})
                case Deallocate(name=str() as name):
                    self._prepared[name] = None
                case ResetAll() | ResetSetting(name="search_path"):
                    self._move({self.context.start_path})
                case _:
                    pass

    def _move(self, paths: set[SearchPath]) -> None:
        if not paths <= self.context.search_paths:
            self.context = replace(self.context, search_paths=self.context.search_paths | paths)

    def _deallocate(self, node: Node, _: Statement) -> Finding:
        name = node.get("name")
        return Finding(None, Effect.SESSION, effects=(Deallocate(str(name) if name is not None else None),))

    def _close(self, node: Node, _: Statement) -> Finding:
        name = node.get("portalname")
        return Finding(None, Effect.SESSION, effects=(CloseCursor(str(name) if name is not None else None),))

    def _discard(self, node: Node, _: Statement) -> Finding:
        if node.get("target") == "DISCARD_ALL":
            return Finding(None, Effect.SESSION, effects=(DiscardAll(),))
        return Finding(None, Effect.SESSION)

    def _read(self, _: Node, __: Statement) -> Finding:
        return Finding(None, Effect.READS)

    def _session(self, _: Node, __: Statement) -> Finding:
        return Finding(None, Effect.SESSION)

    _RULES: ClassVar[dict[str, Callable[[Judge, Node, Statement], Finding]]] = {
        "ExplainStmt": _explain,
        "CopyStmt": _copy,
        "DeclareCursorStmt": _declare,
        "PrepareStmt": _prepare,
        "ExecuteStmt": _execute,
        "VariableSetStmt": _set,
        "TransactionStmt": _transaction,
        "LockStmt": _lock,
        "DeallocateStmt": _deallocate,
        "ClosePortalStmt": _close,
        "DiscardStmt": _discard,
        "VariableShowStmt": _read,
        "FetchStmt": _read,
        "UnlistenStmt": _session,
        "ConstraintsSetStmt": _session,
    }
    """Statements that are reads in some of their shapes."""


def _is_false(element: Node) -> bool:
    arg = element.get("arg")
    if not arg:
        return False
    if "String" in arg:
        return str(arg["String"].get("sval", "")).lower() in _FALSE
    if "Integer" in arg:
        return int(arg["Integer"].get("ival", 0)) == 0
    if "Boolean" in arg:
        return not arg["Boolean"].get("boolval")
    return (literal(arg.get("A_Const")) or "").lower() in _FALSE


_EFFECT_OF: Final = {
    Doubt.WRITES: Effect.WRITES,
    Doubt.LEAVES: Effect.LEAVES,
    Doubt.UNKNOWN: Effect.UNKNOWN,
}
