"""Typing as no person does: the gateway neither stands still nor keeps what nobody reads."""

from __future__ import annotations

import asyncio
import resource
import time
from pathlib import Path

import asyncssh
from ssh_door import TOKEN, Gate

HOME, SEARCH = b"\x01", b"\x12"


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def longest_pause(seconds: float) -> float:
    """The longest time that the loop was held up within so long."""
    longest, end = 0.0, time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - began)
    return longest


async def test_keys_in_a_long_line_hold_nobody_up(gate: Gate) -> None:
    """Each key at the beginning of a line of 30,000 characters would paint all of it again."""
    async with asyncssh.connect(
        "127.0.0.1", gate.port, username="engineer+web-1", password=TOKEN, known_hosts=None,
        client_keys=None, config=None, agent_path=None,
    ) as connection:  # fmt: skip
        process = await connection.create_process(term_type="xterm", encoding=None)
        await process.stdout.read(100)
        process.channel.pause_reading()
        before = resident()
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            pausing = group.create_task(longest_pause(2.0))
            process.stdin.write(b"#" + b"x" * 30_000 + HOME + b"y" * 200_000 + SEARCH + b"z" * 20_000)
        assert pausing.result() < 0.5
        assert resident() - before < 64 << 20
        connection.abort()
    assert (await gate.ssh("echo still")).stdout == b"still\n"
