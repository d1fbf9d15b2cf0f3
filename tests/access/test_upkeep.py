from __future__ import annotations

import asyncio

import pytest
import structlog

from gateway.access import upkeep
from gateway.access.upkeep import Upkeep
from gateway.domain.errors import ConfigurationBroken


@pytest.fixture
def kept(gate) -> Upkeep:
    return Upkeep(store=gate.store, policy=gate.policy, tokens=gate.tokens, limits=gate.limits)


async def test_a_change_of_policy_is_written_down_and_paged(gate, kept, policies) -> None:
    assert not await kept.reload()
    assert (await gate.leaves())[-1] == "access.policy-in-force"
    with (policies / "policy.csv").open("a") as file:
        file.write("# seen\n")
    assert await kept.reload("admin")
    assert not await kept.reload("admin")
    assert (await gate.leaves()).count("access.policy-changed") == 1
    assert (await gate.events())[-1] == "access.policy-changed"


async def test_a_broken_edit_is_told_and_changes_nothing(gate, kept, policies) -> None:
    with (policies / "policy.csv").open("a") as file:
        file.write("nonsense\n")
    with pytest.raises(ConfigurationBroken):
        await kept.reload("admin")
    assert "access.policy-changed" not in await gate.leaves()


async def test_edits_take_force_by_themselves(gate, kept, policies, monkeypatch) -> None:
    monkeypatch.setattr(upkeep, "LOOK_SECONDS", 0.01)
    with structlog.testing.capture_logs() as said:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            running = group.create_task(kept.run())
            text = (policies / "policy.csv").read_text()
            (policies / "policy.csv").write_text(text + "nonsense\n")
            while gate.policy.broken is None:
                await asyncio.sleep(0.01)
            (policies / "policy.csv").write_text(text + "p, engineer, *, kill, allow\n")
            while gate.policy.version == 1:
                await asyncio.sleep(0.01)
            running.cancel()
    assert (await gate.policy.permissions_of(frozenset({"engineer"}))).allows("kill")
    assert [each["log_level"] for each in said if each["event"] == "policy not changed"] == ["warning"]
