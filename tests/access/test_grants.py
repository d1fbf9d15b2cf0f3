from __future__ import annotations

import pytest

from gateway.domain.errors import NotAuthorised


async def test_an_approved_request_becomes_a_grant_whose_clock_starts_at_the_first_connection(
    gate, engineer, approver, orders
) -> None:
    with pytest.raises(NotAuthorised) as refused:
        await gate.grants.take(engineer, orders)
    assert refused.value.hint == 'glassgate request orders-db --for 1h --reason "…"'
    made = await gate.approved(engineer, approver, orders)
    assert made.grant is not None
    (held,) = await gate.grants.list(engineer)
    assert (held.state.value, held.ends_at) == ("ready", None)
    taken = await gate.grants.take(engineer, orders)
    assert taken.id == made.grant
    assert 3590 < taken.remaining <= 3600
    again = await gate.grants.take(engineer, orders)
    assert (again.id, again.ends_at) == (taken.id, taken.ends_at)
    assert (await gate.leaves()).count("access.taken") == 1
