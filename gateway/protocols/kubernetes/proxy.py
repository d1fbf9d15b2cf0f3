"""One client's connection as the line's door: dial, judge, serve, warn, cut, capture."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from gateway.domain.endpoint import EndpointKind
from gateway.domain.errors import GlassgateError, UpstreamTooOpen
from gateway.domain.session import EndCause, Ending
from gateway.domain.unit import Admitted
from gateway.judge.kubernetes.judgement import KubernetesAction
from gateway.log import get_logger
from gateway.protocols.kubernetes import probe, refusal
from gateway.protocols.kubernetes.answering import Answering
from gateway.protocols.kubernetes.capturing import capture_of
from gateway.protocols.kubernetes.console import Console
from gateway.protocols.kubernetes.entrance import PREFIX, asked_of
from gateway.protocols.kubernetes.judging import Judging, context_of
from gateway.protocols.kubernetes.production import ClusterReads
from gateway.protocols.kubernetes.running import run_command
from gateway.protocols.kubernetes.shell import TERMINAL, run_shell
from gateway.protocols.kubernetes.units import KubernetesUnit, LineUnit, object_of, text_of
from gateway.protocols.kubernetes.upgrading import upgraded, wants_streams
from gateway.protocols.kubernetes.upstream import Upstream
from gateway.transport.http.exchange import ClientLeft
from gateway.transport.http.head import NotUnderstood

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.domain.change import Capture
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.http import Request
    from gateway.domain.secret import Secret
    from gateway.domain.session import Level
    from gateway.domain.unit import Refused
    from gateway.judge.kubernetes.context import KubernetesContext
    from gateway.judge.kubernetes.judgement import KubernetesJudgement
    from gateway.protocols.kubernetes.entrance import Asked, Bearers
    from gateway.protocols.kubernetes.parts import Parts
    from gateway.protocols.kubernetes.running import Allowed, Governed
    from gateway.protocols.kubernetes.shell import InContainer
    from gateway.session.door import DialContext
    from gateway.session.line import Session
    from gateway.terminal.shell import GovernedShell
    from gateway.transport.accept import Arrival
    from gateway.transport.http.exchange import ClientSide
    from gateway.transport.http.head import Headers

HEAVY_BYTES: Final = 64 << 10
"""A longer request is judged in a thread."""
MOST_BODY: Final = 4 << 20
"""Bytes of a request's body; API servers take 3 MiB."""
JUDGE_ONLY: Final = "judge-only: the image's own program"
"""What the recording says of a command in a container: nothing but the judge keeps it from writing."""
SHOWN: Final = "values of Secrets shown"
"""What the recording says of a read whose grant includes them."""
FAREWELL_SECONDS: Final = 0.5
"""A client has so long to take its last words and leave by itself."""

CLIENT_GONE: Final = Ending(EndCause.CLIENT, "the client disconnected")
COMMAND_ENDED: Final = Ending(EndCause.CLIENT, "the command has ended")

log = get_logger("protocols.kubernetes")


