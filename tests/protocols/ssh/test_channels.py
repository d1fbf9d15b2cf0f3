"""Channels as no honest client uses them: clear answers, bounded memory, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
from ssh_door import TOKEN, Gate, wire_key
from sshd import Sshd

from gateway.protocols.ssh.client import MOST_CHANNELS


@contextlib.asynccontextmanager
async def connected(gate: Gate, **more: object) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A client that can be made to do what ssh doesn't."""
    async with asyncssh.connect(
        "127.0.0.1", gate.port, username="engineer+web-1", password=TOKEN, known_hosts=None,
        client_keys=None, config=None, agent_path=None, **more,
    ) as connection:  # fmt: skip
        yield connection


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def test_channels_at_once_are_bounded_and_others_go_on(gate: Gate) -> None:
    async with connected(gate) as connection, asyncio.TaskGroup() as group:

        async def one() -> str:
            try:
                process = await connection.create_process("sleep 60")
            except asyncssh.ChannelOpenError as error:
                return error.reason
            else:
                await process.wait_closed()
                return "run"

        tasks = [group.create_task(one()) for _ in range(1000)]
        await asyncio.sleep(2)
        assert (await gate.ssh("echo still")).stdout == b"still\n"
        refused = [task for task in tasks if task.done()]
        assert len(refused) >= 1000 - MOST_CHANNELS
        assert any("too many commands" in task.result() for task in refused)
        connection.abort()


async def test_more_commands_than_the_host_takes_are_told_so(gate: Gate) -> None:
    async with connected(gate) as connection:
        held = [await connection.create_process("sleep 60") for _ in range(14)]
        answered = [process for process in held if process.exit_status is not None or process.is_closing()]
        await asyncio.sleep(1)
        answered = [process for process in held if process.exit_status is not None]
        assert len(answered) == 4
        assert "opens no further session" in str(await answered[0].stderr.read())
        assert answered[0].exit_status == 69


async def test_an_unread_flood_is_held_back(open_gate: Gate, sshd: Sshd) -> None:
    """A client that opens its window wide and reads nothing: production waits, memory stays."""
    async with connected(open_gate, window=1 << 31) as connection:
        before = resident()

        class Deaf(asyncssh.SSHClientSession[bytes]):
            def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
                # the socket itself is not read any more
                connection._transport.pause_reading()  # type: ignore[union-attr]

        opening = asyncio.get_running_loop().create_task(
            connection.create_session(Deaf, "yes", encoding=None, window=1 << 31)
        )
        await asyncio.sleep(0.2)
        connection._transport.resume_reading()  # type: ignore[union-attr]
        await asyncio.sleep(0.2)
        connection._transport.pause_reading()  # type: ignore[union-attr]
        await asyncio.sleep(3)
        assert resident() - before < 128 << 20
        opening.cancel()
        connection.abort()
    for _ in range(100):
        if not [line for line in sshd.processes("yes") if "defunct" not in line]:
            break
        await asyncio.sleep(0.05)
    assert not [line for line in sshd.processes("yes") if "defunct" not in line]


async def test_input_that_nothing_reads_is_held_back(gate: Gate) -> None:
    async with connected(gate) as connection:
        process = await connection.create_process("sleep 30", encoding=None)
        before = resident()
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                while sent < 1 << 28:
                    process.stdin.write(b"x" * (1 << 16))
                    sent += 1 << 16
                    await process.stdin.drain()
        assert sent < 32 << 20
        assert resident() - before < 64 << 20
        connection.abort()


async def test_a_window_that_is_overrun_ends_that_connection_alone(gate: Gate) -> None:
    async with connected(gate) as connection:
        process = await connection.create_process("sleep 30", encoding=None)
        channel = process.channel
        channel._send_window = 1 << 30
        with contextlib.suppress(OSError, asyncssh.Error):
            for _ in range(200):
                process.stdin.write(b"x" * 32768)
            await asyncio.wait_for(connection.wait_closed(), 10)
        assert connection.is_closed()
    assert (await gate.ssh("echo still")).stdout == b"still\n"


