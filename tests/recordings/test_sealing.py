"""Sealing while the disk stalls: nobody waits for a lock that waits behind them, and no lock is left held."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recordings.place import OPENED, Place, unit, until

from gateway.recordings import vault as vaults
from gateway.recordings.frames import Ended
from gateway.recordings.recording import Recordings
from gateway.recordings.vault import FolderVault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.recordings.block import Block

STALL_SECONDS = 20.0


class Stalling(FolderVault):
    """A vault on a disk that stalls from time to time."""

    moves: threading.Event | None = None
    keeps: threading.Event | None = None

    def check(self) -> None:
        """Look at it once the disk answers."""
        if self.moves is not None:
            self.moves.wait(STALL_SECONDS)
        super().check()

    def append(self, sealed: Block) -> None:
        """Keep it once the disk takes it."""
        if self.keeps is not None:
            self.keeps.wait(STALL_SECONDS)
        super().append(sealed)


@asynccontextmanager
async def stalling(place: Place) -> AsyncIterator[tuple[Recordings, Stalling]]:
    vault = Stalling(place.folder)
    recordings = await Recordings.start(
        store=place.store, keyring=place.keyring, folder=place.folder, replica="one", vault=vault
    )
    async with asyncio.timeout(STALL_SECONDS):
        yield recordings, vault
        await recordings.close()


async def test_those_who_wait_for_a_sync_do_not_hold_up_what_they_wait_for(place: Place) -> None:
    """Every thread is taken by somebody who waits for a generation that the loop has just sealed."""
    async with stalling(place) as (recordings, vault):
        opened = [await recordings.open_recording(OPENED) for _ in range(6)]
        vault.moves = threading.Event()
        async with asyncio.TaskGroup() as group:
            others = [group.create_task(recordings.open_recording(OPENED)) for _ in range(4)]
            await asyncio.sleep(0.1)
            for recording in opened:
                recording.write(unit(1))
            synced = [group.create_task(recording.synced()) for recording in opened]
            await asyncio.sleep(0.1)
            for recording in opened:
                recording.rotate()
            running = group.create_task(recordings.run())
            await asyncio.sleep(0.1)
            vault.moves.set()
            _, waiting = await asyncio.wait({*synced, *others}, timeout=5)
            assert not waiting
            running.cancel()
        for recording in (*opened, *(task.result() for task in others)):
            await recording.close(Ended("client", "the client hung up"))
    report = await place.verify(recordings)
    assert (report.problem, report.sessions) == ("", 10)


async def test_a_gateway_that_stops_while_a_block_is_kept_keeps_it_once(place: Place) -> None:
    async with stalling(place) as (recordings, vault):
        recording = await recordings.open_recording(OPENED)
        vault.keeps = threading.Event()
        recording.write(unit(1))
        recording.rotate()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(recordings.run())
            await until(recording.sealing.locked)
            running.cancel()
        recording.end(Ended("client", "the client hung up"))
        vault.keeps.set()
    report = await place.verify(recordings)
    assert (report.problem, report.sessions, report.blocks) == ("", 1, 2)


async def test_blocks_go_into_the_copy_that_has_taken_the_folders_place(place: Place) -> None:
    """Whoever moves recordings to a larger disk leaves a folder behind whose files are open still."""
    async with stalling(place) as (recordings, vault), asyncio.TaskGroup() as group:
        running = group.create_task(recordings.run())
        async with place.session(recordings) as recording:
            recording.write(unit(1))
            recording.rotate()
            await until(lambda: recording.generation == 1 and not recording.sealing.locked())
            place.folder.rename(place.folder.with_name("old"))
            shutil.copytree(place.folder.with_name("old"), place.folder)
            vault.check()
            recording.write(unit(2))
            recording.rotate()
            await until(lambda: recording.generation == 2 and not recording.sealing.locked())
        assert len(list(vault.blocks(recording.session))) == 3
        running.cancel()


async def test_a_disk_that_takes_half_a_block_costs_that_session_alone(place: Place, monkeypatch) -> None:
    """Of a batch one block is torn: what was written of it goes, and every lock is let go."""
    whole = vaults.keep
    torn: list[int] = []

    def keep(handle: int, data: bytes) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().name == "3.rec" and len(torn) < 2:
            torn.append(os.write(handle, data[: len(data) // 2]))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(handle, data)

    async with stalling(place) as (recordings, _):
        opened = [await recordings.open_recording(OPENED) for _ in range(5)]
        monkeypatch.setattr(vaults, "keep", keep)
        for recording in opened:
            recording.write(unit(1))
            recording.rotate()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(recordings.run())
            await until(lambda: len(torn) == 2 and not any(each.unsealed for each in opened))
            assert [each.lost is not None for each in opened] == [each.session == 3 for each in opened]
            running.cancel()
        for recording in opened:
            await recording.close(Ended("client", "the client hung up"))
    report = await place.verify(recordings)
    assert (report.problem, report.sessions, report.blocks) == ("", 5, 10)
