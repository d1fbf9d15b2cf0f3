from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from changes.shop import URL, ProductionPort, capture, unit

from gateway.changes.flow import Changes
from gateway.domain.change import ChangeState
from gateway.domain.errors import Conflict
from gateway.domain.ids import ChangeId

if TYPE_CHECKING:
    from gateway.changes.flow import SessionFacts
    from gateway.domain.identity import Identity
    from gateway.store.pool import Store

CATALOGUE = Path(__file__).parents[2] / "policies" / "catalogue" / "postgres.toml"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """The catalogue in force, as if nobody had thought of pg_sleep yet."""
    path = tmp_path / "postgres.toml"
    path.write_text(CATALOGUE.read_text().replace('"pg_sleep", ', ""))
    return path


@pytest.fixture
def changes(store: Store, tmp_path: Path, catalogue: Path) -> Changes:
    return Changes(store, public_url=URL, folder=tmp_path / "git", catalogue=catalogue)


async def drafted(changes: Changes, facts: SessionFacts, text: str, rule: str) -> ChangeId:
    return (await changes.file(facts, capture(text), unit(1), ProductionPort(), rule=rule)).change


def applied(diff: str, catalogue: Path) -> dict[str, dict[str, list[str]]]:
    """The catalogue with the added lines put in, as the reviewer would get it."""
    old = catalogue.read_text().split("\n")
    at, new = 0, []
    for line in diff.split("\n")[2:]:
        if line.startswith("@@"):
            start = int(line.split()[1].removeprefix("-").split(",")[0]) - 1
            new += old[at:start]
            at = start
        elif line.startswith("+") and not line.startswith("+++"):
            new.append(line[1:])
        elif line.startswith(" "):
            assert old[at] == line[1:]
            new.append(line[1:])
            at += 1
    return tomllib.loads("\n".join([*new, *old[at:]]))


async def test_a_read_that_was_refused_drops_its_draft_and_proposes_the_catalogues_line(
    changes: Changes, facts: SessionFacts, eve: Identity, catalogue: Path
) -> None:
    change = await drafted(changes, facts, "SELECT pg_sleep(1), now()", "postgres.function.volatile")
    proposal = await changes.was_a_read(eve, change)
    assert "pg_sleep" in proposal.said
    assert f"change request {change}, eve: was a read" in proposal.diff
    assert "pg_sleep" in applied(proposal.diff, catalogue)["functions"]["safe"]
    assert "now" not in proposal.said
    shown = await changes.show(change)
    assert shown.change.state is ChangeState.DROPPED
    assert shown.cause == "this was a read"
    with pytest.raises(Conflict):
        await changes.was_a_read(eve, change)


async def test_a_function_of_the_endpoints_own_belongs_into_its_list(
    changes: Changes, facts: SessionFacts, eve: Identity
) -> None:
    text = "SELECT * FROM Billing.Open_Invoices(1) WHERE total IN (1)"
    proposal = await changes.was_a_read(
        eve, await drafted(changes, facts, text, "postgres.function.volatile")
    )
    assert "functions = billing.open_invoices" in proposal.said
    assert not proposal.diff


async def test_a_setting_is_proposed_for_the_settings(
    changes: Changes, facts: SessionFacts, eve: Identity, catalogue: Path
) -> None:
    change = await drafted(changes, facts, "SET wal_compression = 'on'", "postgres.setting.unknown")
    assert (
        "wal_compression"
        in applied((await changes.was_a_read(eve, change)).diff, catalogue)["settings"]["any"]
    )


async def test_what_no_line_can_open_says_so(changes: Changes, facts: SessionFacts, eve: Identity) -> None:
    change = await drafted(changes, facts, "UPDATE t SET a = f(1)", "postgres.statement.update")
    proposal = await changes.was_a_read(eve, change)
    assert "No line of the catalogue opens postgres.statement.update" in str(proposal)
    assert not proposal.diff
