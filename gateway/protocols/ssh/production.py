"""The gateway's own reads of a host: units like any other, without a terminal, bounded, shown to nobody."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.host import HostFile
from gateway.domain.unit import Admitted, Origin
from gateway.protocols.ssh import ending as endings
from gateway.protocols.ssh.answer import Answer
from gateway.protocols.ssh.quoting import quoted
from gateway.protocols.ssh.units import ShellUnit

if TYPE_CHECKING:
    from gateway.judge.shell.judgement import ShellJudgement
    from gateway.protocols.ssh.judging import Judging
    from gateway.protocols.ssh.upstream import Upstream
    from gateway.session.line import Session

SECONDS: Final = 5.0
"""A read of ours may take so long."""
MOST_FILE: Final = 4 << 20
"""Bytes of a file that a change request takes."""
_STAT: Final = re.compile(rb"(?P<kind>[a-z ]+)\|(?P<mode>[0-7]+)\|(?P<size>[0-9]+)\n")
_REGULAR: Final = (b"regular file", b"regular empty file")


@dataclass(frozen=True, slots=True)
class Read:
    """How a read of ours ended.

    Attributes:
        status: its exit status.
        output: what it printed.
        error: what it printed to standard error.
    """

    status: int
    output: bytes
    error: bytes


class HostReads:
    """Reads for one session: files for change requests, entries of folders for completion.

    Attributes:
        tokens: in the environment of those that run now.
    """

    def __init__(self) -> None:
        self.tokens: set[str] = set()
        self._session: Session[ShellUnit, ShellJudgement] | None = None
        self._upstream: Upstream | None = None
        self._judging: Judging | None = None

    def stand(
        self, session: Session[ShellUnit, ShellJudgement], upstream: Upstream, judging: Judging
    ) -> None:
        """The session stands: from here on the host can be read."""
        self._session, self._upstream, self._judging = session, upstream, judging

    async def ran(
        self, line: str, *, folder: str = "", most: int = MOST_FILE, given: bytes | None = b""
    ) -> Read:
        """Run a line of ours.

        Args:
            line: shell, judged as any other.
            folder: working folder; empty: the login's.
            most: bytes of output that are taken.
            given: its standard input; None: one that does not end.

        Raises:
            UpstreamUnavailable: it is no read, took too long, printed too much, or the host has gone.
        """
        session, upstream, judging = self._session, self._upstream, self._judging
        if session is None or upstream is None or judging is None:
            raise UpstreamUnavailable("the host can't be read yet")
        unit = ShellUnit(line.encode("utf-8", "surrogateescape"), origin=Origin.GATEWAY, folder=folder)
        admitted = await session.admit(unit)
        if not isinstance(admitted, Admitted):
            raise UpstreamUnavailable(f"the gateway does not read it itself: {admitted.verdict.reason}")
        answer = Answer(most)
        began = perf_counter_ns()
        token = f"{session.id}-{admitted.number}-{secrets.token_hex(8)}"
        self.tokens.add(token)
        try:
            async with asyncio.timeout(SECONDS):
                chan = await upstream.open(judging.line(admitted.unit, admitted.judged, token), answer)
                if given is not None:
                    with contextlib.suppress(BrokenPipeError):  # it ended before it was given anything
                        chan.write(given)
                        chan.write_eof()
                await answer.done.wait()
        except TimeoutError as error:
            raise UpstreamUnavailable("the host did not answer in time") from error
        finally:
            answer.hang_up()
            if answer.status is None and session.over() is None:
                await endings.end(upstream, (), [token])
            self.tokens.discard(token)
            session.answered(
                admitted.number,
                tag=f"exit {answer.status}",
                rows=None,
                size=len(answer.output),
                nanoseconds=perf_counter_ns() - began,
            )
        if answer.overfull or answer.status is None:
            raise UpstreamUnavailable("the host's answer is too long, or broke off")
        return Read(answer.status, bytes(answer.output), bytes(answer.error))

    async def file(self, path: str) -> HostFile | None:
        """Return a regular file as it is now, None where there is none.

        Raises:
            UpstreamUnavailable: it could not be read, is no regular file, or is too large.
        """
        told = await self.ran(f"stat -Lc '%F|%a|%s' -- {quoted(path)}")
        if told.status:
            if b"No such file" in told.error or b"can't stat" in told.error:
                return None
            raise UpstreamUnavailable(f"{path} can't be looked at by the gateway's login")
        found = _STAT.fullmatch(told.output)
        if found is None or found["kind"] not in _REGULAR:
            raise UpstreamUnavailable(f"{path} is no regular file")
        if int(found["size"]) > MOST_FILE:
            raise UpstreamUnavailable(f"{path} is larger than {MOST_FILE >> 20} MB")
        read = await self.ran(f"cat -- {quoted(path)}")
        if read.status:
            raise UpstreamUnavailable(f"{path} can't be read by the gateway's login")
        return HostFile(read.output, int(found["mode"], 8))

    async def printed(self, line: str, given: bytes | None) -> bytes:
        """Return what a command line prints.

        Raises:
            UpstreamUnavailable: it was not run, failed, or printed more than a change request takes.
        """
        read = await self.ran(line, given=given)
        if read.status and read.error:
            raise UpstreamUnavailable(f"it could not be worked out on the host (exit status {read.status})")
        return read.output
