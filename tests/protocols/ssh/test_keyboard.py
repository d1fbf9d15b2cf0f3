"""Keys on their way to what runs: full-screen programs are sent none that could run or write."""

from __future__ import annotations

import asyncio

import asyncssh
import pytest
from ssh_door import TOKEN, Gate

from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.judge import judge
from gateway.protocols.ssh.keyboard import modes_of
from gateway.terminal.lock import lock_of

CONTEXT = ShellContext(catalogue=load_shell(), shell="bash", guarded=True, sudo=True, terminal=True)
ISTRIP, ICRNL, IUCLC = 33, 36, 37


@pytest.mark.parametrize(
    "line",
    [
        "less /etc/services",
        "/usr/bin/more /etc/services",
        "top",
        "htop",
        "man ls",
        "watch date",
        "cat /etc/services | less",
        "timeout 100 more /etc/services",
        "sudo less /etc/services",
        "ls | xargs -o less",
        "bash -c 'less /etc/services'",
        "busybox less /etc/services",
        "for i in 1 2; do less /etc/services; done",
        "systemctl status",
        "journalctl -u nginx",
        "top -n1; more /etc/services",
    ],
)
def test_programs_with_keys_are_found_wherever_they_stand(line: str) -> None:
    judged = judge(line.encode(), CONTEXT)
    assert judged.canonical
    lock = lock_of(judged)
    assert lock is not None
    assert lock.pass_on(b"!|:W") == b""


def test_what_reads_lines_is_sent_all_of_them() -> None:
    assert lock_of(judge(b"cat; grep less /etc/services", CONTEXT)) is None


def test_no_mode_makes_one_key_of_another() -> None:
    """With ISTRIP ``\\x8d`` arrives as Enter, with IUCLC ``R`` as ``r``, with VERASE on x nothing counts."""
    usual = {1: 3, 2: 28, 3: 127, 4: 21, 5: 4, 6: 255, ICRNL: 1, 53: 1}
    asked = {**usual, ISTRIP: 1, IUCLC: 1, 200: 1, 0: 1}
    assert modes_of(asked.items()) == usual
    assert modes_of([(3, ord("x")), (4, 127), (14, 8), (1, ord("j"))]) == {}


async def test_a_pager_never_sees_a_key_that_runs_something(gate: Gate) -> None:
    """``less`` would answer each with a word of its own: they are not even sent."""
    async with asyncssh.connect(
        "127.0.0.1", gate.port, username="engineer+web-1", password=TOKEN, known_hosts=None,
        client_keys=None, config=None, agent_path=None,
    ) as connection:  # fmt: skip
        process = await connection.create_process(
            "less /etc/services", term_type="xterm", term_modes={ISTRIP: 1}, encoding=None
        )
        shown = b""
        async with asyncio.timeout(10):
            while b"tcpmux" not in shown:
                shown += await process.stdout.read(4096)
            process.stdin.write(b"!\r/\x7f!\r/\x8d!\r\rv|a\rqqq")
            while piece := await process.stdout.read(4096):
                shown += piece
        assert b"not available" not in shown
