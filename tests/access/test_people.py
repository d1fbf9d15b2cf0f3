from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.access.people import People
from gateway.domain.access import GrantState, RequestState
from gateway.domain.errors import AuthenticationFailed, Conflict, InvalidInput, NotAuthorised, NotFound
from gateway.domain.identity import DatabaseTokenEvidence, IdentityKind, PasswordEvidence
from gateway.domain.secret import Secret
from gateway.store.pool import Store

HOUR = timedelta(hours=1)


async def test_the_first_administrator_is_made_once_whoever_starts_first(gate, fresh_store_dsn) -> None:
    async with await Store.open(fresh_store_dsn) as other:
        elsewhere = People(other, gate.policy, gate.passwords)
        async with asyncio.TaskGroup() as group:
            made = [group.create_task(each.first_administrator()) for each in (gate.people, elsewhere)]
    printed = [task.result() for task in made if task.result() is not None]
    assert len(printed) == 1
    assert await gate.people.first_administrator() is None


async def test_the_printed_password_serves_once(gate) -> None:
    made = await gate.people.first_administrator()
    assert made is not None
    name, password = made
    evidence = PasswordEvidence(name, password, "127.0.0.1")
    issued = await gate.authenticator.login(evidence)
    assert issued.change_password
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.login(evidence)
    await gate.people.set_password(issued.identity, name, Secret("of their own"))
    again = await gate.authenticator.login(PasswordEvidence(name, Secret("of their own"), "127.0.0.1"))
    assert not again.change_password


async def test_two_logins_with_the_printed_password_at_once_let_one_in(gate) -> None:
    made = await gate.people.first_administrator()
    assert made is not None
    evidence = PasswordEvidence(*made, "127.0.0.1")

    async def login() -> bool:
        try:
            await gate.authenticator.login(evidence)
        except AuthenticationFailed:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(login()) for _ in range(3)]
    assert sum(task.result() for task in tries) == 1


async def test_who_lost_the_way_in_gets_a_new_password_at_the_next_start(gate) -> None:
    first = await gate.people.first_administrator()
    assert first is not None
    issued = await gate.authenticator.login(PasswordEvidence(*first, "127.0.0.1"))
    assert await gate.people.first_administrator() is None
    await gate.tokens.logout(issued.identity)
    second = await gate.people.first_administrator()
    assert second is not None
    assert second != first
    assert (await gate.authenticator.login(PasswordEvidence(*second, "127.0.0.1"))).change_password


async def test_letting_an_administrator_in_makes_nobody_else_one(gate, admin) -> None:
    await gate.person(admin, "boss", "administrator")
    await gate.people.remove(await gate.login("boss"), "admin")
    namesake = await gate.person(await gate.login("boss"), "admin", "engineer")
    async with gate.store.connection() as conn:
        await conn.execute("UPDATE people SET password = NULL WHERE name = 'boss'")
        await conn.execute("UPDATE tokens SET revoked_at = now() WHERE person_id <> $1", namesake.id)
    made = await gate.people.first_administrator()
    assert made is not None
    assert made[0] == "boss"
    async with gate.store.connection() as conn:
        await conn.execute("DELETE FROM person_roles WHERE role = 'administrator'")
    made = await gate.people.first_administrator()
    assert made is not None
    assert made[0] == "admin-2"
    assert (await gate.people.get(namesake, "admin")).roles == {"engineer"}


async def test_only_administrators_add_people(gate, admin, engineer) -> None:
    with pytest.raises(NotAuthorised):
        await gate.people.add(engineer, "friend")
    with pytest.raises(NotAuthorised):
        await gate.people.list(engineer)
    added = await gate.people.add(admin, "bot", kind=IdentityKind.AGENT, roles=["engineer", "engineer"])
    assert (added.kind, added.roles, added.has_password) == (IdentityKind.AGENT, {"engineer"}, False)
    assert [person.name for person in await gate.people.list(admin)] == ["admin", "bot", "engineer"]
    with pytest.raises(Conflict, match="bot exists already"):
        await gate.people.add(admin, "bot")


@pytest.mark.parametrize(
    "members",
    [
        {"name": "a+b"},
        {"name": "Anna"},
        {"name": ""},
        {"name": "x" * 64},
        {"name": "anna\x00"},
        {"name": "anna", "email": "anna@"},
        {"name": "anna", "email": "anna@example.com\n"},
        {"name": "anna", "display_name": "An\u202ena"},
        {"name": "anna", "password": Secret("short")},
        {"name": "anna", "roles": ["enginer"]},
    ],
)
async def test_what_can_not_be_added(gate, admin, members) -> None:
    with pytest.raises(InvalidInput):
        await gate.people.add(admin, **members)


