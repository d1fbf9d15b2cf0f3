"""One client's connection as the line's door: dial, judge, serve, warn, cut, capture."""

from __future__ import annotations

import asyncio
import secrets
import shlex
from typing import TYPE_CHECKING, Final

from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import Conflict, UpstreamTooOpen, UpstreamUnavailable
from gateway.domain.session import EndCause, Ending
from gateway.domain.unit import Admitted
from gateway.judge.docker.context import Exec
from gateway.judge.docker.judgement import DockerAction
from gateway.log import get_logger
from gateway.protocols.docker import judging, refusal, upstream
from gateway.protocols.docker.capturing import capture_of
from gateway.protocols.docker.execs import Held
from gateway.protocols.docker.forwarding import Forwarding
from gateway.protocols.docker.production import EngineReads
from gateway.protocols.docker.shell import Console, ContainerShell
from gateway.protocols.docker.units import DockerUnit, text_of
from gateway.protocols.docker.upstream import Engine
from gateway.transport.http.exchange import ClientLeft
from gateway.transport.http.head import NotUnderstood

if TYPE_CHECKING:
    from gateway.domain.change import Capture
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.errors import GlassgateError
    from gateway.domain.http import Request
    from gateway.domain.secret import Secret
    from gateway.domain.session import Level
    from gateway.domain.unit import Refused
    from gateway.judge.docker.context import DockerContext
    from gateway.judge.docker.judgement import DockerJudgement
    from gateway.protocols.docker.execs import Execs
    from gateway.protocols.docker.parts import Parts
    from gateway.protocols.docker.tape import Governed
    from gateway.protocols.docker.upstream import Probed
    from gateway.session.door import DialContext
    from gateway.transport.accept import Arrival
    from gateway.transport.http.exchange import ClientSide
    from gateway.transport.http.head import RequestHead

MOST_BODY: Final = 1 << 20
"""Bytes of a request's body that are judged and recorded; no longer one is ever sent on."""
HEAVY_BYTES: Final = 4096
"""A longer body is judged in a thread."""
FAREWELL_SECONDS: Final = 0.2
"""A client has so long to take its last words."""
_LONGEST_AGENT: Final = 100

LEFT: Final = "the container's output is left; the signal was not sent to it"
"""To docker attach, which makes Ctrl-C a signal for the container."""

CLIENT_GONE: Final = Ending(EndCause.CLIENT, "the client disconnected")

log = get_logger("protocols.docker")


