from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from gateway.access.passwords import Passwords
from gateway.access.tokens import AUDIENCE, Jwts
from gateway.domain.errors import AuthenticationFailed, InvalidInput, NotAuthorised, NotFound, TooManyAttempts
from gateway.domain.identity import BearerEvidence, DatabaseTokenEvidence, IdentityKind, PasswordEvidence
from gateway.domain.secret import Secret
from gateway.store.keyring import Keyring

DAY = timedelta(days=1)
HERE = "192.0.2.7:40000"


def bearer(token: Secret | str | bytes, source: str = HERE) -> BearerEvidence:
    return BearerEvidence(token if isinstance(token, Secret) else Secret(token), source)


async def test_a_login_proves_who_with_their_roles(gate, engineer) -> None:
    issued = await gate.authenticator.login(PasswordEvidence("engineer", Secret("a password"), HERE))
    identity = await gate.authenticator.authenticate(bearer(issued.bearer))
    assert (identity.name, identity.kind, identity.roles, identity.scopes) == (
        "engineer",
        IdentityKind.PERSON,
        {"engineer"},
        frozenset(),
    )
    assert identity.credential == issued.identity.credential
    assert timedelta(hours=11) < issued.expires_at - datetime.now(UTC) <= timedelta(hours=12)
    assert (await gate.leaves())[-1] == "access.login"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("engineer", "wrong password"),
        ("nobody", "a password"),
        ("engineer", ""),
        ("", ""),
        ("x\x00y", "p\x00"),
    ],
)
async def test_wrong_logins_say_nothing_of_what_was_wrong(gate, engineer, name, password) -> None:
    with pytest.raises(AuthenticationFailed) as failed:
        await gate.authenticator.login(PasswordEvidence(name, Secret(password), HERE))
    assert failed.value.message == "name and password or token don't fit, or the token is over"
    assert "glassgate token db" in failed.value.hint


async def test_a_password_serves_at_login_only(gate, engineer) -> None:
    with pytest.raises(AuthenticationFailed, match="to log in only"):
        await gate.authenticator.authenticate(PasswordEvidence("engineer", Secret("a password"), HERE))


async def test_a_name_that_nobody_has_takes_as_long(gate, engineer) -> None:
    real = Passwords()
    gate.authenticator._passwords = real
    async with gate.store.connection() as conn:
        hashed = await real.hash(Secret("a slow password"))
        await conn.execute("UPDATE people SET password = $1 WHERE name = 'engineer'", hashed)

    async def took(name: str) -> float:
        began = time.process_time()  # of all threads: a busy machine stretches it less than the clock's
        with pytest.raises(AuthenticationFailed):
            await gate.authenticator.login(PasswordEvidence(name, Secret("wrong password"), f"{name}.test"))
        return time.process_time() - began

    known = min([await took("engineer") for _ in range(3)])
    unknown = min([await took("nobody") for _ in range(3)])
    real.close()
    assert known > 0.02
    assert 0.5 < unknown / known < 2


async def test_tokens_of_other_makers_prove_nothing(gate, engineer, tmp_path) -> None:
    issued = await gate.authenticator.login(PasswordEvidence("engineer", Secret("a password"), HERE))
    good = jwt.decode(issued.bearer.reveal(), options={"verify_signature": False})
    key = gate.keyring.signing("tokens")
    foreign = Keyring.load(tmp_path / "foreign").signing("tokens")

    def made(claims, private=key.private, kid=key.id, algorithm="EdDSA") -> str:
        return jwt.encode(claims, private, algorithm=algorithm, headers={"kid": kid})

    assert (await gate.authenticator.authenticate(bearer(made(good)))).name == "engineer"
    wrong = [
        made({**good, "aud": "something-else"}),
        made({**good, "iss": "https://elsewhere.test"}),
        made({**good, "exp": 1}),
        made({name: value for name, value in good.items() if name != "exp"}),
        made({name: value for name, value in good.items() if name != "jti"}),
        made({**good, "jti": "guessed"}),
        made(good, private=foreign.private),
        made(good, private=foreign.private, kid=foreign.id),
        jwt.encode(good, "", algorithm="none", headers={"kid": key.id}),
        jwt.encode(good, "a secret that is long enough for it", algorithm="HS256", headers={"kid": key.id}),
        "a.b.c",
        "",
        "\xff\x00",
        "x" * 100_000,
    ]
    for number, token in enumerate(wrong):
        with pytest.raises(AuthenticationFailed):
            await gate.authenticator.authenticate(bearer(token, f"10.1.{number}.1"))


async def test_a_rotated_signing_key_leaves_older_logins_standing(gate, engineer) -> None:
    issued = await gate.authenticator.login(PasswordEvidence("engineer", Secret("a password"), HERE))
    gate.authenticator._jwts = Jwts(gate.keyring.rotated("tokens"), "https://gateway.test")
    assert (await gate.authenticator.authenticate(bearer(issued.bearer))).name == "engineer"
    newer = await gate.authenticator.login(PasswordEvidence("engineer", Secret("a password"), HERE))
    kids = {jwt.get_unverified_header(each.bearer.reveal())["kid"] for each in (issued, newer)}
    assert len(kids) == 2
    assert jwt.decode(newer.bearer.reveal(), options={"verify_signature": False})["aud"] == AUDIENCE


async def test_logging_out_ends_the_login_and_its_database_tokens_at_once(gate, engineer) -> None:
    issued = await gate.authenticator.login(PasswordEvidence("engineer", Secret("a password"), HERE))
    token = await gate.tokens.database(issued.identity)
    evidence = DatabaseTokenEvidence("engineer", token.secret, HERE)
    assert (await gate.authenticator.authenticate(evidence)).scopes == {"connect", "request"}
    await gate.tokens.logout(issued.identity)
    for shown in (evidence, bearer(issued.bearer)):
        with pytest.raises(AuthenticationFailed):
            await gate.authenticator.authenticate(shown)
    with pytest.raises(NotAuthorised, match="your login is over"):
        await gate.tokens.database(issued.identity)