async def test_a_packet_with_a_wrong_mac_ends_that_connection_alone(gate: Gate) -> None:
    async with connected(gate) as connection:
        connection._transport.write(struct.pack(">I", 32) + b"\x17" * 48)  # type: ignore[union-attr]
        await asyncio.wait_for(connection.wait_closed(), 5)
    assert (await gate.ssh("echo still")).stdout == b"still\n"


async def test_a_channel_runs_one_command_only(gate: Gate) -> None:
    async with connected(gate) as connection:
        process = await connection.create_process("sleep 7", encoding=None)
        again = await process.channel._make_request(b"exec", struct.pack(">I", 4) + b"true")
        assert again is False
        await asyncio.sleep(1)
        (room,) = [room for room in gate.line.rooms if any(unit.text == b"sleep 7" for unit, _ in room.units)]
        assert [unit.text for unit, _ in room.units] == [b"sleep 7"]
        connection.abort()


async def test_unknown_requests_are_refused(gate: Gate) -> None:
    async with connected(gate) as connection:
        process = await connection.create_process("sleep 5", encoding=None)
        assert await process.channel._make_request(b"x11-req", b"\0" * 13) is False
        assert await process.channel._make_request(b"auth-agent-req@openssh.com") is False
        variable = struct.pack(">I", 3) + b"FOO" + struct.pack(">I", 3) + b"bar"
        assert await process.channel._make_request(b"env", variable) is False
        assert await process.channel._make_request(b"nonsense@example.com") is False
        kind, _ = await connection._make_global_request(b"nonsense@example.com")
        assert kind == 82
        connection.abort()


async def test_a_terminal_type_is_a_name_and_never_a_path(open_gate: Gate) -> None:
    async with connected(open_gate) as connection:
        for asked, given in (
            ("xterm-256color", "xterm-256color"),
            ("/tmp/x", "dumb"),
            ("../x", "dumb"),
            ("a;b", "dumb"),
        ):
            shown = await connection.run("echo $TERM", term_type=asked)
            assert str(shown.stdout).strip() == given


async def test_a_line_that_is_not_utf_8_is_refused(gate: Gate) -> None:
    async with connected(gate) as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process(b"echo \xff\xfe", encoding=None)


async def test_signals_reach_the_command_and_its_end_by_one_comes_back(open_gate: Gate) -> None:
    async with connected(open_gate) as connection:
        waits = "trap 'echo usr1; kill $!; exit 5' USR1; sleep 20 & echo up; wait"
        process = await connection.create_process(waits)
        assert await process.stdout.readline() == "up\n"
        process.send_signal("USR1")
        assert await process.stdout.readline() == "usr1\n"
        await process.wait_closed()
        assert process.exit_status == 5
        process = await connection.create_process("echo up; exec sleep 20")
        await process.stdout.readline()
        process.send_signal("TERM")
        await process.wait_closed()
        assert process.exit_signal is not None
        assert process.exit_signal[0] == "TERM"


async def test_the_key_that_is_offered_is_not_yet_proof(gate: Gate) -> None:
    """A client shows a public key that is registered and signs with another."""
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    known = wire_key(gate.folder / "id.pub")
    rooms = len(gate.line.rooms)

    class Liar(asyncssh.SSHKeyPair):
        _key_type = "liar"

        def __init__(self) -> None:
            super().__init__(b"ssh-ed25519", b"ssh-ed25519", (b"ssh-ed25519",), (), known, b"")

        def sign(self, data: bytes) -> bytes:
            return stranger.sign(data, b"ssh-ed25519")

    with pytest.raises(asyncssh.PermissionDenied):
        await asyncssh.connect(
            "127.0.0.1", gate.port, username="engineer+web-1", client_keys=[Liar()], known_hosts=None,
            config=None, agent_path=None, password=None,
        )  # fmt: skip
    assert len(gate.line.rooms) == rooms
