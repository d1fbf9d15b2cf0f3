"""An SSH door on a real port, a line and session of the tests' own behind it, and the real ssh as client."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.domain.endpoint import Endpoint, EndpointKind, EndpointSettings
from gateway.domain.errors import AnotherKind, AuthenticationFailed, NotAuthorised, NotFound
from gateway.domain.identity import DatabaseTokenEvidence, SshKeyEvidence
from gateway.domain.ids import EndpointId, SessionId, UnitNumber
from gateway.domain.secret import Secret
from gateway.domain.session import EndCause, Ending
from gateway.domain.unit import Admitted, Refused
from gateway.domain.verdict import Decision, Verdict
from gateway.judge.shell.judgement import ShellJudgement
from gateway.protocols.ssh.host_key import open_host_key
from gateway.protocols.ssh.parts import Parts
from gateway.protocols.ssh.reception import Reception
from gateway.session.door import DialContext, Opening
from gateway.session.life import SessionOver
from gateway.transport.accept import Arrival, Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from sshd import Sshd

    from gateway.judge.shell.context import ShellContext

TOKEN = "ggd_test"
CUT_SECONDS = 2.0


@dataclass(eq=False)
class Room:
    """A session as the contract has it, keeping what it was told instead of a recording."""

    door: Any = field(repr=False)
    endpoint: Endpoint
    level: Any
    id: SessionId
    units: list[tuple[Any, Any]] = field(default_factory=list)
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[tuple[int, int], bytearray] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    captures: list[Any] = field(default_factory=list)
    ending: Ending | None = None
    cut: asyncio.Event = field(default_factory=asyncio.Event)
    confirmed: bool | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def admit(self, unit: Any) -> Any:
        if self.ending is not None:
            raise SessionOver(self.ending)
        judged = self.door.judge(unit)
        number = UnitNumber(len(self.units) + 1)
        self.units.append((unit, judged))
        if judged.verdict.decision is Decision.ALLOW:
            return Admitted(unit, judged, number)
        return Refused(unit, judged, number, judged.verdict)

    def answered(self, number: int, **facts: Any) -> None:
        self.answers[number] = facts

    def output(self, number: int, stream: int, data: bytes) -> None:
        self.outputs.setdefault((number, stream), bytearray()).extend(data)

    def event(self, kind: str, text: str) -> None:
        self.events.append((kind, text))

    async def file_change(self, refused: Any) -> None:
        self.captures.append(self.door.capture(refused))

    def remaining(self) -> float:
        return 3600.0

    def over(self) -> Ending | None:
        return self.ending

    def end(self, ending: Ending) -> None:
        self.ending = self.ending or ending
        self.cut.set()

    async def live(self) -> Ending:
        """Serve as ``Life.run`` does."""
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self.door.serve(self))
            cut = group.create_task(self.cut.wait())
            await asyncio.wait({serving, cut}, return_when=asyncio.FIRST_COMPLETED)
            if self.ending is not None and not serving.done():
                async with asyncio.timeout(CUT_SECONDS):
                    self.confirmed = await self.door.cut(self.ending)
                serving.cancel()
            cut.cancel()
        ending: Ending = self.ending or serving.result()
        self.ended.set()
        return ending


class Straight:
    """A line that knows one token, the keys of the tests and their endpoints."""

    def __init__(self, endpoints: dict[str, tuple[Endpoint, Secret]]) -> None:
        self.endpoints = endpoints
        self.keys: set[bytes] = set()
        self.rooms: list[Room] = []
        self.asked: list[str] = []
        self.people = {TOKEN: "engineer"}
        self.revoked = False

    async def authenticate(self, evidence: Any) -> Any:
        if self.revoked:
            raise AuthenticationFailed("your login is over")
        match evidence:
            case DatabaseTokenEvidence(name=name, token=token) if (
                self.people.get(token.reveal().decode()) == name
            ):
                return _Who(name)
            case SshKeyEvidence(name="engineer", public_key=key) if key in self.keys:
                return _Who()
        raise AuthenticationFailed("wrong name or token")

    async def recognises(self, name: str, public_key: bytes) -> bool:
        self.asked.append(name)
        return name == "engineer" and public_key in self.keys

    async def resolve(self, name: str, identity: Any, passage: Any) -> Endpoint:
        if passage is not None and passage.identity != identity:
            raise AuthenticationFailed("the way was opened by another login")
        if name not in self.endpoints or (passage is not None and passage.endpoint not in ("", name)):
            raise NotFound(f"no endpoint {name}")
        return self.endpoints[name][0]

    async def run(self, identity: Any, name: str, door: Any) -> Ending:
        if name not in self.endpoints:
            raise NotAuthorised(f"you hold no access to {name}", hint=f"glassgate request {name} --for 1h")
        endpoint, secret = self.endpoints[name]
        if (await self.resolve(name, identity, door.passage)).kind is not door.kind:
            raise AnotherKind(endpoint, door.kind.value)
        number = SessionId(len(self.rooms) + 1)
        room = Room(door, endpoint, None, number)
        self.rooms.append(room)  # in the order of logins, however long each takes to dial
        try:
            room.level = await door.dial(endpoint, secret, DialContext(number, identity.name))
        except BaseException:
            self.rooms.remove(room)
            raise
        return await room.live()


@dataclass(frozen=True)
class _Who:
    name: str = "engineer"


@dataclass
class Gate:
    """A running door: where it listens, and what the sessions behind it were told."""

    port: int
    folder: Path
    line: Straight
    parts: Parts = field(repr=False)  # holds the catalogue; asyncio shows a task's result at its end
    listener: Listener

    @property
    def room(self) -> Room:
        return self.line.rooms[-1]

    def argv(self, *words: str, login: str = "engineer+web-1", options: tuple[str, ...] = ()) -> list[str]:
        """The command line of the real ssh, with an identity of the folder's and nothing of the machine's."""
        return [*ssh_argv(self.folder, self.port), *options, f"{login}@127.0.0.1", *words]

    async def ssh(
        self, *words: str, stdin: bytes = b"", seconds: float = 20.0, **more: Any
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the real ssh to its end."""
        process = await asyncio.create_subprocess_exec(
            *self.argv(*words, **more),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(seconds):
            out, err = await process.communicate(stdin)
        return subprocess.CompletedProcess(list(words), process.returncode or 0, out, err)


def trusting(text: bytes, context: ShellContext) -> ShellJudgement:
    """A judge that lets everything through, for tests of what stands behind the judge."""
    del context
    return ShellJudgement(
        Verdict(Decision.ALLOW, "test.trusting", "tests look behind the judge"), text.decode()
    )


def ssh_argv(folder: Path, port: int) -> list[str]:
    """The beginning of a command line of ssh that uses nothing of the machine's own configuration."""
    return [
        "ssh", "-F", "none", "-i", str(folder / "id"), "-p", str(port), "-o", "IdentitiesOnly=yes",
        "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={folder}/known_hosts",
        "-o", "GlobalKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "LogLevel=INFO",
    ]  # fmt: skip


def endpoint_for(sshd: Sshd, name: str = "web-1", **settings: Any) -> tuple[Endpoint, Secret]:
    settings.setdefault("record_results", True)
    endpoint = Endpoint(
        id=EndpointId(1), name=name, kind=EndpointKind.SSH, labels={}, host=sshd.host, port=sshd.port,
        username=sshd.account, tls="verify-full", ca=settings.pop("host_key", sshd.host_key),
        repository=None, settings=EndpointSettings(**settings), version=sshd.port,
    )  # fmt: skip
    return endpoint, Secret(sshd.key.read_bytes())


@contextlib.asynccontextmanager
async def gate_for(
    folder: Path,
    endpoints: dict[str, tuple[Endpoint, Secret]],
    parts: Parts,
    *,
    login_seconds: float = 5.0,
    docker: Callable[[Arrival, Any, Endpoint], Awaitable[None]] | None = None,
) -> AsyncIterator[Gate]:
    """Open a door for the folder's key ``id``, made here; it reaches itself and ``docker``."""
    key = open_host_key(folder / "ssh")
    line = Straight(endpoints)
    if not (folder / "id").exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "id")], check=True)
    line.keys.add(wire_key(folder / "id.pub"))
    listener = Listener.open("127.0.0.1", 0)
    host = key.export_public_key().decode().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{listener.port} {host[0]} {host[1]}\n")
    reception = Reception(line, parts, key, login_seconds=login_seconds)  # type: ignore[arg-type]
    reach(reception, listener, endpoints, docker)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(listener.run(reception.serve))
        try:
            yield Gate(listener.port, folder, line, parts, listener)
        finally:
            for room in line.rooms:
                room.end(Ending(EndCause.DRAINED, "the test is over"))
            running.cancel()
            listener.close()


def reach(
    reception: Reception,
    listener: Listener,
    endpoints: dict[str, tuple[Endpoint, Secret]],
    docker: Callable[[Arrival, Any, Endpoint], Awaitable[None]] | None,
) -> None:
    """Let the door reach itself, and a Docker door where there is one."""

    async def serve(arrival: Arrival) -> None:
        await listener.serve(arrival, reception.serve)

    async def open_docker(arrival: Arrival, identity: Any, endpoint: Endpoint) -> None:
        assert docker is not None
        await listener.serve(arrival, lambda arrived: docker(arrived, identity, endpoint))

    async def serve_docker(arrival: Arrival) -> None:
        assert arrival.passage is not None
        await open_docker(arrival, arrival.passage.identity, endpoints[arrival.passage.endpoint][0])

    openings = {EndpointKind.SSH: Opening(listener.port, listener.bring, serve, None)}
    if docker is not None:
        openings[EndpointKind.DOCKER] = Opening(2376, listener.bring, serve_docker, open_docker)
    reception.reach(openings)


def wire_key(path: Path) -> bytes:
    """A public key file's key in its wire form."""
    return base64.b64decode(path.read_text().split()[1])
