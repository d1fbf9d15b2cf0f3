"""One client's connection as the line's door: dial, judge, serve, warn, cut, capture."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

from asyncssh.constants import DISC_BY_APPLICATION

from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import GlassgateError, UpstreamTooOpen, UpstreamUnavailable
from gateway.domain.session import EndCause, Ending
from gateway.domain.unit import Admitted
from gateway.domain.verdict import Decision
from gateway.judge import sftp
from gateway.judge.shell.judgement import ShellJudgement
from gateway.judge.shell.nested.scp import RECEIVES
from gateway.log import get_logger
from gateway.protocols.ssh import ending as endings
from gateway.protocols.ssh import probe, refusal, scp, upstream
from gateway.protocols.ssh.attended import Attended
from gateway.protocols.ssh.capturing import capture_of
from gateway.protocols.ssh.editing import instead_of
from gateway.protocols.ssh.given import given_by, may_be_read, note_given
from gateway.protocols.ssh.interrupting import see_through
from gateway.protocols.ssh.judging import Judging
from gateway.protocols.ssh.keyboard import Locked
from gateway.protocols.ssh.options import options_of
from gateway.protocols.ssh.production import HostReads
from gateway.protocols.ssh.running import Running
from gateway.protocols.ssh.sftp.proxy import SftpProxy
from gateway.protocols.ssh.sftp.uploads import Stock
from gateway.protocols.ssh.shell import Desk, LookedAt, OnStage, script_of
from gateway.protocols.ssh.units import SftpUnit, ShellUnit
from gateway.session.life import SessionOver
from gateway.terminal.desk import until_gone
from gateway.terminal.lock import lock_of
from gateway.terminal.shell import GovernedShell
from gateway.transport.once import first

if TYPE_CHECKING:
    import asyncssh

    from gateway.domain.change import Capture
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.secret import Secret
    from gateway.domain.session import Level
    from gateway.domain.unit import Refused
    from gateway.protocols.ssh.channel import Channel
    from gateway.protocols.ssh.client import Client
    from gateway.protocols.ssh.parts import Parts
    from gateway.protocols.ssh.running import Stage
    from gateway.protocols.ssh.units import Terminal
    from gateway.protocols.ssh.upstream import Upstream
    from gateway.session.door import DialContext
    from gateway.session.line import Session
    from gateway.transport.accept import Arrival

HEAVY_BYTES: Final = 4096
"""A longer line is judged in a thread."""
FAREWELL_SECONDS: Final = 0.5
"""A client has so long to take its last words and leave by itself."""
TURNED_AWAY_SECONDS: Final = 5.0
"""A client without a session has so long to ask for something, and so to be told why there is none."""

CLIENT_GONE: Final = Ending(EndCause.CLIENT, "the client disconnected")

log = get_logger("protocols.ssh")


class SshDoor:
    """One client connection. Made once it has proven who it is.

    Args:
        parts: what all connections share.
        connection: to the client.
        client: what it does.
        arrival: how it came.

    Attributes:
        kind: SSH.
        client: peer address and client program, for the record.
        source: peer address.
        passage: what binds a client that came in through another door.
        production: the gateway's own reads, for change requests.
    """

    kind = EndpointKind.SSH

    def __init__(
        self,
        parts: Parts,
        connection: asyncssh.SSHServerConnection,
        client: Client,
        arrival: Arrival,
    ) -> None:
        self._parts = parts
        self._connection = connection
        self._client = client
        self._upstream: Upstream | None = None
        self._judging: Judging | None = None
        self._running: dict[Running, Stage] = {}
        self._shells: set[GovernedShell] = set()
        self._stock = Stock()
        self._told = False
        program = str(connection.get_extra_info("client_version", ""))
        self.client = f"{arrival.peer} {program.removeprefix('SSH-2.0-')}".strip()
        self.source = arrival.source
        self.passage = arrival.passage
        self.production = HostReads()

    # ---- dialling --------------------------------------------------------------------------------

    async def dial(self, endpoint: Endpoint, secret: Secret, context: DialContext) -> Level:
        """Log in to the host and probe what it enforces by itself.

        Raises:
            UpstreamUnavailable: it can't be reached, is another than was registered, refuses the credential.
            UpstreamTooOpen: the endpoint requires a kernel guard and the host has none.
        """
        del context
        options = options_of(endpoint)
        self._upstream = dialled = await self._parts.warm.take(upstream.target_of(endpoint), secret)
        probed = await self._parts.hosts.probed(dialled, options)
        try:
            probe.check_requirement(endpoint, options, probed.level)
        except UpstreamTooOpen:
            self._parts.hosts.forget(dialled)
            raise
        self._judging = Judging(self._parts.judge, self._parts.catalogue, endpoint, probed)
        return self._judging.level(probed.level)

    # ---- the judge -------------------------------------------------------------------------------

    def judge(self, unit: ShellUnit) -> ShellJudgement:
        """Judge one line, or one operation of a file transfer, by what is known of the host."""
        if unit.judged is None:
            unit.judged = self._judged(unit)
        return unit.judged

    def _judged(self, unit: ShellUnit) -> ShellJudgement:
        assert self._judging is not None
        if isinstance(unit, SftpUnit):
            title = unit.operation.title if unit.operation is not None else ""
            return ShellJudgement(sftp.judge(unit.operation), title=title)
        judged = self._judging.judge(unit)
        unit.context = ", ".join(filter(None, (unit.context, self._judging.remark(judged))))
        return judged

    def heavy(self, unit: ShellUnit) -> bool:
        """Whether judging would hold up the loop."""
        return unit.judged is None and len(unit.text) > HEAVY_BYTES

    # ---- serving ---------------------------------------------------------------------------------

    async def serve(self, session: Session[ShellUnit, ShellJudgement]) -> Ending:
        """Run what the client asks for until it leaves or production breaks off."""
        assert self._upstream is not None
        assert self._judging is not None
        self.production.stand(session, self._upstream, self._judging)
        gone, lost = self._client.gone, self._upstream.lost
        async with asyncio.TaskGroup() as group:
            while (channel := await self._client.next_channel_before(gone, lost)) is not None:
                group.create_task(self._serve(session, channel))
            return CLIENT_GONE if gone.is_set() else await self._broken()

    async def _serve(self, session: Session[ShellUnit, ShellJudgement], channel: Channel) -> None:
        """Serve one channel; what goes wrong there is told there."""
        try:
            await self._answer(session, channel)
        except SessionOver:
            return  # the line is cutting the session and tells the client
        except GlassgateError as error:
            await channel.refuse(refusal.told(error), refusal.status_of(error))
        except Exception:
            log.exception("channel failed", session=session.id)
            session.end(Ending(EndCause.FAULT, "the gateway failed; the session was ended"))
        finally:
            channel.busy = False

    async def _answer(self, session: Session[ShellUnit, ShellJudgement], channel: Channel) -> None:
        if channel.subsystem == "sftp":
            await self._transfer(session, channel)
        elif channel.subsystem:
            session.event("refused", f"{channel.subsystem}: {refusal.SUBSYSTEM[0]}")
            await channel.refuse(refusal.text(*refusal.SUBSYSTEM))
        elif channel.command is not None:
            await self._line(session, channel, channel.command.encode())
        elif channel.terminal is not None:
            await self._shell(session, channel)
        else:
            await self._line(session, channel, await script_of(channel))

    async def _shell(self, session: Session[ShellUnit, ShellJudgement], channel: Channel) -> None:
        """Serve an interactive shell."""
        assert self._judging is not None
        desk = Desk(channel)
        channel.join(desk)
        host = LookedAt(
            session,
            channel,
            reads=self.production,
            forward=lambda stage, admitted: self._forward(session, stage, admitted),
            desk=desk,
            commands=tuple(self._parts.catalogue.by_name),
            home=self._judging.home,
        )
        desk.shell = shell = GovernedShell(desk, host)
        self._shells.add(shell)
        session.event("shell", self._recorded_context(channel.terminal))
        try:
            status = await until_gone(shell.run(), channel.gone)
        finally:
            self._shells.discard(shell)
        await channel.flushed()
        channel.exit(status or 0)

    async def _transfer(self, session: Session[ShellUnit, ShellJudgement], channel: Channel) -> None:
        """Serve SFTP, by the host's own server, reading only where that can be told to."""
        assert self._upstream is not None
        assert self._judging is not None
        transfer = SftpProxy(session, channel, self._stock, recorded=session.endpoint.settings.record_results)
        line = self._judging.sftp_server(f"{session.id}-sftp-{secrets.token_hex(8)}")
        if line is not None:
            await self._upstream.open(line, transfer.host)
        elif self._judging.guard_required:
            raise UpstreamUnavailable("the host's SFTP server is nowhere where it could run under the guard")
        else:
            await self._upstream.open_sftp(transfer.host)
        try:
            await transfer.serve()
        finally:
            transfer.host.hang_up()
        channel.exit(0)

    async def _line(self, session: Session[ShellUnit, ShellJudgement], channel: Channel, text: bytes) -> None:
        """Serve one command line."""
        terminal = channel.terminal
        unit = ShellUnit(text, terminal=terminal, context=self._recorded_context(terminal))
        outcome = await session.admit(unit)
        if isinstance(outcome, Admitted):
            await self._forward(session, channel, outcome)
        else:
            if outcome.verdict.decision is Decision.CHANGE and terminal is None:
                await self._take_input(unit, channel, outcome)
                note_given(session, outcome)
            filed = await session.file_change(outcome)
            instead = instead_of(outcome.verdict, text.decode("utf-8", "replace"), "", session.endpoint)
            await channel.refuse(refusal.refused(outcome.verdict, filed, terminal, instead))

    async def _take_input(
        self, unit: ShellUnit, channel: Channel, refused: Refused[ShellUnit, ShellJudgement]
    ) -> None:
        """Take what a client sends to a writer that is not run into its change request."""
        assert self._judging is not None
        if refused.verdict.rule == RECEIVES:
            target = await scp.target_of(unit.text.decode(), self.production, self._judging.home)
            if target is not None:
                unit.writes = await scp.received(channel, target)
        elif may_be_read(refused.judged.writes):
            unit.given = await given_by(channel)

    def _recorded_context(self, terminal: Terminal | None) -> str:
        if terminal is None:
            return ""
        return f"terminal {terminal.kind} {terminal.size[0]}x{terminal.size[1]}"

    async def _forward(
        self,
        session: Session[ShellUnit, ShellJudgement],
        channel: Stage,
        admitted: Admitted[ShellUnit, ShellJudgement],
    ) -> None:
        """Run what was admitted; return once both sides have closed their channels."""
        assert self._upstream is not None
        assert self._judging is not None
        token = f"{session.id}-{admitted.number}-{secrets.token_hex(8)}"
        recorded = session.endpoint.settings.record_results
        if isinstance(channel, OnStage) and admitted.unit.mark:
            running: Running = Attended(
                session,
                admitted.number,
                channel,
                token=token,
                recorded=recorded,
                mark=admitted.unit.mark,
                hushed=self._upstream.hushed,
            )
        else:
            running = Running(session, admitted.number, channel, token=token, recorded=recorded)
        terminal = admitted.unit.terminal
        if terminal is not None:
            session.event("window", f"unit {admitted.number}: {terminal.size[0]}x{terminal.size[1]}")
        if not self._told and (hidden := self._judging.hidden(admitted.judged)):
            self._told = True
            channel.say(refusal.text(hidden))
        self._running[running] = channel
        try:
            try:
                await self._upstream.open(
                    self._judging.line(admitted.unit, admitted.judged, token), running, terminal
                )
            finally:
                running.started.set()
            lock = lock_of(admitted.judged) if terminal is not None else None
            channel.join(running if lock is None else Locked(running, lock))
            await self._over(running, channel)
            if running.closed.is_set():
                await running.finish()
                if not running.ended:
                    raise UpstreamUnavailable("the host closed the channel without a status")
            else:
                running.cut("the client left")
                gone = await endings.end(self._upstream, [running])
                session.event("ended", f"unit {admitted.number}: {'gone' if gone else 'not seen to be gone'}")
        finally:
            del self._running[running]

    async def _over(self, running: Running, channel: Stage) -> None:
        """Return once a command is over or its client gone."""
        assert self._upstream is not None
        if not isinstance(running, Attended):
            await first(running.closed, channel.gone)
            return
        async with asyncio.TaskGroup() as group:
            seeing = group.create_task(see_through(self._upstream, running))
            await first(running.closed, channel.gone)
            seeing.cancel()

    async def _broken(self) -> Ending:
        """Production broke off: tell what runs."""
        ending = Ending(EndCause.UPSTREAM, "the host closed the connection")
        for channel in self._client.channels():
            channel.say(refusal.text(ending.message))
            channel.exit(refusal.UNAVAILABLE)
        await self._farewell(ending)
        return ending

    # ---- what the line asks ----------------------------------------------------------------------

    def busy(self) -> bool:
        """Whether a command runs."""
        return bool(self._running)

    async def warn(self, message: str) -> None:
        """Say something on the standard error of what runs."""
        for channel in self._running.values():
            channel.say(refusal.text(message))
        for shell in self._shells:
            shell.tell(message)

    async def cut(self, ending: Ending) -> bool:
        """Tell the client why, end what runs on the host, close both sides.

        Returns:
            Whether the host confirmed that nothing of this session runs there any more.
        """
        running = list(self._running)
        for each in running:
            each.cut(ending.message)
        for channel in self._client.channels():
            channel.say(refusal.text(ending.message))
            channel.exit(refusal.status_of_ending(ending))
        if self._upstream is None:
            await self._farewell(ending)
            return True
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(endings.end(self._upstream, running, self.production.tokens))
            group.create_task(self._farewell(ending))
        self._upstream.close()
        return killing.result()

    async def _farewell(self, ending: Ending) -> None:
        """Let the client leave by itself, then hang up."""
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._client.gone.wait()
        except TimeoutError:
            self._connection.disconnect(DISC_BY_APPLICATION, ending.message)

    def capture(self, refused: Refused[ShellUnit, ShellJudgement]) -> Capture | None:
        """Return what a change request needs of a refused line or file operation."""
        return capture_of(refused)

    # ---- without a session -----------------------------------------------------------------------

    async def turn_away(self, error: GlassgateError) -> None:
        """Tell a client why no session stands, on each channel that it opens, and hang up."""
        try:
            async with asyncio.timeout(TURNED_AWAY_SECONDS), asyncio.TaskGroup() as group:
                telling = group.create_task(self.tell(error))
                await self._client.gone.wait()
                telling.cancel()
        except TimeoutError:
            self._connection.disconnect(DISC_BY_APPLICATION, error.message)

    async def tell(self, error: GlassgateError) -> None:
        """Tell each channel that the client opens why there is nothing for it, until cancelled."""
        while True:
            channel = await self._client.next_channel()
            await channel.refuse(refusal.told(error), refusal.status_of(error))

    def close(self) -> None:
        """Close what is still open on both sides."""
        if self._upstream is not None:
            self._upstream.close()
        self._connection.abort()
