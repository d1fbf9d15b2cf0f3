from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.access.grants import Grants
from gateway.domain.access import GrantState
from gateway.domain.errors import Conflict, InvalidInput, NotAuthorised, NotFound
from gateway.domain.identity import DatabaseTokenEvidence
from gateway.domain.ids import GrantId
from gateway.store.notify import GRANTS
from gateway.store.pool import Store

MINUTES = timedelta(minutes=1)


async def age(gate, statement: str, *args) -> None:
    """Let time pass in the store, whose clock decides."""
    async with gate.store.connection() as conn:
        await conn.execute(statement, *args)


async def test_an_approved_request_becomes_a_grant_whose_clock_starts_at_the_first_connection(
    gate, engineer, approver, orders
) -> None:
    made = await gate.approved(engineer, approver, orders)
    (held,) = await gate.grants.list(engineer)
    assert (held.id, held.state, held.ends_at) == (made.grant, GrantState.READY, None)
    taken = await gate.grants.take(engineer, orders)
    assert taken.id == made.grant
    assert 3590 < taken.remaining <= 3600
    again = await gate.grants.take(engineer, orders)
    assert (again.id, again.ends_at) == (taken.id, taken.ends_at)
    assert again.remaining <= taken.remaining
    assert (await gate.leaves()).count("access.taken") == 1


async def test_without_a_grant_the_refusal_says_what_to_type(gate, engineer, orders) -> None:
    with pytest.raises(NotAuthorised) as refused:
        await gate.grants.take(engineer, orders)
    assert refused.value.message == "you hold no access to orders-db"
    assert refused.value.hint == 'glassgate request orders-db --for 1h --reason "…"'


async def test_a_database_token_is_told_the_same_as_a_login(gate, engineer, orders) -> None:
    token = await gate.tokens.database(engineer)
    by_token = await gate.authenticator.authenticate(
        DatabaseTokenEvidence("engineer", token.secret, "10.0.0.1")
    )
    assert by_token.scopes == {"connect", "request"}
    with pytest.raises(NotAuthorised) as refused:
        await gate.grants.take(by_token, orders)
    assert refused.value.hint.startswith("glassgate request orders-db")


async def test_a_waiting_request_is_named_in_the_refusal(gate, engineer, orders) -> None:
    request = await gate.requests.file(engineer, "orders-db", 30 * MINUTES, "INC-1: slow")
    with pytest.raises(NotAuthorised, match=f"your request {request.id} for orders-db still waits"):
        await gate.grants.take(engineer, orders)


async def test_an_unused_approval_lapses(gate, engineer, approver, orders) -> None:
    await gate.approved(engineer, approver, orders)
    await age(gate, "UPDATE grants SET use_by = now() - interval '1 second'")
    with pytest.raises(NotAuthorised):
        await gate.grants.take(engineer, orders)
    (row,) = await gate.grants.list(engineer, live=False)
    assert row.state is GrantState.LAPSED


async def test_a_grant_ends_absolutely(gate, engineer, approver, orders) -> None:
    taken = await gate.taken(engineer, approver, orders)
    await age(gate, "UPDATE grants SET started_at = now() - interval '2 h', ends_at = now() - interval '1 h'")
    assert await gate.grants.renew([taken.id]) == {}
    with pytest.raises(NotAuthorised):
        await gate.grants.take(engineer, orders)
    (row,) = await gate.grants.list(engineer, live=False)
    assert row.state is GrantState.ENDED


async def test_several_grants_on_one_endpoint_stand_beside_each_other(
    gate, engineer, approver, orders
) -> None:
    first = await gate.taken(engineer, approver, orders)
    second = await gate.approved(engineer, approver, orders)
    assert (await gate.grants.take(engineer, orders)).id == first.id
    states = {row.id: row.state for row in await gate.grants.list(engineer)}
    assert states == {first.id: GrantState.ACTIVE, second.grant: GrantState.READY}
    await age(gate, "UPDATE grants SET ends_at = now() + interval '20 s' WHERE id = $1", first.id)
    assert (await gate.grants.take(engineer, orders)).id == second.grant
    assert set(await gate.grants.renew([first.id, second.grant])) == {first.id, second.grant}
    await gate.grants.drop(engineer, GrantId(second.grant))
    assert set(await gate.grants.renew([first.id, second.grant])) == {first.id}


