"""The SQL that makes the right role on the server: one that can only read, whatever the gateway does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.domain.endpoint import Endpoint

CONNECTIONS: Final = 100
"""Connections the role may hold at once; people beyond that wait, the applications don't."""

REVOKED: Final = (
    "lo_creat",
    "lo_create",
    "lo_from_bytea",
    "lo_open",
    "lo_put",
    "lo_truncate",
    "lo_truncate64",
    "lo_unlink",
    "lowrite",
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_advisory_xact_lock",
    "pg_advisory_xact_lock_shared",
    "pg_cancel_backend",
    "pg_create_restore_point",
    "pg_current_xact_id",
    "pg_export_snapshot",
    "pg_logical_emit_message",
    "pg_notify",
    "pg_terminate_backend",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
    "txid_current",
)
"""Functions that do something inside a read-only transaction. The gateway refuses them as well."""

KEPT: Final = frozenset({"pg_export_snapshot"})
"""Left to everyone all the same: pg_dump -j needs it."""


def harden(endpoint: Endpoint, groups: Sequence[str] = ()) -> str:
    """Return a script for psql, to be run by a superuser in each database that people look at.

    Args:
        endpoint: whose role it makes right.
        groups: groups of people that get a role of their own, so that none can cancel another's queries.
    """
    roles = [endpoint.username, *(f"{endpoint.username}_{group}" for group in groups)]
    heading = [
        f"-- The role that the gateway reads {_comment(endpoint.name)} with.",
        "-- Run by a superuser, with psql, in each database that people look at; again changes nothing.",
        "-- What applications were allowed to do as PUBLIC they keep by name.",
        "\\set ON_ERROR_STOP on",
        "BEGIN;",
    ]
    closing = [
        "COMMIT;",
        *(f"-- then set its password: \\password {_identifier(role)}" for role in roles),
        f"-- and look whether all is right: glassgate endpoint check {_comment(endpoint.name)}",
    ]
    return "\n".join([*heading, *(_role(endpoint, role, roles) for role in roles), *closing]) + "\n"


def _role(endpoint: Endpoint, role: str, ours: Sequence[str]) -> str:
    name, literal = _identifier(role), _literal(role)
    timeout = endpoint.settings.statement_timeout_ms
    readers = ", ".join(_literal(each) for each in ours)
    revoked = ", ".join(_literal(each) for each in REVOKED if each not in KEPT)
    return f"""
-- {_comment(role)}: logs in and reads, nothing else
DO $do$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {literal}) THEN
    CREATE ROLE {name};
  END IF;
END $do$;
ALTER ROLE {name} LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
  CONNECTION LIMIT {CONNECTIONS};
ALTER ROLE {name} SET default_transaction_read_only = on;
ALTER ROLE {name} SET statement_timeout = {timeout};
ALTER ROLE {name} SET lock_timeout = '10s';
ALTER ROLE {name} SET idle_in_transaction_session_timeout = '1h';

-- it is in no role but pg_read_all_data, and owns nothing here
DO $do$ DECLARE held record; BEGIN
  FOR held IN SELECT r.rolname FROM pg_catalog.pg_auth_members m
      JOIN pg_catalog.pg_roles r ON r.oid = m.roleid JOIN pg_catalog.pg_roles u ON u.oid = m.member
      WHERE u.rolname = {literal} AND r.rolname <> 'pg_read_all_data' LOOP
    EXECUTE pg_catalog.format('REVOKE %I FROM %I', held.rolname, {literal});
  END LOOP;
END $do$;
GRANT pg_read_all_data TO {name};
REASSIGN OWNED BY {name} TO CURRENT_USER;

-- no right to write, by its own name or as PUBLIC
DO $do$ DECLARE found record; heir record; BEGIN
  EXECUTE pg_catalog.format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM %I', current_database(), {literal});
  EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), {literal});
  FOR found IN SELECT nspname FROM pg_catalog.pg_namespace
      WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
    EXECUTE pg_catalog.format('REVOKE CREATE ON SCHEMA %I FROM %I, PUBLIC', found.nspname, {literal});
    EXECUTE pg_catalog.format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER'
      ' ON ALL TABLES IN SCHEMA %I FROM %I', found.nspname, {literal});
    EXECUTE pg_catalog.format('REVOKE USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA %I FROM %I',
      found.nspname, {literal});
  END LOOP;
  FOR heir IN SELECT rolname FROM pg_catalog.pg_roles
      WHERE rolcanlogin AND NOT rolsuper AND rolname NOT IN ({readers}) LOOP
    IF pg_catalog.has_database_privilege('public', current_database(), 'TEMPORARY') THEN
      EXECUTE pg_catalog.format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), heir.rolname);
    END IF;
  END LOOP;
  EXECUTE pg_catalog.format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
  FOR found IN SELECT p.oid::pg_catalog.regprocedure::text AS called, p.oid FROM pg_catalog.pg_proc p
      WHERE pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE')
        AND ((p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.proname IN ({revoked}))
          OR (p.prosecdef AND p.provolatile = 'v' AND p.oid >= 16384)) LOOP
    FOR heir IN SELECT rolname FROM pg_catalog.pg_roles
        WHERE rolcanlogin AND NOT rolsuper AND rolname NOT IN ({readers}) LOOP
      EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO %I', found.called, heir.rolname);
    END LOOP;
    EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', found.called);
  END LOOP;
END $do$;"""  # noqa: S608 - every name is quoted as identifier or literal


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _comment(name: str) -> str:
    """A name inside a comment can't end it."""
    return " ".join(name.split())
