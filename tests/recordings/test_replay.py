from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from recordings.place import OPENED, Place, answer, unit, until

from gateway.domain.errors import Conflict, NotFound, ProofBroken
from gateway.domain.ids import SessionId
from gateway.recordings.expiry import expire_due
from gateway.recordings.frames import Ended, Record, UnitFrame
from gateway.recordings.recording import Source
from gateway.recordings.replay import Texts, follow, replay
from gateway.recordings.search import Query, search
from gateway.recordings.watch import Skipped, Watch


async def numbers(recordings, session) -> list[int]:
    return [r.number async for r in replay(recordings, session)]


async def test_a_live_session_is_replayed_up_to_now_whatever_is_sealed(place) -> None:
    async with place.gateway() as recordings, place.session(recordings) as recording:
        for number in range(1, 400):
            recording.write(unit(number, b"x" * 1000))
            if number % 50 == 0:
                assert await numbers(recordings, recording.session) == list(range(number + 1))


async def test_a_follower_sees_everything_from_the_beginning_to_the_end_once(place) -> None:
    async with place.gateway() as recordings:
        recording = await recordings.open_recording(OPENED)
        seen: list[int] = []
        for number in range(1, 100):
            recording.write(unit(number, b"x" * 2000))

        async def watch() -> None:
            followed = follow(recordings, recording.session, recordings.replica)
            seen.extend([record.number async for record in followed])

        async with asyncio.TaskGroup() as group:
            group.create_task(watch())
            for number in range(100, 400):
                recording.write(unit(number, b"x" * 2000))
                if number % 10 == 0:
                    await asyncio.sleep(0.001)
            await recording.close(Ended("client", "bye"))
    assert seen == list(range(401))


async def test_another_process_follows_it_from_the_disk_and_looks_a_few_times_a_second(
    place, monkeypatch
) -> None:
    async with place.gateway("one") as one, place.gateway("two") as two:
        recording = await one.open_recording(OPENED)
        seen: list[int] = []
        looks, looked_up = 0, two.source

        async def counted(session: SessionId) -> Source:
            nonlocal looks
            looks += 1
            return await looked_up(session)

        monkeypatch.setattr(two, "source", counted)

        async def watch() -> None:
            seen.extend([record.number async for record in follow(two, recording.session, one.replica)])

        async with asyncio.TaskGroup() as group:
            group.create_task(watch())
            for number in range(1, 1001):
                recording.write(unit(number, b"x" * 200))
                await asyncio.sleep(0.001)
            busy = looks
            await recording.close(Ended("client", "bye"))
    assert seen == list(range(1002))
    assert busy < 20


async def test_a_slow_watcher_is_told_what_it_missed_and_slows_nobody() -> None:
    watch = Watch(capacity=3)
    for number in range(10):
        watch.offer(Record(number, 0, unit(number)), 100)
    first = [await anext(watch) for _ in range(3)]
    assert [record.number for record in first] == [0, 1, 2]
    assert await anext(watch) == Skipped(7)
    watch.offer(Record(10, 0, unit(10)), 100)
    assert (await anext(watch)).number == 10
    watch.end()
    with pytest.raises(StopAsyncIteration):
        await anext(watch)


async def test_what_waits_for_a_watcher_is_bounded_in_bytes_too() -> None:
    watch = Watch()
    for number in range(9):
        watch.offer(Record(number, 0, unit(number)), 1 << 20)
    seen = [await anext(watch) for _ in range(5)]
    assert seen[-1] == Skipped(5)
    watch.offer(Record(9, 0, unit(9)), 100 << 20)
    assert (await anext(watch)).number == 9


async def test_a_watcher_that_never_reads_leaves_the_session_alone(place) -> None:
    async with place.gateway() as recordings, place.session(recordings) as recording:
        watch = recording.watch(capacity=10)
        for number in range(1, 5_000):
            recording.write(unit(number))
        recording.unwatch(watch)
        assert len(watch._records) == 10


async def test_only_a_live_session_can_be_followed(place) -> None:
    async with place.gateway() as recordings:
        session = await place.recorded(recordings)
        with pytest.raises(NotFound, match="not live"):
            await anext(follow(recordings, session, recordings.replica))


async def test_what_can_not_be_replayed_says_why(place) -> None:
    async with place.gateway() as recordings:
        session = await place.recorded(recordings)
        with pytest.raises(NotFound):
            await numbers(recordings, SessionId(99))
        path = place.folder / "sealed" / "000000" / f"{session}.rec"
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(ProofBroken, match=f"session {session}, block 0"):
            await numbers(recordings, session)
        await place.sql("UPDATE sessions SET ended_at = now() - interval '400 days'")
        await expire_due(recordings)
        with pytest.raises(Conflict, match="its key was destroyed"):
            await numbers(recordings, session)


