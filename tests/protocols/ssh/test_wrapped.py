"""A host with neither perl nor python3, whose commands bubblewrap guards: the real sshd, through the door."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from governed import connected, person
from guarded import BUBBLEWRAP
from ssh_door import Gate, endpoint_for, gate_for, ssh_argv, trusting
from sshd import SSHD, Sshd

from gateway.domain.errors import UpstreamTooOpen
from gateway.domain.session import EndCause, Ending
from gateway.domain.verdict import Layer
from gateway.judge.shell.catalogue import load_shell
from gateway.protocols.ssh.facts import SshFacts
from gateway.protocols.ssh.guard.bubblewrap import PATHS
from gateway.protocols.ssh.guard.offers import INTERPRETERS
from gateway.protocols.ssh.parts import Parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from gateway.judge.shell.context import ShellContext
    from gateway.judge.shell.judgement import ShellJudgement

pytestmark = [
    pytest.mark.skipif(not SSHD.exists(), reason="sshd is not installed (apt install openssh-server)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can take the interpreters away from a host"),
    pytest.mark.skipif(
        BUBBLEWRAP is None, reason="bwrap is not here, or user namespaces are not for unprivileged accounts"
    ),
]
GONE = tuple(path for path in INTERPRETERS if Path(path).exists())
REQUIRE = {"guard": "require"}


@pytest.fixture(scope="module")
def host(server_folder: Path) -> Iterator[Sshd]:
    folder = server_folder / "sshd-wrapped"
    folder.mkdir(mode=0o755)
    server = Sshd.start(folder, without=GONE)
    try:
        yield server
    finally:
        server.stop()


def looking(text: bytes, context: ShellContext) -> ShellJudgement:
    """Let everything through, ps as the catalogue has it."""
    return replace(trusting(text, context), profile="procs" if text.startswith(b"ps ") else "plain")


def alive(host: Sshd, named: str) -> list[str]:
    """Processes of the account that are such a program's, not the shells that wait for one."""
    return [line for line in host.processes(named) if line.startswith(named)]


@pytest.fixture
async def gate(tmp_path: Path, host: Sshd) -> AsyncIterator[Gate]:
    endpoints = {"web-1": endpoint_for(host, options=REQUIRE)}
    async with gate_for(tmp_path, endpoints, Parts(load_shell(), looking)) as made:
        yield made


async def test_the_level_names_it_and_require_takes_it(host: Sshd) -> None:
    level = await SshFacts("gw", 2222, Parts(load_shell(), trusting)).check(
        *endpoint_for(host, options=REQUIRE)
    )
    assert level.name.startswith("guard:bwrap-")
    assert level.name.endswith("+seccomp")
    assert Layer.KERNEL_GUARD in level.layers
    assert "nobody" in level.findings["guard hides"]


async def test_without_it_the_host_says_what_is_missing(short_folder: Path) -> None:
    server = Sshd.start(short_folder, without=(*GONE, *(path for path in PATHS if Path(path).exists())))
    try:
        with pytest.raises(UpstreamTooOpen, match="neither perl, python3 nor bubblewrap"):
            await SshFacts("gw", 2222, Parts(load_shell(), trusting)).check(
                *endpoint_for(server, options=REQUIRE)
            )
    finally:
        server.stop()


async def test_commands_read_and_do_not_write(gate: Gate, host: Sshd) -> None:
    mark = host.home / "mark"
    done = await gate.ssh(f"touch {mark}; cat; head -c 3 /etc/services | wc -c; exit 4", stdin=b"given\n")
    assert (done.returncode, done.stdout) == (4, b"given\n3\n")
    assert b"Read-only file system" in done.stderr or b"not permitted" in done.stderr
    assert not mark.exists()
    assert (await gate.ssh("ps -eo pid= | wc -l")).stdout.strip() != b"1"


async def test_what_it_hides_is_said_once_on_a_connection(gate: Gate) -> None:
    first = await gate.ssh("stat -c %U /etc/passwd")
    assert first.stdout == b"nobody\n"
    assert first.stderr.count(b"show as nobody") == 1


async def test_nothing_is_left_where_the_client_goes_away(gate: Gate, host: Sshd) -> None:
    process = await asyncio.create_subprocess_exec(*gate.argv("sleep 4711 & sleep 4712"))
    async with asyncio.timeout(10):
        while len(alive(host, "sleep 471")) < 2:
            await asyncio.sleep(0.02)
    process.kill()
    await process.wait()
    async with asyncio.timeout(5):
        while alive(host, "sleep 471"):
            await asyncio.sleep(0.05)


async def test_a_terminal_and_its_status_pass(gate: Gate) -> None:
    done = await gate.ssh("stty size; read x; echo got $x; exit 5", options=("-tt",), stdin=b"typed\n")
    assert done.returncode == 5
    assert b"got typed" in done.stdout


async def test_what_a_command_did_not_read_is_the_next_line_there_as_well(gate: Gate, host: Sshd) -> None:
    """Its shells take the terminal into a group of their own, which is gone when it is read out."""
    async with connected(gate) as connection:
        one = await person(connection)
        one.type(b"stty size; echo ready; sleep 0.5\r")
        await one.until(b"ready\r\n")
        one.type(b"echo next-$((1+1))\r")
        await one.until(b"\nnext-2\r\n")
        for _ in range(5):
            await one.until(b" $ ")
            one.type(b"sleep 4717; sleep 4717\r\x03")
            await one.until(b"^C")
            await one.until(b" $ ", 3.0)
            one.type(b"echo status-$?\r")
            await one.until(b"\nstatus-130\r\n")
    assert not alive(host, "sleep 4717")


@pytest.mark.parametrize("form", [(), ("-O",)])
async def test_files_are_copied_from_it(
    gate: Gate, host: Sshd, tmp_path: Path, form: tuple[str, ...]
) -> None:
    content = bytes(range(256)) * 1000
    (host.home / "log").write_bytes(content)
    words = ssh_argv(gate.folder, gate.port)[1:]
    words[words.index("-p")] = "-P"
    source, target = f"engineer+web-1@127.0.0.1:{host.home}/log", tmp_path / "copy"
    process = await asyncio.create_subprocess_exec("scp", *form, *words, source, str(target))
    async with asyncio.timeout(20):
        assert await process.wait() == 0
    assert target.read_bytes() == content


@pytest.mark.parametrize("terminal", [(), ("-tt",)])
@pytest.mark.parametrize(
    "line", ["setsid sleep 4713 & sleep 4714", "ps -e | tail -1; sleep 4715 & sleep 4716"]
)
async def test_a_cut_session_leaves_nothing_of_it_running(
    gate: Gate, host: Sshd, line: str, terminal: tuple[str, ...]
) -> None:
    """What left the process group ends with the others where they share a namespace: ps alone has none."""
    process = await asyncio.create_subprocess_exec(
        *gate.argv(line, options=terminal), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(10):
        while len(alive(host, "sleep 471")) < 2:
            await asyncio.sleep(0.02)
    room = gate.room
    room.end(Ending(EndCause.REVOKED, "the access was taken back"))
    async with asyncio.timeout(10):
        await room.ended.wait()
        await process.wait()
    assert room.confirmed
    assert not alive(host, "sleep 471")
