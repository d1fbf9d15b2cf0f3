"""The guards stand in the statements: whatever a caller checked before, the store decides."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.domain.access import GrantState, RequestState
from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import InvalidInput
from gateway.domain.identity import IdentityKind
from gateway.store import endpoints, grants, people, requests
from gateway.store.endpoints import Registration
from gateway.store.pool import Store

HOUR = timedelta(hours=1)


@pytest.fixture
async def store(store_dsn):
    async with await Store.open(store_dsn) as opened:
        yield opened


@pytest.fixture
async def cast(store):
    """Three people and an endpoint, whose names no other test uses."""
    async with store.transaction() as conn:
        number = await conn.fetchval("SELECT count(*) FROM people")
        numbers = [
            await people.add_person(
                conn, f"{who}{number}", kind=IdentityKind.PERSON, email="", display_name="", password=None
            )
            for who in ("anna", "ben", "cleo")
        ]
        registration = Registration(f"db{number}", EndpointKind.POSTGRES, {}, "h", 1, "u")
        return (*numbers, await endpoints.put_endpoint(conn, registration, b"sealed"))


async def filed(conn, person, endpoint, needed=1, lapses=HOUR, *, secrets=False):
    made = await requests.file_request(
        conn,
        person,
        endpoint.id,
        reason="r",
        duration=HOUR,
        secrets=secrets,
        needed=needed,
        lapses=lapses,
        most_pending=5,
    )
    assert made is not None
    return made


async def approve(conn, request, by, needed=1, *, without_secrets=False):
    return await requests.approve_request(
        conn,
        request,
        by,
        duration=None,
        without_secrets=without_secrets,
        note="",
        needed=needed,
        longest=HOUR,
    )


async def test_the_statement_refuses_ones_own_approval(store, cast) -> None:
    anna, ben, _, endpoint = cast
    async with store.transaction() as conn:
        request = await filed(conn, anna, endpoint)
        assert await approve(conn, request, anna) is None
        assert not await requests.deny_request(conn, request, anna, "no")
        assert not await requests.withdraw_request(conn, request, ben)
        approved = await approve(conn, request, ben)
    assert approved is not None
    assert approved.state is RequestState.APPROVED


async def test_the_table_refuses_what_the_statement_would_not(store, cast) -> None:
    anna, _, _, endpoint = cast
    async with store.transaction() as conn:
        request = await filed(conn, anna, endpoint)
    for wrong in (
        "UPDATE access_requests SET approver_ids = ARRAY[person_id] WHERE id = $1",
        "UPDATE access_requests SET state = 'approved' WHERE id = $1",
    ):
        with pytest.raises(InvalidInput):
            async with store.connection() as conn:
                await conn.execute(wrong, request)


async def test_one_person_counts_once_even_at_once(store, cast) -> None:
    anna, ben, cleo, endpoint = cast
    async with store.transaction() as conn:
        request = await filed(conn, anna, endpoint, needed=2)

    async def again():
        async with store.transaction() as conn:
            return await approve(conn, request, ben, needed=2)

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(again()) for _ in range(5)]
    counted = [task.result() for task in tries if task.result() is not None]
    assert [(each.state, each.approvals) for each in counted] == [(RequestState.PENDING, 1)]
    async with store.transaction() as conn:
        assert await grants.add_grant(conn, request, lapses=HOUR) is None
        last = await approve(conn, request, cleo, needed=2)
        assert last is not None
        assert last.state is RequestState.APPROVED
        assert await grants.add_grant(conn, request, lapses=HOUR) is not None
        assert await grants.add_grant(conn, request, lapses=HOUR) is None


async def test_the_gone_neither_ask_nor_approve(store, cast) -> None:
    anna, ben, cleo, endpoint = cast
    async with store.transaction() as conn:
        request = await filed(conn, anna, endpoint)
        await people.remove_person(conn, ben)
        assert await approve(conn, request, ben) is None
        await people.remove_person(conn, anna)
        assert await approve(conn, request, cleo) is None
        again = await requests.file_request(
            conn,
            anna,
            endpoint.id,
            reason="r",
            duration=HOUR,
            secrets=False,
            needed=1,
            lapses=HOUR,
            most_pending=5,
        )
        assert again is None


async def test_what_lapsed_is_not_approved(store, cast) -> None:
    anna, ben, _, endpoint = cast
    async with store.transaction() as conn:
        request = await filed(conn, anna, endpoint, lapses=timedelta(0))
        assert await approve(conn, request, ben) is None
        found = await requests.request_by_id(conn, request)
    assert found is not None
    assert found.state is RequestState.LAPSED


async def test_only_what_takes_no_approver_approves_itself(store, cast) -> None:
    anna, _, _, endpoint = cast
    async with store.transaction() as conn:
        takes_one = await filed(conn, anna, endpoint)
        takes_none = await filed(conn, anna, endpoint, needed=0)
        assert not await requests.approve_itself(conn, takes_one, duration=HOUR, words="")
        assert await requests.approve_itself(conn, takes_none, duration=HOUR, words="")


async def test_what_shows_secrets_never_approves_itself(store, cast) -> None:
    anna, ben, _, endpoint = cast
    async with store.transaction() as conn:
        request = await filed(conn, anna, endpoint, needed=0, secrets=True)
        assert not await requests.approve_itself(conn, request, duration=HOUR, words="")
        assert await approve(conn, request, ben) is not None


async def test_what_one_approver_leaves_out_no_other_brings_back(store, cast) -> None:
    anna, ben, cleo, endpoint = cast
    async with store.transaction() as conn:
        request = await filed(conn, anna, endpoint, needed=2, secrets=True)
        first = await approve(conn, request, ben, 2, without_secrets=True)
        second = await approve(conn, request, cleo, 2)
        assert first is not None
        assert second is not None
        assert (first.secrets, second.secrets, second.state) == (False, False, RequestState.APPROVED)
        await grants.add_grant(conn, request, lapses=HOUR)
        usable = await grants.usable_grant(conn, anna, endpoint.id, secrets=True)
    assert usable is not None
    assert not usable.secrets


async def test_leaving_out_what_was_not_asked_for_changes_nothing(store, cast) -> None:
    anna, ben, _, endpoint = cast
    async with store.transaction() as conn:
        request = await filed(conn, anna, endpoint)
        assert await approve(conn, request, ben, without_secrets=True) is not None
        found = await requests.request_by_id(conn, request)
    assert found is not None
    assert (found.secrets, found.secrets_left_out) == (False, False)


async def test_the_count_of_pending_holds_for_many_at_once(store, cast) -> None:
    anna, _, _, endpoint = cast

    async def file():
        async with store.transaction() as conn:
            return await requests.file_request(
                conn,
                anna,
                endpoint.id,
                reason="r",
                duration=HOUR,
                secrets=False,
                needed=1,
                lapses=HOUR,
                most_pending=3,
            )

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(file()) for _ in range(8)]
    assert len([task for task in tries if task.result() is not None]) == 3


async def test_a_closed_grant_neither_starts_nor_closes_again(store, cast) -> None:
    anna, ben, _, endpoint = cast
    async with store.transaction() as conn:
        request = await filed(conn, anna, endpoint)
        await approve(conn, request, ben)
        grant = await grants.add_grant(conn, request, lapses=HOUR)
        assert grant is not None
        closed = await grants.close_grants(conn, [grant], as_=GrantState.DROPPED, by="anna", why="")
        assert closed == [grant]
        assert await grants.start_grant(conn, grant) is None
        assert await grants.usable_grant(conn, anna, endpoint.id, secrets=True) is None
        assert await grants.close_grants(conn, [grant], as_=GrantState.REVOKED, by="ben", why="") == []
