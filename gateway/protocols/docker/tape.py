"""What is kept of an answer: its size; where policy keeps results, what commands, logs and copies show."""

from __future__ import annotations

from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from gateway.protocols.docker.frames import STDOUT, Unframed
from gateway.session.life import SessionOver

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

    from gateway.domain.ids import UnitNumber
    from gateway.judge.docker.judgement import DockerJudgement
    from gateway.protocols.docker.units import DockerUnit
    from gateway.session.line import Session

    Governed = Session[DockerUnit, DockerJudgement]


MOST_OF_ARCHIVE: Final = 1 << 20
"""Bytes of an archive that are kept: of a larger one, its beginning, its size and its hash tell enough."""


class Tape:
    """The answer to one unit.

    Args:
        session: records.
        number: of the unit.
        framed: whether two streams may come in one; a terminal's output never does.
        output: whether it is what a command or a log shows, not what an engine says of itself.
    """

    def __init__(self, session: Governed, number: UnitNumber, *, framed: bool, output: bool = True) -> None:
        self._session = session
        self._number = number
        self._keeps = session.endpoint.settings.record_results
        self._recorded = output and self._keeps
        self._unframed = Unframed() if framed else None
        self._began = perf_counter_ns()
        self._size = 0
        self._said = False
        self._hash: Hash | None = None

    @property
    def raw(self) -> bool | None:
        """Whether it is one raw stream; None: that is not known yet."""
        return True if self._unframed is None else self._unframed.raw

    def is_archive(self) -> None:
        """What comes is an archive: files that are taken out of production."""
        self._hash = sha256()
        self._recorded = self._keeps

    def seen(self, data: bytes) -> None:
        """Keep a piece of it, before it is sent on.

        Raises:
            SessionOver: it can't be recorded; it must not be shown.
        """
        size, self._size = self._size, self._size + len(data)
        if self._hash is not None:
            self._hash.update(data)
            data = data[: max(0, MOST_OF_ARCHIVE - size)]
        if self._unframed is not None:
            for stream, pieces in groupby(self._unframed.feed(data), key=itemgetter(0)):
                self._output(stream, b"".join(piece for _, piece in pieces))
        else:
            self._output(STDOUT, data)

    def _output(self, stream: int, data: bytes) -> None:
        if self._recorded and data:
            self._session.output(self._number, stream, data)

    def end(self, tag: str, error: str = "") -> None:
        """Record how the unit was answered; what is told first holds.

        Args:
            tag: status of the answer, or how the command ended.
            error: what went wrong.
        """
        if self._said:
            return
        self._said = True
        try:
            if self._hash is not None:
                said = f"unit {self._number}: {self._size} bytes, sha256 {self._hash.hexdigest()}"
                self._session.event("archive", said)
            self._session.answered(
                self._number,
                tag=tag,
                rows=None,
                size=self._size,
                nanoseconds=perf_counter_ns() - self._began,
                error_code=tag if error else "",
                error_message=error,
            )
        except SessionOver:
            return  # the recording is lost, which the line says by itself
