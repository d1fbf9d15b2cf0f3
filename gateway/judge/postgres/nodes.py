"""The node types of PostgreSQL's grammar that the judge knows, field by field.

A tree that holds any other node, or any other field of these, is not understood and therefore not a read.
``since`` is the server version that brought a node: the grammar we parse with may be younger than the server,
and what it takes for a keyword an older server takes for a function of somebody's making.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class How(Enum):
    """What stands in a field."""

    PLAIN = "plain"
    """A number, name, flag or enum: nothing to walk into."""
    NODE = "node"
    """A node, or a list of nodes, each wrapped in its type's name."""


@dataclass(frozen=True, slots=True)
class NodeType:
    """One node type that may stand in a judged statement.

    Attributes:
        fields: field → what it holds; a string names the node type that stands there unwrapped.
        since: major server version that brought it.
    """

    fields: dict[str, How | str]
    since: int = 0


def _node(nodes: str = "", plain: str = "", *, since: int = 0, **direct: str) -> NodeType:
    fields: dict[str, How | str] = {"location": How.PLAIN}
    fields.update(dict.fromkeys(plain.split(), How.PLAIN))
    fields.update(dict.fromkeys(nodes.split(), How.NODE))
    fields.update(direct)
    return NodeType(fields, since)


QUERIES: Final = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
"""What may stand in a CTE, after PREPARE, COPY (…), DECLARE or EXPLAIN."""

