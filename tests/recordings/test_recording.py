from __future__ import annotations

import asyncio
import time

import msgspec
import pytest
from recordings.place import OPENED, answer, one_of_each, unit, until

from gateway.domain.errors import ConfigurationBroken, NotFound, RecordingLost
from gateway.recordings.frames import Ended, Event, Output, UnitFrame
from gateway.recordings.recording import RecordingFull, Recordings
from gateway.recordings.replay import replay


async def test_a_session_is_recorded_whole_and_in_order(place) -> None:
    async with place.gateway() as recordings:
        async with place.session(recordings) as recording:
            for frame in one_of_each():
                recording.write(frame)
        records = [record async for record in replay(recordings, recording.session)]
    opened = msgspec.structs.replace(OPENED, session=recording.session)
    wanted = [opened, *one_of_each(), Ended("client", "the client hung up")]
    assert [record.frame for record in records] == wanted
    assert [record.number for record in records] == list(range(len(wanted)))
    assert sorted(record.time_ns for record in records) == [record.time_ns for record in records]


async def test_the_row_tells_the_sessions_story(place) -> None:
    async with place.gateway() as recordings:
        session = await place.recorded(recordings)
    row = await place.row(session)
    assert (row.identity, row.endpoint, row.grant, row.reason) == (
        "engineer",
        "orders-db",
        3,
        "INC-42: checkout is slow",
    )
    assert (row.units, row.refused, row.level, row.findings) == (3, 1, "role", {"superuser": "no"})
    assert (row.closed, row.end_cause, row.end_message) == (True, "client", "the client hung up")
    assert row.ended_at >= row.started_at


async def test_a_burst_of_thirty_thousand_units_in_three_seconds_is_recorded_whole(place) -> None:
    count = 30_000
    async with place.gateway() as recordings:
        began = time.perf_counter()
        async with place.session(recordings) as recording:
            for number in range(1, count + 1):
                text = b"SELECT * FROM orders WHERE id = $1 AND state = $2" if number == 1 else None
                values = (b"%d" % number, b"open")
                recording.write(unit(number, text, repeats=None if text else 1, values=values))
                recording.write(answer(number, number % 7))
                if number % 100 == 0:
                    await asyncio.sleep(0)
            spent = time.perf_counter() - began
        units, answers = {}, {}
        async for record in replay(recordings, recording.session):
            if isinstance(record.frame, UnitFrame):
                units[record.frame.number] = record.frame.values
            elif hasattr(record.frame, "rows"):
                answers[record.frame.number] = record.frame.rows
        report = await place.verify(recordings)
    assert spent < 3
    assert units == {number: (b"%d" % number, b"open") for number in range(1, count + 1)}
    assert answers == {number: number % 7 for number in range(1, count + 1)}
    assert report.good


async def test_two_hundred_sessions_at_once_are_all_proven(place) -> None:
    async with place.gateway() as recordings:

        async def busy() -> None:
            async with place.session(recordings) as recording:
                for number in range(1, 60):
                    recording.write(unit(number))
                    await asyncio.sleep(0.001)

        async with asyncio.TaskGroup() as group:
            for _ in range(200):
                group.create_task(busy())
        await recordings.flush()
        report = await place.verify(recordings)
    assert (report.problem, report.sessions) == ("", 200)


async def test_frames_are_sealed_and_in_the_ledger_within_a_second_or_so(place) -> None:
    async with place.gateway() as recordings, place.session(recordings) as recording:
        recording.write(unit(1))

        async def in_the_ledger() -> bool:
            return (await place.row(recording.session)).units == 1

        await until(in_the_ledger, 2.5)
        assert recordings.vault.exists(recording.session)


async def test_an_idle_session_makes_no_blocks(place) -> None:
    async with place.gateway() as recordings, place.session(recordings) as recording:

        async def sealed() -> bool:
            return (await place.row(recording.session)).blocks == 1

        await until(sealed)
        await asyncio.sleep(1.5)
        assert (await place.row(recording.session)).blocks == 1


