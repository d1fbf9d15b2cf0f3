"""A full, failing or vanished disk: nothing runs unrecorded, and all is well again when it is back."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from recordings.place import OPENED, lost, unit, until

from gateway.domain.errors import RecordingLost
from gateway.domain.ids import SessionId
from gateway.recordings.frames import Ended, UnitFrame
from gateway.recordings.recording import RecordingFull
from gateway.recordings.replay import replay
from gateway.recordings.vault import FolderVault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def small_disk(folder: Path, size: str = "600k") -> Iterator[Path]:
    """A file system of its own, as small as said."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting a file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    """Take all the space that is left."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return path


async def units_of(recordings, session: SessionId) -> list[int]:
    return [
        record.frame.number
        async for record in replay(recordings, session)
        if isinstance(record.frame, UnitFrame)
    ]


async def test_a_full_disk_ends_the_session_before_a_unit_runs_unrecorded(place) -> None:
    told: list[RecordingLost] = []
    with small_disk(place.folder):
        async with place.gateway() as recordings:
            recording = await recordings.open_recording(OPENED)
            recording.on_lost = told.append
            recording.write(unit(1))
            filler = fill(place.folder)
            error = await lost(recording)
            assert "No space left on device" in error.message
            assert not isinstance(error, RecordingFull)
            assert told == [error]
            acknowledged = recording.units
            with pytest.raises(RecordingLost):
                recording.write(unit(9))
            with pytest.raises(RecordingLost):
                await recordings.open_recording(OPENED)
            await recording.close(Ended("recording-lost", error.message))
            assert not (await place.row(recording.session)).closed

            filler.unlink()
            await until(lambda: recording.complete)
            new = await place.recorded(recordings)
            assert await units_of(recordings, recording.session) == list(range(1, acknowledged + 1))
            report = await place.verify(recordings)
            assert (report.problem, report.sessions) == ("", 2)
            row = await place.row(recording.session)
            assert (row.closed, row.end_cause, row.id < new) == (True, "recording-lost", True)


async def test_a_kill_while_the_disk_is_full_is_recovered_once_there_is_space(place) -> None:
    with small_disk(place.folder):
        async with place.gateway() as recordings:
            recording = await recordings.open_recording(OPENED)
            recording.write(unit(1))
            filler = fill(place.folder)
            error = await lost(recording)
            acknowledged = recording.units
            recording.release()
            del error
        async with place.gateway() as recordings:
            assert not (await place.row(recording.session)).closed
            filler.unlink()

            async def closed() -> bool:
                return (await place.row(recording.session)).closed

            await until(closed)
            assert await units_of(recordings, recording.session) == list(range(1, acknowledged + 1))
            assert (await place.verify(recordings)).problem == ""


async def test_sealing_that_finds_the_disk_full_ends_the_session_too(place) -> None:
    with small_disk(place.folder):
        async with place.gateway() as recordings:
            recording = await recordings.open_recording(OPENED)
            told = asyncio.Event()
            recording.on_lost = lambda _: told.set()
            recording.write(unit(1, os.urandom(300_000)))
            filler = fill(place.folder)
            async with asyncio.timeout(5):
                await told.wait()
            with pytest.raises(RecordingLost, match="nothing runs unrecorded"):
                recording.write(unit(2))
            filler.unlink()
            await recording.close(Ended("recording-lost", "no space"))
            await until(lambda: recording.complete)
            await recordings.flush()
            assert await units_of(recordings, recording.session) == [1]
            assert (await place.verify(recordings)).problem == ""


async def test_a_removed_folder_ends_the_session_at_the_next_unit(place) -> None:
    async with place.gateway() as recordings:
        recording = await recordings.open_recording(OPENED)
        recording.write(unit(1))
        shutil.rmtree(place.folder)
        with pytest.raises(RecordingLost, match="folder is gone"):
            recording.write(unit(2))
        with pytest.raises(RecordingLost, match="recordings folder"):
            await recordings.open_recording(OPENED)
        await recording.close(Ended("recording-lost", "gone"))

        place.folder.mkdir()
        await until(lambda: recording.complete)
        new = await place.recorded(recordings)
        assert await units_of(recordings, recording.session) == [1]
        assert await units_of(recordings, new) == [1, 2, 3]
        assert (await place.verify(recordings)).problem == ""


