"""Ways under attack: who may open one and where to, how many, and what one costs that nobody reads."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import pytest
from asyncssh.constants import MSG_CHANNEL_DATA
from asyncssh.packet import String
from ssh_door import TOKEN, Gate, endpoint_for, gate_for
from sshd import Sshd

from gateway.domain.endpoint import EndpointKind
from gateway.domain.session import EndCause, Ending
from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.judge import judge
from gateway.protocols.ssh.connection import WayChannel
from gateway.protocols.ssh.forwarding import MOST_WAYS
from gateway.protocols.ssh.parts import Parts
from gateway.protocols.ssh.refusal import MANY_WAYS
from gateway.transport.accept import Arrival

VERSION = b"SSH-2.0-Glassgate\r\n"
OTHER = "ggd_other"


@pytest.fixture(scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, sshd: Sshd) -> AsyncIterator[Gate]:
    folder: Path = tmp_path_factory.mktemp("ways")
    endpoints = {"web-1": endpoint_for(sshd), "web-2": endpoint_for(sshd, "web-2")}
    async with gate_for(folder, endpoints, Parts(load_shell(), judge)) as made:
        yield made


@dataclass
class Sink:
    """A door that reads when it is told to, and answers in capitals at the end; or talks without an end."""

    endless: bool = False
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    sent: int = 0
    taken: int = 0

    async def serve(self, arrival: Arrival, identity: object, endpoint: object) -> None:
        del identity, endpoint
        loop, said = asyncio.get_running_loop(), bytearray()
        try:
            while self.endless:
                await loop.sock_sendall(arrival.socket, bytes(1 << 16))
                self.sent += 1 << 16
            await self.reads.wait()
            while piece := await loop.sock_recv(arrival.socket, 1 << 16):
                self.taken += len(piece)
                said += piece
            await loop.sock_sendall(arrival.socket, said.upper())
        except OSError:
            pass
        finally:
            self.ended.set()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
async def sunk(shared: Gate, tmp_path: Path, sink: Sink) -> AsyncIterator[Gate]:
    """A gateway whose Docker door is that one."""
    host = shared.line.endpoints["web-1"]
    engine = dataclasses.replace(host[0], name="prod-docker", kind=EndpointKind.DOCKER), host[1]
    async with gate_for(tmp_path, {"prod-docker": engine}, shared.parts, docker=sink.serve) as made:
        yield made


@contextlib.asynccontextmanager
async def connected(
    gate: Gate,
    login: str = "engineer",
    token: str = TOKEN,
    *,
    through: asyncssh.SSHClientConnection | None = None,
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A client that can be made to do what ssh doesn't; through a way to web-1, or at the door itself."""
    where = ("127.0.0.1", gate.port) if through is None else ("web-1", 22)
    async with asyncssh.connect(
        *where, username=login, password=token, known_hosts=None, client_keys=None, config=None,
        agent_path=None, tunnel=through or (),
    ) as connection:  # fmt: skip
        yield connection


@pytest.mark.parametrize(
    "where",
    [
        ("127.0.0.1", 22), ("127.0.0.1", 0), ("127.0.0.1", 65535), ("::1", 22), ("::ffff:127.0.0.1", 22),
        ("0", 22), ("0x7f000001", 22), ("2130706433", 22), ("localhost", 22), ("", 22), ("*", 22), ("@", 22),
        ("[::]", 22), ("fe80::1%lo", 22), ("/var/run/docker.sock", 22), ("/run/systemd/private", 0),
        ("nowhere", 22), ("engineer+web-1", 22), ("web-1.", 22), ("web-1\0", 22), ("web-1 ", 22),
        ("x" * 100_000, 22), ("ⓦeb-1", 22), ("web-1", 0), ("web-1", 2222), ("web-1", 5432),
        ("web-1", 65558), ("web-1", 2**32 - 1),
    ],
)  # fmt: skip
async def test_only_endpoints_are_reached_and_by_their_names(shared: Gate, where: tuple[str, int]) -> None:
    async with connected(shared) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection(*where)
        reader, _ = await connection.open_connection("WEB-1", 22)
        assert await reader.readuntil(b"\n") == VERSION


