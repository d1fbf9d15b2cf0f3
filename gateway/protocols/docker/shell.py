"""The governed shell of a container: its client's terminal, and the container that it looks at."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.domain.errors import GlassgateError, UpstreamUnavailable
from gateway.domain.unit import Admitted
from gateway.protocols.docker import refusal
from gateway.protocols.docker.streaming import interrupt
from gateway.protocols.docker.tape import Tape
from gateway.protocols.docker.units import LineUnit
from gateway.terminal.desk import Desk, until_gone
from gateway.terminal.lock import lock_of
from gateway.terminal.looking import MOST_NAMES, UNFINISHED, moved, names_in
from gateway.terminal.shell import GovernedShell, Ran
from gateway.transport.once import Once

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from gateway.judge.docker.judgement import DockerJudgement
    from gateway.protocols.docker.execs import Held
    from gateway.protocols.docker.production import EngineReads
    from gateway.protocols.docker.tape import Governed
    from gateway.protocols.docker.units import DockerUnit
    from gateway.protocols.docker.upstream import Engine
    from gateway.terminal.programs import KeyLock
    from gateway.terminal.shell import Place
    from gateway.transport.http.connection import Connection
    from gateway.transport.http.exchange import UpstreamSide


class Console:
    """A client's terminal behind a hijacked connection.

    Args:
        connection: the client's.
        early: what it sent behind its request.
        size: rows and columns; None: not told yet.

    Attributes:
        gone: set once the client has left.
        size: as told last.
    """

    plain = False  # the engine's terminals are xterm

    def __init__(self, connection: Connection, early: bytes, size: tuple[int, int] | None) -> None:
        self._connection = connection
        self._early = early
        self._takes: Callable[[bytes], object] | None = None
        self._drain: Callable[[], Awaitable[None]] | None = None
        self.gone = Once()
        self.size = size

    @property
    def columns(self) -> int:
        """The terminal's width in cells; 0: not known."""
        return self.size[1] if self.size is not None else 0

    def join(
        self, takes: Callable[[bytes], object], drain: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Have something take the keys from here on.

        Args:
            takes: the keys.
            drain: waits until it has taken most of them; None: it takes all.
        """
        self._takes, self._drain = takes, drain

    async def listen(self) -> None:
        """Hand on the keys, until the client leaves; a terminal that sends no more has left."""
        data = self._early or await self._connection.read()
        while data:
            assert self._takes is not None
            self._takes(data)
            if self._drain is not None:
                await self._drain()
            data = await self._connection.read()
        self.gone.set()

    def write(self, data: bytes) -> None:
        """Show something."""
        self._connection.write(data)

    def say(self, text: str) -> None:
        """Say something in the gateway's own voice."""
        self.write(f"{text}\n".replace("\n", "\r\n").encode())

    async def drain(self) -> None:
        """Wait until the client has taken most of what was shown."""
        await self._connection.drain()


class ContainerShell:
    """One governed shell, and what it looks at.

    Args:
        session: admits and records.
        engine: runs what was admitted.
        reads: the gateway's own, for completion and folders.
        console: the client's.
        held: the command in whose place the shell stands.
        commands: names to complete.
    """

    home = ""

    def __init__(
        self,
        session: Governed,
        engine: Engine,
        reads: EngineReads,
        console: Console,
        held: Held,
        *,
        commands: Sequence[str],
    ) -> None:
        self._session = session
        self._engine = engine
        self._reads = reads
        self._console = console
        self._exec = held.exec
        self._desk = Desk(console)
        self._shell = GovernedShell(self._desk, self)
        self._running: _Running | None = None
        self.name = f"{session.endpoint.name} {held.exec.container}"
        self.commands = commands

    async def serve(self) -> int:
        """Serve until the client leaves; return the exit status."""
        self._console.join(self._desk.fed)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._console.listen())
            status = await until_gone(self._shell.run(), self._console.gone)
            listening.cancel()
        return status or 0

    def resized(self, columns: int, rows: int) -> None:
        """The client's terminal has another size."""
        self._console.size = (rows, columns)
        self._shell.resized()
        if self._running is not None:
            self._running.sizes.put_nowait((columns, rows))

    def tell(self, message: str) -> None:
        """Say something beside the line that is being typed."""
        self._shell.tell(message)

    def cut(self, why: str) -> None:
        """Record that what runs was ended before its own end."""
        if self._running is not None:
            self._running.cut(why)

    @property
    def busy(self) -> bool:
        """Whether a line runs."""
        return self._running is not None

    # ---- what the shell asks ---------------------------------------------------------------------

    def remaining(self) -> float:
        """Return the seconds that are left of the grant."""
        return self._session.remaining()

    async def run(self, line: str, place: Place) -> Ran:
        """Judge a line, and run it before the client's terminal or say there why it was not run."""
        unit = LineUnit(
            line.encode(),
            container=self._exec.container,
            argv=self._exec.argv,
            terminal=True,
            folder=place.folder,
            variables=place.variables,
            status=place.status,
            context=f"in {self._exec.container}",
        )
        outcome = await self._session.admit(unit)
        if not isinstance(outcome, Admitted):
            if outcome.verdict.rule in UNFINISHED:
                return Ran(place, unfinished=True)
            filed = await self._session.file_change(outcome)
            self._console.say(refusal.refused(outcome.verdict, filed))
            return Ran(replace(place, status=refusal.NOT_RUN))
        judged = outcome.judged.shell
        assert judged is not None
        if not outcome.judged.argv:
            return Ran(await moved(place, judged, 0, self._ask, self._tell))
        try:
            status = await self._forward(outcome)
        except GlassgateError as error:
            self._console.say(refusal.told(error))
            status = refusal.UNAVAILABLE
        finally:
            self._console.join(self._desk.fed)
        return Ran(await moved(place, judged, status, self._ask, self._tell))

    async def _forward(self, admitted: Admitted[DockerUnit, DockerJudgement]) -> int:
        """Run what was admitted; return its exit status."""
        judged = admitted.judged
        running = self._running = _Running(self._session, self._engine, self._console, admitted)
        try:
            lock = lock_of(judged.shell) if judged.shell is not None else None
            return await running.run(lock, left=self._desk.fed)
        finally:
            self._running = None

    async def _ask(self, line: str, folder: str) -> tuple[int, bytes]:
        container = self._exec.container
        read = await self._reads.ran(line, container=container, folder=folder, most=MOST_NAMES)
        return read.status, read.output

    def _tell(self, error: GlassgateError) -> int:
        self._console.say(refusal.told(error))
        return refusal.UNAVAILABLE

    async def entries(self, folder: str, place: Place) -> Sequence[str]:
        """Return the names in a folder, those of folders with a slash behind; none where it can't be read."""
        return await names_in(folder, place, self._ask)


