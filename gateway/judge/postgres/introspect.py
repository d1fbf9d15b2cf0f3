"""The queries that read a catalogue snapshot, and their answers → :class:`Snapshot`.

Each query yields one text column; each row is a JSON array in the order of the struct's members. They are
run in one read-only transaction, ``PREPARATION`` first: with an empty search_path the server qualifies every
name that it deparses, so that views, policies and bodies mean the same to us as to the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from gateway.judge.postgres.replaced import marked
from gateway.judge.postgres.snapshot import Cast, Function, Operator, Relation, Rows, Snapshot, Type

PREPARATION: Final = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL search_path = ''",
    "SET LOCAL jit = off",  # which would take longer to compile these queries than they take to run
)

_EXTENSION: Final = """coalesce((SELECT e.extname FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = '{catalog}'::pg_catalog.regclass AND d.objid = {oid} AND d.deptype = 'e'
      AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass LIMIT 1), '')"""

_ENTERED: Final = """WITH entered AS MATERIALIZED (
    SELECT t.oid FROM pg_catalog.pg_type t WHERE t.oid < 16384
      AND 16384 <= ANY (ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout,
                              t.typsubscript]::oid[])
    UNION SELECT k.opcintype FROM pg_catalog.pg_opclass k
    JOIN pg_catalog.pg_am m ON m.oid = k.opcmethod AND m.amname IN ('btree', 'hash')
    WHERE k.opcdefault AND k.opcintype < 16384 AND (k.oid >= 16384
      OR k.opcfamily IN (SELECT amprocfamily FROM pg_catalog.pg_amproc
                         WHERE amproc::oid >= 16384 AND amproclefttype < 16384 AND amprocrighttype < 16384)
      OR k.opcfamily IN (SELECT a.amopfamily FROM pg_catalog.pg_amop a
                         JOIN pg_catalog.pg_operator r ON r.oid = a.amopopr AND r.oprcode::oid >= 16384
                         WHERE a.amoplefttype < 16384 AND a.amoprighttype < 16384))
), handled AS MATERIALIZED (
    SELECT oid FROM entered
    UNION SELECT t.oid FROM pg_catalog.pg_type t JOIN entered e ON e.oid IN (t.typelem, t.typbasetype)
    WHERE t.oid < 16384
    UNION SELECT unnest(ARRAY[rngtypid, rngmultitypid]) FROM pg_catalog.pg_range
    JOIN entered e ON e.oid = rngsubtype WHERE rngtypid < 16384
    UNION SELECT castsource FROM pg_catalog.pg_cast JOIN entered e ON e.oid = casttarget
    WHERE castmethod = 'b' AND castsource < 16384
)
"""
"""``entered``: built-in types that somebody made sort, hash or print by functions of their own; ``handled``:
those, and the built-in types that hold values of them or sort as they do."""

_BEYOND: Final = """SELECT f::int8 FROM (
        WITH RECURSIVE meant AS (
            SELECT {oid} AS oid
            UNION SELECT other FROM meant, LATERAL (
                SELECT unnest(ARRAY[p.oprnegate, p.oprcom]::oid[]) FROM pg_catalog.pg_operator p
                WHERE p.oid = meant.oid
                UNION ALL SELECT s.amopopr FROM pg_catalog.pg_amop a
                JOIN pg_catalog.pg_amop s ON s.amopfamily = a.amopfamily
                WHERE a.amopopr = meant.oid) AS others (other)
            WHERE other >= 16384)
        SELECT unnest(ARRAY[p.oprcode, p.oprrest, p.oprjoin]::oid[]) FROM meant
        JOIN pg_catalog.pg_operator p ON p.oid = meant.oid WHERE p.oid >= 16384
        UNION SELECT p.amproc::oid FROM meant JOIN pg_catalog.pg_amop a ON a.amopopr = meant.oid
        JOIN pg_catalog.pg_amproc p ON p.amprocfamily = a.amopfamily
        WHERE meant.oid >= 16384 AND p.amproc::oid >= 16384
    ) AS beyond (f) WHERE f <> 0"""
"""What may run in the place of an operator's own function: a planner writes ``NOT a = b`` with the negator,
turns operands round with the commutator, and sorts and hashes by the functions of the operator's families."""

