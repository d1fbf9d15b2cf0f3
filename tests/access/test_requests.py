from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.access.requests import Requests
from gateway.domain.access import RequestState
from gateway.domain.errors import Conflict, InvalidInput, NotAuthorised, NotFound
from gateway.domain.identity import BearerEvidence, IdentityKind
from gateway.domain.ids import RequestId
from gateway.domain.secret import Secret
from gateway.store.pool import Store

HOUR = timedelta(hours=1)
HALF = timedelta(minutes=30)


async def rewrite(gate, policies, old: str, new: str) -> None:
    text = (policies / "access.toml").read_text()
    assert old in text
    (policies / "access.toml").write_text(text.replace(old, new))
    await gate.policy.reload()


async def test_filing_writes_down_and_pages(gate, engineer, orders) -> None:
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42:  checkout\tis slow")
    assert request.reason == "INC-42: checkout is slow"
    assert (request.state, request.needed, request.approvals) == (RequestState.PENDING, 1, ())
    assert (await gate.leaves())[-1] == (await gate.events())[-1] == "access.request-filed"


async def test_approving_makes_a_grant(gate, engineer, approver, orders) -> None:
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    approved = await gate.requests.approve(approver, request.id, note="go ahead")
    assert (approved.state, approved.approvals, approved.decision) == (
        RequestState.APPROVED,
        ("approver",),
        "go ahead",
    )
    (grant,) = await gate.grants.list(engineer)
    assert (grant.id, grant.duration, grant.reason) == (approved.grant, HOUR, "INC-42")
    assert (await gate.leaves())[-2:] == ["access.approved", "access.granted"]


async def test_an_approver_may_give_less_and_never_more(gate, engineer, approver, orders) -> None:
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    for wrong in (timedelta(hours=2), timedelta(0), timedelta(seconds=-5)):
        with pytest.raises(InvalidInput, match="1h was asked for"):
            await gate.requests.approve(approver, request.id, duration=wrong)
    await gate.requests.approve(approver, request.id, duration=HALF)
    taken = await gate.grants.take(engineer, orders)
    assert (taken.duration, taken.remaining <= 1800) == (HALF, True)


async def test_nobody_approves_or_denies_their_own_administrators_included(gate, admin, orders) -> None:
    request = await gate.requests.file(admin, "orders-db", HOUR, "INC-42")
    with pytest.raises(NotAuthorised, match="administrators included"):
        await gate.requests.approve(admin, request.id)
    with pytest.raises(NotAuthorised, match="administrators included"):
        await gate.requests.deny(admin, request.id, "no")


async def test_a_machine_token_decides_only_where_policy_and_its_scopes_say_so(
    gate, engineer, approver, orders, policies
) -> None:
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    shown = {}
    for scopes in ((), ("approve",), ("approve", "revoke"), ("review",)):
        made = await gate.tokens.machine(approver, label="bot", lives=HOUR, scopes=scopes)
        shown[scopes] = await gate.authenticator.authenticate(BearerEvidence(made.secret, "10.0.0.1"))
    for bot in shown.values():
        with pytest.raises((NotAuthorised, NotFound)):
            await gate.requests.approve(bot, request.id)
        with pytest.raises((NotAuthorised, NotFound)):
            await gate.requests.deny(bot, request.id, "no")
    with pytest.raises(NotAuthorised, match="login of one's own"):
        await gate.requests.approve(shown["approve",], request.id)

    await rewrite(gate, policies, "decide-by-token = false", "decide-by-token = true")
    for scopes in ((), ("review",)):
        with pytest.raises((NotAuthorised, NotFound)):
            await gate.requests.approve(shown[scopes], request.id)
    approved = await gate.requests.approve(shown["approve",], request.id)
    assert approved.approvals == ("approver",)


async def test_two_approvers_are_two_people(gate, admin, engineer, approver, orders, policies) -> None:
    await rewrite(gate, policies, "approvers = 1                  #", "approvers = 2 #")
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    first = await gate.requests.approve(approver, request.id)
    assert (first.state, first.needed, first.grant) == (RequestState.PENDING, 2, None)
    with pytest.raises(Conflict, match="it takes 2 different people"):
        await gate.requests.approve(approver, request.id)
    second = await gate.requests.approve(admin, request.id, duration=HALF)
    assert (second.state, second.approvals) == (RequestState.APPROVED, ("approver", "admin"))
    (grant,) = await gate.grants.list(engineer)
    assert grant.duration == HALF


