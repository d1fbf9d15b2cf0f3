"""SET, RESET, SHOW and set_config: which settings a session may change, and to what."""

from __future__ import annotations

from typing import Final

from gateway.judge.postgres.analysis import Issue, leaves, unknown
from gateway.judge.postgres.context import SqlContext
from gateway.judge.postgres.parse import Node
from gateway.judge.postgres.session import ResetAll, ResetSetting, SessionEffect, SetSetting

Judged = tuple[Issue | None, tuple[SessionEffect, ...]]

_SPACES: Final = " \t\n\r\f"
_ENDS: Final = frozenset(_SPACES + ",")
_LONGEST_NAME: Final = 63
"""Bytes; longer names are cut (NAMEDATALEN)."""


def judge_set(node: Node, context: SqlContext) -> Judged:
    """Judge a VariableSetStmt.

    Args:
        node: its fields.
        context: whose catalogue and lists say what may be set.
    """
    name = str(node.get("name", "")).lower()
    local = bool(node.get("is_local"))
    match node.get("kind"):
        case "VAR_SET_VALUE":
            values = set_values(node.get("args", ()))
            if values is None:
                return unknown("setting.value", f"The value for {name} can't be judged."), ()
            return judge_values(name, values, context, local=local)
        case "VAR_SET_DEFAULT" | "VAR_RESET":
            return _reset(name, context, local=local)
        case "VAR_RESET_ALL":
            return None, (ResetAll(),)
        case "VAR_SET_MULTI":
            return _multi(name, node)
        case "VAR_SET_CURRENT" | _:
            return unknown("setting.form", f"This form of SET {name} is not known."), ()


def judge_values(name: str, values: tuple[str, ...], context: SqlContext, *, local: bool) -> Judged:
    """Judge giving a setting its values.

    Args:
        name: in lower case.
        values: unquoted; for ``search_path`` one a schema.
        context: whose catalogue and lists say what may be set.
        local: until the transaction's end only.
    """
    effect = SetSetting(name, values, local)
    if name == "search_path":
        if any(len(schema.encode()) > _LONGEST_NAME for schema in values):
            return unknown("setting.search_path", "The server would cut a name in that search_path."), ()
        if "pg_catalog" in values[1:]:
            return leaves(
                "setting.search_path",
                "pg_catalog must be first in a search_path, or other schemas would shadow the built-ins.",
            ), ()
        return None, (effect,)
    if context.catalogue.settings.allows(name, ", ".join(values)) or name in context.lists.get(
        "settings", ()
    ):
        return None, (effect,)
    if name == "client_encoding":
        return leaves(
            "setting.client_encoding",
            f"In client_encoding {', '.join(values)} a quote can hide in another character; use UTF8.",
        ), ()
    return leaves(
        f"setting.{name}" if name.isidentifier() else "setting",
        f"A session may not set {name} to that value.",
    ), ()


def split_path(value: str) -> tuple[str, ...] | None:
    """Split a search_path as the server does (SplitIdentifierString); None where it would refuse it."""
    schemas: list[str] = []
    rest = value.strip(_SPACES)
    while rest:
        if rest[0] == '"':
            schema, at = _quoted(rest)
            if schema is None:
                return None
        else:
            at = next((i for i, char in enumerate(rest) if char in _ENDS), len(rest))
            schema = rest[:at].lower()
            if not schema or not schema.isprintable() or not (schema.isascii() or schema == rest[:at]):
                # What else is a space, and which letters are folded, is up to the server's encoding.
                return None
        if len(schema.encode()) > _LONGEST_NAME:
            return None
        schemas.append(schema)
        rest = rest[at:].lstrip(_SPACES)
        if rest:
            if rest[0] != ",":
                return None
            rest = rest[1:].lstrip(_SPACES)
            if not rest:
                return None
    return tuple(schemas)


def _quoted(text: str) -> tuple[str | None, int]:
    at = 1
    name = ""
    while at < len(text):
        if text[at] != '"':
            name += text[at]
            at += 1
        elif text[at : at + 2] == '""':
            name += '"'
            at += 2
        else:
            return name, at + 1
    return None, at


def set_values(args: object) -> tuple[str, ...] | None:
    """The literals of a SET's arguments as the server reads them; None where one is no literal."""
    values: list[str] = []
    for arg in args if isinstance(args, (list, tuple)) else ():
        constant = arg.get("A_Const")
        if constant is None and "TypeCast" in arg:
            constant = arg["TypeCast"].get("arg", {}).get("A_Const")
        value = literal(constant)
        if value is None:
            return None
        values.append(value)
    return tuple(values)


def literal(constant: Node | None) -> str | None:
    """The text of an A_Const; None for NULL and for what is none."""
    if constant is None or constant.get("isnull"):
        return None
    for kind, empty in (("ival", "0"), ("fval", ""), ("sval", ""), ("bsval", "")):
        if kind in constant:
            return str(constant[kind].get(kind, empty))
    if "boolval" in constant:
        return "true" if constant["boolval"].get("boolval") else "false"
    return None


def _reset(name: str, context: SqlContext, *, local: bool) -> Judged:
    settings = context.catalogue.settings
    allowed = (
        name == "search_path"
        or settings.resets(name)
        or name in {"client_encoding", "escape_string_warning"}
        or name in context.lists.get("settings", ())
    )
    if allowed:
        return None, (ResetSetting(name, local),)
    return leaves(
        f"setting.{name}" if name.isidentifier() else "setting", f"A session may not reset {name}."
    ), ()


def _multi(name: str, node: Node) -> Judged:
    if name in {"transaction", "session characteristics"}:
        return transaction_modes(node.get("args", ())), ()
    if name == "transaction snapshot":
        return None, ()
    return unknown("setting.form", f"SET {name} is not known."), ()


def transaction_modes(options: object) -> Issue | None:
    """Judge the modes of a transaction or of all of a session's: READ WRITE is the one not allowed."""
    for option in options if isinstance(options, (list, tuple)) else ():
        element = option.get("DefElem", {})
        value = literal(element.get("arg", {}).get("A_Const"))
        match element.get("defname"):
            case "transaction_isolation" | "transaction_deferrable":
                continue
            case "transaction_read_only" if value == "1":
                continue
            case "transaction_read_only":
                return leaves(
                    "transaction.read-write", "READ WRITE would lift the session's read-only setting."
                )
            case other:
                return unknown("transaction.mode", f"The transaction mode {other} is not known.")
    return None
