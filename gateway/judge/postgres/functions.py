"""Which functions are reads: built-ins by pg_proc and the catalogue, users' by what they are made of."""

from __future__ import annotations

from typing import Final

from gateway.domain.verdict import Decision
from gateway.judge.postgres.analysis import Doubt, Issue, leaves, unknown, writes
from gateway.judge.postgres.context import SqlContext
from gateway.judge.postgres.names import Name, Names, shown, written
from gateway.judge.postgres.parse import Node, NotParsed, parse
from gateway.judge.postgres.session import SetSetting
from gateway.judge.postgres.settings import judge_values, literal, split_path
from gateway.judge.postgres.snapshot import INTERNAL, Function, Replaced

_TEXTS: Final = frozenset(
    {("text",), ("pg_catalog", "text"), ("pg_catalog", "bool"), ("pg_catalog", "varchar"), ("unknown",)}
)
"""Casts that leave a literal as it is written."""
_PAIR: Final = 2
_CONSTRUCTORS: Final = frozenset(
    {"range_constructor2", "range_constructor3"}
    | {"multirange_constructor0", "multirange_constructor1", "multirange_constructor2"}
)
"""What CREATE TYPE … AS RANGE makes."""
_COMPILED: Final = frozenset({"internal", "c"})
INV_READ: Final = "262144"
"""libpq-fs.h: opens a large object for reading."""


def judge_builtin(function: Function, given: int, context: SqlContext) -> Issue | None:
    """Judge a function that came with the server; what somebody replaced its body by is judged apart.

    Args:
        function: its row.
        given: number of arguments in the call.
        context: whose catalogue says what pg_proc doesn't.
    """
    known = context.catalogue.functions
    denied = known.denial(function.name, given)
    if denied is not None:
        doubt = Doubt.WRITES if denied.severity is Decision.CHANGE else Doubt.LEAVES
        return Issue(
            denied.severity,
            f"postgres.function.{denied.rule}",
            f"{function.name}() {denied.reason}.",
            doubt,
        )
    if function.replaced is Replaced.KIND:
        return writes(
            "function.replaced", f"{function.name}() is no longer the one that came with the server."
        )
    if function.volatility != "v" or known.is_safe(function.name):
        return None
    return leaves("function.volatile", f"{function.name}() is volatile and not known to be harmless.")


def judge_own(function: Function, context: SqlContext) -> Issue | None:
    """Judge a function of somebody's making by its row; what its body reaches is judged apart.

    Args:
        function: its row.
        context: whose lists and catalogue name what the operator trusts.
    """
    name = f"{function.schema}.{function.name}"
    if is_listed(function, context):
        return None
    if function.extension in context.catalogue.reaching:
        return leaves("function.extension", f"{name}() of {function.extension} reaches out of the database.")
    if function.definer:
        return writes("function.definer", f"{name}() runs with its owner's rights (SECURITY DEFINER).")
    if function.kind == "p":
        return writes("function.procedure", f"{name} is a procedure.")
    if function.volatility == "v":
        return writes("function.volatile", f"{name}() is volatile: it may write.")
    for setting in function.settings:
        key, _, value = setting.partition("=")
        if key.lower() != "search_path" and not context.catalogue.settings.allows(key.lower(), value):
            return writes("function.setting", f"{name}() sets {key} while it runs.")
    if function.language == "sql" or (function.kind == "a" and function.language == "internal"):
        return None
    if function.language == "internal" and function.body in _CONSTRUCTORS:
        return None
    return writes(
        "function.language",
        f"{name}() is written in {function.language}, which isn't read; an operator can list it as a read.",
    )


def is_listed(function: Function, context: SqlContext) -> bool:
    """Whether the operator or the catalogue vouches for a function, its body unread."""
    if f"{function.schema}.{function.name}" in context.lists.get("functions", ()):
        return True
    own = function.extension in context.lists.get("extensions", ())
    if not own and function.extension not in context.catalogue.extension_names:
        return False
    if (function.extension, function.name) in context.catalogue.extension_functions:
        return True
    if function.definer:
        return False
    if INTERNAL in function.arguments:
        # Only the server's own machinery can call it; PostGIS and pgvector leave such ones VOLATILE.
        return True
    # A body in SQL is read like any other's; one in a procedural language may run SQL made of its arguments.
    return function.volatility != "v" and (own or function.language in _COMPILED)