async def test_replicas_that_approve_at_once_make_one_grant(
    gate, admin, engineer, approver, orders, policies, fresh_store_dsn
) -> None:
    await rewrite(gate, policies, "approvers = 1                  #", "approvers = 3 #")
    third = await gate.person(admin, "third", "approver")
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    async with await Store.open(fresh_store_dsn) as other:
        elsewhere = Requests(other, gate.policy)
        tries = [(at, who) for at in (gate.requests, elsewhere) for who in (approver, admin, third)]

        async def approve(at: Requests, who) -> bool:
            try:
                await at.approve(who, request.id)
            except Conflict:
                return False
            return True

        async with asyncio.TaskGroup() as group:
            won = [group.create_task(approve(*each)) for each in tries]
    assert sum(task.result() for task in won) == 3
    view = await gate.requests.get(engineer, request.id)
    assert view.request.state is RequestState.APPROVED
    assert set(view.request.approvals) == {"approver", "admin", "third"}
    assert len(await gate.grants.list(engineer)) == 1
    assert (await gate.leaves()).count("access.granted") == 1


async def test_policy_that_grew_stricter_holds_for_what_was_filed_before(
    gate, engineer, approver, orders, policies
) -> None:
    request = await gate.requests.file(engineer, "orders-db", timedelta(hours=4), "INC-42")
    await rewrite(gate, policies, 'longest = "8h"', 'longest = "2h"')
    await rewrite(gate, policies, "approvers = 1                  #", "approvers = 2 #")
    approved = await gate.requests.approve(approver, request.id)
    assert (approved.state, approved.needed) == (RequestState.PENDING, 2)
    await rewrite(gate, policies, "approvers = 2 #", "approvers = 1                  #")


async def test_nobody_gets_longer_than_policy_allows_by_then(
    gate, engineer, approver, orders, policies
) -> None:
    request = await gate.requests.file(engineer, "orders-db", timedelta(hours=4), "INC-42")
    await rewrite(gate, policies, 'longest = "8h"', 'longest = "2h"')
    await gate.requests.approve(approver, request.id)
    (grant,) = await gate.grants.list(engineer)
    assert grant.duration == timedelta(hours=2)


async def test_requests_that_approve_themselves(gate, admin, orders) -> None:
    oncall = await gate.person(admin, "oncall", "on-call")
    request = await gate.requests.file(oncall, "orders-db", HOUR, "INC-42: pager")
    assert (request.state, request.needed, request.approvals) == (RequestState.APPROVED, 0, ())
    assert request.decision == "approved itself: oncall has the role on-call"
    assert (await gate.grants.take(oncall, orders)).id == request.grant
    longer = await gate.requests.file(oncall, "orders-db", 2 * HOUR, "INC-42: pager")
    assert (longer.state, longer.needed) == (RequestState.PENDING, 1)
    assert "access.granted" in await gate.events()


async def test_a_reason_must_match_where_policy_says_so(gate, engineer, orders, policies) -> None:
    await rewrite(gate, policies, 'reason = ""  ', 'reason = "[A-Z]+-[0-9]+" ')
    await rewrite(gate, policies, 'reason-hint = ""  ', 'reason-hint = "begin with the ticket" ')
    with pytest.raises(InvalidInput) as refused:
        await gate.requests.file(engineer, "orders-db", HOUR, "just looking")
    assert refused.value.hint == "begin with the ticket"
    await gate.requests.file(engineer, "orders-db", HOUR, "INC-42: looking")


@pytest.mark.parametrize(
    ("duration", "reason", "says"),
    [
        (timedelta(hours=9), "INC-1", "nobody gets longer than 8h here"),
        (timedelta(seconds=3), "INC-1", "too short"),
        (timedelta(seconds=-3), "INC-1", "too short"),
        (HOUR, "", "a reason is needed"),
        (HOUR, "…", "a reason is needed"),
        (HOUR, "x" * 501, "501 characters"),
        (HOUR, "red \x1b[31m", "control character U\\+001B"),
        (HOUR, "right \u202e to left", "control character U\\+202E"),
        (HOUR, "nul \x00", "control character U\\+0000"),
    ],
)
async def test_what_can_not_be_asked(gate, engineer, orders, duration, reason, says) -> None:
    with pytest.raises(InvalidInput, match=says):
        await gate.requests.file(engineer, "orders-db", duration, reason)


async def test_what_is_not_there_and_what_may_not_be_known_answer_alike(
    gate, admin, engineer, orders
) -> None:
    nobody = await gate.person(admin, "nobody")
    with pytest.raises(NotFound) as unknown:
        await gate.requests.file(engineer, "payments-db", HOUR, "INC-1")
    with pytest.raises(NotFound) as hidden:
        await gate.requests.file(nobody, "orders-db", HOUR, "INC-1")
    assert unknown.value.message.replace("payments", "orders") == hidden.value.message
    assert unknown.value.hint == hidden.value.hint
    with pytest.raises(NotFound, match=r"^no endpoint that you may look at$"):
        await gate.requests.file(engineer, "x\x1b]0;", HOUR, "INC-1")