class _Running:
    """One line that runs before a terminal.

    Args:
        session: records.
        engine: where it runs.
        console: the client's.
        admitted: the line.

    Attributes:
        sizes: columns and rows that it is yet to be told.
    """

    def __init__(
        self,
        session: Governed,
        engine: Engine,
        console: Console,
        admitted: Admitted[DockerUnit, DockerJudgement],
    ) -> None:
        self._session = session
        self._engine = engine
        self._console = console
        self._admitted = admitted
        self._tape = Tape(session, admitted.number, framed=False)
        self._side: UpstreamSide | None = None
        self.sizes: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

    def cut(self, why: str) -> None:
        """Record that it was ended before its own end, and end it as far as an engine lets it be."""
        self._tape.end("cut", why)
        if self._side is not None:
            interrupt(self._side.connection)

    async def run(self, lock: KeyLock | None, *, left: Callable[[bytes], object]) -> int:
        """Run it to its end; return its exit status.

        Args:
            lock: of the keys that it may be sent; None: all.
            left: takes the keys once it has ended.

        Raises:
            UpstreamUnavailable: the engine can't be reached, does not run it, or broke off.
        """
        judged, tape = self._admitted.judged, self._tape
        tag, error = "lost", "the client left"
        try:
            size = self._console.size
            number = await self._engine.create(judged.container, judged.argv, tty=True, console=size)
            self._side = side = await self._engine.start(number, tty=True, console=size)
            connection = side.connection
            typed = connection.write if lock is None else lambda data: connection.write(lock.pass_on(data))
            self._console.join(typed, connection.drain)
            if self._console.size is not None:
                self.sizes.put_nowait((self._console.size[1], self._console.size[0]))
            try:
                async with asyncio.TaskGroup() as group:
                    sizing = group.create_task(self._tell_sizes(number))
                    while data := await side.data():
                        tape.seen(data)
                        self._console.write(data)
                        await self._console.drain()
                    sizing.cancel()
            except asyncio.CancelledError:
                interrupt(connection)
                raise
            finally:
                self._engine.pool.done(side)
            self._console.join(left)  # what is typed from here on is the next line's
            status = await self._engine.exit_status(number)
            tag, error = f"exit {status}", ""
        except ExceptionGroup as broken:
            raise broken.exceptions[0] from None
        except UpstreamUnavailable as broken:
            error = broken.message
            raise
        finally:
            tape.end(tag, error)
        return refusal.UNAVAILABLE if status is None else status

    async def _tell_sizes(self, number: str) -> None:
        """Tell the command how large the terminal is, as that changes."""
        while True:
            columns, rows = await self.sizes.get()
            self._session.event("window", f"unit {self._admitted.number}: {columns}x{rows}")
            await self._engine.resize(number, columns, rows)
