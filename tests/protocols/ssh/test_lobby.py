"""Logins that are no session on a host: a Docker engine's, by docker's own command; those for ways only."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ssh_door import Gate, endpoint_for, gate_for
from sshd import Sshd

from gateway.domain.endpoint import Endpoint, EndpointKind
from gateway.judge.shell.catalogue import ShellCatalogue, load_shell
from gateway.judge.shell.judge import judge
from gateway.protocols.ssh import lobby
from gateway.protocols.ssh.parts import Parts
from gateway.transport.accept import Arrival

DIAL_STDIO = "docker system dial-stdio"
PIECE = 1 << 16


@dataclass
class Engine:
    """A Docker door of the tests': answers what it is sent in capitals, once it has been sent all of it."""

    arrivals: list[Arrival] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: int = 0
    taken: int = 0
    endless: bool = False
    reads: bool = True
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, arrival: Arrival, identity: Any, endpoint: Endpoint) -> None:
        loop = asyncio.get_running_loop()
        self.arrivals.append(arrival)
        self.asked.append((identity.name, endpoint.name))
        try:
            while self.endless:
                await loop.sock_sendall(arrival.socket, bytes(PIECE))
                self.sent += PIECE
            said = bytearray()
            while not self.reads:
                await asyncio.sleep(0.01)
            while piece := await loop.sock_recv(arrival.socket, PIECE):
                self.taken += len(piece)
                said += piece
            await loop.sock_sendall(arrival.socket, said.upper())
        except OSError:
            pass
        finally:
            self.ended.set()


@pytest.fixture(scope="module")
def catalogue() -> ShellCatalogue:
    return load_shell()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
async def docker(
    tmp_path: Path, sshd: Sshd, engine: Engine, catalogue: ShellCatalogue
) -> AsyncIterator[Gate]:
    host = endpoint_for(sshd)
    of_engine = dataclasses.replace(host[0], name="prod-docker", kind=EndpointKind.DOCKER), host[1]
    of_database = dataclasses.replace(host[0], name="orders-db", kind=EndpointKind.POSTGRES), host[1]
    endpoints = {"web-1": host, "prod-docker": of_engine, "orders-db": of_database}
    async with gate_for(tmp_path, endpoints, Parts(catalogue, judge), docker=engine.open) as made:
        yield made


LOGIN = "engineer+prod-docker"


async def test_dockers_own_command_hands_its_bytes_to_the_engines_door(docker: Gate, engine: Engine) -> None:
    """The answer comes after the end of what was sent: half a close is kept."""
    data = b"get /containers/json\r\n" * 100_000
    done = await docker.ssh(DIAL_STDIO, login=LOGIN, stdin=data)
    assert done.returncode == 0, done.stderr
    assert done.stdout == data.upper()
    assert engine.asked == [("engineer", "prod-docker")]
    (arrival,) = engine.arrivals
    assert arrival.passage is not None
    assert arrival.passage.endpoint == "prod-docker"
    assert "through engineer's SSH login" in arrival.peer
    assert not docker.line.rooms  # no session of its own


async def test_what_docker_sends_over_one_login_are_sessions_each(docker: Gate, engine: Engine) -> None:
    path = docker.folder / "control"
    master = await asyncio.create_subprocess_exec(
        *docker.argv(login=LOGIN, options=("-M", "-N", "-S", str(path)))
    )
    while not path.exists():
        await asyncio.sleep(0.02)
    options = ("-S", str(path))
    for word in (b"one", b"two"):
        done = await docker.ssh(DIAL_STDIO, login=LOGIN, options=options, stdin=word)
        assert done.stdout == word.upper()
    assert len(engine.arrivals) == 2
    docker.line.revoked = True
    refused = await docker.ssh(DIAL_STDIO, login=LOGIN, options=options)
    assert refused.returncode == 77
    assert b"your login is over" in refused.stderr
    assert len(engine.arrivals) == 2
    master.terminate()
    await master.wait()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("docker ps", b"DOCKER_HOST=ssh://engineer+prod-docker@GATEWAY docker ps"),
        ("docker system dial-stdio; id", b"Docker engine"),
        ("docker system dial-stdio && id", b"Docker engine"),
        ("DOCKER_HOST=unix:///x docker system dial-stdio", b"leave the path out"),
        ("docker --host unix:///run/other.sock system dial-stdio", b"leave the path out"),
        ("docker --host=unix:///run/other.sock system dial-stdio", b"leave the path out"),
        ("", b"Docker engine"),
    ],
)
async def test_anything_else_of_an_engine_is_told_how(
    docker: Gate, engine: Engine, words: str, said: bytes
) -> None:
    done = await docker.ssh(*filter(None, [words]), login=LOGIN)
    assert done.returncode not in (0, 255)
    assert said in done.stderr
    assert not engine.arrivals


async def test_the_logins_end_ends_what_came_through_it(docker: Gate, engine: Engine) -> None:
    engine.endless = True
    process = await asyncio.create_subprocess_exec(
        *docker.argv(DIAL_STDIO, login=LOGIN), stdout=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(10):
        while engine.sent < 1 << 20:
            await asyncio.sleep(0.01)
        process.kill()
        await process.wait()
        await engine.ended.wait()
        while docker.listener.connected:
            await asyncio.sleep(0.01)


async def test_a_client_that_does_not_read_holds_the_engine_up(docker: Gate, engine: Engine) -> None:
    engine.endless = True
    unread, out = os.pipe()
    process = await asyncio.create_subprocess_exec(*docker.argv(DIAL_STDIO, login=LOGIN), stdout=out)
    await asyncio.sleep(1.5)
    sent = engine.sent
    await asyncio.sleep(0.5)
    assert engine.sent == sent < 12 << 20  # what the client's own window and sockets take
    process.kill()
    await process.wait()
    await asyncio.wait_for(engine.ended.wait(), 10)
    os.close(unread)
    os.close(out)


async def test_an_engine_that_does_not_read_holds_the_client_up(docker: Gate, engine: Engine) -> None:
    engine.reads = False
    data = bytes(PIECE) * 320
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(docker.ssh(DIAL_STDIO, login=LOGIN, stdin=data))
        await asyncio.sleep(1)
        assert not asking.done()
        engine.reads = True
    assert asking.result().stdout == data
    assert engine.taken == len(data)


async def test_a_database_is_told_how_it_is_reached(docker: Gate) -> None:
    done = await docker.ssh("SELECT 1", login="engineer+orders-db")
    assert done.returncode not in (0, 255)
    assert b"PostgreSQL server" in done.stderr
    assert b"ssh -N -L 5432:orders-db:5432 engineer@GATEWAY" in done.stderr


async def test_a_login_without_an_endpoint_stays_and_says_what_it_is_for(docker: Gate) -> None:
    done = await docker.ssh("uptime", login="engineer")
    assert done.returncode not in (0, 255)
    assert b"ssh engineer+ENDPOINT@GATEWAY" in done.stderr
    assert not docker.line.rooms


async def test_a_login_for_ways_that_proves_nobody_any_more_is_shown_out(
    docker: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lobby, "PROVE_SECONDS", 0.2)
    process = await asyncio.create_subprocess_exec(*docker.argv("-N", login="engineer"))
    while not docker.listener.connected:
        await asyncio.sleep(0.02)
    await asyncio.sleep(1)
    assert process.returncode is None
    docker.line.revoked = True
    assert await asyncio.wait_for(process.wait(), 10) == 255
