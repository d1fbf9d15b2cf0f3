"""What production enforces by itself: the rights of the gateway's role there, looked up at connect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.domain.endpoint import Require
from gateway.domain.errors import UpstreamTooOpen, UpstreamUnavailable
from gateway.domain.session import Level
from gateway.domain.verdict import Layer
from gateway.protocols.postgres.upstream import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.domain.endpoint import Endpoint
    from gateway.protocols.postgres.upstream import Upstream

_READERS: Final = (
    "'pg_read_all_data', 'pg_read_all_settings', 'pg_read_all_stats', 'pg_stat_scan_tables', 'pg_monitor'"
)
"""Memberships that only read."""

_FEW: Final = "SELECT pg_catalog.string_agg(name, ', ') FROM (SELECT {} AS name FROM {} LIMIT 5) AS few"
_NOT_TEMP: Final = "n.nspname !~ '^pg_(toast|temp)' AND n.nspname <> 'information_schema'"

_FINDINGS: Final[Mapping[str, str]] = {
    "superuser": "SELECT 'yes' FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper",
    "bypassrls": "SELECT 'yes' FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolbypassrls",
    "createrole": "SELECT 'yes' FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolcreaterole",
    "createdb": "SELECT 'yes' FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolcreatedb",
    "replication": "SELECT 'yes' FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolreplication",
    "memberships": _FEW.format(
        "rolname",
        "pg_catalog.pg_roles WHERE rolname <> current_user AND NOT pg_catalog.pg_has_role("
        f"'pg_database_owner', 'USAGE') AND rolname NOT IN ({_READERS})"
        " AND pg_catalog.pg_has_role(oid, 'MEMBER')",
    ),
    "owns": _FEW.format(
        "name",
        "(SELECT datname::text AS name FROM pg_catalog.pg_database"  # noqa: S608 - constants alone
        " WHERE datname = pg_catalog.current_database() AND pg_catalog.pg_has_role(datdba, 'MEMBER')"
        " UNION ALL SELECT nspname FROM pg_catalog.pg_namespace n"
        " WHERE " + _NOT_TEMP + " AND pg_catalog.pg_has_role(nspowner, 'MEMBER')"
        " UNION ALL SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class c"
        " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND pg_catalog.pg_has_role(c.relowner, 'MEMBER')"
        " UNION ALL SELECT p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc p"
        " WHERE pg_catalog.pg_has_role(p.proowner, 'MEMBER')) AS owned",
    ),
    "writes": _FEW.format(
        "c.oid::pg_catalog.regclass::text",
        "pg_catalog.pg_class c WHERE (c.relkind IN ('r', 'p', 'v', 'm', 'f')"
        " AND (pg_catalog.has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
        " OR pg_catalog.has_any_column_privilege(c.oid, 'INSERT, UPDATE, REFERENCES'))"
        # Everyone may update this view's settings column: it is SET in other words.
        " AND c.oid <> 'pg_catalog.pg_settings'::pg_catalog.regclass)"
        " OR (c.relkind = 'S' AND pg_catalog.has_sequence_privilege(c.oid, 'USAGE, UPDATE'))",
    ),
    "creates": _FEW.format(
        "name",
        "(SELECT 'database ' || pg_catalog.current_database() AS name"  # noqa: S608 - constants alone
        " WHERE pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')"
        " UNION ALL SELECT 'temporary tables'"
        " WHERE pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP')"
        " UNION ALL SELECT 'schema ' || n.nspname FROM pg_catalog.pg_namespace n"
        " WHERE " + _NOT_TEMP + " AND pg_catalog.has_schema_privilege(n.oid, 'CREATE')) AS created",
    ),
    "definers": _FEW.format(
        "p.oid::pg_catalog.regprocedure::text",
        "pg_catalog.pg_proc p WHERE p.prosecdef AND p.provolatile = 'v' AND p.oid >= 16384"
        " AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')",
    ),
}
"""Finding → query that yields what was found, nothing where all is well."""

_QUERY: Final = (
    "SET LOCAL statement_timeout = 0; "  # the client's own may be shorter than a login takes
    "SELECT {}, pg_catalog.pg_is_in_recovery()::text, current_setting('transaction_read_only')".format(
        ", ".join(f"({query})" for query in _FINDINGS.values())
    )
)


async def probe(upstream: Upstream) -> Level:
    """Look up what the gateway's role may do.

    Args:
        upstream: logged in.

    Raises:
        UpstreamUnavailable: production can't be asked, or its transactions are not read-only.
    """
    (row,) = await upstream.ask(_QUERY)
    *found, standby, read_only = text_of(row)
    if read_only != "on":
        raise UpstreamUnavailable("production's transactions are not read-only for the gateway's role")
    findings = {name: value or "no" for name, value in zip(_FINDINGS, found, strict=True)}
    findings["standby"] = "yes" if standby == "true" else "no"
    layers = Layer.READ_ONLY_TRANSACTION
    name = "default"
    if standby == "true":
        layers |= Layer.STANDBY
        name = "standby"
    if not any(found):
        layers |= Layer.READ_ONLY_ROLE
        name = "role"
    return Level(name, layers, findings)


def check_requirement(endpoint: Endpoint, level: Level) -> None:
    """Hold the level against what the endpoint requires.

    Raises:
        UpstreamTooOpen: the role may do more than read; says what.
    """
    if endpoint.require is not Require.ROLE or Layer.READ_ONLY_ROLE in level.layers:
        return
    open_ends = "; ".join(
        f"{name}: {value}" for name, value in level.findings.items() if value != "no" and name != "standby"
    )
    raise UpstreamTooOpen(
        f"the gateway's role on {endpoint.name} may do more than read ({open_ends})",
        hint=f"an operator mends it with the SQL of: glassgate endpoint harden {endpoint.name}",
    )
