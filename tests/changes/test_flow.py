from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from changes.shop import ProductionPort, capture, git, unit

from gateway.domain.change import ChangeState
from gateway.domain.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.changes.flow import Changes, SessionFacts
    from gateway.domain.identity import Identity

UPDATE = "UPDATE customers SET tier = 'gold' WHERE id = 42"


async def test_a_refused_update_becomes_a_commit_on_a_branch_of_its_own(
    changes: Changes, facts: SessionFacts, eve: Identity, shop: Path
) -> None:
    filed = await changes.file(
        facts, capture(UPDATE, title="UPDATE customers"), unit(3), ProductionPort(rows=1)
    )
    assert filed.title == "UPDATE customers"
    assert "migrations/0007_update-customers.sql" in filed.detail
    assert filed.url == f"https://gw.example:8443/changes/{filed.change}"
    shown = await changes.show(filed.change)
    print(shown.diff)
    assert f"+{UPDATE};" in shown.diff
    with pytest.raises(InvalidInput, match="no way back") as refused:
        await changes.submit(eve, filed.change, "INC-42: wrong tier")
    assert "--edit" in refused.value.hint
    assert "--no-way-back" in refused.value.hint
    submitted = await changes.submit(
        eve, filed.change, "INC-42: wrong tier", no_way_back="tiers are not kept"
    )
    assert submitted.state is ChangeState.SUBMITTED
    assert submitted.branch == f"change/{filed.change}-update-customers"
    print(git("log", "-1", "--format=fuller", submitted.branch, cwd=shop))
    print(git("show", "--stat", submitted.branch, cwd=shop))
    assert git("rev-parse", submitted.branch, cwd=shop).strip() == submitted.commit
    git("fsck", "--strict", cwd=shop)