async def test_a_folder_that_was_moved_away_ends_sessions_within_a_second_or_so(place) -> None:
    async with place.gateway() as recordings:
        recording = await recordings.open_recording(OPENED)
        told = asyncio.Event()
        recording.on_lost = lambda _: told.set()
        recording.write(unit(1))
        await asyncio.sleep(1.2)
        recording.write(unit(2))
        aside = place.folder.rename(place.folder.with_name("aside"))
        async with asyncio.timeout(3):
            await told.wait()
        with pytest.raises(RecordingLost):
            recording.write(unit(3))
        await recording.close(Ended("recording-lost", "gone"))
        aside.rename(place.folder)
        await until(lambda: recording.complete)
        await recordings.flush()
        assert await units_of(recordings, recording.session) == [1, 2]
        await place.recorded(recordings)
        assert (await place.verify(recordings)).problem == ""


async def test_the_bare_mount_point_of_a_lost_disk_takes_no_recordings(place) -> None:
    with small_disk(place.folder, "4m"):
        async with place.gateway() as recordings:
            recording = await recordings.open_recording(OPENED)
            recording.write(unit(1))
            subprocess.run(["umount", "-l", place.folder], check=True)
            with pytest.raises(RecordingLost, match="another disk, or none"):
                await recordings.open_recording(OPENED)
            assert list(place.folder.iterdir()) == []
            await recording.close(Ended("recording-lost", "gone"))
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place.folder], check=True)


def test_a_folder_in_a_vanished_ones_place_is_taken_over_once(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    vault = FolderVault(folder)
    for _ in range(20):
        shutil.rmtree(folder)
        folder.mkdir()
        with ThreadPoolExecutor(8) as threads:
            for looked in [threads.submit(vault.check) for _ in range(8)]:
                looked.result()


async def test_a_disk_that_fails_ends_the_session(place) -> None:
    async with place.gateway() as recordings:
        recording = await recordings.open_recording(OPENED)
        recording.write(unit(1))
        broken, writable = os.pipe()
        os.close(broken)
        kept = recording.unsealed_tails()[-1]
        whole, kept.handle = kept.handle, writable
        with pytest.raises(RecordingLost, match="can't be written"):
            recording.write(unit(2))
        kept.handle = whole
        os.close(writable)
        await recording.close(Ended("recording-lost", "the disk failed"))
        await recordings.flush()
        assert await units_of(recordings, recording.session) == [1]


async def test_a_disk_that_fails_to_sync_is_not_waited_for_in_vain(place) -> None:
    async with place.gateway() as recordings:
        recording = await recordings.open_recording(OPENED)
        recording.write(unit(1))
        reading, pipe = os.pipe()
        kept = recording.unsealed_tails()[-1]
        whole, kept.handle = kept.handle, pipe
        with pytest.raises(RecordingLost, match="can't be written"):
            await recording.synced()
        kept.handle = whole
        os.close(reading)
        os.close(pipe)
        await recording.close(Ended("recording-lost", "the disk failed"))


async def test_a_file_size_limit_tears_no_frame(place) -> None:
    """A short write, as a quota makes it, leaves nothing of the frame behind."""
    async with place.gateway() as recordings:
        recording = await recordings.open_recording(OPENED)
        recording.write(unit(1))
        kept = recording.unsealed_tails()[-1]
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (kept.size + 30, hard))
            with pytest.raises(RecordingLost, match="No space left"):
                recording.write(unit(2))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)
        assert kept.path.stat().st_size == kept.size
        await recording.close(Ended("recording-lost", "quota"))
        await recordings.flush()
        assert await units_of(recordings, recording.session) == [1]
        assert (await place.verify(recordings)).problem == ""
