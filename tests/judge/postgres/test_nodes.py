"""The table of node types against the parser's own definition of them."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import Descriptor
from postgast import pg_query_pb2

from gateway.judge.postgres.definitions import DEFINITIONS
from gateway.judge.postgres.nodes import NODES, QUERIES, How
from gateway.judge.postgres.statements import Judge

MESSAGES: dict[str, Descriptor] = dict(pg_query_pb2.DESCRIPTOR.message_types_by_name)
ONLY_AFTER_ANALYSIS = {
    *("Var", "Param", "Const", "Aggref", "WindowFunc", "OpExpr", "DistinctExpr", "NullIfExpr", "FuncExpr"),
    *("ScalarArrayOpExpr", "SubPlan", "RangeTblEntry", "Query", "TargetEntry", "RangeTblRef", "FromExpr"),
}


@pytest.mark.parametrize("kind", sorted(NODES))
def test_a_known_node_has_only_fields_that_the_parser_has(kind: str) -> None:
    names = {field.json_name for field in MESSAGES[kind].fields} | {"location"}
    assert NODES[kind].fields.keys() <= names


@pytest.mark.parametrize("kind", sorted(NODES))
def test_a_field_that_holds_nodes_is_never_taken_for_a_plain_one(kind: str) -> None:
    for field in MESSAGES[kind].fields:
        how = NODES[kind].fields.get(field.json_name)
        if how is None or field.message_type is None:
            continue
        if how is How.PLAIN:
            # Names, and the values of constants: their hooks read them whole, or nothing can hide in them.
            assert (kind, field.json_name) in PLAIN_NODES, (kind, field.json_name)
        elif how is How.NODE:
            assert field.message_type.name == "Node", (kind, field.json_name)
        else:
            assert field.message_type.name == how, (kind, field.json_name)


PLAIN_NODES = {
    *(("A_Const", value) for value in ("ival", "fval", "boolval", "sval", "bsval")),
    ("A_Expr", "name"),
    ("Alias", "colnames"),
    ("CollateClause", "collname"),
    ("ColumnRef", "fields"),
    ("FuncCall", "funcname"),
    ("JoinExpr", "usingClause"),
    ("RangeTableSample", "method"),
    ("SortBy", "useOp"),
    ("SubLink", "operName"),
    ("TypeName", "names"),
}
"""Lists of String nodes by the grammar."""


def test_every_statement_of_the_grammar_is_classified() -> None:
    statements = {name for name in MESSAGES if name.endswith("Stmt")}
    inside = {"RawStmt", "SetOperationStmt", "ReturnStmt", "PLAssignStmt"}
    known = QUERIES | DEFINITIONS.keys() | Judge._RULES.keys()
    assert statements - known == inside


def test_no_node_of_the_analysed_tree_is_known() -> None:
    assert not (NODES.keys() & ONLY_AFTER_ANALYSIS)