async def test_two_replicas_start_one_clock_once(gate, engineer, approver, orders, fresh_store_dsn) -> None:
    await gate.approved(engineer, approver, orders)
    async with await Store.open(fresh_store_dsn) as other:
        elsewhere = Grants(other, gate.policy)
        async with asyncio.TaskGroup() as group:
            takes = [
                group.create_task(grants.take(engineer, orders))
                for grants in (gate.grants, elsewhere, gate.grants, elsewhere)
            ]
    assert len({take.result().ends_at for take in takes}) == 1
    assert (await gate.leaves()).count("access.taken") == 1


async def test_renew_knows_nothing_of_what_was_never_taken(gate, engineer, approver, orders) -> None:
    made = await gate.approved(engineer, approver, orders)
    assert await gate.grants.renew([made.grant, GrantId(999)]) == {}
    assert await gate.grants.renew([]) == {}


async def test_dropping_is_for_ones_own(gate, engineer, approver, orders) -> None:
    taken = await gate.taken(engineer, approver, orders)
    with pytest.raises(NotFound):
        await gate.grants.drop(approver, taken.id)
    row = await gate.grants.drop(engineer, taken.id)
    assert (row.state, row.closed_by) == (GrantState.DROPPED, "engineer")
    assert await gate.grants.renew([taken.id]) == {}
    with pytest.raises(Conflict, match="dropped already"):
        await gate.grants.drop(engineer, taken.id)
    assert (await gate.leaves())[-1] == "access.dropped"


async def test_revoking_is_for_others_and_takes_policy_and_a_reason(
    gate, admin, engineer, approver, orders
) -> None:
    taken = await gate.taken(engineer, approver, orders)
    with pytest.raises(InvalidInput, match="reason is needed"):
        await gate.grants.revoke(approver, taken.id, " ")
    colleague = await gate.person(admin, "colleague", "engineer")
    with pytest.raises(NotFound):
        await gate.grants.revoke(colleague, taken.id, "why not")
    with pytest.raises(NotAuthorised) as own:
        await gate.grants.revoke(engineer, taken.id, "why not")
    assert own.value.hint == f"glassgate drop {taken.id}"
    row = await gate.grants.revoke(approver, taken.id, "the incident\nis over")
    assert (row.state, row.closed_by, row.closed_why) == (
        GrantState.REVOKED,
        "approver",
        "the incident is over",
    )
    assert await gate.grants.renew([taken.id]) == {}
    assert await gate.grants.closed_by([taken.id]) == {taken.id: ("approver", "the incident is over")}
    assert (await gate.leaves())[-1] == (await gate.events())[-1] == "access.revoked"


async def test_a_revocation_is_notified_at_once(gate, engineer, approver, orders) -> None:
    taken = await gate.taken(engineer, approver, orders)
    heard = asyncio.Event()
    listening = asyncio.Event()

    async def listen() -> None:
        async for _ in gate.store.listen(GRANTS):
            if listening.is_set():
                heard.set()
                return
            listening.set()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(listen())
        await listening.wait()
        await gate.grants.revoke(approver, taken.id, "enough")
        await asyncio.wait_for(heard.wait(), 1)


async def test_a_row_of_policy_that_goes_takes_the_grant_with_it(
    gate, engineer, approver, orders, policies
) -> None:
    taken = await gate.taken(engineer, approver, orders)
    rows = (policies / "policy.csv").read_text()
    (policies / "policy.csv").write_text(rows + "p, engineer, team=payments, connect, deny\n")
    await gate.policy.reload()
    assert await gate.grants.renew([taken.id]) == {}
    with pytest.raises(NotAuthorised):
        await gate.grants.take(engineer, orders)
    (policies / "policy.csv").write_text(rows)
    await gate.policy.reload()
    assert set(await gate.grants.renew([taken.id])) == {taken.id}


async def test_everyone_sees_their_own_grants_and_overseers_all(
    gate, admin, engineer, approver, orders
) -> None:
    taken = await gate.taken(engineer, approver, orders)
    colleague = await gate.person(admin, "colleague", "engineer")
    assert [row.id for row in await gate.grants.list(approver)] == [taken.id]
    assert list(await gate.grants.list(approver, mine=True)) == []
    assert list(await gate.grants.list(colleague)) == []