async def test_a_database_token_is_short_hashed_and_its_persons_alone(gate, engineer, approver) -> None:
    token = await gate.tokens.database(engineer)
    assert len(token.secret.reveal()) <= 64
    assert token.secret.reveal().startswith(b"ggd_")
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.authenticate(DatabaseTokenEvidence("approver", token.secret, HERE))
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.authenticate(bearer(token.secret))
    async with gate.store.connection() as conn:
        kept = await conn.fetchval("SELECT string_agg(t::text, ' ') FROM tokens t")
    assert token.secret.reveal().decode() not in kept
    with pytest.raises(NotAuthorised):
        await gate.tokens.database(approver)


async def test_a_token_is_over_at_its_end(gate, engineer) -> None:
    token = await gate.tokens.database(engineer)
    async with gate.store.connection() as conn:
        await conn.execute("UPDATE tokens SET expires_at = now() WHERE id = $1", token.id)
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.authenticate(DatabaseTokenEvidence("engineer", token.secret, HERE))


async def test_a_database_token_ends_with_its_login_at_the_latest(gate, engineer) -> None:
    async with gate.store.connection() as conn:
        await conn.execute(
            "UPDATE tokens SET expires_at = now() + interval '10 min' WHERE id = $1", engineer.credential
        )
    token = await gate.tokens.database(engineer)
    assert token.expires_at - datetime.now(UTC) < timedelta(minutes=11)


async def test_machine_tokens_have_scopes_and_an_end(gate, admin, engineer) -> None:
    token = await gate.tokens.machine(engineer, label="nightly report", lives=30 * DAY, scopes=["connect"])
    machine = await gate.authenticator.authenticate(bearer(token.secret))
    assert (machine.name, machine.scopes, machine.credential) == ("engineer", {"connect"}, token.id)
    permissions = await gate.policy.permissions(machine)
    assert permissions.actions() == {"connect"}
    assert [each.label for each in await gate.tokens.list(engineer)] == ["nightly report"]
    assert [each.label for each in await gate.tokens.list(admin)] == ["nightly report"]
    with pytest.raises(NotAuthorised, match="with a login"):
        await gate.tokens.machine(machine, label="another", lives=30 * DAY)
    await gate.tokens.revoke(admin, token.id)
    with pytest.raises(AuthenticationFailed):
        await gate.authenticator.authenticate(bearer(token.secret))
    with pytest.raises(NotFound):
        await gate.tokens.revoke(engineer, token.id)


async def test_a_machine_token_never_widens(gate, engineer) -> None:
    token = await gate.tokens.machine(engineer, label="scoped", lives=DAY, scopes=["administer", "request"])
    machine = await gate.authenticator.authenticate(bearer(token.secret))
    assert (await gate.policy.permissions(machine)).actions() == {"request"}
    with pytest.raises(NotAuthorised):
        await gate.tokens.database(machine)


@pytest.mark.parametrize(
    "members",
    [
        {"label": "", "lives": DAY},
        {"label": "x\x07", "lives": DAY},
        {"label": "ok", "lives": 366 * DAY},
        {"label": "ok", "lives": timedelta(0)},
        {"label": "ok", "lives": DAY, "scopes": ["everything"]},
    ],
)
async def test_machine_tokens_that_can_not_be(gate, engineer, members) -> None:
    with pytest.raises(InvalidInput):
        await gate.tokens.machine(engineer, **members)


async def test_nobody_gets_another_persons_token(gate, admin, engineer) -> None:
    with pytest.raises(NotAuthorised, match="another person's"):
        await gate.tokens.machine(admin, label="mine now", lives=DAY, name="engineer")
    await gate.people.add(admin, "ci", kind=IdentityKind.PIPELINE, roles=["engineer"])
    token = await gate.tokens.machine(admin, label="builds", lives=DAY, name="ci")
    assert (await gate.authenticator.authenticate(bearer(token.secret))).name == "ci"
    with pytest.raises(NotAuthorised):
        await gate.tokens.machine(engineer, label="builds", lives=DAY, name="ci")


async def test_anothers_token_is_not_there_to_revoke(gate, engineer, approver) -> None:
    token = await gate.tokens.machine(engineer, label="mine", lives=DAY)
    with pytest.raises(NotFound):
        await gate.tokens.revoke(approver, token.id)


async def test_tokens_long_over_are_forgotten(gate, engineer) -> None:
    await gate.tokens.database(engineer)
    async with gate.store.connection() as conn:
        await conn.execute("UPDATE tokens SET expires_at = now() - interval '31 d' WHERE kind = 'database'")
    await gate.tokens.tidy()
    async with gate.store.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM tokens WHERE kind = 'database'") == 0


async def test_many_passwords_at_once_are_refused_past_a_bound() -> None:
    passwords = Passwords(threads=1, waiting=2)
    hashed = await passwords.hash(Secret("a password"))

    async def verify() -> str:
        try:
            return str(await passwords.verify(Secret("a password"), hashed))
        except TooManyAttempts:
            return "too many"

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(verify()) for _ in range(6)]
    passwords.close()
    assert sorted(task.result() for task in tries) == ["True"] * 3 + ["too many"] * 3


async def test_an_empty_hash_fits_no_password() -> None:
    passwords = Passwords(cheap=True)
    assert not await passwords.verify(Secret(""), "")
    assert not await passwords.verify(Secret("x"), "not a hash")
    passwords.close()
