"""A gateway that was killed loses nothing that it acknowledged, and what it left proves itself."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from recordings.place import OPENED, Place, one_of_each, unit

from gateway.domain.ids import SessionId
from gateway.recordings import block, frames, tail
from gateway.recordings.frames import Ended, UnitFrame
from gateway.recordings.replay import replay
from gateway.recordings.vault import FolderVault
from gateway.store import ledger as ledger_rows
from gateway.store.blocks import RECOVERED_LEAF, RecoveredEntry

if TYPE_CHECKING:
    from gateway.recordings.recording import Recordings

WRITER = Path(__file__).with_name("writer.py")


async def write_and_kill(place: Place, dsn: str, *, sessions: int, seconds: float) -> dict[int, int]:
    """Let a gateway record and kill it without a word; the last unit each session acknowledged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(WRITER),
        dsn,
        str(place.folder),
        str(place.folder.parent / "keys"),
        str(sessions),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    first = await process.stdout.readline()
    lines = [first]
    try:
        async with asyncio.timeout(seconds):
            while line := await process.stdout.readline():
                lines.append(line)
    except TimeoutError:
        process.kill()
    lines += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    acknowledged: dict[int, int] = {}
    for line in lines:
        if line.endswith(b"\n"):
            session, number = line.split()
            acknowledged[int(session)] = int(number)
    return acknowledged


async def recovered_units(recordings: Recordings, session: int) -> list[int]:
    return [
        record.frame.number
        async for record in replay(recordings, SessionId(session))
        if isinstance(record.frame, UnitFrame)
    ]


@pytest.mark.parametrize(("sessions", "seconds"), [(1, 0.3), (5, 1.9), (20, 2.6)])
async def test_kill_nine_in_mid_session_loses_nothing_acknowledged(
    place, fresh_store_dsn: str, sessions: int, seconds: float
) -> None:
    acknowledged = await write_and_kill(place, fresh_store_dsn, sessions=sessions, seconds=seconds)
    assert len(acknowledged) == sessions
    async with place.gateway() as recordings:
        for session, last in acknowledged.items():
            units = await recovered_units(recordings, session)
            assert units == list(range(1, len(units) + 1))
            assert len(units) >= last
            row = await place.row(SessionId(session))
            assert (row.closed, row.end_cause) == (True, "interrupted")
            assert row.units == len(units)
        report = await place.verify(recordings)
        assert report.problem == ""
        assert report.sessions == sessions
        assert not list(place.folder.glob("tails/one/*.tail"))
        new = await place.recorded(recordings)
        assert new > max(acknowledged)
        assert (await place.verify(recordings)).good


async def test_a_gateway_killed_twice_is_recovered_once(place, fresh_store_dsn: str) -> None:
    acknowledged = await write_and_kill(place, fresh_store_dsn, sessions=2, seconds=0.5)
    acknowledged |= await write_and_kill(place, fresh_store_dsn, sessions=2, seconds=0.5)
    assert len(acknowledged) == 4
    async with place.gateway() as recordings:
        assert (await place.verify(recordings)).problem == ""
    async with place.gateway() as recordings:
        assert await recordings.recover() == []
        for session, last in acknowledged.items():
            assert len(await recovered_units(recordings, session)) >= last
        assert (await place.verify(recordings)).problem == ""


async def left_behind(place: Place, *, sealed: int = 0) -> Path:
    """What a kill leaves of one session: some sealed blocks and a tail; returns the copied folder's tail."""
    aside = place.folder.with_name("aside")
    async with place.gateway() as recordings:
        recording = await recordings.open_recording(OPENED)
        for frame in one_of_each():
            recording.write(frame)
        for _ in range(sealed):
            recording.rotate()
            await asyncio.sleep(0.05)
            recording.write(unit(recording.units + 1))
        await asyncio.sleep(0.05)
        shutil.copytree(place.folder, aside)
        recording.abandon()
    shutil.rmtree(place.folder)
    aside.rename(place.folder)
    await place.sql(
        "TRUNCATE ledger_leaves, ledger_nodes, ledger_checkpoints, recording_blocks",
        "UPDATE ledger_head SET size = 0, peaks = '{}'",
        "UPDATE sessions SET blocks = 0, closed = false, ended_at = NULL, end_cause = NULL",
    )
    return max(place.folder.glob("tails/one/*.tail"), key=lambda path: int(path.name.split(".")[1]))


async def said(place: Place) -> list[RecoveredEntry]:
    async with place.store.connection() as conn:
        return [
            msgspec.json.decode(leaf.data, type=RecoveredEntry)
            async for leaf in ledger_rows.leaves(conn, kind=RECOVERED_LEAF)
        ]


