"""A Docker door on a real port, a line and session of the tests' own, and the real docker client."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssh_door import Room as Plain

from gateway.domain.endpoint import Endpoint, EndpointKind, EndpointSettings
from gateway.domain.errors import NotAuthorised
from gateway.domain.ids import ChangeId, EndpointId, SessionId
from gateway.domain.secret import Secret
from gateway.domain.unit import Filed
from gateway.domain.verdict import Decision
from gateway.judge.docker.catalogue import load_docker
from gateway.judge.shell.catalogue import load_shell
from gateway.protocols.docker.parts import Parts
from gateway.protocols.docker.reception import Reception
from gateway.session.door import DialContext
from gateway.transport.accept import Arrival, Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from engine import Engine

    from gateway.domain.session import Ending


@dataclass(frozen=True)
class _Who:
    id: int = 1
    name: str = "engineer"


@dataclass
class Room(Plain):
    """A session that files what is refused."""

    identity: Any = field(default_factory=_Who)

    def admit_now(self, unit: Any) -> None:
        return None

    async def file_change(self, refused: Any) -> Filed | None:
        capture = self.door.capture(refused)
        self.captures.append(capture)
        if capture is None or refused.verdict.decision is not Decision.CHANGE:
            return None
        number = len(self.captures)
        submit = f"glassgate change submit {number}"
        return Filed(ChangeId(number), False, capture.title, "https://gw/changes/1", submit, "")


class Straight:
    """A line that lets everybody to the endpoints of the tests."""

    def __init__(self, endpoints: dict[str, tuple[Endpoint, Secret]]) -> None:
        self.endpoints = endpoints
        self.rooms: list[Room] = []

    async def run(self, identity: Any, name: str, door: Any) -> Ending:
        if name not in self.endpoints:
            raise NotAuthorised(f"you hold no access to {name}", hint=f"glassgate request {name} --for 1h")
        endpoint, secret = self.endpoints[name]
        number = SessionId(len(self.rooms) + 1)
        level = await door.dial(endpoint, secret, DialContext(number, identity.name))
        room = Room(door, endpoint, level, number)
        self.rooms.append(room)
        return await room.live()


@dataclass
class DockerGate:
    """A door that listens; its clients need no certificate.

    Attributes:
        line: the line behind it.
        port: where it listens.
        name: of the endpoint that it leads to.
    """

    line: Straight
    port: int
    engine: Engine
    name: str = "prod-docker"

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    async def docker(
        self, *argv: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> Ran:
        """Run the docker client to its end."""
        process = await self.start(*argv, environment=environment)
        async with asyncio.timeout(30):
            output, error = await process.communicate(stdin)
        assert process.returncode is not None
        return Ran(process.returncode, output.decode(), error.decode())

    async def start(
        self, *argv: str, environment: Mapping[str, str] | None = None
    ) -> asyncio.subprocess.Process:
        """Start the docker client."""
        return await asyncio.create_subprocess_exec(
            "docker",
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**self.engine.client_environment(self.url), **(environment or {})},
        )

    @contextlib.asynccontextmanager
    async def standing(self) -> AsyncIterator[Any]:
        """The gateway's own reads of a session that stands, with a client that asks for nothing more."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        yield self.rooms[-1].door.production
        writer.close()

    @property
    def rooms(self) -> list[Room]:
        return self.line.rooms

    def units(self) -> list[tuple[str, Decision]]:
        """Everything that was judged, with its verdict, in the order of the sessions."""
        return [
            (unit.text.decode().partition("\n")[0], judged.verdict.decision)
            for room in self.rooms
            for unit, judged in room.units
        ]

    def outputs(self) -> bytes:
        """Everything that was recorded of standard outputs."""
        return b"".join(
            bytes(data) for room in self.rooms for (_, stream), data in room.outputs.items() if stream == 1
        )


@dataclass(frozen=True)
class Ran:
    """How a client ended."""

    status: int
    output: str
    error: str


def endpoint_of(host: str, port: int = 0, *, tls: str = "off", ca: str = "", **settings: Any) -> Endpoint:
    """An engine as registered."""
    kept = {"record_results": True, **settings}
    return Endpoint(
        EndpointId(1),
        "prod-docker",
        EndpointKind.DOCKER,
        {"env": "prod"},
        host,
        port,
        "",
        tls,
        ca,
        None,
        EndpointSettings(**kept),
        1,
    )


_routes, _commands = functools.cache(load_docker), functools.cache(load_shell)


@contextlib.asynccontextmanager
async def docker_gate(
    engine: Engine, endpoint: Endpoint | None = None, secret: bytes = b""
) -> AsyncIterator[DockerGate]:
    """Open a door to an engine."""
    at = endpoint or endpoint_of(str(engine.socket))
    line = Straight({"prod-docker": (at, Secret(secret))})
    reception = Reception(line, Parts(_routes(), _commands), None)  # type: ignore[arg-type]
    listener = Listener.open("127.0.0.1", 0)

    async def serve(arrival: Arrival) -> None:
        await reception.open(arrival, _Who(), at)  # type: ignore[arg-type]

    async with asyncio.TaskGroup() as group:
        running = group.create_task(listener.run(serve))
        try:
            yield DockerGate(line, listener.port, engine)
        finally:
            running.cancel()
            listener.close()