async def test_a_request_of_others_is_not_there_for_who_does_not_oversee_it(
    gate, admin, engineer, orders
) -> None:
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    colleague = await gate.person(admin, "colleague", "engineer")
    for call in (
        gate.requests.get(colleague, request.id),
        gate.requests.approve(colleague, request.id),
        gate.requests.deny(colleague, request.id, "no"),
        gate.requests.withdraw(colleague, request.id),
        gate.requests.get(colleague, RequestId(4711)),
    ):
        with pytest.raises(NotFound):
            await call
    assert list(await gate.requests.list(colleague)) == []
    reviewer = await gate.person(admin, "reviewer", "reviewer")
    assert (await gate.requests.get(reviewer, request.id)).request.id == request.id
    with pytest.raises(NotAuthorised, match="policy does not let reviewer decide on orders-db"):
        await gate.requests.approve(reviewer, request.id)


async def test_only_certain_roles_approve_where_policy_names_them(
    gate, admin, engineer, approver, orders, policies
) -> None:
    await rewrite(gate, policies, "approved-by = []  ", 'approved-by = ["administrator"]  ')
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    with pytest.raises(NotAuthorised):
        await gate.requests.approve(approver, request.id)
    assert not (await gate.requests.get(approver, request.id)).may_approve
    assert (await gate.requests.approve(admin, request.id)).state is RequestState.APPROVED


async def test_machines_do_not_approve(gate, admin, engineer, orders) -> None:
    await gate.people.add(
        admin, "bot", kind=IdentityKind.AGENT, password=Secret("a password"), roles=["approver"]
    )
    bot = await gate.login("bot")
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    with pytest.raises(NotAuthorised, match="by people"):
        await gate.requests.approve(bot, request.id)


async def test_denying_ends_it(gate, engineer, approver, orders) -> None:
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    denied = await gate.requests.deny(approver, request.id, "use the replica")
    assert (denied.state, denied.decision) == (RequestState.DENIED, "use the replica")
    with pytest.raises(Conflict, match="denied already"):
        await gate.requests.approve(approver, request.id)
    with pytest.raises(Conflict, match="denied already"):
        await gate.requests.withdraw(engineer, request.id)
    assert (await gate.leaves())[-1] == (await gate.events())[-1] == "access.denied"


async def test_withdrawing_is_for_ones_own(gate, engineer, approver, orders) -> None:
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    assert (await gate.requests.withdraw(engineer, request.id)).state is RequestState.WITHDRAWN
    with pytest.raises(Conflict, match="withdrawn already"):
        await gate.requests.approve(approver, request.id)


async def test_what_nobody_decides_lapses(gate, engineer, approver, orders) -> None:
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    async with gate.store.connection() as conn:
        await conn.execute("UPDATE access_requests SET lapses_at = now()")
    with pytest.raises(Conflict, match="lapsed already"):
        await gate.requests.approve(approver, request.id)
    (view,) = await gate.requests.list(engineer, state=RequestState.LAPSED)
    assert view.request.id == request.id


async def test_undecided_requests_are_bounded(gate, engineer, orders, policies) -> None:
    await rewrite(gate, policies, "most-pending = 20", "most-pending = 2")
    for _ in range(2):
        await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    with pytest.raises(Conflict, match="too many undecided"):
        await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")


async def test_the_approver_sees_what_is_held_already_and_what_could_be_read(
    gate, engineer, approver, orders
) -> None:
    taken = await gate.taken(engineer, approver, orders)
    await gate.requests.file(engineer, "orders-db", HALF, "INC-43")
    (view,) = await gate.requests.list(approver, state=RequestState.PENDING)
    assert view.labels == (("env", "prod"), ("team", "payments"))
    assert [grant.id for grant in view.holds] == [taken.id]
    assert view.may_approve
    (mine,) = await gate.requests.list(engineer, state=RequestState.PENDING, mine=True)
    assert not mine.may_approve


async def test_waiting_ends_with_the_decision(gate, engineer, approver, orders) -> None:
    request = await gate.requests.file(engineer, "orders-db", HOUR, "INC-42")
    still = await gate.requests.wait(engineer, request.id, 0.05)
    assert still.request.state is RequestState.PENDING
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = group.create_task(gate.requests.wait(engineer, request.id, 60))
        await asyncio.sleep(0.05)
        await gate.requests.approve(approver, request.id)
    assert waiting.result().request.state is RequestState.APPROVED
