"""The gateway's own reads in a container: units like any other, without a terminal, bounded."""

from __future__ import annotations

import asyncio
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.containers import Container
from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.host import HostFile
from gateway.domain.http import Request
from gateway.domain.unit import Admitted, Origin
from gateway.protocols.docker.frames import STDOUT, Unframed
from gateway.protocols.docker.tape import Tape
from gateway.protocols.docker.units import DockerUnit, LineUnit, text_of
from gateway.protocols.docker.upstream import MOST_SMALL

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


class _Config(msgspec.Struct):
    image: str = msgspec.field(name="Image", default="")
    labels: dict[str, str] | None = msgspec.field(name="Labels", default=None)


class _Described(msgspec.Struct):
    name: str = msgspec.field(name="Name", default="")
    config: _Config = msgspec.field(name="Config", default_factory=_Config)


class EngineReads:
    """Reads for one session."""

    def __init__(self) -> None:
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
        session, engine = self._standing()
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

    def _standing(self) -> tuple[Governed, Engine]:
        if self._session is None or self._engine is None:
            raise UpstreamUnavailable("the engine can't be read yet")
        return self._session, self._engine

    async def described(self, container: str) -> Container | None:
        """Return what the engine says of a container, None where it knows none of that name.

        Raises:
            UpstreamUnavailable: it could not be asked.
        """
        session, engine = self._standing()
        request = Request("GET", f"{engine.version}/containers/{container}/json")
        unit = DockerUnit(text_of(request), request=request, origin=Origin.GATEWAY)
        admitted = await session.admit(unit)
        if not isinstance(admitted, Admitted) or admitted.judged.request is None:
            raise UpstreamUnavailable("the gateway does not read it itself")
        tape, tag = Tape(session, admitted.number, framed=False), "lost"
        try:
            async with asyncio.timeout(SECONDS):
                head, answer = await engine.pool.asked(admitted.judged.request, most=MOST_SMALL)
            tag = f"{head.status} {head.reason}"
        except TimeoutError as error:
            raise UpstreamUnavailable("the engine did not answer in time") from error
        finally:
            tape.end(tag)
        if head.status != 200:
            return None
        try:
            told = msgspec.json.decode(answer, type=_Described)
        except msgspec.DecodeError as error:
            raise UpstreamUnavailable("the engine's answer can't be read") from error
        return Container(told.name.removeprefix("/"), told.config.image, told.config.labels or {})

    def inside(self, container: str) -> ContainerReads:
        """Return the way to read files in a container."""
        return ContainerReads(self, container)


class ContainerReads:
    """Reads for one session in one container.

    Args:
        reads: the session's.
        container: as the client named it.
    """

    def __init__(self, reads: EngineReads, container: str) -> None:
        self._reads = reads
        self._container = container

    async def file(self, path: str) -> HostFile | None:
        """Return a regular file of the container as it is now, None where there is none.

        Raises:
            UpstreamUnavailable: it could not be read, is no regular file, or is too large.
        """
        container = self._container
        word = shlex.quote(path)
        told = await self._reads.ran(f"stat -Lc '%F|%a|%s' -- {word}", container=container)
        if told.status:
            if b"No such file" in told.error or b"can't stat" in told.error:
                return None
            raise UpstreamUnavailable(f"{path} can't be looked at in {container}")
        found = _STAT.fullmatch(told.output)
        if found is None or found["kind"] not in _REGULAR:
            raise UpstreamUnavailable(f"{path} is no regular file")
        if int(found["size"]) > MOST_FILE:
            raise UpstreamUnavailable(f"{path} is larger than {MOST_FILE >> 20} MB")
        read = await self._reads.ran(f"cat -- {word}", container=container)
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
        read = await self._reads.ran(line, container=self._container)
        if read.status and read.error:
            raise UpstreamUnavailable(f"it could not be worked out there (exit status {read.status})")
        return read.output
