"""The other way out of a refusal: what the catalogue would have to say for the statement to pass as a read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.domain.identity import Identity
    from gateway.store.changes import StoredChange


@dataclass(frozen=True, slots=True)
class ReadProposal:
    """A change to the catalogue, for review.

    Attributes:
        path: file in the gateway's policies.
        text: what to add there.
        explanation: for the reviewer.
    """

    path: str
    text: str
    explanation: str


def propose_read(change: StoredChange, identity: Identity) -> ReadProposal:
    """Return the catalogue change that would let the statements of a draft pass."""
    return ReadProposal("policies/catalogue/postgres.toml", "", "")
