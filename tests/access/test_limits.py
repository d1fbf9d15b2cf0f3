from __future__ import annotations

import asyncio

import pytest

from gateway.access.authenticate import Authenticator
from gateway.access.limits import NAME_FREE, SOURCE_FREE, Limits, network_of
from gateway.domain.errors import AuthenticationFailed, TooManyAttempts
from gateway.domain.identity import BearerEvidence, DatabaseTokenEvidence, PasswordEvidence
from gateway.domain.secret import Secret
from gateway.store.pool import Store


async def wrong(gate, name: str, source: str) -> type[Exception]:
    with pytest.raises(AuthenticationFailed) as failed:
        await gate.authenticator.login(PasswordEvidence(name, Secret("wrong password"), source))
    return failed.type


async def later(gate, seconds: int) -> None:
    async with gate.store.connection() as conn:
        await conn.execute(
            """UPDATE login_limits SET last_at = last_at - make_interval(secs => $1),
                   paused_until = paused_until - make_interval(secs => $1)""",
            float(seconds),
        )


async def test_wrong_passwords_for_one_name_make_it_wait_wherever_they_come_from(gate, engineer) -> None:
    for number in range(NAME_FREE):
        assert await wrong(gate, "engineer", f"10.2.{number}.1") is AuthenticationFailed
    assert await wrong(gate, "engineer", "10.2.99.1") is TooManyAttempts
    with pytest.raises(TooManyAttempts):
        await gate.login("engineer")
    assert (await gate.leaves()).count("access.logins-paused") == 1
    assert (await gate.events())[-1] == "access.logins-paused"
    await later(gate, 2)
    assert (await gate.login("engineer")).name == "engineer"
    assert await wrong(gate, "engineer", "10.2.99.1") is AuthenticationFailed


async def test_pauses_double(gate, engineer) -> None:
    for number in range(NAME_FREE):
        await wrong(gate, "engineer", f"10.2.{number}.1")
    await later(gate, 2)
    assert await wrong(gate, "engineer", "10.3.1.1") is AuthenticationFailed
    await later(gate, 1)
    assert await wrong(gate, "engineer", "10.3.2.1") is TooManyAttempts
    await later(gate, 2)
    assert await wrong(gate, "engineer", "10.3.3.1") is AuthenticationFailed


async def test_many_names_from_one_source_make_the_source_wait(gate, engineer) -> None:
    kinds = [await wrong(gate, f"name{number}", f"10.4.0.1:{number}") for number in range(SOURCE_FREE + 1)]
    assert kinds == [AuthenticationFailed] * SOURCE_FREE + [TooManyAttempts]
    assert await wrong(gate, "engineer", "10.4.0.2:1") is AuthenticationFailed


async def test_many_at_once_do_not_slip_through(gate, engineer) -> None:
    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(wrong(gate, "engineer", f"10.5.{number}.1")) for number in range(20)]
    kinds = [task.result() for task in tries]
    assert kinds.count(AuthenticationFailed) == NAME_FREE


async def test_a_restart_or_another_replica_does_not_forget(gate, engineer, fresh_store_dsn) -> None:
    for number in range(NAME_FREE):
        await wrong(gate, "engineer", f"10.6.{number}.1")
    async with await Store.open(fresh_store_dsn) as store:
        elsewhere = Authenticator(
            store=store,
            policy=gate.policy,
            passwords=gate.passwords,
            limits=Limits(store),
            jwts=gate.jwts,
            ssh_authority=gate.ssh_authority,
            authority=gate.authority,
        )
        with pytest.raises(TooManyAttempts):
            await elsewhere.login(PasswordEvidence("engineer", Secret("a password"), "10.6.99.1"))


async def test_guessed_tokens_make_the_source_wait_and_right_ones_never(gate, engineer) -> None:
    right = await gate.tokens.database(engineer)
    kinds = []
    for number in range(SOURCE_FREE + 2):
        guess = DatabaseTokenEvidence("engineer", Secret(f"ggd_guess{number}"), "10.7.0.1:1")
        with pytest.raises(AuthenticationFailed) as failed:
            await gate.authenticator.authenticate(guess)
        kinds.append(failed.type)
    assert kinds == [AuthenticationFailed] * SOURCE_FREE + [TooManyAttempts] * 2
    shown = DatabaseTokenEvidence("engineer", right.secret, "10.7.0.1:1")
    assert (await gate.authenticator.authenticate(shown)).name == "engineer"
    with pytest.raises(TooManyAttempts):
        await gate.authenticator.authenticate(BearerEvidence(Secret("a.b.c"), "10.7.0.1:1"))


async def test_tokens_that_are_over_are_no_guesses(gate, engineer) -> None:
    token = await gate.tokens.database(engineer)
    await gate.tokens.revoke(engineer, token.id)
    for _ in range(SOURCE_FREE + 2):
        with pytest.raises(AuthenticationFailed) as failed:
            await gate.authenticator.authenticate(
                DatabaseTokenEvidence("engineer", token.secret, "10.8.0.1:1")
            )
        assert failed.type is AuthenticationFailed


async def test_what_was_typed_as_a_name_is_not_kept(gate) -> None:
    await wrong(gate, "my-password-by-mistake", "10.9.0.1")
    async with gate.store.connection() as conn:
        assert "my-password" not in await conn.fetchval("SELECT string_agg(l::text, ' ') FROM login_limits l")


async def test_old_attempts_are_forgotten(gate) -> None:
    await wrong(gate, "engineer", "10.9.0.1")
    await later(gate, 5 * 3600)
    await gate.limits.tidy()
    async with gate.store.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM login_limits") == 0


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:5432", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_what_counts_as_one_source(source: str, network: str) -> None:
    assert network_of(source) == network


async def test_logins_at_once_never_wait_crosswise(gate) -> None:
    limits = Limits(gate.store)

    async def log_in() -> None:
        for _ in range(25):
            await limits.attempt("engineer", "10.9.9.9")
            await limits.succeeded("engineer", "10.9.9.9")

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(log_in())