class DockerDoor:
    """One client connection. Made once it has proven who it is and asked for something.

    Args:
        parts: what all connections share.
        side: the client's.
        first: head of its first request.
        arrival: how it came.

    Attributes:
        kind: Docker.
        client: peer address and client program, for the record.
        source: peer address.
        passage: what binds a client that came in through another door.
        production: the gateway's own reads, for change requests.
    """

    kind = EndpointKind.DOCKER

    def __init__(self, parts: Parts, side: ClientSide, first: RequestHead, arrival: Arrival) -> None:
        self._parts = parts
        self._side = side
        self._first = first
        self._endpoint: Endpoint | None = None
        self._engine: Engine | None = None
        self._probed: Probed | None = None
        self._context: DockerContext | None = None
        self._execs: Execs | None = None
        self._forwarding: Forwarding | None = None
        self._shell: ContainerShell | None = None
        self._verdicts = judging.Verdicts()
        self._again: tuple[RequestHead, Request, bytes] | None = None
        agent = next((value for name, value in first.headers if name == "user-agent"), "")
        self.client = f"{arrival.peer} {agent[:_LONGEST_AGENT]}".strip()
        self.source = arrival.source
        self.passage = arrival.passage
        self.production = EngineReads()

    # ---- dialling --------------------------------------------------------------------------------

    async def dial(self, endpoint: Endpoint, secret: Secret, context: DialContext) -> Level:
        """Reach the engine and ask what it is.

        Raises:
            UpstreamUnavailable: it can't be reached, or is no engine.
            UpstreamTooOpen: the endpoint requires a socket that only reads, and this one writes.
        """
        del context
        self._endpoint = endpoint
        self._engine = engine = Engine(upstream.target_of(endpoint, secret))
        self._probed = probed = await self._parts.engines.probed(engine)
        try:
            upstream.check_requirement(endpoint, probed.level)
        except UpstreamTooOpen:
            self._parts.engines.forget(engine)
            raise
        engine.version = f"/v{probed.newest}"
        return probed.level

    # ---- the judge -------------------------------------------------------------------------------

    def judge(self, unit: DockerUnit) -> DockerJudgement:
        """Judge one request, or one line of a governed shell."""
        if unit.judged is None:
            assert self._context is not None
            unit.judged = judged = self._verdicts.judge(unit, self._context)
            if judged.exec_id and judged.argv:  # the request itself names a number alone
                unit.context = f"{shlex.join(judged.argv)} in {judged.container}"
        return unit.judged

    def heavy(self, unit: DockerUnit) -> bool:
        """Whether judging would hold up the loop."""
        return unit.judged is None and len(unit.text) > HEAVY_BYTES

    # ---- serving ---------------------------------------------------------------------------------

    async def serve(self, session: Governed) -> Ending:
        """Answer requests until the client leaves."""
        assert self._engine is not None
        assert self._probed is not None
        self._execs = self._parts.execs.of((session.endpoint.id, session.identity.id))
        self._context = self._parts.context(session.endpoint, self._probed, self._execs.known)
        self._forwarding = Forwarding(session, self._engine, self._side, self._execs)
        self.production.stand(session, self._engine)
        head: RequestHead | None = self._first
        try:
            while head is not None and await self._exchange(session, head):
                head = await self._side.head()
        except ClientLeft:
            return CLIENT_GONE
        except NotUnderstood as error:
            session.event("refused", f"not HTTP: {error.message}")
            self._turn_down(error)
            return Ending(EndCause.PROTOCOL, error.message)
        except UpstreamUnavailable as error:  # in the middle of an answer, which only breaking off can tell
            return Ending(EndCause.UPSTREAM, error.message)
        await self._side.linger()
        return CLIENT_GONE

    async def _exchange(self, session: Governed, head: RequestHead) -> bool:
        """Judge one request and answer it; return whether the connection can serve another."""
        assert self._forwarding is not None
        body = await self._side.body(MOST_BODY)
        if body == b"" and self._again is not None and self._again[0] is head:
            _, request, text = self._again  # a client that asks the same again
        else:
            request = head.with_body(body or None)
            text = text_of(request)
            self._again = (head, request, text) if body == b"" else None
        unit = DockerUnit(text, request=request)
        if body is None:
            unit.context = f"with a body of more than {MOST_BODY:,} bytes, which was not read"
        outcome = session.admit_now(unit) or await session.admit(unit)
        if isinstance(outcome, Admitted):
            answering = self._forwarding.forward(head, outcome)
        elif outcome.judged.action is DockerAction.SHELL and outcome.verdict == outcome.judged.verdict:
            answering = self._governed(session, head, outcome)
        else:
            answering = self._refuse(session, outcome)
        try:
            going = await answering
        except (UpstreamUnavailable, Conflict) as error:
            if self._side.answering:
                raise
            self._turn_down(error)
            going = True
        return going and head.keep_alive and self._side.whole

    async def _refuse(self, session: Governed, refused: Refused[DockerUnit, DockerJudgement]) -> bool:
        judged = refused.judged
        assert self._execs is not None
        signal = any(write.verb == "kill" for write in judged.writes)
        if signal and self._execs.leave(judged.container):
            said = refusal.body(refusal.text(LEFT))
        else:
            filed = await session.file_change(refused)
            said = refusal.body(refusal.refused(refused.verdict, filed))
        self._side.answer(refusal.FORBIDDEN, refusal.HEADERS, said, close=not self._side.whole)
        return True

    def _turn_down(self, error: GlassgateError) -> None:
        closes = isinstance(error, NotUnderstood) or not self._side.whole
        body = refusal.body(refusal.told(error))
        self._side.answer(refusal.status_of(error), refusal.HEADERS, body, close=closes)

    # ---- the governed shell ----------------------------------------------------------------------

    async def _governed(
        self, session: Governed, head: RequestHead, refused: Refused[DockerUnit, DockerJudgement]
    ) -> bool:
        """Make, or start, the governed shell in the place of one that the client asked for."""
        judged = refused.judged
        assert self._execs is not None
        if not judged.exec_id:
            number = secrets.token_hex(32)
            made = Exec(judged.container, judged.argv, tty=True, shell=True)  # noqa: S604 - runs nothing
            self._execs.add(number, Held(made, None, judged.console))
            session.event("shell", f"the governed shell takes the place of {' '.join(judged.argv)}")
            self._side.answer(201, refusal.HEADERS, b'{"Id":"%b"}\n' % number.encode())
            return True
        held = self._execs.started(judged.exec_id)
        await self._interact(session, head, held)
        return False

    async def _interact(self, session: Governed, head: RequestHead, held: Held) -> None:
        assert self._engine is not None
        assert self._context is not None
        connection = self._side.connection
        kind = (("content-type", "application/vnd.docker.raw-stream"),)
        early = self._side.switch(101 if head.upgrade else 200, kind, upgrade=head.upgrade)
        console = Console(connection, early, held.console)
        held.runs = self._shell = ContainerShell(
            session,
            self._engine,
            self.production,
            console,
            held,
            commands=tuple(self._context.shell.catalogue.by_name),
        )
        where = f" {held.console[1]}x{held.console[0]}" if held.console is not None else ""
        session.event("shell", f"terminal xterm{where} in {held.exec.container}")
        try:
            held.status = await self._shell.serve()
        finally:
            held.runs = self._shell = None
        connection.close()

    # ---- what the line asks ----------------------------------------------------------------------

    def busy(self) -> bool:
        """Whether an answer is on its way, or a line runs."""
        answering = self._forwarding is not None and self._forwarding.busy
        return answering or (self._shell is not None and self._shell.busy)

    async def warn(self, message: str) -> None:
        """Say something where output runs that can hold it."""
        if self._shell is not None:
            self._shell.tell(message)
        elif self._forwarding is not None:
            self._forwarding.say(refusal.text(message))

    async def cut(self, ending: Ending) -> bool:
        """Tell the client why, break off what runs, close both sides.

        Returns:
            Whether nothing of this session runs in the engine any more: of a command in a container that
            can't be told, for an engine has no means to end one.
        """
        ran = self._runs()
        said = refusal.text(ending.message)
        if self._forwarding is not None:
            self._forwarding.cut(ending.message)
            self._forwarding.say(said)
            self._forwarding.leave()
        if self._shell is not None:
            self._shell.cut(ending.message)
            self._shell.tell(ending.message)
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._side.connection.drain()
        except TimeoutError:
            log.info("client did not take its farewell", client=self.client)
        self.close()
        return not ran

    def _runs(self) -> bool:
        streams = self._forwarding is not None and self._forwarding.streams
        return streams or (self._shell is not None and self._shell.busy)

    def capture(self, refused: Refused[DockerUnit, DockerJudgement]) -> Capture | None:
        """Return what a change request needs of a refused request or line."""
        return capture_of(refused)

    def close(self) -> None:
        """Close what is still open on both sides."""
        if self._engine is not None:
            self._engine.close()
        self._side.connection.close()