async def test_removing_somebody_takes_all_they_have(gate, admin, engineer, approver, orders) -> None:
    taken = await gate.taken(engineer, approver, orders)
    waiting = await gate.requests.file(engineer, "orders-db", HOUR, "INC-2")
    token = await gate.tokens.database(engineer)
    await gate.people.remove(admin, "engineer")
    assert await gate.grants.renew([taken.id]) == {}
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.authenticate(DatabaseTokenEvidence("engineer", token.secret, "10.0.0.1"))
    with pytest.raises(AuthenticationFailed):
        await gate.login("engineer")
    with pytest.raises(NotAuthorised):
        await gate.grants.take(engineer, orders)
    view = await gate.requests.get(approver, waiting.id)
    assert (view.request.state, view.request.decision) == (RequestState.WITHDRAWN, "engineer was removed")
    (row,) = await gate.grants.list(approver, live=False)
    assert (row.state, row.closed_by, row.closed_why) == (
        GrantState.REVOKED,
        "admin",
        "engineer was removed",
    )
    assert (await gate.leaves())[-1] == (await gate.events())[-1] == "access.person-removed"
    with pytest.raises(NotFound):
        await gate.people.remove(admin, "engineer")


async def test_a_name_can_be_given_again_and_inherits_nothing(
    gate, admin, engineer, approver, orders
) -> None:
    await gate.approved(engineer, approver, orders)
    await gate.people.remove(admin, "engineer")
    anew = await gate.person(admin, "engineer", "engineer")
    assert anew.id != engineer.id
    with pytest.raises(NotAuthorised):
        await gate.grants.take(anew, orders)
    assert list(await gate.grants.list(anew, live=False)) == []


async def test_losing_the_role_ends_the_grants_that_it_carried(
    gate, admin, engineer, approver, orders
) -> None:
    taken = await gate.taken(engineer, approver, orders)
    await gate.people.give_role(admin, "engineer", "reviewer")
    await gate.people.take_role(admin, "engineer", "reviewer")
    assert set(await gate.grants.renew([taken.id])) == {taken.id}
    await gate.people.take_role(admin, "engineer", "engineer")
    assert await gate.grants.renew([taken.id]) == {}
    (row,) = await gate.grants.list(approver, live=False)
    assert (row.state, row.closed_why) == (GrantState.REVOKED, "engineer lost the role engineer")


async def test_what_a_role_approved_by_itself_goes_with_that_role(gate, admin, orders) -> None:
    oncall = await gate.person(admin, "oncall", "on-call", "engineer")
    await gate.requests.file(oncall, "orders-db", HOUR, "INC-1")
    taken = await gate.grants.take(oncall, orders)
    await gate.people.take_role(admin, "oncall", "on-call")
    assert await gate.grants.renew([taken.id]) == {}


async def test_an_approval_counts_only_while_its_giver_may_approve(
    gate, admin, engineer, approver, orders, policies
) -> None:
    text = (policies / "access.toml").read_text()
    (policies / "access.toml").write_text(text.replace("approvers = 1                  #", "approvers = 2 #"))
    await gate.policy.reload()
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-1")
    await gate.requests.approve(approver, request.id)
    await gate.people.take_role(admin, "approver", "approver")
    after = await gate.requests.approve(admin, request.id)
    assert (after.state, after.approvals) == (RequestState.PENDING, ("admin",))


async def test_somebody_can_always_administer(gate, admin) -> None:
    with pytest.raises(Conflict, match="nobody could administer"):
        await gate.people.remove(admin, "admin")
    with pytest.raises(Conflict, match="nobody could administer"):
        await gate.people.take_role(admin, "admin", "administrator")
    await gate.person(admin, "second", "administrator")
    await gate.people.take_role(admin, "admin", "administrator")


async def test_two_administrators_can_not_remove_each_other_at_once(gate, admin) -> None:
    second = await gate.person(admin, "second", "administrator")

    async def remove(by, name: str) -> bool:
        try:
            await gate.people.remove(by, name)
        except Conflict:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        tries = [
            group.create_task(remove(admin, "second")),
            group.create_task(remove(second, "admin")),
        ]
    assert sorted(task.result() for task in tries) == [False, True]


async def test_a_new_password_ends_the_other_logins(gate, engineer) -> None:
    token = await gate.tokens.database(engineer)
    other = await gate.login("engineer")
    await gate.people.set_password(other, "engineer", Secret("another password"))
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.authenticate(DatabaseTokenEvidence("engineer", token.secret, "10.0.0.1"))
    with pytest.raises(AuthenticationFailed):
        await gate.login("engineer")
    assert (await gate.login("engineer", "another password")).name == "engineer"
    assert await gate.tokens.database(other)


async def test_nobody_sets_anothers_password_without_administering(gate, admin, engineer, approver) -> None:
    with pytest.raises(NotAuthorised):
        await gate.people.set_password(engineer, "approver", Secret("a password"))
    await gate.people.set_password(admin, "approver", Secret("given by admin"))
    assert (await gate.events())[-1] == "access.password-set"
    assert (await gate.login("approver", "given by admin")).name == "approver"