class KubernetesDoor:
    """One client connection. Made once its first request has said who it is, and where to.

    Args:
        parts: what all connections share.
        client: the connection.
        first: its first request.
        arrival: how it came.
        bearers: tells whose later tokens are.

    Attributes:
        kind: Kubernetes.
        client: peer address and client program, for the record.
        source: peer address.
        passage: what binds a client that came in through another door.
        production: the gateway's own reads, for change requests.
    """

    kind = EndpointKind.KUBERNETES

    def __init__(
        self, parts: Parts, client: ClientSide, first: Asked, arrival: Arrival, bearers: Bearers
    ) -> None:
        self._parts = parts
        self._client = client
        self._first = first
        self._bearers = bearers
        self._context: KubernetesContext | None = None
        self._judging: Judging | None = None
        self._reader: Upstream | None = None
        self._writer: Upstream | None = None
        self._answering: Answering | None = None
        self._console: Console | None = None
        self._shells: dict[GovernedShell, InContainer] = {}
        self._notices: list[str] = []
        self._busy = self._running = False
        agent = next((value for name, value in first.head.headers if name == "user-agent"), "")
        self.client = f"{arrival.peer} {agent[:200]}".strip()
        self.source = arrival.source
        self.passage = arrival.passage
        self.production = ClusterReads()

    # ---- dialling --------------------------------------------------------------------------------

    async def dial(self, endpoint: Endpoint, secret: Secret, context: DialContext) -> Level:
        """Reach the API server and probe what it enforces by itself.

        Raises:
            UpstreamUnavailable: it can't be reached or refuses the gateway's credential.
            UpstreamTooOpen: the endpoint requires an identity that only reads, and the probe found more.
        """
        targets = self._parts.clusters.targets(endpoint, secret)
        agent = f"(session {context.session}; {context.identity})"
        self._reader = Upstream(targets.reader, agent)
        if targets.dry_runs is not None:
            self._writer = Upstream(targets.dry_runs, agent, reads=False)
        dry_runs = self._writer is not None
        cluster = await self._parts.clusters.probed(self._reader, dry_runs=dry_runs)
        try:
            probe.check_requirement(endpoint, cluster.level)
        except UpstreamTooOpen:
            self._parts.clusters.forget(endpoint)
            raise
        self._context = context_of(self._parts, endpoint, cluster, dry_runs=dry_runs)
        return cluster.level

    # ---- the judge -------------------------------------------------------------------------------

    def judge(self, unit: KubernetesUnit) -> KubernetesJudgement:
        """Judge one request, or one line of the governed shell, by what is known of the cluster."""
        if unit.judged is None:
            assert self._judging is not None
            unit.judged = judged = self._judging.judge(unit)
            remarks = [unit.context]
            if not isinstance(unit, LineUnit):
                unit.text = text_of(unit.request, judged)
                remarks = [TERMINAL if judged.tty else "", object_of(judged), SHOWN if judged.shows else ""]
            if judged.subresource == "exec":
                remarks.append(JUDGE_ONLY)
            unit.context = ", ".join(filter(None, remarks))
        return unit.judged

    def heavy(self, unit: KubernetesUnit) -> bool:
        """Whether judging would hold up the loop."""
        return unit.judged is None and len(unit.text) > HEAVY_BYTES

    # ---- serving ---------------------------------------------------------------------------------

    async def serve(self, session: Session[KubernetesUnit, KubernetesJudgement]) -> Ending:
        """Answer requests one behind the other, until the client leaves or the connection is used up."""
        asked: Asked | None = self._first
        assert self._reader is not None
        assert self._context is not None
        secrets = session.grant.secrets
        self._judging = Judging(self._parts, self._context, secrets=secrets)
        if secrets:
            session.event("secrets", "the grant includes the values of Secrets: they are not masked")
        self.production.stand(session, self._reader, self._writer)
        try:
            while asked is not None:
                ending = await self._answer(session, asked)
                self._busy = False
                if ending is not None:
                    return ending
                if not asked.head.keep_alive:
                    await self._client.linger()
                    return CLIENT_GONE
                asked = await self._next()
        except ClientLeft:
            return CLIENT_GONE
        except GlassgateError as error:
            if session.over() is None:
                self._busy = False
                await self._say(refusal.of_error(error))
            raise
        return CLIENT_GONE

    async def _next(self) -> Asked | None:
        """Return the next request; one of somebody else's, or to elsewhere, ends the connection.

        Clients go on with a connection when their token was replaced by the next one.
        """
        head = await self._client.head()
        if head is None:
            return None
        asked = asked_of(head, self._first.endpoint)
        await self._bearers.check(asked.token)
        if asked.endpoint != self._first.endpoint:
            raise NotUnderstood("a connection leads to the endpoint of its first request alone", 421)
        return asked

    async def _answer(self, session: Governed, asked: Asked) -> Ending | None:
        """Judge one request and answer it; return how the session ends where it ends with it."""
        body = await self._client.body(MOST_BODY)
        self._busy = True  # not before: a client that never sends the rest is idle
        if body is None:
            too_large = f"the request has more than {MOST_BODY >> 20} MiB"
            await self._say(refusal.answer(refusal.TOO_LARGE, too_large))
            return Ending(EndCause.PROTOCOL, too_large)
        unit = KubernetesUnit(b"", request=asked.head.with_body(body or None))
        unit.text = text_of(unit.request)
        if self.heavy(unit):
            await asyncio.to_thread(self.judge, unit)
        judged = self.judge(unit)
        if judged.action is KubernetesAction.SHELL and wants_streams(unit.request):
            return await self._shell(session, unit.request, judged)
        outcome = session.admit_now(unit) or await session.admit(unit)
        if not isinstance(outcome, Admitted):
            return await self._refuse(session, unit.request, outcome)
        if judged.action is KubernetesAction.EXEC:
            return await self._exec(session, unit.request, outcome)
        return await self._forward(session, outcome)

    async def _forward(self, session: Governed, admitted: Allowed) -> Ending | None:
        upstream = self._writer if admitted.judged.action is KubernetesAction.DRY_RUN else self._reader
        assert upstream is not None
        self._answering = Answering(
            session,
            self._client,
            prefix=f"{PREFIX}{self._first.endpoint}",
            notices=self._told(),
        )
        try:
            usable = await self._answering.run(upstream, admitted)
        finally:
            self._answering = None
        if usable:
            return None
        await self._client.linger()
        return Ending(EndCause.UPSTREAM, "the cluster's answer broke off")

    # ---- commands in containers ------------------------------------------------------------------

    async def _exec(self, session: Governed, request: Request, admitted: Allowed) -> Ending:
        """Run a command before the client's streams."""
        assert self._reader is not None
        async with self._opened(request, tty=admitted.judged.tty) as console:
            self._running = True
            try:
                status = await run_command(session, self._reader, admitted, console)
            except GlassgateError as error:
                if session.over() is not None:
                    raise
                console.say(f"{refusal.text(error.message, error.hint)}\n")
                status = refusal.exit_status(refusal.FAILED, error.message)
            finally:
                self._running = False
            console.end(status or refusal.stream_error(refusal.INTERNAL, "the cluster told no exit status"))
        return COMMAND_ENDED

    async def _shell(self, session: Governed, request: Request, judged: KubernetesJudgement) -> Ending:
        """Put the governed shell in the place of the one that was asked for."""
        assert self._reader is not None
        assert self._judging is not None
        async with self._opened(request, tty=True) as console:
            session.event("shell", f"{judged.namespace}/{judged.name} {judged.container}".strip())
            code = await run_shell(
                session, self._reader, console, judged, commands=self._judging.commands, shells=self._shells
            )
            console.end(refusal.exit_status(code, f"the shell ended with {code}"))
        return COMMAND_ENDED

    @asynccontextmanager
    async def _opened(self, request: Request, *, tty: bool) -> AsyncIterator[Console]:
        """Change the connection's protocol, and listen to the client's streams while a command runs.

        Raises:
            InvalidInput: the client asks for a protocol that is not spoken here.
        """
        self._console = console = Console(upgraded(self._client, request, tty=tty), tty=tty)
        failed: Exception | None = None
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(console.listen())
            try:
                await console.standing.wait()
                yield console
                await asyncio.wait({listening}, timeout=FAREWELL_SECONDS)
            except Exception as error:  # noqa: BLE001 - raised again below: a group would wrap it
                failed = error
            listening.cancel()
        if failed is not None:
            raise failed

    # ---- refusing --------------------------------------------------------------------------------

    async def _refuse(
        self, session: Governed, request: Request, refused: Refused[KubernetesUnit, KubernetesJudgement]
    ) -> Ending | None:
        """Say that a request was not sent on, where its client shows it."""
        if refused.judged.unacceptable:
            said = refusal.answer(refusal.NOT_ACCEPTABLE, refused.verdict.reason)
            self._client.answer(said.code, _headers(said), said.body)
            return None
        filed = await session.file_change(refused)
        if refused.judged.subresource == "exec" and refused.judged.command and wants_streams(request):
            # Refused as HTTP, kubectl would try the same again by SPDY, and hide what was said.
            async with self._opened(request, tty=refused.judged.tty) as console:
                told = refusal.refused_text(refused.verdict, filed)
                console.say(told)
                console.end(refusal.exit_status(refusal.REFUSED, told))
            return COMMAND_ENDED
        said = refusal.refused(refused.verdict, filed)
        self._client.answer(said.code, (*_headers(said), *self._told()), said.body)
        await self._client.connection.drain()
        return None

    async def _say(self, said: refusal.Answer) -> None:
        """Answer for the last time."""
        if self._console is not None:
            return
        self._client.answer(said.code, _headers(said), said.body, close=True)
        await self._client.linger()

    def _told(self) -> Headers:
        """Return what is to be told beside the next answer."""
        told, self._notices = self._notices, []
        return tuple(("warning", refusal.warning(each)) for each in told)

    # ---- what the line asks ----------------------------------------------------------------------

    def busy(self) -> bool:
        """Whether a request is being answered, or a command runs."""
        return any(host.running for host in self._shells.values()) if self._shells else self._busy

    async def warn(self, message: str) -> None:
        """Say something in a shell, on the standard error of a command, or beside the next answer."""
        if self._shells:
            for shell in self._shells:
                shell.tell(message)
        elif self._console is not None:
            self._console.say(f"{refusal.text(message)}\n")
        else:
            self._notices.append(message)

    async def cut(self, ending: Ending) -> bool:
        """Tell the client why, break off what the cluster sends, close both sides.

        Returns:
            Whether nothing of this session runs in the cluster any more: a command in a container may, for
            all that its output is cut.
        """
        ran = self._running or bool(self._shells)
        for upstream in (self._reader, self._writer):
            if upstream is not None:
                upstream.abort()
        if self._console is not None:
            self._console.say(f"{refusal.text(ending.message)}\n")
            self._console.end(refusal.stream_error(refusal.reason_of_ending(ending), ending.message))
        elif self._answering is not None:
            self._answering.cut(ending)
        elif self._busy:
            said = refusal.answer(refusal.reason_of_ending(ending), ending.message)
            self._client.answer(said.code, _headers(said), said.body, close=True)
        self._client.connection.close()
        return not ran

    def capture(self, refused: Refused[KubernetesUnit, KubernetesJudgement]) -> Capture | None:
        """Return what a change request needs of a refused request or line."""
        return capture_of(refused)

    def close(self) -> None:
        """Hang up on the cluster; the client may still be told why there is no session."""
        for upstream in (self._reader, self._writer):
            if upstream is not None:
                upstream.abort()


def _headers(said: refusal.Answer) -> Headers:
    return (("Content-Type", refusal.JSON), *said.headers)
