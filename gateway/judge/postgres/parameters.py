"""Bind values: the server makes them of text or bytes by their types' own functions."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.domain.verdict import Verdict
from gateway.judge.postgres.analysis import unknown, worst
from gateway.judge.postgres.context import SqlContext
from gateway.judge.postgres.meanings import Kind
from gateway.judge.postgres.reach import Reach
from gateway.judge.postgres.snapshot import FIRST_USER_OID
from gateway.judge.postgres.walk import Walk


def judge_parameter_types(oids: Sequence[int], context: SqlContext) -> Verdict | None:
    """Judge the types that a client declares for its parameters; None where making values of them is a read.

    Types that it leaves open (oid 0) are told by the statement, and judged with it.

    Args:
        oids: type oids as declared, in order.
        context: what the statement is judged under.
    """
    snapshot = context.snapshot
    made = [oid for oid in oids if oid >= FIRST_USER_OID or oid in snapshot.handled]
    if not made:
        return None
    strange = [oid for oid in made if oid not in snapshot.types_by_oid]
    if strange:
        return unknown("type.unknown", f"There is no type with oid {strange[0]}.").verdict
    walk = Walk(context, context.search_paths)
    walk.reached.update({(Kind.INPUT, oid): snapshot.types_by_oid[oid].name for oid in made})
    issue = worst(Reach(context).judge(walk, context.search_paths))
    return issue.verdict if issue is not None else None
