"""Refused units on their way into a draft: made ready, then joined to the draft that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.changes import journal, proposal, titles
from gateway.changes.capture import prepare
from gateway.changes.cluster.prepare import prepare_cluster
from gateway.changes.containers.prepare import prepare_containers
from gateway.changes.host.prepare import prepare_host
from gateway.changes.secret_lines import hide_unit
from gateway.changes.shown import one_line
from gateway.domain.change import ChangeState, ClusterCapture, ContainerCapture, HostCapture, SqlCapture
from gateway.domain.errors import Conflict
from gateway.domain.ids import SessionId
from gateway.domain.production import ReadCluster, ReadDatabase, ReadEngine, ReadHost
from gateway.store import drafts
from gateway.store.drafts import NewUnit

if TYPE_CHECKING:
    from gateway.changes.cluster.prepare import PreparedObjects
    from gateway.changes.containers.prepare import PreparedContainers
    from gateway.changes.flow import SessionFacts
    from gateway.changes.host.prepare import PreparedHost
    from gateway.domain.change import Capture, ChangeKind
    from gateway.domain.endpoint import Repository
    from gateway.domain.ids import ChangeId, EndpointId, IdentityId, UnitNumber
    from gateway.domain.production import ReadProduction
    from gateway.store.pool import Connection

MAX_DRAFTS = 200
"""Open drafts of one author for one endpoint: a script run by mistake fills no store."""
MAX_UNITS = 500
"""Units of one draft."""
_MAX_TITLE = 80


@dataclass(frozen=True, slots=True)
class Target:
    """For whom and what a draft is made.

    Attributes:
        author: who typed it.
        author_name: their login name.
        endpoint: what it would change.
        endpoint_name: its name.
        repository: where the endpoint's changes go; None where it names none.
        kind: of artifact.
    """

    author: IdentityId
    author_name: str
    endpoint: EndpointId
    endpoint_name: str
    repository: Repository | None
    kind: ChangeKind


async def ready_unit(
    facts: SessionFacts, capture: Capture, number: UnitNumber, production: ReadProduction, rule: str
) -> NewUnit:
    """Return a refused unit ready to be stored.

    Raises:
        InvalidInput: it is too large for a change request.
        TypeError: the door's reads of production are of another kind than its capture.
    """
    match capture, production:
        case SqlCapture(), ReadDatabase():
            return await _statement(facts, capture, number, production, rule)
        case HostCapture(), ReadHost():
            return _unit(facts, capture, number, await prepare_host(capture, production), rule)
        case ContainerCapture(), ReadEngine():
            prepared = await prepare_containers(capture, production)
            return _unit(facts, capture, number, prepared, rule)
        case ClusterCapture(), ReadCluster():
            return _unit(facts, capture, number, await prepare_cluster(capture, production), rule)
        case _:
            raise TypeError(f"{type(production).__name__} can't read what {type(capture).__name__} needs")


def _unit(
    facts: SessionFacts,
    capture: HostCapture | ContainerCapture | ClusterCapture,
    number: UnitNumber,
    prepared: PreparedHost | PreparedContainers | PreparedObjects,
    rule: str,
) -> NewUnit:
    """Return a refused command on a host, or request to a container engine or a cluster."""
    return NewUnit(
        session=facts.session,
        number=number,
        batch=capture.batch,
        grant=facts.grant,
        grant_reason=facts.grant_reason,
        level=facts.level,
        title=one_line(hide_unit(capture.title), _MAX_TITLE) or "change",
        text=prepared.text,
        literals=None,
        parts=prepared.parts,
        secrets=(),
        database="",
        context="",
        rule=rule,
        tables=prepared.touched,
        rows=None,
        fingerprint=prepared.fingerprint,
    )


async def _statement(
    facts: SessionFacts, capture: SqlCapture, number: UnitNumber, production: ReadDatabase, rule: str
) -> NewUnit:
    """Return a refused statement of SQL."""
    prepared = await prepare(capture, facts.session, number, production)
    title = titles.title(capture.title, (part.text for part in prepared.parts if part.runnable))
    return NewUnit(
        session=facts.session,
        number=number,
        batch=capture.batch,
        grant=facts.grant,
        grant_reason=facts.grant_reason,
        level=facts.level,
        title=one_line(title, _MAX_TITLE) or "change",
        text=prepared.text,
        literals=prepared.literals,
        parts=proposal.encode_parts(prepared.parts),
        secrets=prepared.secrets,
        database=capture.database,
        context=capture.context,
        rule=rule,
        tables=capture.tables,
        rows=prepared.rows,
        fingerprint=prepared.fingerprint,
    )


async def put_into_draft(conn: Connection, target: Target, unit: NewUnit) -> tuple[ChangeId, bool]:
    """Put a unit into its transaction's draft, into the one that holds it already, or into a new one.

    Args:
        conn: inside a transaction.
        target: for whom and what.
        unit: ready to be stored.

    Returns:
        The draft, and whether it was there before.

    Raises:
        Conflict: the author has too many drafts open, or too much in this one.
    """
    await drafts.lock_drafts(conn, target.author, target.endpoint)
    session = SessionId(unit.session)
    change = await drafts.draft_of_batch(conn, session, unit.batch) or await drafts.draft_with(
        conn, target.author, target.endpoint, unit.database, unit.fingerprint
    )
    joined = change is not None
    if change is None:
        change = await _new_draft(conn, target, unit)
    elif await drafts.count_units(conn, change, but=unit.fingerprint) >= MAX_UNITS:
        raise Conflict(
            f"change request {change} holds {MAX_UNITS} statements already; write the rest into a file"
        )
    if await drafts.add_unit(conn, change, unit):
        why = f"session {unit.session}, unit {unit.number}: {unit.title}"
        by = target.author_name
        await journal.tell(conn, change, ChangeState.DRAFT, by=by, why=why, pages=not joined)
    return change, joined


async def _new_draft(conn: Connection, target: Target, unit: NewUnit) -> ChangeId:
    if await drafts.count_drafts(conn, target.author, target.endpoint) >= MAX_DRAFTS:
        raise Conflict(
            f"{one_line(target.author_name, 100)} has {MAX_DRAFTS} open drafts for this endpoint",
            hint="submit or withdraw some: glassgate changes --mine --state draft",
        )
    return await drafts.create_draft(
        conn,
        endpoint=target.endpoint,
        endpoint_name=target.endpoint_name,
        author=target.author,
        author_name=target.author_name,
        kind=target.kind,
        title=unit.title,
        database=unit.database,
        repository=target.repository,
    )
