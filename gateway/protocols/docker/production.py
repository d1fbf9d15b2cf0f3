"""The gateway's own reads in a container: units like any other, without a terminal, bounded."""

from __future__ import annotations

import asyncio
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.host import HostFile
from gateway.domain.unit import Admitted, Origin
from gateway.protocols.docker.frames import STDOUT, Unframed
from gateway.protocols.docker.tape import Tape
from gateway.protocols.docker.units import LineUnit

if TYPE_CHECKING:
    from gateway.protocols.docker.tape import Governed
    from gateway.protocols.docker.upstream import Engine

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


class ContainerReads:
    """Reads for one session, in the container that was spoken of last.

    Attributes:
        container: which one; empty: none yet.
    """

    def __init__(self) -> None:
        self.container = ""
        self._session: Governed | None = None
        self._engine: Engine | None = None

    def stand(self, session: Governed, engine: Engine) -> None:
        """The session stands: from here on containers can be read."""
        self._session, self._engine = session, engine

    async def ran(self, line: str, *, container: str, folder: str = "", most: int = MOST_FILE) -> Read:
        """Run a line of ours.

        Args:
            line: shell, judged as any other.
            container: where.
            folder: working folder; empty: the image's.
            most: bytes of output that are taken.

        Raises:
            UpstreamUnavailable: it is no read, took too long, printed too much, or the engine has gone.
        """
        session, engine = self._session, self._engine
        if session is None or engine is None or not container:
            raise UpstreamUnavailable("the container can't be read")
        unit = LineUnit(
            line.encode("utf-8", "surrogateescape"),
            origin=Origin.GATEWAY,
            container=container,
            folder=folder,
            context=f"in {container}",
        )
        admitted = await session.admit(unit)
        if not isinstance(admitted, Admitted):
            raise UpstreamUnavailable(f"the gateway does not read it itself: {admitted.verdict.reason}")
        tape = Tape(session, admitted.number, framed=False)
        tag = "lost"
        try:
            async with asyncio.timeout(SECONDS):
                read = await self._read(engine, container, admitted.judged.argv, most)
            tag = f"exit {read.status}"
        except TimeoutError as error:
            raise UpstreamUnavailable("the container did not answer in time") from error
        finally:
            tape.end(tag)
        return read

    @staticmethod
    async def _read(engine: Engine, container: str, argv: tuple[str, ...], most: int) -> Read:
        number = await engine.create(container, argv, tty=False)
        side = await engine.start(number, tty=False)
        frames, printed = Unframed(), {STDOUT: bytearray()}
        try:
            while data := await side.data():
                for stream, piece in frames.feed(data):
                    printed.setdefault(stream, bytearray()).extend(piece)
                if sum(map(len, printed.values())) > most:
                    raise UpstreamUnavailable("the container printed more than is taken")
        finally:
            engine.pool.done(side)
        status = await engine.exit_status(number)
        if status is None:
            raise UpstreamUnavailable("the engine does not say how it ended")
        output, *others = (bytes(each) for each in printed.values())
        return Read(status, output, b"".join(others))

    async def file(self, path: str) -> HostFile | None:
        """Return a regular file of the container as it is now, None where there is none.

        Raises:
            UpstreamUnavailable: it could not be read, is no regular file, or is too large.
        """
        container = self.container
        word = shlex.quote(path)
        told = await self.ran(f"stat -Lc '%F|%a|%s' -- {word}", container=container)
        if told.status:
            if b"No such file" in told.error or b"can't stat" in told.error:
                return None
            raise UpstreamUnavailable(f"{path} can't be looked at in {container}")
        found = _STAT.fullmatch(told.output)
        if found is None or found["kind"] not in _REGULAR:
            raise UpstreamUnavailable(f"{path} is no regular file")
        if int(found["size"]) > MOST_FILE:
            raise UpstreamUnavailable(f"{path} is larger than {MOST_FILE >> 20} MB")
        read = await self.ran(f"cat -- {word}", container=container)
        if read.status:
            raise UpstreamUnavailable(f"{path} can't be read in {container}")
        return HostFile(read.output, int(found["mode"], 8))

    async def printed(self, line: str, given: bytes | None) -> bytes:
        """Return what a command line prints in the container.

        Raises:
            UpstreamUnavailable: it was not run, failed, needs input, or printed more than is taken.
        """
        if given:
            raise UpstreamUnavailable("a command in a container is given no input by the gateway")
        read = await self.ran(line, container=self.container)
        if read.status and read.error:
            raise UpstreamUnavailable(f"it could not be worked out there (exit status {read.status})")
        return read.output
