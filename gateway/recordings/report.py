"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """Counts while they grow, and the first thing that does not fit.

    Attributes:
        leaves: of the ledger, or those that a file carries.
        blocks: sealed blocks that fit.
        sessions: recordings looked at.
        expired: of these, with a destroyed key and a tombstone.
        checkpoints: checkpoints that fit.
        checkpoint: which checkpoint all this is proven against, for a person.
        problem: the first thing that does not fit; empty where everything does.
        records: what stood in it: session, block, frames.
        notes: what the proof does not say, for a person.
    """

    leaves: int = 0
    blocks: int = 0
    sessions: int = 0
    expired: int = 0
    checkpoints: int = 0
    checkpoint: str = ""
    problem: str = ""
    records: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether everything fits."""
        return not self.problem

    def break_at(self, problem: str, *records: str) -> None:
        """Keep the first thing that does not fit; a later one that names its records says where it lies."""
        if not self.problem:
            self.problem, self.records = problem, records
        elif records and not self.records:
            self.problem, self.records = f"{self.problem}; {problem}", records