async def test_at_the_size_limit_no_further_unit_is_taken_and_the_end_is_still_recorded(place) -> None:
    told: list[RecordingLost] = []
    async with place.gateway() as recordings:
        recording = await recordings.open_recording(OPENED, max_bytes=1_000)
        recording.on_lost = told.append
        recording.write(unit(1, b"x" * 500))
        with pytest.raises(RecordingFull, match="limit of 1,000 bytes"):
            recording.write(unit(2, b"x" * 500))
        with pytest.raises(RecordingFull):
            recording.write(unit(2, b"x"))
        with pytest.raises(RecordingFull):
            recording.write(Output(1, 1, b"row"))
        recording.write(answer(1))
        recording.write(Event("cut", "confirmed"))
        await recording.close(Ended("recording-full", "the recording is full"))
        kinds = [type(r.frame).__name__ async for r in replay(recordings, recording.session)]
        report = await place.verify(recordings)
    assert kinds == ["Opened", "UnitFrame", "Answer", "Event", "Ended"]
    assert len(told) == 1
    assert report.good


async def test_a_large_unit_makes_a_large_block(place) -> None:
    text = b"SELECT '" + bytes(range(32, 39)) * 1_000_000 + b"'"
    async with place.gateway() as recordings:
        async with place.session(recordings) as recording:
            recording.write(unit(1, text))
        texts = [
            record.frame.text
            async for record in replay(recordings, recording.session)
            if isinstance(record.frame, UnitFrame)
        ]
    assert texts == [text]


async def test_synced_waits_for_the_disk_and_is_shared(place) -> None:
    async with place.gateway() as recordings, place.session(recordings) as recording:
        recording.write(unit(1))
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(recording.synced())
        await recording.synced()


async def test_what_is_sealed_between_the_look_and_the_sync_is_on_disk_already(place) -> None:
    """Sealing closes a tail in a thread: whoever has just seen it in the queue finds it closed."""
    async with place.gateway() as recordings, place.session(recordings) as recording:
        recording.write(unit(1))
        (tail,) = recording.unsealed_tails()
        whole, tail.handle = tail.handle, -1
        try:
            await recording.synced()
        finally:
            tail.handle = whole
        assert recording.lost is None


async def test_nothing_is_written_after_the_end(place) -> None:
    async with place.gateway() as recordings:
        async with place.session(recordings) as recording:
            recording.write(unit(1))
        with pytest.raises(RecordingLost, match="closed"):
            recording.write(unit(2))
        with pytest.raises(NotFound):
            recordings.live(recording.session)


async def test_two_gateways_of_one_name_do_not_share_a_folder(place) -> None:
    async with place.gateway():
        with pytest.raises(ConfigurationBroken, match="another gateway named one"):
            await Recordings.start(
                store=place.store, keyring=place.keyring, folder=place.folder, replica="one"
            )


async def test_replicas_share_a_folder_and_a_ledger(place) -> None:
    async with place.gateway("one") as one, place.gateway("two") as two:

        async def record(recordings: Recordings) -> None:
            for _ in range(5):
                await place.recorded(recordings, units=20)

        async with asyncio.TaskGroup() as group:
            group.create_task(record(one))
            group.create_task(record(two))
        report = await place.verify(one)
    assert (report.problem, report.sessions, report.blocks) == ("", 10, 10)


async def test_a_folder_of_other_files_is_not_taken_for_recordings(place) -> None:
    place.folder.mkdir()
    (place.folder / "thesis.tex").write_text("x")
    with pytest.raises(ConfigurationBroken, match="holds files"):
        async with place.gateway():
            pass


@pytest.mark.parametrize("replica", ["", "../up", "a/b", ".hidden"])
async def test_a_replicas_name_is_a_plain_one(place, replica: str) -> None:
    with pytest.raises(ConfigurationBroken, match="replica"):
        async with place.gateway(replica):
            pass


async def test_a_stream_that_comes_fast_makes_few_blocks_and_a_slow_one_small_ones(place) -> None:
    async with place.gateway() as recordings:
        async with place.session(recordings) as fast:
            for _ in range(160):
                fast.write(Output(1, 1, bytes(32768)))
        async with place.session(recordings) as slow:
            for _ in range(3):
                slow.write(Output(1, 1, bytes(60_000)))
                await asyncio.sleep(0.15)
                slow.write(Output(1, 1, bytes(60_000)))
        blocks = [len(list(recordings.vault.blocks(each.session))) for each in (fast, slow)]
        await recordings.flush()
        report = await place.verify(recordings)
        found = [record async for record in replay(recordings, fast.session)]
    assert 5 <= blocks[0] <= 20
    assert blocks[1] == 4
    assert sum(len(record.frame.data) for record in found if isinstance(record.frame, Output)) == 160 * 32768
    assert report.good
