"""More of everything than an honest client sends: bounded, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Coroutine

import asyncssh
import pytest
from ssh_door import TOKEN, Gate
from sshd import Sshd

from gateway.domain.errors import GlassgateError
from gateway.domain.session import EndCause, Ending
from gateway.protocols.ssh.client import MOST_CHANNELS


@contextlib.asynccontextmanager
async def connected(gate: Gate) -> AsyncIterator[asyncssh.SSHClientConnection]:
    async with asyncssh.connect(
        "127.0.0.1", gate.port, username="engineer+web-1", password=TOKEN, known_hosts=None,
        client_keys=None, config=None, agent_path=None,
    ) as connection:  # fmt: skip
        yield connection


async def test_commands_that_are_left_at_once_do_not_pile_up(open_gate: Gate, sshd: Sshd) -> None:
    """A channel counts until what it started has ended, not until its client has closed it."""
    most = 0
    async with connected(open_gate) as connection, asyncio.TaskGroup() as group:

        async def one() -> None:
            with contextlib.suppress(Exception):  # asyncssh's client loses its way in this, too
                process = await connection.create_process("sleep 4711")
                process.channel.abort()

        for _ in range(20):
            for _ in range(40):
                group.create_task(one())
            await asyncio.sleep(0.05)
            most = max(most, sum("_serve" in str(task.get_coro()) for task in asyncio.all_tasks()))
        connection.abort()
    assert most <= MOST_CHANNELS + 5  # and the connections themselves
    assert (await open_gate.ssh("echo still")).stdout == b"still\n"


async def test_requests_by_the_thousand_are_answered_and_kept_nowhere(gate: Gate) -> None:
    async with connected(gate) as connection:
        process = await connection.create_process("sleep 5", term_type="xterm", encoding=None)
        variable = struct.pack(">I", 3) + b"FOO" + struct.pack(">I", 3000) + b"x" * 3000
        for at in range(5000):
            process.channel.change_terminal_size(80 + at % 2, 24)
            process.channel.send_signal("USR1" if at % 2 else "nonsense")
            process.channel._send_request(b"env", variable)
            connection._send_global_request(b"keepalive@openssh.com")
        async with asyncio.timeout(10):
            assert await process.channel._make_request(b"env", variable) is False
        assert (await gate.ssh("echo still")).stdout == b"still\n"
        connection.abort()


async def test_commands_of_any_size_and_content_are_judged_or_refused(gate: Gate) -> None:
    async with connected(gate) as connection:
        for command in ("echo " + "a" * 200_000, "echo a\0b", "\0", "\n", "echo \udcff"):
            with contextlib.suppress(asyncssh.ChannelOpenError):
                done = await connection.run(command.encode("utf-8", "surrogateescape"), encoding=None)
                assert done.exit_status in (0, 126)
        assert gate.room.ending is None
    async with connected(gate) as connection:
        with contextlib.suppress(asyncssh.Error, OSError):
            await connection.run(b"echo " + b"a" * 1_000_000, encoding=None)
    assert (await gate.ssh("echo still")).stdout == b"still\n"


async def test_nothing_outlives_a_session_that_has_all_that_the_host_opens(
    open_gate: Gate, sshd: Sshd
) -> None:
    """A host opens ten sessions on a connection: with all of them busy there is none for the question."""
    async with connected(open_gate) as connection:
        for _ in range(10):
            await connection.create_process("setsid -w timeout 699 sleep 699")
        async with asyncio.timeout(10):
            while len(sshd.processes("sleep 699")) < 10:
                await asyncio.sleep(0.05)
        room = open_gate.room
        room.end(Ending(EndCause.REVOKED, "taken away"))
        await asyncio.wait_for(room.ended.wait(), 5)
        assert not sshd.processes("sleep 699")
        assert room.confirmed is True


@pytest.mark.parametrize("how", ["revoked", "too long"])
async def test_the_gateways_own_reads_leave_nothing_behind(
    open_gate: Gate, sshd: Sshd, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("gateway.protocols.ssh.production.SECONDS", 1.0 if how == "too long" else 20.0)
    async with connected(open_gate) as connection, asyncio.TaskGroup() as group:
        await connection.run("echo in")
        room = open_gate.room
        reading = group.create_task(failed(room.door.production.ran("sleep 688")))
        async with asyncio.timeout(10):
            while not sshd.processes("sleep 688"):
                await asyncio.sleep(0.02)
        if how == "revoked":
            room.end(Ending(EndCause.REVOKED, "taken away"))
            await asyncio.wait_for(room.ended.wait(), 5)
            assert room.confirmed is True
        assert await reading
        assert not sshd.processes("sleep 688")
        connection.abort()


async def failed(reading: Coroutine[object, object, object]) -> bool:
    try:
        await reading
    except GlassgateError:
        return True
    return False