async def test_no_other_kind_of_forwarding_is_there(shared: Gate) -> None:
    async with connected(shared) as connection:
        for path in ("/var/run/docker.sock", "/run/dbus/system_bus_socket", "@abstract", ""):
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_unix_connection(path)
        for unit in (None, 0):
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.create_tun(asyncssh.SSHTunTapSession, unit)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.start_server(lambda *_: None, "", 0)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.start_unix_server(lambda *_: None, "/tmp/x")


async def test_who_comes_through_is_who_opened_the_way(shared: Gate) -> None:
    shared.line.people[OTHER] = "reviewer"
    async with connected(shared) as outer, connected(shared, "engineer+web-1", through=outer) as inner:
        assert (await inner.run("echo in")).stdout == "in\n"
        assert "through engineer's SSH login" in shared.room.door.client
    rooms = len(shared.line.rooms)
    async with connected(shared) as outer, connected(shared, "reviewer+web-1", OTHER, through=outer) as inner:
        done = await inner.run("echo in")
        assert done.exit_status == 77
        assert "opened by another login" in str(done.stderr)
    assert len(shared.line.rooms) == rooms


async def test_a_way_leads_to_its_endpoint_and_no_other(shared: Gate) -> None:
    rooms = len(shared.line.rooms)
    async with connected(shared) as outer, connected(shared, "engineer+web-2", through=outer) as inner:
        assert (await inner.run("echo in")).exit_status == 77
    assert len(shared.line.rooms) == rooms
    async with connected(shared) as outer, connected(shared, "engineer", through=outer) as inner:
        assert (await inner.run("echo in")).stdout == "in\n"  # the way says where to


async def test_there_is_no_way_inside_a_way(shared: Gate) -> None:
    async with connected(shared) as outer, connected(shared, "engineer+web-1", through=outer) as inner:
        with pytest.raises(asyncssh.ChannelOpenError, match="came through the gateway itself"):
            await inner.open_connection("web-2", 22)


async def test_ways_open_beside_a_session_and_go_with_it(shared: Gate) -> None:
    async with connected(shared, "engineer+web-1") as outer:
        assert (await outer.run("echo out")).stdout == "out\n"
        room = shared.room
        reader, _ = await outer.open_connection("web-2", 22)
        assert await reader.readuntil(b"\n") == VERSION
        room.end(Ending(EndCause.REVOKED, "taken away"))
        assert await asyncio.wait_for(reader.read(), 10) is not None
        await asyncio.wait_for(outer.wait_closed(), 10)
    await nobody(shared)


async def test_a_login_that_is_over_opens_no_more_and_keeps_what_it_has(shared: Gate) -> None:
    async with connected(shared) as outer, connected(shared, "engineer+web-1", through=outer) as inner:
        assert (await inner.run("echo in")).stdout == "in\n"
        shared.line.revoked = True
        try:
            with pytest.raises(asyncssh.ChannelOpenError, match="your login is over"):
                await outer.open_connection("web-1", 22)
            assert (await inner.run("echo in")).stdout == "in\n"
        finally:
            shared.line.revoked = False


async def test_ways_at_once_are_bounded_and_others_go_on(shared: Gate) -> None:
    async with connected(shared) as outer, asyncio.TaskGroup() as group:

        async def one() -> str:
            try:
                await outer.open_connection("web-1", 22)
            except asyncssh.ChannelOpenError as error:
                return error.reason
            return ""

        for _ in range(2):
            tasks = [group.create_task(one()) for _ in range(500)]
            await asyncio.wait(tasks)
            reasons = [task.result() for task in tasks]
            assert reasons.count("") == MOST_WAYS
            assert set(reasons) == {"", MANY_WAYS}
            assert shared.listener.connected <= MOST_WAYS + 1
            async with connected(shared, "engineer+web-1") as other:
                assert (await other.run("echo still")).stdout == "still\n"
            for channel in list(outer._channels.values()):
                channel.close()
            async with asyncio.timeout(10):
                while shared.listener.connected > 1:
                    await asyncio.sleep(0.01)
    await nobody(shared)


