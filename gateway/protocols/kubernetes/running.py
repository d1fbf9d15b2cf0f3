"""A judged command runs in a container: its output to the client and into the recording, input to it."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol

from gateway.protocols.kubernetes.console import Locked
from gateway.protocols.kubernetes.remote import Remote
from gateway.session.life import SessionOver
from gateway.terminal.desk import until_gone
from gateway.terminal.lock import lock_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.domain.unit import Admitted
    from gateway.judge.kubernetes.judgement import KubernetesJudgement
    from gateway.protocols.kubernetes.console import Console, Listens
    from gateway.protocols.kubernetes.streams import Channel, Sized
    from gateway.protocols.kubernetes.units import KubernetesUnit
    from gateway.protocols.kubernetes.upstream import Upstream
    from gateway.session.line import Session

    Governed = Session[KubernetesUnit, KubernetesJudgement]
    Allowed = Admitted[KubernetesUnit, KubernetesJudgement]


class Sink(Protocol):
    """Where a command's output goes."""

    def write(self, data: bytes, channel: Channel) -> None:
        """Take a piece of it."""

    async def drain(self) -> None:
        """Wait until most of it has been taken."""


class _Input:
    """Hands a client's input to what runs, and says in the recording how large its terminal is."""

    def __init__(
        self,
        remote: Remote,
        session: Governed,
        number: int,
        *,
        tty: bool,
        left: Callable[[bytes], None] | None,
    ) -> None:
        self._remote = remote
        self._session = session
        self._number = number
        self._tty = tty
        self._left = left
        self.fed_up = remote.fed_up
        self.drain = remote.drain

    def fed(self, data: bytes) -> None:
        """Hand on what was typed; once the command has ended it is for the next line, as at a terminal."""
        if self._left is not None and self._remote.status:
            self._left(data)
        else:
            self._remote.fed(data)

    def resized(self, size: Sized) -> None:
        """Tell both."""
        if self._tty:
            self._remote.resized(size)
            self._session.event("window", f"unit {self._number}: {size.columns}x{size.rows}")


async def run_command(
    session: Governed,
    upstream: Upstream,
    admitted: Allowed,
    console: Console,
    left: Callable[[bytes], None] | None = None,
) -> bytes:
    """Run what was admitted before a client.

    Args:
        session: records.
        upstream: its cluster.
        admitted: an exec.
        console: the client's end.
        left: takes what is typed once the command has ended; None: nothing comes behind it.

    Returns:
        What the error stream carried; empty where the client left before.

    Raises:
        UpstreamUnavailable: the cluster can't be reached, does not run it, or broke off.
    """

    async def work() -> bytes:
        return await run_into(session, upstream, admitted, console, join)

    def join(remote: Remote) -> None:
        judged = admitted.judged
        behind: Listens = _Input(remote, session, admitted.number, tty=judged.tty, left=left)
        lock = lock_of(judged.shell) if judged.shell is not None and judged.tty else None
        console.join(behind if lock is None else Locked(behind, lock))

    return await until_gone(work(), console.gone) or b""


class _Begun(Protocol):
    def __call__(self, remote: Remote) -> None:
        """It runs."""


async def run_into(
    session: Governed, upstream: Upstream, admitted: Allowed, sink: Sink, begun: _Begun
) -> bytes:
    """Run what was admitted; its output goes to a sink.

    Args:
        session: records.
        upstream: its cluster.
        admitted: an exec.
        sink: takes the output.
        begun: told once it runs.

    Returns:
        What the error stream carried.

    Raises:
        UpstreamUnavailable: the cluster can't be reached, does not run it, or broke off.
    """
    assert admitted.judged.request is not None
    recorded = session.endpoint.settings.record_results
    began, size, tag = perf_counter_ns(), 0, "lost"
    try:
        remote = await Remote.open(upstream, admitted.judged.request)
        try:
            begun(remote)
            while pieces := await remote.heard():
                for channel, data in pieces:
                    size += len(data)
                    if recorded:
                        session.output(admitted.number, int(channel), data)
                    sink.write(data, channel)
                await sink.drain()
            tag = f"exit {remote.code}" if remote.status else "lost"
            return remote.status
        finally:
            remote.close()
    finally:
        _answered(session, admitted, tag, size, perf_counter_ns() - began)


def _answered(session: Governed, admitted: Allowed, tag: str, size: int, nanoseconds: int) -> None:
    try:
        session.answered(admitted.number, tag=tag, rows=None, size=size, nanoseconds=nanoseconds)
    except SessionOver:
        return  # the recording is lost, which the line says by itself
