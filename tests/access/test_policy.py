from __future__ import annotations

import asyncio
import shutil
import time
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.policy import Policy
from gateway.access.policy_files import ACTIONS
from gateway.access.selectors import facts_of
from gateway.domain.endpoint import Endpoint, EndpointKind, EndpointSettings
from gateway.domain.errors import ConfigurationBroken, NotAuthorised
from gateway.domain.ids import EndpointId

SHIPPED = Path(__file__).resolve().parents[2] / "policies"


def endpoint(name: str = "orders-db", **labels: str) -> Endpoint:
    return Endpoint(
        id=EndpointId(1),
        name=name,
        kind=EndpointKind.POSTGRES,
        labels=labels,
        host="h",
        port=1,
        username="u",
        tls="verify-full",
        ca="",
        repository=None,
        settings=EndpointSettings(),
        version=1,
    )


def written(folder: Path, rows: str, rules: str | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.copy(SHIPPED / "model.conf", folder)
    (folder / "policy.csv").write_text(rows)
    (folder / "access.toml").write_text((SHIPPED / "access.toml").read_text() if rules is None else rules)
    return folder


async def may(policy: Policy, *roles: str) -> frozenset[str]:
    return (await policy.permissions_of(frozenset(roles))).actions()


async def test_the_shipped_policy() -> None:
    policy = Policy.load(SHIPPED)
    assert await may(policy) == frozenset()
    assert await may(policy, "stranger") == frozenset()
    assert await may(policy, "engineer") == {"request", "connect", "submit"}
    assert await may(policy, "on-call") == {"request", "request-secrets", "connect", "submit"}
    assert await may(policy, "approver") == {"approve", "approve-secrets", "revoke"}
    assert await may(policy, "reviewer") == {"review", "kill", "revoke"}
    assert await may(policy, "administrator") == ACTIONS


async def test_what_is_no_action_is_never_allowed() -> None:
    permissions = await Policy.load(SHIPPED).permissions_of(frozenset({"administrator"}))
    assert not permissions.allows("anything")
    assert not permissions.allows("*")
    assert not permissions.allows("", endpoint())


async def test_rows_speak_of_labels(tmp_path) -> None:
    policy = Policy.load(
        written(
            tmp_path / "p",
            "p, dev, env=test|dev, connect, allow\np, dev, name=orders-db, connect, allow\n"
            "p, dev, env=dev team=secret, connect, deny\n",
        )
    )
    permissions = await policy.permissions_of(frozenset({"dev"}))
    assert permissions.allows("connect")
    assert permissions.allows("connect", endpoint("x", env="test"))
    assert permissions.allows("connect", endpoint("orders-db", env="prod"))
    assert not permissions.allows("connect", endpoint("x", env="prod"))
    assert not permissions.allows("connect", endpoint("x"))
    assert not permissions.allows("connect", endpoint("orders-db", env="dev", team="secret"))
    assert not permissions.allows("request", endpoint("x", env="test"))


async def test_a_deny_of_one_role_beats_the_allow_of_another(tmp_path) -> None:
    policy = Policy.load(written(tmp_path / "p", "p, a, *, review, allow\np, b, *, review, deny\n"))
    assert await may(policy, "a") == {"review"}
    assert await may(policy, "a", "b") == frozenset()


async def test_scopes_narrow_and_never_widen() -> None:
    policy = Policy.load(SHIPPED)
    narrow = await policy.permissions_of(frozenset({"engineer"}), frozenset({"connect", "administer"}))
    assert narrow.actions() == {"connect"}


_ROLES = ("a", "b", "c")
_SELECTORS = ("*", "env=prod", "env=test|dev", "team=*", "env=prod team=x", "name=orders-db")
_ROW = st.builds(
    lambda role, where, action, effect: f"p, {role}, {where}, {action}, {effect}",
    st.sampled_from(_ROLES),
    st.sampled_from(_SELECTORS),
    st.sampled_from(["connect", "approve", "*"]),
    st.sampled_from(["allow", "allow", "deny"]),
)
_LINKS = st.lists(st.sampled_from(["g, b, a", "g, c, b"]), unique=True)
_ENDPOINTS = [
    endpoint("orders-db"),
    endpoint("x", env="prod"),
    endpoint("x", env="dev", team="y"),
    endpoint("orders-db", env="prod", team="x"),
]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(_ROW, max_size=8), links=_LINKS)
def test_the_set_decides_as_casbin_does(tmp_path_factory, rows, links) -> None:
    folder = written(tmp_path_factory.mktemp("p"), "\n".join([*rows, *links]))
    policy = Policy.load(folder)
    engine = policy._loaded.engine
    engine.enable_auto_save(False)
    engine.add_grouping_policy("~both", "a")
    engine.add_grouping_policy("~both", "c")

    async def compare() -> None:
        for subject, roles in (*((role, {role}) for role in _ROLES), ("~both", {"a", "c"})):
            permissions = await policy.permissions_of(frozenset(roles))
            for place, action in product(_ENDPOINTS, ("connect", "approve", "review")):
                asked = engine.enforce(subject, facts_of(place), action)
                assert permissions.allows(action, place) == asked, (subject, place, action)

    asyncio.run(compare())


async def test_an_edit_takes_force_without_a_restart(policies) -> None:
    policy = Policy.load(policies)
    assert not await policy.reload()
    before = await policy.permissions_of(frozenset({"engineer"}))
    with (policies / "policy.csv").open("a") as file:
        file.write("p, engineer, *, kill, allow\n")
    assert await policy.reload()
    assert policy.version == 2
    after = await policy.permissions_of(frozenset({"engineer"}))
    assert (before.allows("kill"), after.allows("kill"), after.version) == (False, True, 2)


