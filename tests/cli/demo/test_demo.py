"""`glassgate demo` as a person runs it: up in time, Ctrl-C ends everything, a second one works."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.cli.demo.ports import Ports, free_ports

pytestmark = pytest.mark.timeout(240)
UP_SECONDS = 60


def processes_in(folder: Path) -> list[str]:
    """Command lines of the processes that have to do with a folder, this one aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(folder) in words:
                    found.append(words)
    return found


async def gone(folder: Path, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while processes_in(folder):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.1)
    return True


@contextlib.asynccontextmanager
async def demo(folder: Path, ports: Ports) -> AsyncIterator[asyncio.subprocess.Process]:
    options = {
        "--api-port": ports.api,
        "--postgres-port": ports.postgres,
        "--ssh-port": ports.ssh,
        "--docker-port": ports.docker,
        "--kubernetes-port": ports.kubernetes,
        "--production-port": ports.production,
        "--host-port": ports.host,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.cli.main", "demo"),
        *(str(word) for pair in options.items() for word in pair),
        env={**os.environ, "GLASSGATE_DEMO_DIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def printed_until(process: asyncio.subprocess.Process, text: str) -> str:
    assert process.stdout is not None
    shown = ""
    async with asyncio.timeout(UP_SECONDS):
        while text not in shown:
            line = await process.stdout.readline()
            assert line, f"ended without {text!r}:\n{shown}"
            shown += line.decode()
    return shown


async def in_a_shell(line: str) -> str:
    shell = await asyncio.create_subprocess_exec("sh", "-c", line, stdout=asyncio.subprocess.PIPE)
    shown, _ = await shell.communicate()
    return shown.decode()


async def test_however_a_demo_ends_nothing_goes_on_running_and_the_next_one_works(short_folder: Path) -> None:
    folder, ports = short_folder / "demo", free_ports()
    for sent in (signal.SIGINT, signal.SIGKILL, signal.SIGTERM):
        async with demo(folder, ports) as process:
            shown = await printed_until(process, "Ctrl-C stops everything")
            assert "glassgate request orders-db" in shown
            assert "glassgate connect web-1" in shown or "no sample host" in shown
            assert f". {folder}/env\n" in shown
            assert "administrator" in await in_a_shell(f". {folder}/env && glassgate --profile admin whoami")
            if sent is signal.SIGINT:
                await says_that_one_is_running(folder)
                assert process.returncode is None
            process.send_signal(sent)
            if sent is signal.SIGKILL:
                await process.wait()
                assert await gone(folder, 45)
                continue
            rest, _ = await process.communicate()
            assert process.returncode == 0
            assert "Everything is stopped" in rest.decode()
        assert processes_in(folder) == []
    ports.check()


async def says_that_one_is_running(folder: Path) -> None:
    async with demo(folder, free_ports()) as second:
        shown, _ = await second.communicate()
        assert "a demo is running" in shown.decode()
        assert second.returncode == 69


async def test_an_interrupt_while_it_starts_stops_everything(short_folder: Path) -> None:
    folder = short_folder / "demo"
    async with demo(folder, free_ports()) as process:
        await printed_until(process, "filling it with rows")
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 0
    assert await gone(folder, 5)


async def test_a_busy_port_is_said_before_anything_starts(short_folder: Path) -> None:
    ports = free_ports()
    with socket.create_server(("127.0.0.1", ports.api)):
        async with demo(short_folder / "demo", ports) as process:
            shown, _ = await process.communicate()
    assert f"port {ports.api} is in use" in shown.decode()
    assert "--api-port" in shown.decode()
    assert process.returncode == 1