_FUNCTIONS: Final = f"""{_ENTERED}SELECT pg_catalog.json_build_array(
    p.oid::int8, n.nspname, p.proname, p.prokind, p.proargtypes::oid[]::int8[], p.pronargdefaults,
    p.provariadic <> 0, p.prorettype::int8, p.provolatile, l.lanname, p.prosecdef,
    pg_catalog.pg_get_userbyid(p.proowner), {_EXTENSION.format(catalog="pg_catalog.pg_proc", oid="p.oid")},
    CASE WHEN l.lanname = 'sql' OR p.oid >= 16384 AND l.lanname = 'internal'
         THEN coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc) ELSE '' END,
    p.prosqlbody IS NOT NULL,
    CASE WHEN p.oid >= 16384 AND p.proargdefaults IS NOT NULL
         THEN pg_catalog.pg_get_expr(p.proargdefaults, 0) ELSE '' END,
    coalesce(p.proconfig, '{{}}'),
    ARRAY(SELECT f::int8 FROM pg_catalog.pg_aggregate a, unnest(ARRAY[a.aggtransfn, a.aggfinalfn,
        a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn,
        a.aggmfinalfn]::oid[]) f
        WHERE a.aggfnoid = p.oid AND f <> 0)
    || CASE WHEN p.prokind = 'a' AND p.oid >= 16384 THEN ARRAY(
        SELECT b.f FROM pg_catalog.pg_aggregate a, LATERAL ({_BEYOND.format(oid="a.aggsortop")}) AS b (f)
        WHERE a.aggfnoid = p.oid AND a.aggsortop <> 0) ELSE '{{}}' END,
    ARRAY(SELECT DISTINCT c.oid::int8 FROM unnest(p.proallargtypes, p.proargmodes) AS c (oid, mode)
          WHERE c.mode IN ('o', 'b', 't') AND c.oid IN (SELECT oid FROM handled)))::text
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang"""  # noqa: S608 - of constants

_RELATIONS: Final = f"""{_ENTERED}SELECT pg_catalog.json_build_array(
    c.oid::int8, n.nspname, c.relname, c.relkind,
    {_EXTENSION.format(catalog="pg_catalog.pg_class", oid="c.oid")},
    CASE WHEN c.relkind = 'v' AND (c.oid >= 16384 OR EXISTS (
              SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
              WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.ev_class = c.oid
                AND d.refobjid >= 16384))
         THEN pg_catalog.pg_get_viewdef(c.oid) ELSE '' END,
    ARRAY(SELECT pg_catalog.pg_get_expr(polqual, polrelid) FROM pg_catalog.pg_policy
          WHERE polrelid = c.oid AND polqual IS NOT NULL
          UNION ALL
          SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
          JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
          WHERE d.adrelid = c.oid AND a.attgenerated = 'v'),
    ARRAY(SELECT pg_catalog.pg_get_expr(e, c.oid) FROM (
            SELECT indexprs AS e FROM pg_catalog.pg_index WHERE indrelid = c.oid
            UNION ALL SELECT indpred FROM pg_catalog.pg_index WHERE indrelid = c.oid
            UNION ALL SELECT adbin FROM pg_catalog.pg_attrdef WHERE adrelid = c.oid
            UNION ALL SELECT conbin FROM pg_catalog.pg_constraint WHERE conrelid = c.oid
            UNION ALL SELECT partexprs FROM pg_catalog.pg_partitioned_table WHERE partrelid = c.oid
            UNION ALL SELECT stxexprs FROM pg_catalog.pg_statistic_ext WHERE stxrelid = c.oid
          ) AS folded WHERE e IS NOT NULL AND c.oid >= 16384),
    ARRAY(SELECT inhrelid::int8 FROM pg_catalog.pg_inherits WHERE inhparent = c.oid),
    ARRAY(SELECT DISTINCT atttypid::int8 FROM pg_catalog.pg_attribute
          WHERE attrelid = c.oid AND NOT attisdropped
            AND (atttypid >= 16384 AND c.oid >= 16384 OR atttypid IN (SELECT oid FROM handled))),
    c.reltype::int8,
    EXISTS (SELECT FROM pg_catalog.pg_rewrite
            WHERE ev_class = c.oid AND rulename <> '_RETURN' AND c.oid >= 16384),
    ARRAY(SELECT DISTINCT p.amproc::oid::int8 FROM (
            SELECT unnest(indclass::oid[]) FROM pg_catalog.pg_index WHERE indrelid = c.oid
            UNION ALL SELECT unnest(partclass::oid[]) FROM pg_catalog.pg_partitioned_table
            WHERE partrelid = c.oid
          ) AS used (opclass)
          JOIN pg_catalog.pg_opclass k ON k.oid = used.opclass
          JOIN pg_catalog.pg_amproc p ON p.amprocfamily = k.opcfamily
          WHERE p.amproc::oid >= 16384))::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind NOT IN ('i', 'I') AND n.nspname NOT LIKE 'pg\\_temp\\_%'"""  # noqa: S608 - of constants