def test_texts_of_repeated_units_are_remembered_within_bounds() -> None:
    texts = Texts(capacity=100)
    assert texts.of(unit(1, b"a" * 60)) == b"a" * 60
    assert texts.of(unit(2, None, repeats=1)) == b"a" * 60
    assert texts.of(unit(3, b"b" * 60)) == b"b" * 60
    assert texts.of(unit(4, None, repeats=1)) is None
    assert texts.of(unit(5, None, repeats=3)) == b"b" * 60


async def searched(recordings, **query: object) -> list[tuple[int, int]]:
    return [(hit.session.id, hit.unit.number) async for hit in search(recordings, Query(**query))]


async def looked_through(place: Place, recordings) -> None:
    for who, where in (("engineer", "orders-db"), ("agent", "orders-db"), ("engineer", "ledger-db")):
        recording = await recordings.open_recording(replace(OPENED, identity=who, endpoint=where))
        recording.write(unit(1, b"SELECT * FROM Customers WHERE name = $1", values=(b"M\xc3\xbcller",)))
        recording.write(answer(1))
        recording.rotate()
        recording.write(unit(2, None, repeats=1, values=(b"Meier",)))
        recording.write(unit(3, b"DELETE FROM orders", decision=1))
        recording.write(unit(4, b"\xff\xfe broken", decision=2))
        await recording.close(Ended("client", "bye"))
    await recordings.flush()


async def test_search_finds_texts_and_values_newest_first(place) -> None:
    async with place.gateway() as recordings:
        await looked_through(place, recordings)
        assert await searched(recordings, text="customers") == [
            (3, 2),
            (3, 1),
            (2, 2),
            (2, 1),
            (1, 2),
            (1, 1),
        ]
        assert await searched(recordings, text="müLLer") == [(3, 1), (2, 1), (1, 1)]
        assert await searched(recordings, text="meier", identity="agent") == [(2, 2)]
        assert await searched(recordings, text="broken", endpoint="ledger-db") == [(3, 4)]
        assert await searched(recordings, decision=1) == [(3, 3), (2, 3), (1, 3)]
        assert await searched(recordings, text="customers", limit=3) == [(3, 2), (3, 1), (2, 2)]
        assert await searched(recordings, text="nowhere") == []


async def test_search_looks_only_where_it_may(place) -> None:
    async with place.gateway() as recordings:
        await looked_through(place, recordings)
        found = search(recordings, Query("customers", limit=2), may=lambda row: row.endpoint != "ledger-db")
        assert [(hit.session.id, hit.unit.number) async for hit in found] == [(2, 2), (2, 1)]


async def test_search_keeps_to_its_time(place) -> None:
    async with place.gateway() as recordings:
        await looked_through(place, recordings)
        now = datetime.now(UTC)
        assert await searched(recordings, text="orders", until=now - timedelta(hours=1)) == []
        assert await searched(recordings, text="orders", since=now + timedelta(hours=1)) == []
        found = await searched(recordings, text="orders", since=now - timedelta(hours=1), until=now)
        assert found == [(3, 3), (2, 3), (1, 3)]


async def test_a_found_unit_shows_the_text_that_it_repeats(place) -> None:
    async with place.gateway() as recordings:
        await looked_through(place, recordings)
        hits = [hit async for hit in search(recordings, Query(text="meier", limit=1))]
    assert hits[0].text.startswith(b"SELECT * FROM Customers")
    assert (hits[0].session.identity, hits[0].session.endpoint) == ("engineer", "ledger-db")


async def test_search_passes_over_what_can_not_be_read(place) -> None:
    async with place.gateway() as recordings:
        await looked_through(place, recordings)
        (place.folder / "sealed" / "000000" / "2.rec").write_bytes(b"damaged")
        await place.sql("UPDATE sessions SET ended_at = now() - interval '400 days' WHERE id = 3")
        await expire_due(recordings)
        assert await searched(recordings, text="customers") == [(1, 2), (1, 1)]


async def test_a_session_that_runs_is_searched_as_far_as_it_is_sealed(place) -> None:
    async with place.gateway() as recordings, place.session(recordings) as recording:
        recording.write(unit(1, b"SELECT live"))

        async def found() -> bool:
            return await searched(recordings, text="live") == [(recording.session, 1)]

        await until(found, 3)


async def test_units_are_told_from_other_frames(place) -> None:
    async with place.gateway() as recordings:
        session = await place.recorded(recordings, units=5)
        frames = [record.frame async for record in replay(recordings, session)]
    assert sum(isinstance(frame, UnitFrame) for frame in frames) == 5
