"""Names and lines that are no text, before a whole gateway: answered, recorded, and the session goes on."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import asyncssh
import pytest
from live_ssh import LiveSsh

from gateway.protocols.ssh.sftp.wire import Fields, Frames, Kind, Packet, packet, string


@pytest.fixture
async def client(ssh: LiveSsh) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with asyncssh.connect(
        "127.0.0.1", ssh.gateway.ssh_port, username=f"engineer+{ssh.endpoint}",
        client_keys=[str(ssh.folder / "engineer" / "id")], known_hosts=None, config=None, agent_path=None,
    ) as connection:  # fmt: skip
        yield connection
        connection.abort()


async def told(process: asyncssh.SSHClientProcess[bytes], frames: Frames, *requests: bytes) -> list[Packet]:
    """Send requests; return as many answers."""
    answers: list[Packet] = []
    process.stdin.write(b"".join(requests))
    async with asyncio.timeout(20):
        while len(answers) < len(requests):
            data = await process.stdout.read(1 << 16)
            assert data, "the channel was closed"
            answers += frames.feed(data)
    return answers


async def test_names_that_are_no_text_end_no_session(
    ssh: LiveSsh, client: asyncssh.SSHClientConnection
) -> None:
    process = await client.create_process(subsystem="sftp", encoding=None)
    frames = Frames()
    await told(process, frames, packet(Kind.INIT, 3))
    for name in (b"/tmp/\xff\xfe", b"/tmp/a\0b", b"/tmp/\xf0\x9f", b"/tmp/ \n\x1b[2J"):
        for kind, body in (
            (Kind.REMOVE, string(name)),
            (Kind.MKDIR, string(name) + bytes(4)),
            (Kind.RENAME, string(name) + string(b"/tmp/x" + name)),
            (Kind.SETSTAT, string(name) + struct.pack(">II", 4, 0o777)),
        ):
            (answer,) = await told(process, frames, packet(kind, 7, body))
            assert answer.kind == Kind.STATUS
        opening = packet(Kind.OPEN, 8, string(name) + struct.pack(">II", 0x1A, 0))
        (opened,) = await told(process, frames, opening)
        handle = string(Fields(opened.body).string())
        written = packet(Kind.WRITE, 9, handle + bytes(8) + string(b"\xff\0text"))
        _, closed = await told(process, frames, written, packet(Kind.CLOSE, 10, handle))
        assert closed.kind == Kind.STATUS
    (there,) = await told(process, frames, packet(Kind.STAT, 11, string(b"/etc")))
    assert there.kind == Kind.ATTRS


async def test_lines_that_are_no_text_end_no_session(client: asyncssh.SSHClientConnection) -> None:
    for line in (b"rm 'a\0b'", b"rm $'/tmp/\\377'", b"\0", b"echo $'\\0' > /etc/x", b"rm '/tmp/\x1b[2J'"):
        done = await client.run(line, encoding=None)
        assert done.exit_status == 126, done
        assert isinstance(done.stderr, bytes)
        assert b"\x1b" not in done.stderr
    assert (await client.run("echo still")).stdout == "still\n"
