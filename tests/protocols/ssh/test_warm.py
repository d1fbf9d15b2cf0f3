"""Connections opened ahead: ready for the next session, and for one alone."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
from typing import TYPE_CHECKING

from ssh_door import endpoint_for, gate_for, trusting

from gateway.judge.shell.catalogue import load_shell
from gateway.protocols.ssh.answer import Answer
from gateway.protocols.ssh.parts import Parts
from gateway.protocols.ssh.upstream import command_line, target_of
from gateway.protocols.ssh.warm import WarmHosts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sshd import Sshd

    from gateway.protocols.ssh.upstream import Upstream


@contextlib.asynccontextmanager
async def running(warm: WarmHosts) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(warm.run())
        yield
        task.cancel()


async def ready(warm: WarmHosts, endpoint: str = "web-1") -> Upstream:
    async with asyncio.timeout(15):
        while (found := warm._shelves[endpoint].ready) is None:
            await asyncio.sleep(0.01)
    return found


async def test_the_next_session_finds_one_ready_that_nobody_had(sshd: Sshd) -> None:
    endpoint, secret = endpoint_for(sshd)
    target, warm = target_of(endpoint), WarmHosts()
    taken = []
    async with running(warm):
        for _ in range(3):
            taken.append(await warm.take(target, secret))
            ahead = await ready(warm)
            assert ahead not in taken
        assert await warm.take(target, secret) is ahead
        assert "here" in await ahead.ask("echo here")
        last = await ready(warm)
    async with asyncio.timeout(10):
        await last.lost.wait()
    for each in [*taken, ahead]:
        assert not each.lost.is_set()
        each.close()


async def test_one_of_another_registration_or_credential_is_hung_up(sshd: Sshd) -> None:
    endpoint, secret = endpoint_for(sshd)
    target, warm = target_of(endpoint), WarmHosts()
    async with running(warm):
        (await warm.take(target, secret)).close()
        old = await ready(warm)
        fresh = await warm.take(dataclasses.replace(target, version=target.version + 1), secret)
        assert fresh is not old
        assert fresh.target.version == target.version + 1
        async with asyncio.timeout(10):
            await old.lost.wait()
        fresh.close()


async def test_one_that_the_host_has_dropped_is_not_handed_out(sshd: Sshd) -> None:
    endpoint, secret = endpoint_for(sshd)
    target, warm = target_of(endpoint), WarmHosts()
    async with running(warm):
        (await warm.take(target, secret)).close()
        dropped = await ready(warm)
        dropped.close()
        async with asyncio.timeout(10):
            await dropped.lost.wait()
        taken = await warm.take(target, secret)
        assert "here" in await taken.ask("echo here")
        taken.close()


async def test_one_that_nobody_came_for_is_hung_up(sshd: Sshd) -> None:
    endpoint, secret = endpoint_for(sshd)
    warm = WarmHosts(keep_seconds=1.0)
    async with running(warm):
        (await warm.take(target_of(endpoint), secret)).close()
        kept = await ready(warm)
        async with asyncio.timeout(10):
            await kept.lost.wait()
        assert not warm._shelves


async def test_sessions_through_the_door_have_each_their_own(tmp_path: Path, sshd: Sshd) -> None:
    parts = Parts(load_shell(), trusting)
    endpoint = endpoint_for(sshd, options={"guard": "off"})
    async with gate_for(tmp_path, {"web-1": endpoint}, parts) as gate, running(parts.warm):
        seen = set()
        for _ in range(4):
            done = await gate.ssh("ps -o ppid= -p $PPID; echo $PPID")
            assert done.returncode == 0, done.stderr
            seen.add(done.stdout)
            await ready(parts.warm)
        assert len(seen) == 4


async def test_what_is_made_of_a_registration_is_shared_as_long_as_a_session_of_it_stands(sshd: Sshd) -> None:
    endpoint, secret = endpoint_for(sshd)
    target, warm = target_of(endpoint), WarmHosts()
    one, other = await warm.take(target, secret), await warm.take(target, secret)
    anew = await warm.take(dataclasses.replace(target, version=target.version + 1), secret)
    assert one._connection is not other._connection
    assert one._connection._options is other._connection._options
    assert one._connection._options is not anew._connection._options
    assert one._connection.get_owner() is not other._connection.get_owner()
    for each in (one, other, anew):
        assert "here" in await each.ask("echo here")
        each.close()
    warm._shelves.clear()
    one = other = anew = each = None
    gc.collect()
    assert not warm._diallers


async def test_a_command_line_is_let_go_once_it_is_sent(sshd: Sshd) -> None:
    endpoint, secret = endpoint_for(sshd)
    dialled = await WarmHosts().take(target_of(endpoint), secret)
    answer = Answer(100)
    chan = await dialled.open(command_line({}, ("/bin/sh", "-c", "read answer; echo here")), answer)
    assert chan.get_command() is None
    chan.write(b"\n")
    async with asyncio.timeout(10):
        await answer.done.wait()
    assert answer.output == b"here\n"
    dialled.close()
