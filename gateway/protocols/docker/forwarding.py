"""What becomes of an admitted request: it is sent as it was rebuilt, and its answer handed over."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from gateway.domain.errors import UpstreamUnavailable
from gateway.judge.docker.context import Exec
from gateway.judge.docker.judgement import DockerAction
from gateway.judge.docker.masked import masked
from gateway.judge.http.reading import NotRead
from gateway.protocols.docker import refusal
from gateway.protocols.docker.execs import Held
from gateway.protocols.docker.streaming import Stream, spoken
from gateway.protocols.docker.tape import Tape
from gateway.protocols.docker.upstream import MOST_SMALL, created_id
from gateway.session.life import SessionOver
from gateway.terminal.lock import lock_of
from gateway.transport.http.carrying import OneWay, pump
from gateway.transport.http.exchange import ClientLeft
from gateway.transport.http.head import SWITCHING, forwarded

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from gateway.domain.unit import Admitted
    from gateway.judge.docker.judgement import DockerJudgement
    from gateway.protocols.docker.execs import Execs
    from gateway.protocols.docker.tape import Governed
    from gateway.protocols.docker.units import DockerUnit
    from gateway.protocols.docker.upstream import Engine
    from gateway.transport.http.exchange import ClientSide, UpstreamSide
    from gateway.transport.http.head import Headers, RequestHead, ResponseHead

    Allowed = Admitted[DockerUnit, DockerJudgement]

MOST_MASKED: Final = 64 << 20
"""Bytes of an answer of which something is masked, and which is read whole for that."""
_INSPECTED: Final = re.compile(r"(?:/v[0-9.]+)?/exec/([0-9a-f]+)/json")
_SIZED: Final = re.compile(r"[?&]([hw])=([0-9]+)")
_AWAITED: Final = re.compile(r"(?:/v[0-9.]+)?/containers/[^/]+/wait(?:\?.*)?")
_TWO_STREAMS: Final = re.compile(r"(?:/v[0-9.]+)?/(?:containers|services|tasks)/[^/]+/logs(?:\?.*)?")


class Forwarding:
    """Sends one session's requests and hands over their answers.

    Args:
        session: records.
        engine: where they go.
        side: the client's.
        execs: what the session's identity has put into containers.

    Attributes:
        busy: whether an answer is on its way.
        streams: whether one runs behind whose end nothing in the engine can be confirmed.
    """

    def __init__(self, session: Governed, engine: Engine, side: ClientSide, execs: Execs) -> None:
        self._session = session
        self._engine = engine
        self._side = side
        self._execs = execs
        self._stream: Stream | None = None
        self._tape: Tape | None = None
        self._shows = False
        self._last: tuple[ResponseHead, Headers, str, bool] | None = None
        self.busy = self.streams = False

    async def forward(self, head: RequestHead, admitted: Allowed) -> bool:
        """Send a request and hand over its answer.

        Returns:
            Whether the client's connection can serve another.

        Raises:
            ClientLeft: the client closed its connection before the answer had ended.
            UpstreamUnavailable: the engine broke off in the middle of it; it can't be told otherwise.
        """
        judged = admitted.judged
        assert judged.request is not None
        number = judged.exec_id or _kind(judged.request.target).inspected
        held = self._execs.get(number) if number else None
        self.busy = True
        try:
            if held is None and judged.action is DockerAction.ANSWER:
                return await self._answer(admitted)
            return await self._command(head, admitted, number, held)
        finally:
            self.busy = False

    async def _command(self, head: RequestHead, admitted: Allowed, number: str, held: Held | None) -> bool:
        match admitted.judged.action:
            case DockerAction.EXEC_CREATE:
                return await self._create(admitted)
            case DockerAction.EXEC_START | DockerAction.ATTACH:
                return await self._hijack(head, admitted, held)
            case DockerAction.EXEC_RESIZE if held is not None:
                return await self._resize(admitted, held)
            case _ if held is not None and held.exec.shell:
                return self._describe(admitted, number, held)
            case _:
                return await self._answer(admitted)

    # ---- answers ---------------------------------------------------------------------------------

    async def _answer(self, admitted: Allowed) -> bool:
        """Hand over one answer, which may go on for ever."""
        assert admitted.judged.request is not None
        kind = _kind(admitted.judged.request.target)
        framed = kind.framed
        self._tape = tape = Tape(self._session, admitted.number, framed=framed, output=framed)
        upstream = None
        tag, error = "lost", "the engine broke off"
        try:
            upstream, head = await self._ask(admitted)
            _, _, tag, _ = self._known(head)
            error = ""
            awaited = (admitted.judged.container, upstream.connection.abort)
            if kind.awaited:
                self._execs.awaited.append(awaited)
            if admitted.judged.masks and head.status == 200:
                await self._masked(upstream, head, admitted, tape)
            else:
                await self._whole(upstream, head, tape, shows=framed)
        except (ClientLeft, SessionOver) as left:
            error = left.message
            raise
        except UpstreamUnavailable as broken:
            error = broken.message
            raise
        finally:
            tape.end(tag, error)
            if upstream is not None:
                self._engine.pool.done(upstream)
                if kind.awaited and awaited in self._execs.awaited:
                    self._execs.awaited.remove(awaited)
        return True

    def _ask(
        self, admitted: Allowed, *, hijack: bool = False
    ) -> Coroutine[object, object, tuple[UpstreamSide, ResponseHead]]:
        assert admitted.judged.request is not None
        return self._engine.forward(admitted.judged.request, hijack=hijack, client=self._side.connection)

    async def _whole(self, upstream: UpstreamSide, head: ResponseHead, tape: Tape, *, shows: bool) -> None:
        client = self._side.connection
        _, headers, _, archive = self._known(head)
        if archive:
            tape.is_archive()
        body = upstream.at_once()
        if body is not None:
            tape.seen(body)
            self._side.hand_over(head, headers, body)
            return
        self._side.begin(head.status, headers, reason=head.reason, length=head.length)
        self._shows = shows and head.length is None and head.status == 200
        try:
            with OneWay(client, upstream.connection):
                await pump(upstream, self._side, tape.seen)
        finally:
            self._shows = False

    def _known(self, head: ResponseHead) -> tuple[ResponseHead, Headers, str, bool]:
        """Return a head, its headers that go on, its status for the record, whether an archive follows."""
        if self._last is None or self._last[0] is not head:
            archive = head.first("content-type") == "application/x-tar"
            self._last = (head, forwarded(head.headers), _tag(head), archive)
        return self._last

    async def _masked(
        self, upstream: UpstreamSide, head: ResponseHead, admitted: Allowed, tape: Tape
    ) -> None:
        with OneWay(self._side.connection, upstream.connection):
            answer = await upstream.body(MOST_MASKED)
        try:
            shown = masked(answer, admitted.judged.masks)
        except NotRead as error:
            raise UpstreamUnavailable(error.reason) from error
        tape.seen(shown)
        self._side.answer(head.status, forwarded(head.headers), shown)

    def _say_answer(self, admitted: Allowed, status: int, body: bytes) -> bool:
        """Answer in the engine's place."""
        tape = Tape(self._session, admitted.number, framed=False, output=False)
        tape.seen(body)
        self._side.answer(status, refusal.HEADERS if body else (), body)
        tape.end(f"{status} by the gateway")
        return True

    # ---- commands in containers ------------------------------------------------------------------

    async def _create(self, admitted: Allowed) -> bool:
        """Put a judged command into a container, and remember that."""
        judged = admitted.judged
        tape = Tape(self._session, admitted.number, framed=False, output=False)
        tag, error = "lost", "the engine broke off"
        try:
            upstream, head = await self._ask(admitted)
            try:
                answer = await upstream.body(MOST_SMALL)
                tag, error = _tag(head), ""
            finally:
                self._engine.pool.done(upstream)
        finally:
            tape.end(tag, error)
        if head.status == 201:
            made = Exec(judged.container, judged.argv, judged.tty)
            self._execs.add(created_id(answer), Held(made, judged.shell, judged.console, taken=judged.stdin))
        tape.seen(answer)
        self._side.answer(head.status, forwarded(head.headers), answer)
        return True

    async def _resize(self, admitted: Allowed, held: Held) -> bool:
        """Tell a command how large its terminal is."""
        assert admitted.judged.request is not None
        told = dict(_SIZED.findall(admitted.judged.request.target))
        columns, rows = int(told.get("w", 0)), int(told.get("h", 0))
        if held.exec.shell:
            held.console = (rows, columns)
            if held.runs is not None:
                held.runs.resized(columns, rows)
            return self._say_answer(admitted, 200, b"")
        await self._answer(admitted)
        if held.runs is not None:
            held.runs.resized(columns, rows)
        held.console = (rows, columns)
        return True

    def _describe(self, admitted: Allowed, number: str, held: Held) -> bool:
        """Say of a governed shell what the engine would of a command: it knows nothing of it."""
        shown = {
            "ID": number,
            "Running": held.runs is not None,
            "ExitCode": held.status,
            "ProcessConfig": {
                "tty": True,
                "entrypoint": held.exec.argv[0],
                "arguments": held.exec.argv[1:],
                "privileged": False,
            },
            "OpenStdin": True,
            "OpenStdout": True,
            "OpenStderr": True,
            "CanRemove": False,
            "ContainerID": held.exec.container,
            "DetachKeys": "",
            "Pid": 0,
        }
        return self._say_answer(admitted, 200, msgspec.json.encode(shown))

    async def _hijack(self, head: RequestHead, admitted: Allowed, held: Held | None) -> bool:
        """Start a command, or show a container's output: from the answer's head on, bytes go both ways."""
        judged = admitted.judged
        websocket = head.upgrade.lower() == "websocket"
        tape = self._tape = Tape(self._session, admitted.number, framed=not judged.tty and not websocket)
        if held is not None:
            self._execs.started(judged.exec_id)
        upstream, tag, error = None, "lost", "the engine broke off"
        try:
            upstream, answered = await self._ask(admitted, hijack=True)
            if not answered.switched:
                tag, error = _tag(answered), ""
                await self._whole(upstream, answered, tape, shows=False)
                return True
            upgrade = head.upgrade if answered.status == SWITCHING else ""
            early = self._side.switch(
                answered.status, forwarded(answered.headers), reason=answered.reason, upgrade=upgrade
            )
            stream = Stream(
                self._session,
                admitted.number,
                self._side.connection,
                upstream,
                tape=tape,
                spoken=not websocket,
            )
            await self._run(stream, judged, held, early)
            tag, error = await self._ended(judged.exec_id) if held is not None else ("end", "")
        except (ClientLeft, SessionOver) as left:
            error = left.message
            raise
        finally:
            tape.end(tag, error)
            if upstream is not None:
                self._engine.pool.done(upstream)
        self._side.connection.close()
        return False

    async def _run(self, stream: Stream, judged: DockerJudgement, held: Held | None, early: bytes) -> None:
        """Let bytes go both ways; meanwhile others can find the stream by its command or container."""
        self._stream, self.streams = stream, held is not None
        shown = (judged.container, stream.leave)
        lock = None
        if held is None:
            self._execs.shown.append(shown)
        else:
            held.runs = stream
            lock = lock_of(held.judged) if held.judged is not None and judged.tty else None
            if held.console is not None:
                stream.resized(held.console[1], held.console[0])
        try:
            await stream.run(early, taken=held is not None and held.taken, lock=lock)
        finally:
            self._stream, self.streams = None, False
            if held is None:
                self._execs.shown.remove(shown)
            else:
                held.runs = None

    async def _ended(self, number: str) -> tuple[str, str]:
        """Return how a command ended, for the record."""
        try:
            status = await self._engine.exit_status(number)
        except UpstreamUnavailable as error:
            return "lost", error.message
        return ("end", "") if status is None else (f"exit {status}", "")

    # ---- what the door says in between -----------------------------------------------------------

    def say(self, text: str) -> bool:
        """Say something in the gateway's own voice where output runs that can hold it.

        Returns:
            Whether there was such a place.
        """
        if self._stream is not None:
            self._stream.say(text)
            return True
        if self._shows and self._tape is not None and self._tape.raw is not None:
            self._side.piece(spoken(text, raw=self._tape.raw))
            return True
        return False

    def cut(self, why: str) -> None:
        """Record that an answer was ended before its own end."""
        if self._tape is not None:
            self._tape.end("cut", why)

    def leave(self) -> None:
        """End what streams, as far as an engine lets it be ended."""
        if self._stream is not None:
            self._stream.leave()


def _tag(head: ResponseHead) -> str:
    return f"{head.status} {head.reason}".strip()


class _Kind(NamedTuple):
    """What a target asks for.

    Attributes:
        inspected: the command whose state it asks for; empty: it does not.
        awaited: whether it waits for a container's end.
        framed: whether two streams of output may come in its answer.
    """

    inspected: str
    awaited: bool
    framed: bool


@lru_cache(maxsize=256)
def _kind(target: str) -> _Kind:
    """Return what a target asks for; the same ones come again and again."""
    inspected = _INSPECTED.fullmatch(target)
    return _Kind(
        inspected[1] if inspected else "",
        _AWAITED.fullmatch(target) is not None,
        _TWO_STREAMS.fullmatch(target) is not None,
    )
