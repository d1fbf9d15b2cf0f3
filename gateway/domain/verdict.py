"""What the judge decides of a unit, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Protocol


class Decision(IntEnum):
    """The three verdicts, ordered by severity: a compound takes the worst."""

    ALLOW = 0
    CHANGE = 1
    REFUSE = 2

    @property
    def word(self) -> str:
        """``allow``, ``change`` or ``refuse``."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision with the rule that decided and a sentence a person understands.

    Attributes:
        decision: allow, change or refuse.
        rule: stable dotted name, such as ``postgres.statement.update``.
        reason: one sentence.
    """

    decision: Decision
    rule: str
    reason: str


class Judged(Protocol):
    """What every language's judge returns: a verdict, beside what that language's door needs of it."""

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of everything in the unit."""


class Layer(IntFlag):
    """The layers of enforcement in force for one unit (each recording names them, unit by unit)."""

    PARSED = 1
    JUDGED = 2
    EXACT = 4
    """What is executed is exactly what was judged."""
    READ_ONLY_TRANSACTION = 8
    READ_ONLY_ROLE = 16
    STANDBY = 32
    KERNEL_GUARD = 64

    @property
    def words(self) -> tuple[str, ...]:
        """Names of the layers, weakest first."""
        return tuple(str(layer.name).lower().replace("_", "-") for layer in Layer if layer in self)
