"""The life of a change request: which step may follow which, and what each one says."""

from __future__ import annotations

from gateway.domain.change import ChangeState

DRAFT_DAYS = 7

ROLLED_BACK = "the client rolled its transaction back"
STALE = f"nobody acted on the draft for {DRAFT_DAYS} days"
READ = "this was a read"

STEPS: dict[ChangeState, frozenset[ChangeState]] = {
    ChangeState.DRAFT: frozenset({ChangeState.SUBMITTED, ChangeState.WITHDRAWN, ChangeState.DROPPED}),
    ChangeState.SUBMITTED: frozenset({ChangeState.APPROVED, ChangeState.REJECTED, ChangeState.WITHDRAWN}),
    ChangeState.APPROVED: frozenset({ChangeState.BUILT, ChangeState.REJECTED, ChangeState.WITHDRAWN}),
    ChangeState.REJECTED: frozenset(),
    ChangeState.BUILT: frozenset({ChangeState.DEPLOYING, ChangeState.WITHDRAWN}),
    ChangeState.DEPLOYING: frozenset({ChangeState.DEPLOYED, ChangeState.BUILT}),
    ChangeState.DEPLOYED: frozenset({ChangeState.CLOSED, ChangeState.ROLLED_BACK}),
    ChangeState.CLOSED: frozenset({ChangeState.ROLLED_BACK}),
    ChangeState.WITHDRAWN: frozenset(),
    ChangeState.DROPPED: frozenset(),
    ChangeState.ROLLED_BACK: frozenset(),
}


def sources(target: ChangeState) -> tuple[str, ...]:
    """Return the states from which a step to this one may be made, as the store's guard names them."""
    return tuple(state.value for state, following in STEPS.items() if target in following)
