"""Hosts as they may be found: what the probe says, what is refused, and that nothing is left running."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from ssh_door import TOKEN, Gate, endpoint_for, gate_for, trusting
from sshd import Sshd

from gateway.domain.errors import UpstreamUnavailable
from gateway.domain.secret import Secret
from gateway.domain.session import EndCause, Ending
from gateway.judge.shell.catalogue import load_shell
from gateway.protocols.ssh import harden, upstream
from gateway.protocols.ssh.facts import SshFacts
from gateway.protocols.ssh.parts import Parts

ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can make an account")


def parts() -> Parts:
    return Parts(load_shell(), trusting)


async def test_the_probe_says_what_a_host_is(sshd: Sshd) -> None:
    endpoint, secret = endpoint_for(sshd)
    level = await SshFacts("gw", 2222, parts()).check(endpoint, secret)
    assert level.findings["login"] == sshd.account
    assert level.findings["root"] == "no"
    assert level.findings["bash"].endswith("bash")
    assert "kernel" in level.findings


@ROOT
async def test_a_login_shell_that_reads_quotes_its_own_way_is_refused(short_folder: Path) -> None:
    fish = short_folder / "fish"
    shutil.copy("/bin/dash", fish)
    folder = short_folder / "sshd"
    folder.mkdir()
    server = Sshd.start(folder, shell=str(fish))
    try:
        endpoint, secret = endpoint_for(server)
        with pytest.raises(UpstreamUnavailable, match="login shell") as raised:
            await SshFacts("gw", 2222, parts()).check(endpoint, secret)
        assert "glassgate endpoint harden web-1" in raised.value.hint
    finally:
        server.stop()


@ROOT
async def test_a_forced_command_is_seen_and_refused(short_folder: Path) -> None:
    server = Sshd.start(short_folder, more="ForceCommand echo something else")
    try:
        endpoint, secret = endpoint_for(server)
        with pytest.raises(UpstreamUnavailable, match="does not run the gateway's commands"):
            await SshFacts("gw", 2222, parts()).check(endpoint, secret)
    finally:
        server.stop()


@ROOT
async def test_a_login_whose_files_talk_is_probed_all_the_same(short_folder: Path) -> None:
    server = Sshd.start(short_folder)
    try:
        rc = server.home / ".bashrc"
        rc.write_text("echo welcome; echo uid 0; echo bash /tmp/evil\n")
        endpoint, secret = endpoint_for(server, options={"guard": "require"})
        level = await SshFacts("gw", 2222, parts()).check(endpoint, secret)
        assert level.findings["root"] == "no"
        assert level.findings["bash"] != "/tmp/evil"
    finally:
        server.stop()


async def test_a_host_that_takes_few_logins_at_a_time_serves_many_all_the_same(
    short_folder: Path, tmp_path: Path
) -> None:
    server = Sshd.start(short_folder, more="MaxStartups 2:100:2")
    try:
        async with gate_for(tmp_path, {"web-1": endpoint_for(server)}, parts()) as gate:
            assert (await gate.ssh("echo in")).stdout == b"in\n"
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(gate.ssh("echo in")) for _ in range(12)]
            assert [task.result().stdout for task in tasks] == [b"in\n"] * 12
    finally:
        server.stop()


async def test_a_host_that_hung_up_once_is_not_taken_for_lost(sshd: Sshd) -> None:
    tries = 0

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        if tries > 1:
            onward, back = await asyncio.open_connection(sshd.host, sshd.port)
            async with asyncio.TaskGroup() as group:
                group.create_task(copied(reader, back))
                group.create_task(copied(onward, writer))
        writer.close()

    async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 16):
            writer.write(data)
        writer.close()

    endpoint, secret = endpoint_for(sshd)
    async with await asyncio.start_server(between, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        dialled = await upstream.dial(replace(upstream.target_of(endpoint), port=port), secret)
        assert tries == 2
        assert not dialled.lost.is_set()
        assert await dialled.ask("echo in") == "in\n"
        dialled.close()


async def test_a_credential_that_can_t_be_read_says_so(sshd: Sshd) -> None:
    endpoint, _ = endpoint_for(sshd)
    broken = Secret("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    with pytest.raises(UpstreamUnavailable, match="can't be read"):
        await upstream.dial(upstream.target_of(endpoint), broken)


async def test_without_a_pinned_key_nothing_is_dialled(sshd: Sshd) -> None:
    endpoint, secret = endpoint_for(sshd, host_key="")
    with pytest.raises(UpstreamUnavailable, match="no host key"):
        await upstream.dial(upstream.target_of(endpoint), secret)


def test_the_advice_names_the_account_and_runs_as_shell(sshd: Sshd, tmp_path: Path) -> None:
    endpoint, _ = endpoint_for(sshd)
    script = harden.harden(endpoint)
    assert f"login='{sshd.account}'" in script
    path = tmp_path / "harden.sh"
    path.write_text(script)
    assert os.system(f"sh -n {path}") == 0


def alive(sshd: Sshd, named: str) -> list[str]:
    return [line for line in sshd.processes(named) if "defunct" not in line]


async def gone(sshd: Sshd, named: str) -> None:
    async with asyncio.timeout(3):
        while alive(sshd, named):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "command",
    [
        "sleep 601",
        "setsid sleep 601",
        "setsid -f sleep 601; sleep 60",
        "sleep 601 & sleep 60",
        "trap '' TERM INT HUP; sleep 601",
        "(sleep 601 &) ; sleep 60",
        "env -i sleep 601",
        "nohup sleep 601 > /dev/null 2>&1",
        "sh -c 'trap \"\" TERM; sleep 601; sleep 601'",
    ],
)
async def test_nothing_outlives_its_session(open_gate: Gate, sshd: Sshd, command: str) -> None:
    rooms = len(open_gate.line.rooms)
    process = await asyncio.create_subprocess_exec(*open_gate.argv(command))
    async with asyncio.timeout(10):
        while not alive(sshd, "sleep 601"):
            await asyncio.sleep(0.02)
    room = open_gate.line.rooms[rooms]
    room.end(Ending(EndCause.REVOKED, "taken away"))
    await gone(sshd, "sleep 601")
    await process.wait()
    await asyncio.wait_for(room.ended.wait(), 5)
    assert room.confirmed is True


async def test_an_idle_session_that_is_cut_takes_nothing_else_along(
    open_gate: Gate, sshd: Sshd, tmp_path: Path
) -> None:
    """Both sessions log in to the host with the same account."""
    control = ("-o", f"ControlPath={tmp_path}/c", "-o", "ControlMaster=yes", "-o", "ControlPersist=60")
    rooms = len(open_gate.line.rooms)
    assert (await open_gate.ssh("echo in", options=control)).stdout == b"in\n"
    idle = open_gate.line.rooms[rooms]
    other = await asyncio.create_subprocess_exec(*open_gate.argv("sleep 621"))
    async with asyncio.timeout(10):
        while not alive(sshd, "sleep 621"):
            await asyncio.sleep(0.02)
    idle.end(Ending(EndCause.REVOKED, "taken away"))
    await asyncio.wait_for(idle.ended.wait(), 5)
    assert idle.confirmed is True
    await asyncio.sleep(0.5)
    assert alive(sshd, "sleep 621")
    other.kill()
    await other.wait()
    await gone(sshd, "sleep 621")


async def test_a_warning_stands_on_standard_error(open_gate: Gate, sshd: Sshd) -> None:
    rooms = len(open_gate.line.rooms)
    process = await asyncio.create_subprocess_exec(
        *open_gate.argv("sleep 1"), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(10):
        while not alive(sshd, "sleep 1"):
            await asyncio.sleep(0.02)
    await open_gate.line.rooms[rooms].door.warn("your access ends in 5 minutes")
    out, err = await process.communicate()
    assert (process.returncode, out) == (0, b"")
    assert err == b"glassgate: your access ends in 5 minutes\n"


async def test_a_command_of_another_session_is_left_alone(open_gate: Gate, sshd: Sshd) -> None:
    first = await asyncio.create_subprocess_exec(*open_gate.argv("sleep 611"))
    second = await asyncio.create_subprocess_exec(*open_gate.argv("sleep 612"))
    async with asyncio.timeout(10):
        while not (alive(sshd, "sleep 611") and alive(sshd, "sleep 612")):
            await asyncio.sleep(0.02)
    first.kill()
    await first.wait()
    await gone(sshd, "sleep 611")
    assert alive(sshd, "sleep 612")
    second.kill()
    await second.wait()
    await gone(sshd, "sleep 612")


async def test_the_token_alone_opens_the_door(tmp_path: Path, sshd: Sshd) -> None:
    async with gate_for(tmp_path, {"web-1": endpoint_for(sshd)}, parts()) as gate:
        assert TOKEN not in str(gate.line.asked)
        assert (await gate.ssh("echo in")).stdout == b"in\n"
        assert gate.line.asked == ["engineer"] * len(gate.line.asked)
