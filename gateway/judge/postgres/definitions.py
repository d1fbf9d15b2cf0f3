"""Statements that are never reads, as a table, and the one-line title of every statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.domain.verdict import Decision
from gateway.judge.postgres.analysis import Effect
from gateway.judge.postgres.parse import Node


@dataclass(frozen=True, slots=True)
class Definition:
    """A statement that is never a read.

    Attributes:
        words: as people call it.
        decision: ``change`` where an artifact can carry it, else ``refuse``.
        effect: what it does.
        rule: last part of the verdict's rule.
    """

    words: str
    decision: Decision
    effect: Effect
    rule: str

    @property
    def reason(self) -> str:
        """One sentence."""
        return f"{self.words} {self.effect.value}."


def _rows(text: str, decision: Decision, effect: Effect) -> dict[str, Definition]:
    table = {}
    for line in text.strip().splitlines():
        kind, words = line.split(None, 1)
        table[kind] = Definition(words, decision, effect, words.lower().replace(" ", "-"))
    return table


DEFINITIONS: Final[dict[str, Definition]] = {
    **_rows(
        """
        TruncateStmt TRUNCATE
        """,
        Decision.CHANGE,
        Effect.WRITES,
    ),
    **_rows(
        """
        DoStmt DO
        CallStmt CALL
        """,
        Decision.CHANGE,
        Effect.RUNS_CODE,
    ),
    **_rows(
        """
        VacuumStmt VACUUM
        ClusterStmt CLUSTER
        ReindexStmt REINDEX
        RefreshMatViewStmt REFRESH MATERIALIZED VIEW
        CheckPointStmt CHECKPOINT
        AlterSystemStmt ALTER SYSTEM
        AlterDatabaseRefreshCollStmt ALTER DATABASE
        """,
        Decision.CHANGE,
        Effect.MAINTAINS,
    ),
    **_rows(
        """
        CreateSchemaStmt CREATE SCHEMA
        AlterTableStmt ALTER TABLE
        ReplicaIdentityStmt ALTER TABLE
        AlterCollationStmt ALTER COLLATION
        AlterDomainStmt ALTER DOMAIN
        GrantStmt GRANT
        GrantRoleStmt GRANT
        AlterDefaultPrivilegesStmt ALTER DEFAULT PRIVILEGES
        CreateStmt CREATE TABLE
        CreateTableSpaceStmt CREATE TABLESPACE
        DropTableSpaceStmt DROP TABLESPACE
        AlterTableSpaceOptionsStmt ALTER TABLESPACE
        AlterTableMoveAllStmt ALTER TABLE ALL
        CreateExtensionStmt CREATE EXTENSION
        AlterExtensionStmt ALTER EXTENSION
        AlterExtensionContentsStmt ALTER EXTENSION
        CreateFdwStmt CREATE FOREIGN DATA WRAPPER
        AlterFdwStmt ALTER FOREIGN DATA WRAPPER
        CreateForeignServerStmt CREATE SERVER
        AlterForeignServerStmt ALTER SERVER
        CreateForeignTableStmt CREATE FOREIGN TABLE
        CreateUserMappingStmt CREATE USER MAPPING
        AlterUserMappingStmt ALTER USER MAPPING
        DropUserMappingStmt DROP USER MAPPING
        ImportForeignSchemaStmt IMPORT FOREIGN SCHEMA
        CreatePolicyStmt CREATE POLICY
        AlterPolicyStmt ALTER POLICY
        CreateAmStmt CREATE ACCESS METHOD
        CreateTrigStmt CREATE TRIGGER
        CreateEventTrigStmt CREATE EVENT TRIGGER
        AlterEventTrigStmt ALTER EVENT TRIGGER
        CreatePLangStmt CREATE LANGUAGE
        CreateRoleStmt CREATE ROLE
        AlterRoleStmt ALTER ROLE
        AlterRoleSetStmt ALTER ROLE
        DropRoleStmt DROP ROLE
        CreateSeqStmt CREATE SEQUENCE
        AlterSeqStmt ALTER SEQUENCE
        DefineStmt CREATE
        CreateDomainStmt CREATE DOMAIN
        CreateOpClassStmt CREATE OPERATOR CLASS
        CreateOpFamilyStmt CREATE OPERATOR FAMILY
        AlterOpFamilyStmt ALTER OPERATOR FAMILY
        DropStmt DROP
        CommentStmt COMMENT
        SecLabelStmt SECURITY LABEL
        IndexStmt CREATE INDEX
        CreateStatsStmt CREATE STATISTICS
        AlterStatsStmt ALTER STATISTICS
        CreateFunctionStmt CREATE FUNCTION
        AlterFunctionStmt ALTER FUNCTION
        RenameStmt ALTER … RENAME
        AlterObjectDependsStmt ALTER … DEPENDS
        AlterObjectSchemaStmt ALTER … SET SCHEMA
        AlterOwnerStmt ALTER … OWNER
        AlterOperatorStmt ALTER OPERATOR
        AlterTypeStmt ALTER TYPE
        RuleStmt CREATE RULE
        CompositeTypeStmt CREATE TYPE
        CreateEnumStmt CREATE TYPE
        CreateRangeStmt CREATE TYPE
        AlterEnumStmt ALTER TYPE
        ViewStmt CREATE VIEW
        CreateTableAsStmt CREATE TABLE AS
        CreatedbStmt CREATE DATABASE
        AlterDatabaseStmt ALTER DATABASE
        AlterDatabaseSetStmt ALTER DATABASE
        DropdbStmt DROP DATABASE
        CreateConversionStmt CREATE CONVERSION
        CreateCastStmt CREATE CAST
        CreateTransformStmt CREATE TRANSFORM
        DropOwnedStmt DROP OWNED
        ReassignOwnedStmt REASSIGN OWNED
        AlterTSDictionaryStmt ALTER TEXT SEARCH DICTIONARY
        AlterTSConfigurationStmt ALTER TEXT SEARCH CONFIGURATION
        CreatePublicationStmt CREATE PUBLICATION
        AlterPublicationStmt ALTER PUBLICATION
        CreateSubscriptionStmt CREATE SUBSCRIPTION
        AlterSubscriptionStmt ALTER SUBSCRIPTION
        DropSubscriptionStmt DROP SUBSCRIPTION
        """,
        Decision.CHANGE,
        Effect.DEFINES,
    ),
    **_rows(
        """
        LoadStmt LOAD
        ListenStmt LISTEN
        NotifyStmt NOTIFY
        """,
        Decision.REFUSE,
        Effect.LEAVES,
    ),
}
"""Node type → what it is."""

_WORDS: Final = {
    "SelectStmt": "SELECT",
    "InsertStmt": "INSERT INTO",
    "UpdateStmt": "UPDATE",
    "DeleteStmt": "DELETE FROM",
    "MergeStmt": "MERGE INTO",
    "CopyStmt": "COPY",
    "VariableSetStmt": "SET",
    "VariableShowStmt": "SHOW",
    "DeclareCursorStmt": "DECLARE CURSOR",
    "ClosePortalStmt": "CLOSE",
    "ConstraintsSetStmt": "SET CONSTRAINTS",
}
_VERBS: Final = {
    "DropStmt": "DROP",
    "CommentStmt": "COMMENT ON",
    "RenameStmt": "RENAME",
    "DefineStmt": "CREATE",
}
_NAMED_BY: Final = (
    *("relation", "sequence", "view", "rel", "into", "name", "idxname", "funcname", "defnames", "typeName"),
    *("domainname", "schemaname", "extname", "rolename", "role", "policy_name", "trigname", "dbname"),
    *("fdwname", "servername", "pubname", "subname", "tablespacename", "amname", "rulename", "conditionname"),
    *("portalname", "objects", "object", "relations", "rels", "roles", "granted_roles"),
)
"""Fields in which a statement names what it is about, the better ones first."""


def title_of(kind: str, node: Node, tables: tuple[str, ...]) -> str:
    """One line that names a statement, such as ``UPDATE customers``.

    Args:
        kind: node type.
        node: its fields.
        tables: relations it names, its target first.
    """
    words = _words_for(kind, node)
    if kind in {"SelectStmt", "TransactionStmt", "ExplainStmt"}:
        return words
    target = next((found for found in (_text(node.get(field)) for field in _NAMED_BY) if found), "")
    if not target and tables:
        target = tables[0]
    return f"{words} {target}" if target else words


def _words_for(kind: str, node: Node) -> str:
    match kind:
        case "TransactionStmt":
            return str(node.get("kind", "")).removeprefix("TRANS_STMT_").replace("_", " ")
        case "GrantStmt" | "GrantRoleStmt" if not node.get("is_grant"):
            return "REVOKE"
        case "DropStmt" | "CommentStmt" | "RenameStmt" | "DefineStmt":
            sort = next(
                (node[field] for field in ("removeType", "objtype", "renameType", "kind") if field in node),
                "",
            )
            return f"{_VERBS[kind]} {str(sort).removeprefix('OBJECT_').replace('_', ' ')}".strip()
        case "VacuumStmt" if not node.get("is_vacuumcmd"):
            return "ANALYZE"
    definition = DEFINITIONS.get(kind)
    known = definition.words if definition is not None else _WORDS.get(kind)
    return known or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.removesuffix("Stmt")).upper()


def _text(value: object) -> str:
    """The name in a field: of a string, a relation, a list of strings, or the first of several such."""
    match value:
        case str():
            return value
        case {"schemaname": str(schema), "relname": str(name)}:
            return f"{schema}.{name}"
        case {"relname": str(name)}:
            return name
        case {"String": {"sval": str(text)}} | {"rolename": str(text)}:
            return text
        case {"rel": inner} | {"relation": inner} | {"names": inner} | {"objname": inner} | {"items": inner}:
            return _text(inner)
        case (
            {"RangeVar": inner}
            | {"VacuumRelation": inner}
            | {"RoleSpec": inner}
            | {"List": inner}
            | {"TypeName": inner}
            | {"ObjectWithArgs": inner}
        ):
            return _text(inner)
        case {"AccessPriv": {"priv_name": str(text)}}:
            return text
        case [{"String": _}, *_]:
            return ".".join(_text(part) for part in value)
        case [first, *_]:
            return _text(first)
        case _:
            return ""