async def test_a_connection_that_breaks_while_it_opens_ways_leaves_nothing(shared: Gate) -> None:
    for wait in (0, 0, 0.002, 0.005, 0.01, 0.02):
        async with connected(shared) as outer:
            for _ in range(20):
                outer.create_task(quietly(outer.open_connection("web-1", 22)))
            await asyncio.sleep(wait)
            outer.abort()
    await nobody(shared)


async def test_half_a_close_is_one(sunk: Gate, sink: Sink) -> None:
    async with connected(sunk) as outer:
        reader, writer = await outer.open_connection("prod-docker", 2375)
        writer.write(b"all of it")
        writer.write_eof()
        sink.reads.set()
        assert await asyncio.wait_for(reader.read(), 10) == b"ALL OF IT"
    await nobody(sunk)


async def test_bytes_by_the_piece_cost_no_more_than_by_the_packet(sunk: Gate, sink: Sink) -> None:
    """The window counts bytes: a hundred thousand pieces of one fit into it."""
    async with connected(sunk) as outer:
        _, writer = await outer.open_connection("prod-docker", 2375)
        channel = writer.channel
        writer.write(bytes(900_000))
        await asyncio.sleep(0.5)
        for _ in range(20_000):
            channel.send_packet(MSG_CHANNEL_DATA, String(b"x"))
        await asyncio.sleep(0.5)
        (kept,) = way_channels()
        assert len(kept._recv_buf) < 80
        sink.reads.set()
        writer.write_eof()
        await asyncio.wait_for(sink.ended.wait(), 10)
        assert sink.taken == 920_000
    await nobody(sunk)


async def test_a_way_that_is_closed_with_all_unread_is_over_at_once(sunk: Gate, sink: Sink) -> None:
    async with connected(sunk) as outer:
        _, writer = await outer.open_connection("prod-docker", 2375)
        writer.write(bytes(1 << 20))
        await asyncio.sleep(0.5)
        assert way_channels()
        writer.channel.abort()
        async with asyncio.timeout(5):
            while way_channels():
                await asyncio.sleep(0.1)
        sink.reads.set()
        await asyncio.wait_for(sink.ended.wait(), 5)
        assert sink.taken < 1 << 20
    await nobody(sunk)


async def test_a_door_that_talks_to_a_deaf_client_waits(sunk: Gate, sink: Sink) -> None:
    """Its window is as wide as can be, and its socket is not read."""
    sink.endless = True
    async with connected(sunk) as outer:
        await outer.open_connection("prod-docker", 2375, window=1 << 31)
        outer._transport.pause_reading()  # type: ignore[union-attr]
        await asyncio.sleep(1)
        sent = sink.sent
        await asyncio.sleep(0.5)
        assert sent == sink.sent < 16 << 20
        outer.abort()
    await asyncio.wait_for(sink.ended.wait(), 5)
    await nobody(sunk)


def way_channels() -> list[WayChannel]:
    """The gateway's side of the ways that stand."""
    return [each for each in gc.get_objects() if isinstance(each, WayChannel)]


async def nobody(gate: Gate) -> None:
    """Wait until nothing is connected any more."""
    async with asyncio.timeout(10):
        while gate.listener.connected:
            await asyncio.sleep(0.01)


async def quietly(opening: Coroutine[object, object, object]) -> None:
    with contextlib.suppress(asyncssh.Error, OSError):
        await opening
