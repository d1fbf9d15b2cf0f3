"""SFTP as no honest client speaks it, before a real host: answered, bounded, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
from ssh_door import TOKEN, Gate

from gateway.protocols.ssh.sftp.wire import Fields, Frames, Kind, Packet, Status, packet, string

READ, WRITE, CREAT, TRUNC = 1, 2, 8, 16


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Attacker:
    """A client that sends packets of its own making."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self.process = process
        self.frames = Frames()
        self.answers: dict[int, Packet] = {}
        self.number = 100

    def send(self, kind: int, body: bytes = b"", *, number: int | None = None) -> int:
        self.number += 1
        number = self.number if number is None else number
        self.process.stdin.write(packet(kind, number, body))
        return number

    async def answer(self, number: int) -> Packet:
        async with asyncio.timeout(10):
            while number not in self.answers:
                data = await self.process.stdout.read(1 << 16)
                assert data, "the channel was closed"
                self.answers |= {each.number: each for each in self.frames.feed(data)}
        return self.answers.pop(number)

    async def ask(self, kind: int, body: bytes = b"") -> Packet:
        return await self.answer(self.send(kind, body))

    async def opened(self, path: bytes, flags: int = READ) -> bytes:
        answer = await self.ask(Kind.OPEN, string(path) + struct.pack(">II", flags, 0))
        assert answer.kind == Kind.HANDLE, answer
        return Fields(answer.body).string()


@contextlib.asynccontextmanager
async def connected(gate: Gate) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with asyncssh.connect(
        "127.0.0.1", gate.port, username="engineer+web-1", password=TOKEN, known_hosts=None,
        client_keys=None, config=None, agent_path=None,
    ) as connection:  # fmt: skip
        yield connection
        connection.abort()


async def attacking(connection: asyncssh.SSHClientConnection, version: int = 3) -> Attacker:
    process = await connection.create_process(subsystem="sftp", encoding=None)
    made = Attacker(process)
    made.send(Kind.INIT, number=version)
    assert (await made.answer(3)).kind == Kind.VERSION
    return made


def outcome(answer: Packet) -> int:
    assert answer.kind == Kind.STATUS, answer
    return Fields(answer.body).number()


async def test_an_upload_that_is_closed_twice_ends_nothing(gate: Gate) -> None:
    async with connected(gate) as connection:
        client = await attacking(connection)
        handle = await client.opened(b"/tmp/never", WRITE | CREAT)
        first = client.send(Kind.CLOSE, string(handle))
        second = client.send(Kind.CLOSE, string(handle))
        assert outcome(await client.answer(first)) == Status.PERMISSION_DENIED
        assert outcome(await client.answer(second)) == Status.FAILURE
        assert (await client.ask(Kind.STAT, string(b"/etc"))).kind == Kind.ATTRS
        assert gate.room.ending is None


async def test_names_that_are_no_text_are_answered(gate: Gate) -> None:
    async with connected(gate) as connection:
        client = await attacking(connection)
        for name in (b"/tmp/\xff\xfe", b"/tmp/\xed\xa0\x80", b"/tmp/a\0b", b"/tmp/\x1b]0;x\a", b""):
            assert outcome(await client.ask(Kind.REMOVE, string(name))) == Status.PERMISSION_DENIED
            assert (await client.ask(Kind.STAT, string(name))).kind in (Kind.STATUS, Kind.ATTRS)
            refused = await client.ask(Kind.MKDIR, string(name) + bytes(4))
            assert b"\x1b" not in refused.body
        assert gate.room.ending is None


async def test_a_handle_is_gone_once_it_is_closed(gate: Gate) -> None:
    """What follows in the same breath would reach another file that the host gave the same handle."""
    async with connected(gate) as connection:
        client = await attacking(connection)
        handle = await client.opened(b"/etc/hostname")
        reading = string(handle) + struct.pack(">QI", 0, 100)
        before = client.send(Kind.READ, reading)
        closing = client.send(Kind.CLOSE, string(handle))
        after = client.send(Kind.READ, reading)
        assert (await client.answer(before)).kind == Kind.DATA
        assert outcome(await client.answer(closing)) == Status.OK
        refused = await client.answer(after)
        assert outcome(refused) == Status.FAILURE
        assert b"no such handle" in refused.body
        number = next(at for at, (unit, _) in enumerate(gate.room.units, 1) if unit.text.startswith(b"open "))
        assert bytes(gate.room.outputs[number, 1]) == Path("/etc/hostname").read_bytes()


async def test_any_request_is_answered_or_ends_its_channel_alone(gate: Gate) -> None:
    rng = random.Random(7)
    async with connected(gate) as connection:
        client = await attacking(connection)
        for kind in range(256):
            for body in (
                b"",
                string(b"/etc"),
                rng.randbytes(40),
                string(b"x@y") + string(b"/etc"),
                bytes(30),
            ):
                client.send(kind, body)
        with contextlib.suppress(AssertionError):
            await client.ask(Kind.STAT, string(b"/etc"))
        again = await attacking(connection, version=3)
        assert (await again.ask(Kind.INIT)).kind == Kind.STATUS
        assert (await again.ask(Kind.STAT, string(b"/etc"))).kind == Kind.ATTRS
        assert gate.room.ending is None


async def test_what_is_held_for_a_client_is_bounded(gate: Gate) -> None:
    async with connected(gate) as connection:
        before = resident()
        sparse = struct.pack(">Q", (4 << 20) - 10) + string(b"end")
        for _ in range(8):
            client = await attacking(connection)
            for each in range(16):
                handle = await client.opened(b"/tmp/%d" % each, WRITE | CREAT)
                await client.ask(Kind.WRITE, string(handle) + sparse)
        assert resident() - before < 128 << 20
        long = string(b"/" + b"a" * 200_000)
        for _ in range(100):
            client.send(Kind.STAT, long)
        assert outcome(await client.ask(Kind.STAT, long)) == Status.BAD_MESSAGE
        assert gate.room.ending is None


@pytest.mark.parametrize("flags", [READ | TRUNC, READ | 64, READ | CREAT, 0, 0xFFFFFFFF])
async def test_nothing_but_reading_reaches_the_host(gate: Gate, tmp_path: Path, flags: int) -> None:
    target = tmp_path / "kept"
    target.write_text("kept")
    target.chmod(0o666)
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o111)
    async with connected(gate) as connection:
        client = await attacking(connection)
        body = string(bytes(target)) + struct.pack(">II", flags, 0)
        await client.ask(Kind.OPEN, body)
    assert target.read_text() == "kept"