NODES: Final[dict[str, NodeType]] = {
    # Queries.
    "SelectStmt": _node(
        "distinctClause targetList fromClause whereClause groupClause havingClause windowClause valuesLists "
        "sortClause limitOffset limitCount lockingClause",
        "groupDistinct limitOption op all",
        withClause="WithClause",
        intoClause="IntoClause",
        larg="SelectStmt",
        rarg="SelectStmt",
    ),
    "InsertStmt": _node(
        "cols selectStmt",
        "override",
        relation="RangeVar",
        onConflictClause="OnConflictClause",
        returningClause="ReturningClause",
        withClause="WithClause",
    ),
    "UpdateStmt": _node(
        "targetList whereClause fromClause",
        relation="RangeVar",
        returningClause="ReturningClause",
        withClause="WithClause",
    ),
    "DeleteStmt": _node(
        "usingClause whereClause",
        relation="RangeVar",
        returningClause="ReturningClause",
        withClause="WithClause",
    ),
    "MergeStmt": _node(
        "sourceRelation joinCondition mergeWhenClauses",
        relation="RangeVar",
        returningClause="ReturningClause",
        withClause="WithClause",
    ),
    "MergeWhenClause": _node("condition targetList values", "matchKind commandType override"),
    "OnConflictClause": _node("targetList whereClause", "action", infer="InferClause"),
    "InferClause": _node("indexElems whereClause", "conname"),
    "IndexElem": _node(
        "expr collation opclass opclassopts", "name indexcolname ordering nulls_ordering", since=0
    ),
    "ReturningClause": _node("options exprs"),
    "ReturningOption": _node("", "option value", since=18),
    "WithClause": _node("ctes", "recursive"),
    "CommonTableExpr": _node(
        "aliascolnames ctequery",
        "ctename ctematerialized cterecursive cterefcount",
        search_clause="CTESearchClause",
        cycle_clause="CTECycleClause",
    ),
    "CTESearchClause": _node("search_col_list", "search_breadth_first search_seq_column"),
    "CTECycleClause": _node(
        "cycle_col_list cycle_mark_value cycle_mark_default", "cycle_mark_column cycle_path_column"
    ),
    "IntoClause": _node("colNames options", "accessMethod onCommit tableSpaceName skipData", rel="RangeVar"),
    "LockingClause": _node("lockedRels", "strength waitPolicy"),
    # Where rows come from.
    "RangeVar": _node("", "catalogname schemaname relname inh relpersistence", alias="Alias"),
    "RangeSubselect": _node("subquery", "lateral", alias="Alias"),
    "RangeFunction": _node("functions coldeflist", "lateral ordinality is_rowsfrom", alias="Alias"),
    "RangeTableSample": _node("relation args repeatable", "method"),
    "RangeTableFunc": _node("docexpr rowexpr namespaces columns", "lateral", alias="Alias"),
    "RangeTableFuncCol": _node(
        "colexpr coldefexpr", "colname for_ordinality is_not_null", typeName="TypeName"
    ),
    "JoinExpr": _node(
        "larg rarg quals",
        "usingClause jointype isNatural rtindex",
        alias="Alias",
        join_using_alias="Alias",
    ),
    "Alias": _node("", "colnames aliasname"),
    "ColumnDef": _node("", "colname is_local storage_name", typeName="TypeName", collClause="CollateClause"),
    # Expressions.
    "ResTarget": _node("indirection val", "name"),
    "ColumnRef": _node("", "fields"),
    "A_Star": _node(),
    "A_Const": _node("", "ival fval boolval sval bsval isnull"),
    "Integer": _node("", "ival"),
    "Float": _node("", "fval"),
    "Boolean": _node("", "boolval"),
    "String": _node("", "sval"),
    "BitString": _node("", "bsval"),
    "ParamRef": _node("", "number"),
    "A_Expr": _node("lexpr rexpr", "name kind rexpr_list_start rexpr_list_end"),
    "BoolExpr": _node("args", "boolop"),
    "NullTest": _node("arg", "nulltesttype argisrow"),
    "BooleanTest": _node("arg", "booltesttype"),
    "CaseExpr": _node("arg args defresult"),
    "CaseWhen": _node("expr result"),
    "CoalesceExpr": _node("args"),
    "MinMaxExpr": _node("args", "op"),
    "SQLValueFunction": _node("", "op typmod"),
    "FuncCall": _node(
        "args agg_order agg_filter",
        "funcname agg_within_group agg_star agg_distinct func_variadic funcformat",
        over="WindowDef",
    ),
    "NamedArgExpr": _node("arg", "name argnumber"),
    "TypeCast": _node("arg", typeName="TypeName"),
    "TypeName": _node("typmods arrayBounds", "names setof pct_type typemod typeOid"),
    "CollateClause": _node("arg", "collname"),
    "A_Indirection": _node("arg indirection"),
    "A_Indices": _node("lidx uidx", "is_slice"),
    "A_ArrayExpr": _node("elements", "list_start list_end"),
    "RowExpr": _node("args colnames", "row_format"),
    "SubLink": _node("testexpr subselect", "operName subLinkType subLinkId"),
    "GroupingFunc": _node("args refs", "agglevelsup"),
    "GroupingSet": _node("content", "kind"),
    "WindowDef": _node("partitionClause orderClause startOffset endOffset", "name refname frameOptions"),
    "SortBy": _node("node", "useOp sortby_dir sortby_nulls"),
    "List": _node("items"),
    "SetToDefault": _node("", "typeMod"),
    "MultiAssignRef": _node("source", "colno ncolumns"),
    "CurrentOfExpr": _node("", "cvarno cursor_name cursor_param"),
    # XML.
    "XmlExpr": _node("named_args arg_names args", "op name xmloption indent typmod"),
    "XmlSerialize": _node("expr", "xmloption indent", typeName="TypeName"),
    # SQL/JSON: grammar of 16 (constructors, IS JSON) and 17 (queries, JSON_TABLE and the plain functions).
    "JsonFormat": _node("", "format_type encoding"),
    "JsonReturning": _node("", "typid typmod", format="JsonFormat"),
    "JsonOutput": _node("", typeName="TypeName", returning="JsonReturning"),
    "JsonValueExpr": _node("raw_expr formatted_expr", format="JsonFormat"),
    "JsonKeyValue": _node("key", value="JsonValueExpr"),
    "JsonIsPredicate": _node("expr", "item_type unique_keys", since=16, format="JsonFormat"),
    "JsonObjectConstructor": _node("exprs", "absent_on_null unique", since=16, output="JsonOutput"),
    "JsonArrayConstructor": _node("exprs", "absent_on_null", since=16, output="JsonOutput"),
    "JsonArrayQueryConstructor": _node(
        "query", "absent_on_null", since=16, output="JsonOutput", format="JsonFormat"
    ),
    "JsonAggConstructor": _node("agg_filter agg_order", since=16, output="JsonOutput", over="WindowDef"),
    "JsonObjectAgg": _node(
        "", "absent_on_null unique", since=16, constructor="JsonAggConstructor", arg="JsonKeyValue"
    ),
    "JsonArrayAgg": _node(
        "", "absent_on_null", since=16, constructor="JsonAggConstructor", arg="JsonValueExpr"
    ),
    "JsonParseExpr": _node("", "unique_keys", since=17, expr="JsonValueExpr", output="JsonOutput"),
    "JsonScalarExpr": _node("expr", since=17, output="JsonOutput"),
    "JsonSerializeExpr": _node("", since=17, expr="JsonValueExpr", output="JsonOutput"),
    "JsonBehavior": _node("expr", "btype coerce", since=17),
    "JsonArgument": _node("", "name", since=17, val="JsonValueExpr"),
    "JsonFuncExpr": _node(
        "pathspec passing",
        "op column_name wrapper quotes",
        since=17,
        context_item="JsonValueExpr",
        output="JsonOutput",
        on_empty="JsonBehavior",
        on_error="JsonBehavior",
    ),
    "JsonTable": _node(
        "passing columns",
        "lateral",
        since=17,
        context_item="JsonValueExpr",
        pathspec="JsonTablePathSpec",
        on_error="JsonBehavior",
        alias="Alias",
    ),
    "JsonTablePathSpec": _node("string", "name name_location", since=17),
    "JsonTableColumn": _node(
        "columns",
        "coltype name wrapper quotes",
        since=17,
        typeName="TypeName",
        pathspec="JsonTablePathSpec",
        format="JsonFormat",
        on_empty="JsonBehavior",
        on_error="JsonBehavior",
    ),
    "MergeSupportFunc": _node("", "msftype", since=17),
}