_OPERATORS: Final = f"""SELECT pg_catalog.json_build_array(
    o.oid::int8, n.nspname, o.oprname, o.oprleft <> 0,
    ARRAY(SELECT f::int8 FROM unnest(ARRAY[o.oprcode, o.oprrest, o.oprjoin]::oid[]) f WHERE f <> 0)
    || CASE WHEN greatest(o.oid, o.oprnegate, o.oprcom) >= 16384
            THEN ARRAY({_BEYOND.format(oid="o.oid")}) ELSE '{{}}' END)::text
FROM pg_catalog.pg_operator o
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace"""  # noqa: S608 - of constants

_CASTS: Final = """SELECT pg_catalog.json_build_array(
    castsource::int8, casttarget::int8, castfunc::int8, castcontext = 'i')::text
FROM pg_catalog.pg_cast WHERE oid >= 16384
    OR castfunc IN (SELECT p.oid FROM pg_catalog.pg_proc p
                    JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE l.lanname = 'sql')"""

_TYPES: Final = f"""{_ENTERED}SELECT pg_catalog.json_build_array(
    t.oid::int8, n.nspname, t.typname,
    ARRAY(SELECT DISTINCT f::int8 FROM (
            SELECT unnest(ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout,
                                t.typsubscript]::oid[])
            UNION ALL SELECT unnest(ARRAY[rngcanonical, rngsubdiff]::oid[])
            FROM pg_catalog.pg_range WHERE rngtypid = t.oid
            UNION ALL SELECT p.amproc::oid FROM pg_catalog.pg_range r
            JOIN pg_catalog.pg_opclass k ON k.oid = r.rngsubopc
            JOIN pg_catalog.pg_amproc p ON p.amprocfamily = k.opcfamily
            WHERE t.oid IN (r.rngtypid, r.rngmultitypid)
            UNION ALL SELECT p.amproc::oid FROM pg_catalog.pg_opclass k
            JOIN pg_catalog.pg_amproc p ON p.amprocfamily = k.opcfamily WHERE k.opcintype = t.oid
            UNION ALL SELECT r.oprcode::oid FROM pg_catalog.pg_opclass k
            JOIN pg_catalog.pg_amop a ON a.amopfamily = k.opcfamily
            JOIN pg_catalog.pg_operator r ON r.oid = a.amopopr WHERE k.opcintype = t.oid
          ) AS called (f) WHERE f <> 0 AND t.oid >= 16384
          UNION SELECT f::int8 FROM unnest(ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin,
                                                 t.typmodout, t.typsubscript]::oid[]) f
          WHERE f >= 16384 AND t.oid < 16384
          UNION SELECT p.amproc::oid::int8 FROM pg_catalog.pg_opclass k
          JOIN pg_catalog.pg_am m ON m.oid = k.opcmethod AND m.amname IN ('btree', 'hash')
          JOIN pg_catalog.pg_amproc p ON p.amprocfamily = k.opcfamily AND p.amproc::oid >= 16384
           AND p.amproclefttype < 16384 AND p.amprocrighttype < 16384
          WHERE k.opcintype = t.oid AND k.opcdefault AND t.oid < 16384
          UNION SELECT r.oprcode::oid::int8 FROM pg_catalog.pg_opclass k
          JOIN pg_catalog.pg_am m ON m.oid = k.opcmethod AND m.amname IN ('btree', 'hash')
          JOIN pg_catalog.pg_amop a ON a.amopfamily = k.opcfamily
           AND a.amoplefttype < 16384 AND a.amoprighttype < 16384
          JOIN pg_catalog.pg_operator r ON r.oid = a.amopopr AND r.oprcode::oid >= 16384
          WHERE k.opcintype = t.oid AND k.opcdefault AND t.oid < 16384),
    ARRAY(SELECT DISTINCT part::int8 FROM (
            SELECT unnest(ARRAY[t.typbasetype, t.typelem])
            UNION ALL SELECT rngsubtype FROM pg_catalog.pg_range WHERE t.oid IN (rngtypid, rngmultitypid)
            UNION ALL SELECT atttypid FROM pg_catalog.pg_attribute WHERE attrelid = t.typrelid AND attnum > 0
            UNION ALL SELECT casttarget FROM pg_catalog.pg_cast
            WHERE castsource = t.oid AND castmethod = 'b' AND castsource < 16384
          ) AS parts (part) WHERE part >= 16384 AND t.oid >= 16384 OR part IN (SELECT oid FROM handled)),
    ARRAY(SELECT pg_catalog.pg_get_expr(conbin, 0) FROM pg_catalog.pg_constraint
          WHERE contypid = t.oid AND conbin IS NOT NULL),
    t.oid IN (SELECT oid FROM entered) AND (t.typtype <> 'b' OR t.typcategory = 'A' OR t.typname IN (
        'text', 'name', 'bool', 'bit', 'int4', 'int8', 'numeric', 'date', 'time', 'timetz', 'timestamp',
        'timestamptz', 'jsonb')))::text
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type element ON element.oid = t.typelem
LEFT JOIN pg_catalog.pg_class c ON c.oid IN (t.typrelid, element.typrelid) AND c.oid <> 0
WHERE coalesce(c.relkind, 'c') = 'c'"""  # noqa: S608 - of constants

