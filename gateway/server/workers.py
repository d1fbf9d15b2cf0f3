"""The further processes of a gateway: started, lent connections, started again when they end, drained."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.errors import ConfigurationBroken
from gateway.log import get_logger
from gateway.recordings.recording import Recordings
from gateway.server.starting import SETTLE_SECONDS
from gateway.transport.share import READY, Lent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.server.core import Core
    from gateway.settings import Settings
    from gateway.transport.accept import Listener

AGAIN_SECONDS: Final = 1.0
"""A process that has ended is started again after so long."""
MOST_BY_ITSELF: Final = 4
"""Processes where the operator names no number."""

log = get_logger("server")


def processes_of(asked: int) -> int:
    """Return how many processes serve, the first one included.

    Sealing, the store and the API want cores too: two on two cores answered no more queries than one.

    Args:
        asked: by the operator; 0: as many as make sense here.
    """
    here = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if here else os.cpu_count() or 1
    return asked or max(1, min(cores // 2, MOST_BY_ITSELF))


class Workers:
    """The further processes.

    Args:
        settings: of the first one.
        store_url: where its store is.
        listener: whose connections they take their share of.
    """

    def __init__(self, settings: Settings, store_url: str, listener: Listener) -> None:
        self._settings = settings
        self._store_url = store_url
        self._listener = listener
        self._lent: set[Lent] = set()
        self._running: set[asyncio.subprocess.Process] = set()
        self._stopping = asyncio.Event()

    @property
    def sessions(self) -> int:
        """Clients that are logged in at them."""
        return sum(lent.settled for lent in self._lent)

    async def run(self) -> None:
        """Keep them running, until ``drain``."""
        async with asyncio.TaskGroup() as group:
            for number in range(2, processes_of(self._settings.processes) + 1):
                group.create_task(self._keep(f"{self._settings.replica}.{number}"))

    async def drain(self, hurry: asyncio.Event) -> None:
        """Have them drain and end; those that don't in time are killed.

        Args:
            hurry: once set, what runs there is cut.
        """
        self._stopping.set()
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        seconds = self._settings.limits.drain_seconds + SETTLE_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                hurrying = group.create_task(self._hurry(hurry))
                for process in tuple(self._running):
                    await process.wait()
                hurrying.cancel()
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def _hurry(self, hurry: asyncio.Event) -> None:
        await hurry.wait()
        for process in self._running:
            _close(process)

    async def _keep(self, replica: str) -> None:
        while not self._stopping.is_set():
            try:
                status = await self._serve(replica)
            except OSError as error:
                log.warning("process not started", replica=replica, error=error.strerror or str(error))
            else:
                if self._stopping.is_set():
                    return
                log.warning("process ended, and is started again", replica=replica, status=status)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _serve(self, replica: str) -> int:
        """Run one to its end; returns its exit status."""
        near, far = socket.socketpair()
        lent = Lent(near)
        try:
            with far:
                process = await asyncio.create_subprocess_exec(
                    # -P: our own modules, not what lies in the folder that the gateway was started in.
                    *(sys.executable, "-P", "-m", "gateway.server.worker", str(far.fileno())),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    pass_fds=(far.fileno(),),
                )
            self._running.add(process)
            try:
                await self._lend(process, lent, replica)
                return await process.wait()
            finally:
                self._running.discard(process)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        finally:
            lent.close()

    async def _lend(self, process: asyncio.subprocess.Process, lent: Lent, replica: str) -> None:
        """Have a process serve its share from when it is ready until it ends."""
        assert process.stdin is not None
        assert process.stdout is not None
        if self._stopping.is_set():
            _close(process)
        database = msgspec.structs.replace(self._settings.database, url=self._store_url)
        its = msgspec.structs.replace(self._settings, replica=replica, database=database)
        process.stdin.write(msgspec.json.encode(its) + b"\n")
        if await process.stdout.read(len(READY)) != READY:
            return
        lent.heard(READY)
        self._listener.share(lent)
        self._lent.add(lent)
        try:
            while told := await process.stdout.read(1 << 12):
                lent.heard(told)
        finally:
            self._lent.discard(lent)
            self._listener.keep(lent)


def _close(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()


async def recover_left_behind(settings: Settings, core: Core) -> int:
    """Close the sessions that further processes of a killed gateway left; returns how many."""
    interrupted = 0
    for folder in _left_behind(settings):
        try:
            recordings = await Recordings.start(
                store=core.store,
                keyring=core.keyring,
                folder=settings.recordings_folder,
                replica=folder.name,
            )
        except ConfigurationBroken as error:  # it is about to end, and is looked at by the next of its name
            log.info("not looked at yet", replica=folder.name, error=error.message)
            continue
        interrupted += len(await recordings.recover())
        await recordings.close()
    return interrupted


def _left_behind(settings: Settings) -> Iterator[Path]:
    for folder in sorted((settings.recordings_folder / "tails").glob(f"{settings.replica}.*")):
        if folder.name.removeprefix(f"{settings.replica}.").isdecimal():
            yield folder