def missing(names: Names, name: Name, given: int) -> Issue:
    """What a call stands for when nothing fits it."""
    if names.functions(name, None):
        return unknown("function.arguments", f"{shown(name)}() does not take {given} arguments.")
    return unknown("function.unknown", f"There is no function {shown(name)}() that is known to read.")


def judge_lo_open(args: list[Node]) -> Issue | None:
    """lo_open reads where its mode is the literal INV_READ."""
    mode = literal(args[1].get("A_Const")) if len(args) > 1 else None
    if mode == INV_READ:
        return None
    return writes("function.large-object", "lo_open() may open a large object for writing.")


def named_type(args: list[Node]) -> Node | None:
    """The TypeName in the literal second argument of ``pg_input_is_valid``; None where it is none."""
    given = _constant(args[1]) if len(args) == _PAIR else None
    if given is None:
        return None
    try:
        statements = parse(f"SELECT NULL::{given}")
        (target,) = statements[0].node["targetList"]
        cast = target["ResTarget"]["val"]["TypeCast"]
    except (NotParsed, LookupError, ValueError):
        return None
    plain = len(statements) == 1 and statements[0].node.keys() <= {"targetList", "limitOption", "op"}
    node: Node = cast["typeName"]
    return node if plain and "A_Const" in cast["arg"] and "name" not in target["ResTarget"] else None


def judge_set_config(args: list[Node], context: SqlContext) -> tuple[Issue | None, tuple[SetSetting, ...]]:
    """Judge ``set_config(name, value, is_local)`` as the SET that it is; all three must be literals."""
    given = [_constant(arg) for arg in args]
    if len(given) != 3 or given[0] is None or given[2] is None:
        return leaves("function.set_config", "set_config() must be called with literals to be judged."), ()
    name = given[0].lower()
    local = given[2].lower() not in {"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"}
    if given[1] is None:
        if not context.catalogue.settings.resets(name) or name.endswith("_timeout"):
            reason = f"The value that set_config() gives {name} can't be judged."
            return leaves("function.set_config", reason), ()
        return None, (SetSetting(name, (), local, certain=False),)
    values: tuple[str, ...] | None = (given[1],)
    if name == "search_path":
        values = split_path(given[1])
    if values is None:
        return leaves("function.set_config", "The search_path can't be read."), ()
    issue, effects = judge_values(name, values, context, local=local)
    return issue, tuple(
        SetSetting(each.name, each.values, each.local, certain=False)
        for each in effects
        if isinstance(each, SetSetting)
    )


def pin_setting_names(select: Node) -> None:
    """Put the literal in for the name in pg_dump's way of setting what may not exist.

    That is ``SELECT set_config(name, …) FROM pg_settings WHERE name = 'literal'``: the WHERE makes the
    column equal to the literal in every row, so the tree keeps its meaning.
    """
    where = select.get("whereClause", {}).get("A_Expr", {})
    sources = select.get("fromClause", [])
    if (
        len(sources) != 1
        or where.get("kind") != "AEXPR_OP"
        or where.get("name") != [{"String": {"sval": "="}}]
    ):
        return
    source = sources[0].get("RangeVar", {})
    column = {"String": {"sval": "name"}}
    if source.get("relname") != "pg_settings" or source.get("schemaname", "pg_catalog") != "pg_catalog":
        return
    if where.get("lexpr", {}).get("ColumnRef", {}).get("fields") != [column] or "A_Const" not in where.get(
        "rexpr", {}
    ):
        return
    for target in select.get("targetList", []):
        call = target.get("ResTarget", {}).get("val", {}).get("FuncCall", {})
        args = call.get("args", [])
        named = call.get("funcname", [{}])[-1].get("String", {}).get("sval") == "set_config"
        if named and args and args[0].get("ColumnRef", {}).get("fields") == [column]:
            args[0] = where["rexpr"]


def _constant(arg: Node) -> str | None:
    if "TypeCast" in arg:
        kind = arg["TypeCast"].get("typeName", {})
        if written(kind.get("names", ())) not in _TEXTS or kind.get("typmods") or kind.get("arrayBounds"):
            return None
        arg = arg["TypeCast"].get("arg", {})
    return literal(arg.get("A_Const"))