@pytest.mark.parametrize("sealed", [0, 2])
async def test_a_half_written_last_frame_is_cut_at_any_byte_and_said(place, sealed: int) -> None:
    newest = await left_behind(place, sealed=sealed)
    whole = newest.read_bytes()
    torn = frames.encode(unit(99, b"SELECT torn"), 1_700_000_000_000_000_000)
    cut = {1, 4, 15, 16, 17, len(torn) // 2, len(torn) - 1}
    saved = place.folder.with_name("saved")
    shutil.copytree(place.folder, saved)
    for length in sorted(cut):
        newest.write_bytes(whole + torn[:length])
        async with place.gateway() as recordings:
            session = SessionId(1)
            last = [record.frame async for record in replay(recordings, session)][-1]
            assert isinstance(last, Ended)
            assert last.cause == "interrupted"
            assert f"half-written last frame of {length} bytes was cut" in last.message
            assert (await said(place))[-1].torn_bytes == length
            report = await place.verify(recordings)
            assert report.problem == ""
            assert any("half-written" in text for text in report.notes)
        shutil.rmtree(place.folder)
        shutil.copytree(saved, place.folder)
        await place.sql(
            "TRUNCATE ledger_leaves, ledger_nodes, ledger_checkpoints, recording_blocks",
            "UPDATE ledger_head SET size = 0, peaks = '{}'",
            "UPDATE sessions SET blocks = 0, closed = false, ended_at = NULL, end_cause = NULL",
        )


async def test_a_half_written_block_is_made_again_from_its_tail(place) -> None:
    await left_behind(place, sealed=2)
    file = next(place.folder.glob("sealed/*/1.rec"))
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:100])
    async with place.gateway() as recordings:
        assert await recovered_units(recordings, 1) == [1, 2, 3, 4, 5]
        assert (await place.verify(recordings)).problem == ""


async def test_a_block_that_stands_already_is_not_sealed_twice(place) -> None:
    newest = await left_behind(place, sealed=1)
    key = place.keyring.open(await _wrapped(place), purpose="recording")
    first = next(iter(FolderVault(place.folder).blocks(SessionId(1))))
    header, _ = tail.parse(newest.read_bytes())
    packed = msgspec.structs.replace(header, generation=0, first_frame=0).pack()
    newest.with_name("1.0.tail").write_bytes(packed + block.unseal(first, key))
    async with place.gateway() as recordings:
        assert await recovered_units(recordings, 1) == [1, 2, 3, 4]
        assert not list(newest.parent.glob("*.tail"))
        assert (await place.verify(recordings)).problem == ""


async def test_a_session_that_was_closing_keeps_its_own_end(place) -> None:
    newest = await left_behind(place)
    ended = frames.encode(Ended("expired", "your access has ended"), 1_700_000_000_000_000_000)
    newest.write_bytes(newest.read_bytes() + ended)
    async with place.gateway() as recordings:
        row = await place.row(SessionId(1))
        assert (row.end_cause, row.end_message) == ("expired", "your access has ended")
        assert (await place.verify(recordings)).problem == ""


async def test_a_tail_whose_file_is_gone_is_said_and_not_passed_over(place) -> None:
    (await left_behind(place, sealed=1)).unlink()
    async with place.gateway() as recordings:
        last = [record.frame async for record in replay(recordings, SessionId(1))][-1]
        assert "was not found" in last.message
        report = await place.verify(recordings)
        assert report.problem == ""
        assert any("was not found" in text for text in report.notes)


async def test_a_session_of_which_nothing_is_left_is_closed_and_said(place) -> None:
    (await left_behind(place)).unlink()
    async with place.gateway() as recordings:
        row = await place.row(SessionId(1))
        assert (row.closed, row.end_cause, row.blocks) == (True, "interrupted", 0)
        assert "was not found" in (await said(place))[0].text
        report = await place.verify(recordings)
        assert report.problem == ""
        assert report.notes


async def test_a_session_that_the_store_forgot_is_brought_back_from_its_tail(place) -> None:
    await left_behind(place)
    await place.sql("DELETE FROM sessions", "ALTER SEQUENCE sessions_id_seq RESTART")
    async with place.gateway() as recordings:
        row = await place.row(SessionId(1))
        assert (row.identity, row.endpoint, row.units) == ("engineer", "orders-db", 3)
        assert (await place.recorded(recordings)) == 2
        assert (await place.verify(recordings)).problem == ""


async def test_a_damaged_recording_is_left_as_it_lies(place) -> None:
    await left_behind(place, sealed=2)
    file = next(place.folder.glob("sealed/*/1.rec"))
    damaged = bytearray(file.read_bytes())
    damaged[150] ^= 1
    file.write_bytes(damaged)
    async with place.gateway() as recordings:
        assert file.read_bytes() == damaged
        assert list(place.folder.glob("tails/one/1.*.tail"))
        assert not (await place.row(SessionId(1))).closed
        await place.recorded(recordings)


async def test_replicas_leave_to_one_another_what_is_theirs(place) -> None:
    async with place.gateway("two") as two, place.session(two) as recording:
        recording.write(unit(1))
        async with place.gateway("one") as one:
            assert await one.recover() == []
            recording.write(unit(2))
            await place.recorded(one)
    row = await place.row(recording.session)
    assert (row.end_cause, row.units) == ("client", 2)


async def test_what_a_gateway_left_that_will_not_come_back_is_closed_by_another(place) -> None:
    """A container gets a new host name each time it is made."""
    await left_behind(place, sealed=1)
    async with place.gateway("two") as recordings:
        row = await place.row(SessionId(1))
        assert (row.closed, row.end_cause, row.units) == (True, "interrupted", 4)
        assert (await place.verify(recordings)).problem == ""
        assert [path.name for path in place.folder.glob("tails/*")] == ["two"]


async def test_a_tail_left_beside_a_closed_session_is_removed(place) -> None:
    newest = await left_behind(place)
    kept = newest.read_bytes()
    async with place.gateway():
        pass
    newest.write_bytes(kept)
    async with place.gateway() as recordings:
        assert not newest.exists()
        assert (await place.verify(recordings)).problem == ""


async def _wrapped(place: Place) -> bytes:
    async with place.store.connection() as conn:
        return await conn.fetchval("SELECT wrapped_key FROM sessions WHERE id = 1")
