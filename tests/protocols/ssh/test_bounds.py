"""What a client's channel costs at most, and when it is over; on which of asyncssh's insides that rests."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import inspect
from typing import Final

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.packet import SSHPacketHandler
from ssh_door import TOKEN, Gate
from sshd import Sshd

from gateway.protocols.ssh.upstream import WINDOW, HostConnection

KNOWN: Final = "baeeb2a690022b6fe98df154b50d8bcd9371ce5290f2d7b9eef4f6a111759a71"
"""Of asyncssh 2.24.1. Another: read what changed in what stands below, and bounds.py again."""
RELIED_UPON: Final = (
    SSHChannel._accept_data,
    SSHChannel._close_send,
    SSHChannel._deliver_data,
    SSHChannel._discard_recv,
    SSHChannel._flush_recv_buf,
    SSHChannel._process_close,
    SSHPacketHandler.process_packet,
)


def test_asyncssh_is_inside_as_it_was_when_this_was_written() -> None:
    source = "\n".join(inspect.getsource(each) for each in RELIED_UPON)
    assert hashlib.sha256(source.encode()).hexdigest() == KNOWN, asyncssh.__version__


async def test_a_command_ends_whose_channel_is_closed_with_its_input_unread(gate: Gate, sshd: Sshd) -> None:
    """Others of the same connection go on: the master of a shared one stays when its client leaves."""
    async with asyncssh.connect(
        "127.0.0.1", gate.port, username="engineer+web-1", password=TOKEN, known_hosts=None,
        client_keys=None, config=None, agent_path=None,
    ) as connection:  # fmt: skip
        process = await connection.create_process("sleep 4712", encoding=None)
        process.stdin.write(bytes(4 << 20))
        async with asyncio.timeout(10):
            while not sshd.processes("sleep 4712"):
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)
            process.channel.abort()
            while sshd.processes("sleep 4712"):
                await asyncio.sleep(0.02)
        assert (await connection.run("echo still")).stdout == "still\n"


async def test_behind_a_reader_that_is_slow_and_goes_on_no_more_than_the_window_waits(
    open_gate: Gate,
) -> None:
    async with asyncssh.connect(
        "127.0.0.1", open_gate.port, username="engineer+web-1", password=TOKEN, known_hosts=None,
        client_keys=None, config=None, agent_path=None,
    ) as connection:  # fmt: skip
        process = await connection.create_process(
            "head -c 100000000 /dev/zero", encoding=None, window=1 << 16
        )
        await process.stdout.read(1 << 16)
        hosts = [each for each in gc.get_objects() if isinstance(each, HostConnection)]
        most = 0
        for _ in range(300):
            await process.stdout.read(1 << 16)
            await asyncio.sleep(0.01)
            most = max(most, waiting(hosts))
        assert 0 < most <= WINDOW
        connection.abort()


def waiting(hosts: list[HostConnection]) -> int:
    """Bytes that these hosts have sent and nobody has taken."""
    channels = [channel for host in hosts for channel in host._channels.values()]
    return sum(len(data) for channel in channels for data, _ in getattr(channel, "_recv_buf", ()))
