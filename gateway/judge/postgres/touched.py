"""The read of the rows that a write would touch, so that a role that may only read can estimate them.

EXPLAIN of an UPDATE itself asks for the right to update; EXPLAIN of this read asks for the right to read.
"""

from __future__ import annotations

from collections.abc import Iterable

import postgast
from google.protobuf.message import DecodeError
from postgast import pg_query_pb2 as tree


def touched_rows(statement: str) -> str | None:
    """Return a SELECT of the rows that one statement writes, None where there is no such read.

    Args:
        statement: one INSERT, UPDATE, DELETE or TRUNCATE of one table, with its values in it.

    Returns:
        SQL text; whoever runs it has it judged like any other.
    """
    try:
        parsed = postgast.parse(statement)
    except (postgast.PgQueryError, DecodeError, UnicodeEncodeError, RecursionError):
        return None
    if len(parsed.stmts) != 1:
        return None
    select = _select(parsed.stmts[0].stmt)
    if select is None:
        return None
    out = tree.ParseResult(version=parsed.version)
    out.stmts.add().stmt.select_stmt.CopyFrom(select)
    try:
        return str(postgast.deparse(out))
    except (postgast.PgQueryError, RecursionError):
        return None


def _select(node: tree.Node) -> tree.SelectStmt | None:
    match node.WhichOneof("node"):
        case "update_stmt":
            update = node.update_stmt
            return _from(update.relation, update.from_clause, update.where_clause, update.with_clause)
        case "delete_stmt":
            delete = node.delete_stmt
            return _from(delete.relation, delete.using_clause, delete.where_clause, delete.with_clause)
        case "insert_stmt" if node.insert_stmt.HasField("select_stmt"):
            return _inserted(node.insert_stmt)
        case "truncate_stmt" if len(node.truncate_stmt.relations) == 1:
            return _from(node.truncate_stmt.relations[0].range_var, (), tree.Node(), tree.WithClause())
        case _:
            return None


def _from(
    relation: tree.RangeVar, more: Iterable[tree.Node], where: tree.Node, ctes: tree.WithClause
) -> tree.SelectStmt:
    """``SELECT FROM relation, more… WHERE …``: no columns, the rows alone."""
    select = tree.SelectStmt(limit_option=tree.LIMIT_OPTION_DEFAULT, op=tree.SETOP_NONE)
    select.from_clause.add().range_var.CopyFrom(relation)
    select.from_clause.extend(more)
    if where.WhichOneof("node"):
        select.where_clause.CopyFrom(where)
    if ctes.ctes:
        select.with_clause.CopyFrom(ctes)
    return select


def _inserted(insert: tree.InsertStmt) -> tree.SelectStmt:
    select = tree.SelectStmt()
    select.CopyFrom(insert.select_stmt.select_stmt)
    for row in select.values_lists:
        for value in row.list.items:
            if value.WhichOneof("node") == "set_to_default":
                value.a_const.isnull = True
    if insert.with_clause.ctes:
        select.with_clause.CopyFrom(insert.with_clause)
    return select