@pytest.mark.parametrize(
    ("name", "edit", "says"),
    [
        (
            "policy.csv",
            ("p, engineer, *, submit", "p, engineer, *, submitt"),
            r"policy\.csv:15: no action 'submitt'",
        ),
        (
            "policy.csv",
            ("p, approver, *, revoke, allow", "p, approver, *, revoke"),
            r"policy\.csv:19: neither",
        ),
        ("policy.csv", ("p, observer, *,", "p, observer, env,"), r"policy\.csv:25: 'env' is not a label"),
        (
            "policy.csv",
            ("p, engineer, *, request, allow", "p, Engineer!, *, request, allow"),
            r"policy\.csv:13: 'Eng",
        ),
        ("policy.csv", ("*, connect, allow", "*, connect, permit"), r"policy\.csv:14: no effect 'permit'"),
        ("policy.csv", ("g, on-call, engineer", 'p, x, "*", *, allow'), r"policy\.csv:31: '\"\*\"' is not"),
        (
            "access.toml",
            ("most-pending = 20", "most-pending = -1"),
            r"access\.toml:5: most-pending: that many",
        ),
        ("access.toml", ("most-pending = 20", "most = 20"), r"access\.toml:5: .*unknown field `most`"),
        ("access.toml", ('login = "12h"', 'login = "soon"'), r"access\.toml:9: login: 'soon' is no duration"),
        (
            "access.toml",
            ("approvers = 1 ", "approvers = 0 "),
            r"access\.toml:17: approvers: it takes 1 to 20",
        ),
        ("access.toml", ("approvers = 1\n", 'approvers = "two"\n'), r"access\.toml:28: .*Expected `int`"),
        (
            "access.toml",
            ('longest = "24h"', 'longest = "400d"'),
            r"access\.toml:29: longest: 400d is too long",
        ),
        ("access.toml", ('reason = ""', 'reason = "["'), r"access\.toml:21: reason: no regular expression"),
        (
            "access.toml",
            ('endpoints = "*"', 'endpoints = "prod"'),
            r"access\.toml:27: endpoints: 'prod' is not",
        ),
        ("access.toml", ("[requests]", "[requests"), r"access\.toml:3: .*at line 3"),
        ("model.conf", ("&& !some(where (p.eft == deny))", ""), r"model\.conf:14: e decides in a way"),
        ("model.conf", ("[matchers]", "[matcher]"), r"model\.conf: "),
    ],
)
async def test_a_broken_file_names_its_line_and_leaves_the_old_policy_in_force(
    policies, name, edit, says
) -> None:
    policy = Policy.load(policies)
    text = (policies / name).read_text()
    assert edit[0] in text
    (policies / name).write_text(text.replace(*edit, 1))
    with pytest.raises(ConfigurationBroken, match=says) as broken:
        await policy.reload()
    assert broken.value.hint
    assert policy.broken is broken.value
    assert (await may(policy, "engineer"), policy.version) == ({"request", "connect", "submit"}, 1)
    with pytest.raises(ConfigurationBroken, match=says):
        Policy.load(policies)
    (policies / name).write_text(text)
    assert not await policy.reload()
    assert policy.broken is None


async def test_a_missing_file_is_named(policies) -> None:
    policy = Policy.load(policies)
    (policies / "access.toml").unlink()
    with pytest.raises(ConfigurationBroken, match=r"access\.toml: No such file"):
        await policy.reload()
    (policies / "access.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationBroken, match=r"access\.toml"):
        await policy.reload()


async def test_a_thousand_rows_are_computed_once_and_looked_into_after(tmp_path) -> None:
    rows = "\n".join(f"p, role-{n % 50}, env=prod team=t{n}, connect, allow" for n in range(1000))
    policy = Policy.load(written(tmp_path / "p", rows))
    permissions = await policy.permissions_of(frozenset({"role-7"}))
    assert permissions.allows("connect", endpoint("x", env="prod", team="t57"))
    assert not permissions.allows("connect", endpoint("x", env="prod", team="t58"))
    began = time.process_time()
    for _ in range(1000):
        assert await policy.permissions_of(frozenset({"role-7"})) is permissions
    assert time.process_time() - began < 0.1


async def test_the_first_rule_that_fits_says_how_requests_are_approved() -> None:
    policy = Policy.load(SHIPPED)
    production = policy.rule(endpoint("x", env="prod"))
    other = policy.rule(endpoint("x", env="test"))
    assert production is not None
    assert other is not None
    assert (production.endpoints.text, other.endpoints.text) == ("env=prod", "*")


async def test_without_a_rule_an_endpoint_can_not_be_asked_for(tmp_path) -> None:
    policy = Policy.load(written(tmp_path / "p", "", ""))
    assert policy.rule(endpoint()) is None


async def test_why_is_explained(tmp_path) -> None:
    policy = Policy.load(written(tmp_path / "p", "p, a, env=prod, kill, allow\np, a, team=x, kill, deny\n"))
    said = [
        await policy.explain(frozenset({"a"}), "kill", endpoint("x", **labels))
        for labels in ({"env": "prod"}, {"env": "prod", "team": "x"}, {})
    ]
    assert said == [
        (True, "allowed by a row for endpoints env=prod"),
        (False, "denied by a row for endpoints team=x"),
        (False, "no row allows it"),
    ]


async def test_what_policy_does_not_let_says_who_and_what(gate, engineer) -> None:
    with pytest.raises(NotAuthorised, match=r"policy does not let engineer administer$"):
        await gate.policy.require(engineer, "administer")
