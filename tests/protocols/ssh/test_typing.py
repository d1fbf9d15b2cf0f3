"""Typing as no person does: the gateway neither stands still nor keeps what nobody reads."""

from __future__ import annotations

import asyncio
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from ssh_door import TOKEN, Gate

from gateway.protocols.ssh.keyboard import Locked
from gateway.protocols.ssh.running import Running
from gateway.terminal.programs import TABLES, KeyLock

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


@dataclass
class Wings:
    """A stage that keeps what its command does not take."""

    kept: bytes = b""

    def left(self, data: bytes) -> None:
        self.kept += data


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("how", ["status", "signal"])
def test_keys_that_come_when_the_command_has_ended_are_the_next_lines(how: str, locked: bool) -> None:
    """Its status is there, its channel not yet closed: what is typed now is nothing that it could read."""
    sent: list[bytes] = []

    @dataclass
    class Remote:
        """The host's channel."""

        def set_write_buffer_limits(self, *_limits: int) -> None:
            pass

        def is_closing(self) -> bool:
            return False

        def write(self, data: bytes) -> None:
            sent.append(data)

    wings = Wings()
    running: Any = Running(None, 1, wings, token="t", recorded=False)  # type: ignore[arg-type]
    running.connection_made(Remote())
    typed: Any = Locked(running, KeyLock(TABLES["less"])) if locked else running
    typed.fed(b"q")
    if how == "status":
        running.exit_status_received(0)
    else:
        running.exit_signal_received("INT", False, "", "")
    typed.fed(b"vi !x\r")
    running.connection_lost(None)
    typed.fed(b"ls\r")
    assert b"".join(sent) == b"q"
    assert wings.kept == b"vi !x\rls\r"
