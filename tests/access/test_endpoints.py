from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.access import GrantState, RequestState
from gateway.domain.endpoint import EndpointKind, EndpointSettings, Repository, Require
from gateway.domain.errors import InvalidInput, NotAuthorised, NotFound
from gateway.domain.secret import Secret
from gateway.store.endpoints import Registration

PLAIN = Registration(
    name="shop-db", kind=EndpointKind.POSTGRES, labels={}, host="db.example.com", port=5432, username="reader"
)


async def test_a_registration_comes_back_as_it_was_put(gate, admin) -> None:
    full = replace(
        PLAIN,
        labels={"env": "prod", "team": "payments"},
        tls="require",
        repository=Repository(
            "ssh://git/shop.git", branch="trunk", convention="flyway", paths={"/etc": "etc"}
        ),
        settings=EndpointSettings(
            require=Require.DEFAULT,
            record_results=True,
            lists={"functions": ("f(int)", "g()")},
            options={"a": "b"},
        ),
    )
    made = await gate.endpoints.put(admin, full, Secret("s3cret"))
    assert await gate.endpoints.resolve("shop-db", admin) == made
    for member in (
        "name",
        "kind",
        "labels",
        "host",
        "port",
        "username",
        "tls",
        "ca",
        "repository",
        "settings",
    ):
        assert getattr(made, member) == getattr(full, member)
    assert (made.version, made.require) == (1, Require.DEFAULT)
    assert (await gate.endpoints.secret(made)).reveal() == b"s3cret"
    assert (await gate.leaves())[-1] == (await gate.events())[-1] == "access.endpoint-put"


async def test_the_credential_is_sealed_and_never_written_down(gate, admin) -> None:
    await gate.endpoints.put(admin, PLAIN, Secret("s3cret-credential"))
    async with gate.store.connection() as conn:
        for table in ("endpoints", "ledger_leaves", "outbox"):
            raw = await conn.fetchval(
                f"SELECT string_agg(encode(t::text::bytea, 'escape'), ' ') FROM {table} t"
            )
            assert "s3cret" not in raw
            assert b"s3cret".hex() not in raw


async def test_a_change_keeps_the_credential_and_raises_the_version(gate, admin) -> None:
    await gate.endpoints.put(admin, PLAIN, Secret("s3cret"))
    changed = await gate.endpoints.put(admin, replace(PLAIN, labels={"env": "test"}))
    assert (changed.version, changed.labels) == (2, {"env": "test"})
    assert (await gate.endpoints.secret(changed)).reveal() == b"s3cret"


@pytest.mark.parametrize(
    "elsewhere", [{"host": "evil.example.com"}, {"port": 5433}, {"username": "x"}, {"tls": "require"}]
)
async def test_the_credential_never_goes_elsewhere_by_itself(gate, admin, elsewhere) -> None:
    await gate.endpoints.put(admin, PLAIN, Secret("s3cret"))
    with pytest.raises(InvalidInput, match="another place"):
        await gate.endpoints.put(admin, replace(PLAIN, **elsewhere))
    await gate.endpoints.put(admin, replace(PLAIN, **elsewhere), Secret("s3cret"))


async def test_an_endpoint_without_a_credential_has_an_empty_one(gate, admin) -> None:
    made = await gate.endpoints.put(admin, PLAIN)
    assert not await gate.endpoints.secret(made)


async def test_what_can_not_be_registered_is_not(gate, admin) -> None:
    with pytest.raises(InvalidInput):
        await gate.endpoints.put(admin, replace(PLAIN, tls="prefer"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "/run/postgresql"])
async def test_plain_text_is_for_this_machine_alone(gate, admin, host) -> None:
    assert (await gate.endpoints.put(admin, replace(PLAIN, host=host, tls="off"))).tls == "off"


async def test_only_administrators_register(gate, admin, engineer) -> None:
    with pytest.raises(NotAuthorised):
        await gate.endpoints.put(engineer, PLAIN, Secret("x"))
    with pytest.raises(NotFound):
        await gate.endpoints.registration(engineer, "shop-db")
    async with gate.store.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM endpoints") == 0


