"""Access with the values of a cluster's Secrets: who may ask, who may approve, which grant a session gets."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from gateway.domain.access import GrantState
from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import InvalidInput, NotAuthorised, NotFound
from gateway.domain.identity import ClusterTokenEvidence

HOUR = timedelta(hours=1)
HERE = "10.0.0.1"
WHY = "INC-7: is it the old password?"


@pytest.fixture
async def cluster(gate, admin):
    return await gate.endpoint(admin, "prod-k8s", EndpointKind.KUBERNETES, env="prod")


@pytest.fixture
async def oncall(gate, admin):
    return await gate.person(admin, "oncall", "on-call")


async def given(gate, who, by):
    request = await gate.requests.file(who, "prod-k8s", HOUR, WHY, secrets=True)
    return (await gate.requests.approve(by, request.id)).grant


async def rows(gate, policies, old: str, new: str) -> None:
    text = (policies / "policy.csv").read_text()
    assert old in text
    (policies / "policy.csv").write_text(text.replace(old, new))
    await gate.policy.reload()


async def written(gate) -> list[dict]:
    async with gate.store.connection() as conn:
        found = await conn.fetch("SELECT body FROM outbox ORDER BY id")
    return [json.loads(row["body"]) for row in found]


# ---- asking --------------------------------------------------------------------------------------------


async def test_asking_is_an_action_of_its_own_that_engineers_do_not_have(gate, engineer, cluster) -> None:
    with pytest.raises(NotAuthorised, match="ask for the values of Secrets on prod-k8s") as refused:
        await gate.requests.file(engineer, "prod-k8s", HOUR, WHY, secrets=True)
    assert "values masked" in refused.value.hint
    assert not await gate.requests.list(engineer)


async def test_it_takes_the_plain_action_too(gate, admin, cluster, policies) -> None:
    await rows(
        gate,
        policies,
        "p, engineer, *, submit",
        "p, peeper, *, request-secrets, allow\np, engineer, *, submit",
    )
    peeper = await gate.person(admin, "peeper", "peeper")
    with pytest.raises(NotFound):
        await gate.requests.file(peeper, "prod-k8s", HOUR, WHY, secrets=True)


async def test_only_clusters_have_secrets(gate, oncall, orders) -> None:
    with pytest.raises(InvalidInput, match="orders-db is a postgres endpoint; only a Kubernetes cluster"):
        await gate.requests.file(oncall, "orders-db", HOUR, WHY, secrets=True)


async def test_no_role_lets_it_approve_itself(gate, oncall, cluster) -> None:
    plain = await gate.requests.file(oncall, "prod-k8s", HOUR, WHY)
    asked = await gate.requests.file(oncall, "prod-k8s", HOUR, WHY, secrets=True)
    assert (plain.state.value, asked.state.value, asked.needed) == ("approved", "pending", 1)


async def test_whoever_is_paged_reads_what_is_asked_for(gate, oncall, approver, cluster) -> None:
    await given(gate, oncall, approver)
    filed, granted = (await written(gate))[-2:]
    assert filed["summary"] == "oncall asks for prod-k8s with the values of Secrets (request 1)"
    assert granted["summary"].startswith("approver opened prod-k8s with the values of Secrets for oncall")
    assert filed["secrets"] is granted["secrets"] is True


# ---- approving -----------------------------------------------------------------------------------------


async def test_an_approver_may_leave_them_out(gate, oncall, approver, cluster) -> None:
    request = await gate.requests.file(oncall, "prod-k8s", HOUR, WHY, secrets=True)
    made = await gate.requests.approve(approver, request.id, without_secrets=True)
    assert (made.secrets, made.secrets_left_out, made.shows_secrets) == (True, True, False)
    (granted,) = (await written(gate))[-1:]
    assert granted["secrets"] is False
    assert not (await gate.grants.take(oncall, cluster)).secrets


async def test_approving_them_is_an_action_of_its_own(gate, oncall, approver, cluster, policies) -> None:
    await rows(gate, policies, "p, approver, kind=kubernetes, approve-secrets, allow\n", "")
    request = await gate.requests.file(oncall, "prod-k8s", HOUR, WHY, secrets=True)
    with pytest.raises(NotAuthorised) as refused:
        await gate.requests.approve(approver, request.id)
    assert refused.value.hint.startswith(f"glassgate approve {request.id} --without-secrets")
    made = await gate.requests.approve(approver, request.id, without_secrets=True)
    assert not made.shows_secrets


async def test_an_approval_goes_with_the_right_to_give_it(gate, admin, oncall, cluster, policies) -> None:
    row = "p, approver, kind=kubernetes, approve-secrets, allow\n"
    await rows(gate, policies, row, row.replace("approver", "deep"))
    text = (policies / "access.toml").read_text()
    (policies / "access.toml").write_text(text.replace("approvers = 1                  #", "approvers = 2 #"))
    await gate.policy.reload()
    deep = await gate.person(admin, "deep", "approver", "deep")
    request = await gate.requests.file(oncall, "prod-k8s", HOUR, WHY, secrets=True)
    assert (await gate.requests.approve(deep, request.id)).approvals == ("deep",)
    await gate.people.take_role(admin, "deep", "deep")
    assert (await gate.requests.get(oncall, request.id)).request.approvals == ()


# ---- which grant a session gets --------------------------------------------------------------------------


async def test_the_wider_grant_is_used_first_and_the_narrower_one_goes_on(
    gate, oncall, approver, cluster
) -> None:
    plain = (await gate.requests.file(oncall, "prod-k8s", HOUR, WHY)).grant
    assert (await gate.grants.take(oncall, cluster)).id == plain
    wide = await given(gate, oncall, approver)
    taken = await gate.grants.take(oncall, cluster)
    assert (taken.id, taken.secrets) == (wide, True)
    async with gate.store.connection() as conn:
        await conn.execute("UPDATE grants SET ends_at = now() + interval '20 s' WHERE id = $1", wide)
    assert (await gate.grants.take(oncall, cluster)).id == wide
    await gate.grants.drop(oncall, wide)
    narrow = await gate.grants.take(oncall, cluster)
    assert (narrow.id, narrow.secrets) == (plain, False)
    assert set(await gate.grants.renew([plain, wide])) == {plain}


async def test_a_credential_for_connecting_alone_gets_the_narrower_grant(
    gate, oncall, approver, cluster
) -> None:
    plain = (await gate.requests.file(oncall, "prod-k8s", HOUR, WHY)).grant
    wide = await given(gate, oncall, approver)
    got = {}
    for scopes in ((), ("connect",), ("connect", "request-secrets")):
        machine = await gate.tokens.machine(oncall, label="k9s", lives=24 * HOUR, scopes=scopes)
        shown = await gate.authenticator.authenticate(ClusterTokenEvidence(machine.secret, HERE))
        short = await gate.tokens.cluster(shown)
        by_short = await gate.authenticator.authenticate(ClusterTokenEvidence(short.secret, HERE))
        got[scopes] = {(await gate.grants.take(by, cluster)).id for by in (shown, by_short)}
    assert got == {(): {wide}, ("connect",): {plain}, ("connect", "request-secrets"): {wide}}


async def test_a_credential_that_is_not_good_for_the_one_grant_is_told_so(
    gate, oncall, approver, cluster
) -> None:
    wide = await given(gate, oncall, approver)
    machine = await gate.tokens.machine(oncall, label="k9s", lives=24 * HOUR, scopes=("connect",))
    shown = await gate.authenticator.authenticate(ClusterTokenEvidence(machine.secret, HERE))
    with pytest.raises(NotAuthorised) as refused:
        await gate.grants.take(shown, cluster)
    assert refused.value.message == (
        f"your grant {wide} for prod-k8s includes the values of Secrets, which this token is not good for"
    )
    assert refused.value.hint == (
        "use a login, or a token whose scopes name request-secrets; "
        'without the values: glassgate request prod-k8s --for 1h --reason "…"'
    )


async def test_whoever_may_not_see_values_any_more_is_told_so(
    gate, oncall, approver, cluster, policies
) -> None:
    wide = await given(gate, oncall, approver)
    await rows(gate, policies, "p, on-call, kind=kubernetes, request-secrets, allow\n", "")
    with pytest.raises(
        NotAuthorised, match=f"grant {wide} .* policy does not let you see any more"
    ) as refused:
        await gate.grants.take(oncall, cluster)
    assert refused.value.hint == 'without the values: glassgate request prod-k8s --for 1h --reason "…"'


async def test_the_grant_listed_is_the_one_that_a_connection_takes(gate, oncall, approver, cluster) -> None:
    plain = (await gate.requests.file(oncall, "prod-k8s", HOUR, WHY)).grant
    await gate.grants.take(oncall, cluster)
    wide = await given(gate, oncall, approver)
    machine = await gate.tokens.machine(oncall, label="k9s", lives=24 * HOUR, scopes=("connect",))
    shown = await gate.authenticator.authenticate(ClusterTokenEvidence(machine.secret, HERE))
    listed = []
    for by in (oncall, shown):
        (one,) = await gate.endpoints.list(by, "prod-k8s")
        assert one.grant is not None
        listed.append(one.grant.id)
    assert listed == [wide, plain]


async def test_a_grant_with_secrets_goes_with_the_right_to_ask_for_it(
    gate, oncall, approver, cluster, policies
) -> None:
    plain = (await gate.requests.file(oncall, "prod-k8s", HOUR, WHY)).grant
    wide = await given(gate, oncall, approver)
    assert (await gate.grants.take(oncall, cluster)).id == wide
    assert set(await gate.grants.renew([wide])) == {wide}
    await rows(gate, policies, "p, on-call, kind=kubernetes, request-secrets, allow\n", "")
    assert await gate.grants.renew([wide]) == {}
    assert (await gate.grants.take(oncall, cluster)).id == plain


async def test_a_grant_with_secrets_goes_with_the_role(gate, admin, approver, cluster) -> None:
    both = await gate.person(admin, "both", "engineer", "on-call")
    wide = await given(gate, both, approver)
    await gate.people.take_role(admin, "both", "on-call")
    states = {row.id: row.state for row in await gate.grants.list(admin, live=False)}
    assert states[wide] is GrantState.REVOKED


async def test_what_shows_values_says_so_when_it_is_taken_and_closed(gate, oncall, approver, cluster) -> None:
    wide = await given(gate, oncall, approver)
    await gate.grants.take(oncall, cluster)
    await gate.grants.revoke(approver, wide, "done")
    async with gate.store.connection() as conn:
        found = await conn.fetch("SELECT data FROM ledger_leaves ORDER BY number DESC LIMIT 2")
    revoked, taken = (json.loads(row["data"])["summary"] for row in found)
    assert taken == f"oncall took grant {wide} on prod-k8s with the values of Secrets"
    assert revoked == f"grant {wide} of oncall on prod-k8s with the values of Secrets was revoked: done"
