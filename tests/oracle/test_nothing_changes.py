"""Every statement that the judge allows is run where it could write, and changes nothing."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from corpora import cases
from oracles import Oracle, Session, own, read_snapshot, run, world

from gateway.domain.verdict import Decision
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import SqlContext, judge
from gateway.judge.postgres.builtin import builtin

LEAVES_TRANSACTION = re.compile(
    r"\b(begin|start\s+transaction|commit|end|rollback|abort|savepoint|release|discard|prepare\s+transaction"
    r"|set\s+transaction\s+snapshot)\b",
    re.IGNORECASE,
)


def fresh(session: Session) -> None:
    session.pgconn.exec_(b"ROLLBACK")
    session.pgconn.exec_(b"DISCARD ALL")
    session.pgconn.exec_(b"SET client_encoding = 'UTF8'")


async def test_what_is_allowed_changes_nothing(oracle: Oracle, writer: Session, witness: Session) -> None:
    before = world(witness)
    clean = own(writer)
    outcomes: Counter[bool] = Counter()
    changed = []
    for case in cases("postgres"):
        if case.verdict != "allow" or "pg_sleep" in case.text:
            continue
        text = case.text.replace("$1", "NULL").replace("$2", "NULL")
        inside = not LEAVES_TRANSACTION.search(text)
        if inside:
            run(writer, "BEGIN READ WRITE")
        ran = run(writer, text)
        outcomes[ran] += 1
        if ran and inside and own(writer) != clean:
            changed.append(f"{case.place}: {own(writer)}")
        run(writer, "COMMIT")
        fresh(writer)
        after = world(witness)
        if after != before:
            changed.append(f"{case.place}: {set(after) ^ set(before)}\n  {case.text}")
            before = after
    assert not changed, "\n".join(changed)
    assert outcomes[True] > 3 * outcomes[False], outcomes


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t (id) VALUES (1)",
        "UPDATE t SET a = 2",
        "SELECT nextval('s_seq')",
        "SELECT lo_create(0)",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_current_xact_id()",
        "SELECT * FROM t FOR UPDATE",
        "LISTEN x",
        "LOCK TABLE t IN SHARE MODE",
        "CREATE TEMP TABLE x (a int)",
        "SELECT pg_notify('a', 'b')",
        "SELECT pg_logical_emit_message(true, 'a', 'b')",
    ],
)
async def test_the_oracle_sees_what_writes(oracle: Oracle, witness: Session, text: str) -> None:
    """Otherwise the test above would prove nothing."""
    before = world(witness)
    with oracle.connect("sample") as session:
        clean = own(session)
        run(session, "BEGIN READ WRITE")
        assert run(session, text)
        left = own(session)
        run(session, "COMMIT")
        assert left != clean or world(witness) != before


SAMPLES = {
    "text": "'x'",
    "int4": "1",
    "int8": "1",
    "int2": "1::int2",
    "float8": "1.5",
    "float4": "1.5",
    "numeric": "1.5",
    "bool": "true",
    "bytea": "'x'",
    "name": "'x'",
    "regclass": "'orders'",
    "oid": "1",
    "timestamptz": "now()",
    "timestamp": "'2024-01-01'",
    "date": "'2024-01-01'",
    "time": "'12:00'",
    "interval": "'1 s'",
    "jsonb": "'{\"a\": 1}'",
    "json": "'{\"a\": 1}'",
    "_text": "'{a}'",
    "_int4": "'{1}'",
    "inet": "'1.2.3.4'",
    "cidr": "'1.2.3.0/24'",
    "tsvector": "'a'",
    "tsquery": "'a'",
    "xml": "'<a/>'",
    "uuid": "gen_random_uuid()",
    "point": "'(1,2)'",
    "box": "'(1,2),(3,4)'",
    "circle": "'<(1,2),3>'",
    "path": "'((1,2),(3,4))'",
    "polygon": "'((1,2),(3,4),(5,6))'",
    "lseg": "'[(1,2),(3,4)]'",
    "line": "'{1,2,3}'",
    "varbit": "B'1'",
    "bit": "B'1'",
    "money": "'1'",
    "char": "'x'",
    "pg_lsn": "'0/1'",
    "xid": "'1'",
    "xid8": "'1'",
    "regproc": "'now'",
    "regtype": "'int4'",
    "jsonpath": "'$.a'",
    "int4range": "'[1,2)'",
    "anyrange": "int4range(1, 2)",
    "anyarray": "'{1}'::int[]",
    "anyelement": "1",
    "anynonarray": "1",
    "anycompatible": "1",
    "anycompatiblearray": "'{1}'::int[]",
    "any": "1",
    "record": "row(1)",
    "anymultirange": "int4multirange(int4range(1, 2))",
    "macaddr": "'08:00:2b:01:02:03'",
    "regconfig": "'english'",
    "regdictionary": "'simple'",
    "bpchar": "'x'",
    "varchar": "'x'",
    "timetz": "'12:00'",
    "regnamespace": "'public'",
    "regprocedure": "'lower(text)'",
    "cstring": "'1'::cstring",
    "txid_snapshot": "'1:2:'",
    "pg_snapshot": "'1:2:'",
}


async def test_every_built_in_that_is_allowed_changes_nothing(oracle: Oracle, witness: Session) -> None:
    """As a superuser, who could do anything, under the server's own catalogue."""
    with oracle.connect("sample") as session:
        context = SqlContext(read_snapshot(session), load_postgres(), role=session.info.user)
        calls = session.execute(
            "SELECT p.proname, ARRAY(SELECT t.typname FROM unnest(p.proargtypes) WITH ORDINALITY a (oid, n) "
            "JOIN pg_type t ON t.oid = a.oid ORDER BY n), p.provariadic <> 0 FROM pg_proc p "
            "WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind IN ('f', 'a') "
            "AND NOT 'internal'::regtype = ANY (proargtypes) AND proname !~ 'pg_sleep'"
        ).fetchall()
        before = world(witness)
        clean = own(session)
        outcomes: Counter[bool] = Counter()
        changed = []
        for name, types, variadic in calls:
            arguments = [SAMPLES.get(each, f'NULL::"{each}"') for each in types]
            if variadic:
                arguments[-1] = f"VARIADIC ARRAY[{SAMPLES.get(types[-1].removeprefix('_'), '1')}]"
            text = f'SELECT pg_catalog."{name}"({", ".join(arguments)})'
            if judge(text, context).verdict.decision is not Decision.ALLOW:
                continue
            run(session, "BEGIN READ WRITE")
            ran = run(session, text)
            outcomes[ran] += 1
            if ran and own(session) != clean:
                changed.append(f"{text}: {own(session)}")
            run(session, "COMMIT")
            if ran and world(witness) != before:
                changed.append(f"{text}: {set(world(witness)) ^ set(before)}")
                before = world(witness)
        assert not changed, "\n".join(changed)
        assert outcomes[True] > 1800, outcomes


async def test_the_built_in_snapshot_is_that_of_a_fresh_server(oracle: Oracle) -> None:
    """Where both know a function, they say the same of what bears on the verdict."""
    with oracle.connect("postgres") as session:
        theirs = read_snapshot(session)
    ours = builtin()
    for oid, function in theirs.functions_by_oid.items():
        other = ours.functions_by_oid.get(oid)
        if other is not None and other.name == function.name:
            assert (other.schema, other.kind) == (function.schema, function.kind)