QUERIES: Final[Mapping[str, str]] = {
    "functions": _FUNCTIONS,
    "relations": _RELATIONS,
    "operators": _OPERATORS,
    "casts": _CASTS,
    "types": _TYPES,
}
"""Name → query, each to be run as the role that will run the session's statements."""


def rows(version: int, answers: Mapping[str, Iterable[str | bytes]]) -> Rows:
    """Turn the answers into typed rows.

    Args:
        version: ``server_version_num``.
        answers: for each of ``QUERIES``, its rows' only column.

    Raises:
        msgspec.ValidationError: the answers are not those of the queries.
    """

    def decode(name: str, kind: type) -> tuple[object, ...]:
        return tuple(msgspec.json.decode(row, type=kind) for row in answers[name])

    return Rows(
        version,
        decode("functions", Function),  # type: ignore[arg-type]
        decode("relations", Relation),  # type: ignore[arg-type]
        decode("operators", Operator),  # type: ignore[arg-type]
        decode("casts", Cast),  # type: ignore[arg-type]
        decode("types", Type),  # type: ignore[arg-type]
    )


def snapshot(version: int, answers: Mapping[str, Iterable[str | bytes]], *, epoch: int) -> Snapshot:
    """Make an endpoint's snapshot of the answers to ``QUERIES``; see :func:`rows`."""
    read = rows(version, answers)
    return Snapshot(replace(read, functions=marked(read.functions)), epoch=epoch)
