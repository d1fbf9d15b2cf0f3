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
    "TransactionStmt": "Transaction control",
    "DeclareCursorStmt": "DECLARE CURSOR",
    "ClosePortalStmt": "CLOSE",
    "ConstraintsSetStmt": "SET CONSTRAINTS",
}


def title_of(kind: str, node: Node, tables: tuple[str, ...]) -> str:
    """One line that names a statement, such as ``UPDATE customers``.

    Args:
        kind: node type.
        node: its fields.
        tables: relations it names, its target first.
    """
    definition = DEFINITIONS.get(kind)
    words = definition.words if definition is not None else _WORDS.get(kind)
    if words is None:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.removesuffix("Stmt")).upper()
    target = _target(node) or (tables[0] if tables else "")
    return f"{words} {target}" if target and kind != "SelectStmt" else words


def _target(node: Node) -> str:
    relation = node.get("relation")
    if isinstance(relation, dict) and "relname" in relation:
        return ".".join(str(relation[part]) for part in ("schemaname", "relname") if part in relation)
    return ""
