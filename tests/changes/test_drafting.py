from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from changes.shop import ProductionPort, capture, unit

from gateway.changes.drafting import MAX_DRAFTS, MAX_UNITS
from gateway.domain.errors import Conflict

if TYPE_CHECKING:
    from gateway.changes.flow import Changes, SessionFacts
    from gateway.store.pool import Store


async def test_a_script_run_by_mistake_fills_no_store(
    changes: Changes, facts: SessionFacts, store: Store
) -> None:
    first = await changes.file(facts, capture("DELETE FROM t", batch=1), unit(1), ProductionPort())
    async with store.transaction() as conn:
        await conn.execute(
            """INSERT INTO changes (endpoint_id, endpoint, author_id, author, kind, title, database)
               SELECT endpoint_id, endpoint, author_id, author, kind, title, database
               FROM changes, generate_series(2, $1)""",
            MAX_DRAFTS,
        )
        await conn.execute(
            """INSERT INTO change_units
                   (change_id, fingerprint, session_id, number, title, text, parts, secrets, database,
                    context, rule, tables)
               SELECT change_id, sha256(n::text::bytea), session_id, number, title, text, parts, secrets,
                      database, context, rule, tables
               FROM change_units, generate_series(2, $1) AS n""",
            MAX_UNITS,
        )
    with pytest.raises(Conflict, match=f"{MAX_DRAFTS} open drafts"):
        await changes.file(facts, capture("DELETE FROM u"), unit(2), ProductionPort())
    with pytest.raises(Conflict, match=f"holds {MAX_UNITS} statements"):
        await changes.file(facts, capture("DELETE FROM u", batch=1), unit(3), ProductionPort())
    again = await changes.file(facts, capture("DELETE FROM t"), unit(4), ProductionPort())
    assert again.change == first.change
