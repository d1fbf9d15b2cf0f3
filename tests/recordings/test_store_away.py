"""While the store is away sealed blocks wait on disk; none is lost, doubled or out of order."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from recordings.place import MIGRATIONS, OPENED, Place, unit, until

from gateway.domain.errors import StoreUnavailable
from gateway.recordings.frames import Ended
from gateway.store.embedded import EmbeddedPostgres
from gateway.store.keyring import Keyring
from gateway.store.migrations import migrate
from gateway.store.pool import Store


async def test_blocks_wait_for_the_store_and_follow_in_order(short_folder, tmp_path) -> None:
    server = await EmbeddedPostgres.start(short_folder / "store", name="test-away")
    store = await Store.open(server.dsn())
    try:
        await migrate(store, MIGRATIONS)
        place = Place(store, Keyring.load(tmp_path / "keys"), tmp_path / "recordings")
        async with place.gateway() as recordings:
            live = [await recordings.open_recording(OPENED) for _ in range(3)]
            await server.stop()
            for number in range(1, 30):
                for recording in live:
                    recording.write(unit(number, b"x" * 9_000))
                await asyncio.sleep(0.01)
            with pytest.raises(StoreUnavailable):
                await recordings.open_recording(OPENED)
            with pytest.raises(StoreUnavailable):
                await recordings.flush()
            await live[0].close(Ended("client", "bye"))
            assert live[0].complete
            server = await EmbeddedPostgres.start(short_folder / "store", name="test-away")
            await until(lambda: not recordings._leaves, 20)
            for recording in live[1:]:
                await recording.close(Ended("client", "bye"))
            await recordings.flush()
            report = await place.verify(recordings)
            assert (report.problem, report.sessions) == ("", 3)
            assert [(await place.row(r.session)).units for r in live] == [29, 29, 29]
    finally:
        await store.close()
        await server.stop()


async def test_a_commit_whose_answer_was_lost_is_not_made_twice(place) -> None:
    async with place.gateway() as recordings:
        await place.recorded(recordings)
        recording = await recordings.open_recording(OPENED)
        recording.write(unit(1))
        recording.end(Ended("client", "bye"))
        await recordings._seal(recording)
        waiting = list(recordings._leaves)
        await recordings.flush()
        recordings._leaves.extend(waiting)
        await recordings.flush()
        report = await place.verify(recordings)
    assert (report.problem, report.blocks) == ("", 2)


async def test_rows_that_went_under_a_running_gateway_are_brought_back_and_hold_up_nobody(place) -> None:
    async with place.gateway() as recordings:
        first = await recordings.open_recording(OPENED)
        second = await recordings.open_recording(OPENED)
        await place.sql(f"DELETE FROM sessions WHERE id = {first.session}")
        for recording in (first, second):
            recording.write(unit(1))
            await recording.close(Ended("client", "bye"))
        await recordings.flush()
        assert [(await place.row(one.session)).closed for one in (first, second)] == [True, True]
        assert (await place.verify(recordings)).problem == ""


async def test_an_opening_that_fails_leaves_no_trace(place) -> None:
    async with place.gateway() as recordings:
        await place.sql(
            """CREATE CONSTRAINT TRIGGER fails_at_commit AFTER INSERT ON sessions
               DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
               WHEN (NEW.client = 'nobody') EXECUTE FUNCTION ledger_is_append_only()"""
        )
        with pytest.raises(StoreUnavailable):
            await recordings.open_recording(msgspec.structs.replace(OPENED, client="nobody"))
        assert not list(place.folder.glob("tails/one/*.tail"))
        assert await recordings.recover() == []
        await place.recorded(recordings)
        assert (await place.verify(recordings)).problem == ""


async def test_a_gateway_stopped_while_the_store_is_away_finishes_at_its_next_start(
    short_folder, tmp_path
) -> None:
    server = await EmbeddedPostgres.start(short_folder / "store", name="test-away")
    store = await Store.open(server.dsn())
    try:
        await migrate(store, MIGRATIONS)
        place = Place(store, Keyring.load(tmp_path / "keys"), tmp_path / "recordings")
        async with place.gateway() as recordings:
            recording = await recordings.open_recording(OPENED)
            recording.write(unit(1))
            await server.stop()
            await recording.close(Ended("drained", "the gateway stops"))
        server = await EmbeddedPostgres.start(short_folder / "store", name="test-away")
        async with place.gateway() as recordings:
            row = await place.row(recording.session)
            assert (row.closed, row.end_cause, row.units) == (True, "drained", 1)
            assert (await place.verify(recordings)).problem == ""
    finally:
        await store.close()
        await server.stop()
