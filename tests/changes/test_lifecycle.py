from __future__ import annotations

import pytest

from gateway.changes.lifecycle import STEPS, sources
from gateway.domain.change import ChangeState


def test_every_state_has_its_steps() -> None:
    assert set(STEPS) == set(ChangeState)


@pytest.mark.parametrize(
    "state", [ChangeState.DROPPED, ChangeState.WITHDRAWN, ChangeState.REJECTED, ChangeState.ROLLED_BACK]
)
def test_what_has_ended_stays_ended(state: ChangeState) -> None:
    assert not STEPS[state]


def test_a_draft_is_all_that_can_be_dropped_or_submitted() -> None:
    assert sources(ChangeState.DROPPED) == ("draft",)
    assert sources(ChangeState.SUBMITTED) == ("draft",)
    assert sources(ChangeState.DRAFT) == ()


def test_nothing_is_deployed_that_was_not_approved_and_built() -> None:
    assert sources(ChangeState.DEPLOYED) == ("deploying",)
    assert sources(ChangeState.DEPLOYING) == ("built",)
    assert sources(ChangeState.BUILT) == ("approved", "deploying")
