"""What a client sends for a line that is not run: bytes for its change request, told in the recording."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Final

from gateway.domain.host import Known, Patched, Printed, Written
from gateway.protocols.ssh.production import MOST_FILE

if TYPE_CHECKING:
    from gateway.domain.host import HostWrite
    from gateway.domain.unit import Refused
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.channel import Channel
    from gateway.protocols.ssh.units import ShellUnit
    from gateway.session.line import Session

BEGINS_SECONDS: Final = 0.3
"""A client that sends a file begins at once; one before a person's keyboard does not."""
ENDS_SECONDS: Final = 30.0


class Given:
    """Collects what a client sends.

    Attributes:
        data: so far.
        begun: set once something came, or nothing will.
        ended: set once all came.
        overfull: whether it is more than a change request takes.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.overfull = False

    def fed(self, data: bytes) -> None:
        """Something came."""
        self.begun.set()
        if len(self.data) + len(data) > MOST_FILE:
            self.overfull = True
            self.ended.set()
        else:
            self.data += data

    def fed_up(self) -> None:
        """That was all."""
        self.begun.set()
        self.ended.set()

    def hurry(self, *, hold: bool) -> None:
        """Nothing is sent to the client meanwhile."""

    def resized(self, size: tuple[int, int, int, int]) -> None:
        """Nothing is shown."""

    def signalled(self, name: str) -> None:
        """A signal ends the wait."""
        del name
        self.overfull = True
        self.ended.set()


def may_be_read(writes: tuple[HostWrite, ...]) -> bool:
    """Whether a write's bytes are what a command prints, which may read its standard input for them."""
    contents = [each.content for each in writes if isinstance(each, Written)]
    contents += [each.diff for each in writes if isinstance(each, Patched)]
    return any(isinstance(each, Printed) for each in contents)


async def given_by(channel: Channel) -> bytes | None:
    """Return what a client sends as standard input; None where it does not end, or is too much."""
    given = Given()
    channel.join(given)
    try:
        async with asyncio.timeout(BEGINS_SECONDS):
            await given.begun.wait()
        async with asyncio.timeout(ENDS_SECONDS):
            await given.ended.wait()
    except TimeoutError:
        return None
    return None if given.overfull else bytes(given.data)


def note_given(
    session: Session[ShellUnit, ShellJudgement], refused: Refused[ShellUnit, ShellJudgement]
) -> None:
    """Record which bytes a client sent for what was not run; they stand in its change request."""
    unit = refused.unit
    given = [] if unit.given is None else [("standard input", unit.given)]
    given += [
        (write.path, write.content.content)
        for write in unit.writes
        if isinstance(write, Written) and isinstance(write.content, Known)
    ]
    for what, data in given:
        digest = hashlib.sha256(data).hexdigest()
        session.event("given", f"unit {refused.number}: {what}, {len(data)} bytes, sha256 {digest}")