async def test_who_administers_a_part_registers_in_that_part(gate, admin, policies) -> None:
    rows = (policies / "policy.csv").read_text()
    (policies / "policy.csv").write_text(rows + "p, lead, team=payments, administer, allow\n")
    await gate.policy.reload()
    lead = await gate.person(admin, "lead", "lead")
    theirs = replace(PLAIN, labels={"team": "payments"})
    await gate.endpoints.put(lead, theirs, Secret("x"))
    with pytest.raises(NotAuthorised):
        await gate.endpoints.put(lead, replace(theirs, labels={"team": "orders"}))
    with pytest.raises(NotAuthorised):
        await gate.endpoints.put(
            lead, replace(PLAIN, name="other-db", labels={"team": "orders"}), Secret("x")
        )
    assert (await gate.endpoints.registration(lead, "shop-db")).version == 1
    await gate.endpoints.put(admin, replace(PLAIN, name="other-db"), Secret("x"))
    with pytest.raises(NotAuthorised):
        await gate.endpoints.put(lead, replace(theirs, name="other-db"))


async def test_unknown_and_forbidden_names_answer_alike(gate, admin, engineer, orders, policies) -> None:
    rows = (policies / "policy.csv").read_text()
    (policies / "policy.csv").write_text(
        rows + "p, engineer, team=payments, request, deny\np, engineer, team=payments, connect, deny\n"
    )
    await gate.policy.reload()
    answers = []
    for name in ("orders-db", "nowhere-db"):
        with pytest.raises(NotFound) as refused:
            await gate.endpoints.resolve(name, engineer)
        answers.append((refused.value.message.replace(name, "NAME"), refused.value.hint))
    assert answers[0] == answers[1]
    assert "payments" not in str(answers)
    assert [listed.endpoint.name for listed in await gate.endpoints.list(engineer)] == ["orders-db"]
    with pytest.raises(NotFound, match=r"^no endpoint that you may look at$"):
        await gate.endpoints.resolve("orders-db\x00", engineer)


async def test_listing_finds_by_name_and_label_and_says_what_one_may(
    gate, admin, engineer, approver, orders
) -> None:
    await gate.endpoint(admin, "stock-db", env="test")

    async def names(query: str = "", **labels: str) -> list[str]:
        return [each.endpoint.name for each in await gate.endpoints.list(engineer, query, labels)]

    assert await names() == ["orders-db", "stock-db"]
    assert await names("ORDERS") == await names("payments") == await names(env="prod") == ["orders-db"]
    assert await names("postgres", env="test") == ["stock-db"]
    assert await names("nothing") == []
    await gate.requests.file(engineer, "orders-db", timedelta(hours=1), "INC-1")
    listed = (await gate.endpoints.list(engineer))[0]
    assert (listed.may, listed.grant) == ({"request", "connect", "submit"}, None)
    assert listed.pending is not None
    taken = await gate.taken(engineer, approver, orders)
    listed = (await gate.endpoints.list(engineer))[0]
    assert listed.grant is not None
    assert (listed.grant.id, listed.grant.state) == (taken.id, GrantState.ACTIVE)
    nobody = await gate.person(admin, "nobody")
    assert list(await gate.endpoints.list(nobody)) == []


async def test_removing_an_endpoint_ends_everything_there(gate, admin, engineer, approver, orders) -> None:
    taken = await gate.taken(engineer, approver, orders)
    waiting = await gate.requests.file(engineer, "orders-db", timedelta(hours=1), "INC-1")
    await gate.endpoints.remove(admin, "orders-db")
    assert await gate.grants.renew([taken.id]) == {}
    with pytest.raises(NotFound):
        await gate.endpoints.resolve("orders-db", engineer)
    with pytest.raises(NotFound):
        await gate.endpoints.secret(orders)
    with pytest.raises(NotAuthorised):
        await gate.grants.take(engineer, orders)
    assert (await gate.requests.get(approver, waiting.id)).request.state is RequestState.WITHDRAWN
    (row,) = await gate.grants.list(approver, live=False)
    assert (row.state, row.closed_why) == (GrantState.REVOKED, "the endpoint orders-db was removed")
    again = await gate.endpoint(admin, "orders-db", env="prod")
    assert again.id != orders.id
    with pytest.raises(NotAuthorised):
        await gate.grants.take(engineer, again)
    with pytest.raises(NotFound):
        await gate.endpoints.remove(engineer, "orders-db")
