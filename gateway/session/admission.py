"""The step that every unit of a session takes: judge → record unit and verdict → only then return.

Part of the session (``line.py``), apart from it because it is compiled with the hot loops that wait for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from gateway.domain.errors import RecordingLost
from gateway.domain.unit import Admitted, Origin, Refused
from gateway.domain.verdict import Decision, Verdict
from gateway.recordings.frames import Answer, UnitFrame
from gateway.session.life import SessionOver

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.domain.ids import UnitNumber
    from gateway.domain.session import Ending
    from gateway.recordings.live import Recording
    from gateway.session.door import Door
    from gateway.session.lease import Lease

LEASE_LAPSED = Verdict(
    Decision.REFUSE,
    "session.lease-lapsed",
    "the gateway can't confirm your grant at the moment (its store is away); nothing runs until it can",
)

_ALLOW = Decision.ALLOW
_CLIENT = Origin.CLIENT
"""Looked up once: an enum's member costs as much as the rest of a check."""


class Answering(Protocol):
    """What ``Admission.answered`` is to those who call it."""

    def __call__(
        self,
        number: UnitNumber,
        tag: str,
        rows: int | None,
        size: int,
        nanoseconds: int,
        *,
        error_code: str = "",
        error_message: str = "",
    ) -> None:
        """Record how production answered a unit."""


class Admission:
    """Admits one session's units.

    Args:
        door: judges them.
        recording: where each stands with its verdict before it may run.
        lease: nothing is admitted past it.
        layers: of enforcement in force for every unit, as the bits of ``Layer``.
        synced: whether a unit is on disk before it is forwarded.
        lost: ends the session whose recording can't be written; returns what is raised.

    Attributes:
        ending: why nothing further is admitted, once there is a reason.
        touched: when the last unit came, loop time.
    """

    def __init__(
        self,
        door: Door[Any, Any],
        recording: Recording,
        lease: Lease,
        *,
        layers: int,
        synced: bool,
        lost: Callable[[RecordingLost], SessionOver],
    ) -> None:
        self.ending: Ending | None = None
        self._time = asyncio.get_running_loop().time
        self.touched = self._time()
        self._heavy, self._judge = door.heavy, door.judge
        self._recording = recording
        self._lease = lease
        self._layers = layers
        self._synced = synced
        self._lost = lost
        self._next = 1

    def admit_now(self, unit: Any) -> Admitted[Any, Any] | Refused[Any, Any] | None:
        """Judge and record one unit without waiting: the hot path, a plain call.

        Args:
            unit: of the door's own kind.

        Returns:
            Whether it may be forwarded; None when something must wait: use ``Session.admit``.

        Raises:
            SessionOver: nothing further is admitted.
        """
        if self._synced or self._heavy(unit):
            return None
        return self.decide(unit)

    def decide(self, unit: Any) -> Admitted[Any, Any] | Refused[Any, Any]:
        """Admission itself.

        Raises:
            SessionOver: nothing further is admitted.
        """
        if self.ending is not None:
            raise SessionOver(self.ending)
        judged = self._judge(unit)
        verdict = judged.verdict
        self.touched = now = self._time()
        if now > self._lease.until:
            verdict = LEASE_LAPSED
        number: UnitNumber = self._next  # type: ignore[assignment]  # a NewType's call costs more than the rest
        allowed = verdict.decision is _ALLOW
        origin = unit.origin
        repeats = unit.repeats
        try:
            self._recording.write(
                UnitFrame(
                    number,
                    "client" if origin is _CLIENT else origin.value,
                    None if repeats is not None else unit.text,
                    repeats,
                    unit.values,
                    0 if allowed else int(verdict.decision),
                    verdict.rule,
                    verdict.reason,
                    self._layers,
                    unit.context,
                )
            )
        except RecordingLost as error:
            raise self._lost(error) from error
        self._next += 1
        if allowed:
            return Admitted(unit, judged, number)
        return Refused(unit, judged, number, verdict)

    def answered(
        self,
        number: UnitNumber,
        tag: str,
        rows: int | None,
        size: int,
        nanoseconds: int,
        *,
        error_code: str = "",
        error_message: str = "",
    ) -> None:
        """Record how production answered a unit.

        Args:
            number: which unit.
            tag: the protocol's own completion, such as ``SELECT 3``.
            rows: rows returned; None where the protocol has none.
            size: bytes of the answer.
            nanoseconds: from forwarding to the answer's end.
            error_code: the protocol's code where it failed.
            error_message: the protocol's message where it failed.

        Raises:
            SessionOver: it could not be recorded: nothing further is admitted.
        """
        try:
            self._recording.write(Answer(number, tag, rows, size, error_code, error_message, nanoseconds))
        except RecordingLost as error:
            raise self._lost(error) from error
