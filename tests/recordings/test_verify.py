"""Whatever is altered, removed, reordered or cut: the first block that does not fit is named."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest
from recordings.place import OPENED, Place, unit

from gateway.domain.ids import SessionId
from gateway.domain.merkle import CompactRange, hash_leaf
from gateway.recordings import block, checkpoint
from gateway.recordings.block import HEADER_BYTES
from gateway.recordings.expiry import expire_due
from gateway.recordings.frames import Ended
from gateway.store import ledger as rows

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.recordings.recording import Recordings

BLOCKS = 4

SWAPPED = """UPDATE ledger_leaves a SET data = b.data, at_us = b.at_us
             FROM ledger_leaves b WHERE (a.number, b.number) IN ((6, 7), (7, 6))"""


async def filled(place: Place, recordings: Recordings, sessions: int = 3) -> list[SessionId]:
    """Sessions of four blocks each, and a checkpoint over them."""
    made = []
    for _ in range(sessions):
        recording = await recordings.open_recording(OPENED)
        for number in range(1, BLOCKS):
            recording.write(unit(number))
            recording.rotate()
        recording.write(unit(BLOCKS))
        await recording.close(Ended("client", "bye"))
        made.append(recording.session)
    await recordings.flush()
    await place.ledger().make_checkpoint()
    return made


def file_of(place: Place, session: SessionId) -> Path:
    return place.folder / "sealed" / "000000" / f"{session}.rec"


def pieces(data: bytes) -> list[bytes]:
    """A recording's blocks, cut apart."""
    found = []
    while data:
        size = HEADER_BYTES + block.parse_header(data).body_bytes
        found.append(data[:size])
        data = data[size:]
    return found


async def test_what_is_whole_is_proven_whole(place) -> None:
    async with place.gateway() as recordings:
        await filled(place, recordings)
        report = await place.verify(recordings)
    assert (report.good, report.problem) == (True, "")
    assert (report.sessions, report.blocks, report.leaves, report.checkpoints) == (3, 12, 13, 1)
    assert report.checkpoint == "size 13, stored"


async def test_an_empty_ledger_is_proven_too(place) -> None:
    async with place.gateway() as recordings:
        assert (await place.verify(recordings)).good


async def test_sessions_that_live_on_are_no_fault(place) -> None:
    async with place.gateway() as recordings, place.session(recordings) as recording:
        recording.write(unit(1))
        recording.rotate()
        report = await place.verify(recordings)
        await recordings.flush()
        assert (await place.verify(recordings)).good
    assert report.good


async def test_a_flipped_bit_anywhere_in_a_recording_names_its_block(place) -> None:
    async with place.gateway() as recordings:
        session = (await filled(place, recordings, 1))[0]
        path = file_of(place, session)
        whole = path.read_bytes()
        ends, end = [], 0
        for piece in pieces(whole):
            end += len(piece)
            ends.append(end)
        for offset in range(0, len(whole), 5):
            path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
            report = await place.verify(recordings)
            number = next(place for place, end in enumerate(ends) if offset < end)
            assert not report.good, offset
            assert f"session {session}, block {number} (frames" in report.records[0], offset
        path.write_bytes(whole)
        assert (await place.verify(recordings)).good


@pytest.mark.parametrize("removed", range(BLOCKS))
async def test_a_removed_block_is_named(place, removed: int) -> None:
    async with place.gateway() as recordings:
        session = (await filled(place, recordings))[1]
        path = file_of(place, session)
        found = pieces(path.read_bytes())
        path.write_bytes(b"".join(found[:removed] + found[removed + 1 :]))
        report = await place.verify(recordings)
    assert f"session {session}, block {removed} (frames" in report.records[0]


async def test_reordered_blocks_are_named(place) -> None:
    async with place.gateway() as recordings:
        session = (await filled(place, recordings))[1]
        path = file_of(place, session)
        first, second, third, last = pieces(path.read_bytes())
        path.write_bytes(first + third + second + last)
        report = await place.verify(recordings)
    assert f"session {session}, block 1 (frames" in report.records[0]


@pytest.mark.parametrize("cut", [1, 20, 200])
async def test_a_cut_recording_is_named(place, cut: int) -> None:
    async with place.gateway() as recordings:
        session = (await filled(place, recordings))[1]
        path = file_of(place, session)
        path.write_bytes(path.read_bytes()[:-cut])
        report = await place.verify(recordings)
    assert f"session {session}, block 3 (frames" in report.records[0]


async def test_a_removed_recording_is_named(place) -> None:
    async with place.gateway() as recordings:
        session = (await filled(place, recordings))[1]
        file_of(place, session).unlink()
        report = await place.verify(recordings)
    assert report.problem == "the block was removed from the recording"
    assert report.records == (f"session {session}, block 0 (frames 0 to 1)",)


async def test_another_sessions_recording_in_its_place_is_named(place) -> None:
    async with place.gateway() as recordings:
        one, two, _ = await filled(place, recordings)
        file_of(place, one).write_bytes(file_of(place, two).read_bytes())
        report = await place.verify(recordings)
    assert f"session {one}, block 0" in report.records[0]


async def test_a_block_added_behind_the_end_is_found(place) -> None:
    async with place.gateway() as recordings:
        session = (await filled(place, recordings))[2]
        path = file_of(place, session)
        path.write_bytes(path.read_bytes() + pieces(path.read_bytes())[1])
        report = await place.verify(recordings)
    assert report.problem == "block 4 is in the file, but not in the ledger"


async def resealed(place: Place, recordings: Recordings, session: SessionId) -> None:
    """Forge as someone would who holds the master key: seal other content, chain and rows all fitting."""
    source = await recordings.source(session)
    path = file_of(place, session)
    found = [block.parse(piece) for piece in pieces(path.read_bytes())]
    forged, previous = [], block.NO_BLOCK
    for old in found:
        header = old.header
        made = block.seal(
            block.unseal(old, source.key),
            [header.first_ns] * (header.frames - 1) + [header.last_ns],
            key=source.key,
            session=session,
            sequence=header.sequence,
            first_frame=header.first_frame,
            previous=previous,
            final=header.final,
        )
        previous = made.hash
        forged.append(made)
    path.write_bytes(b"".join(made.data for made in forged))


async def test_a_recording_sealed_anew_with_the_right_key_is_found(place) -> None:
    async with place.gateway() as recordings:
        session = (await filled(place, recordings))[0]
        await resealed(place, recordings, session)
        report = await place.verify(recordings)
    assert report.problem == "the block was altered: its hash is not the one in the ledger"
    assert f"session {session}, block 0" in report.records[0]


@pytest.mark.parametrize(
    ("deed", "problem"),
    [
        ("UPDATE ledger_leaves SET data = data || ' '::bytea WHERE number = 6", "leaf 6 was altered"),
        ("UPDATE ledger_leaves SET at_us = at_us + 1 WHERE number = 6", "leaf 6 was altered"),
        ("UPDATE ledger_leaves SET kind = 'other' WHERE number = 6", "leaf 6 was altered"),
        ("UPDATE ledger_leaves SET hash = sha256('x') WHERE number = 6", "leaf 6 was altered"),
        ("DELETE FROM ledger_leaves WHERE number = 6", "leaf 6 is missing"),
        ("DELETE FROM ledger_leaves WHERE number = 12", "leaf 12 is missing"),
        (SWAPPED, "leaf 6 was altered"),
        ("DELETE FROM ledger_nodes WHERE level = 1 AND number = 2", "leaves 4 to 5 is missing"),
        (
            "UPDATE ledger_nodes SET hash = sha256('x') WHERE level = 2 AND number = 0",
            "leaves 0 to 3 does not",
        ),
        ("UPDATE ledger_head SET peaks[1] = sha256('x')", "head does not fit"),
        ("UPDATE ledger_head SET size = 12", "head was altered"),
        ("UPDATE ledger_head SET size = 11", "head does not fit"),
        ("INSERT INTO ledger_nodes VALUES (9, 9, sha256('x'))", "belong to no leaves"),
        ("UPDATE ledger_checkpoints SET root = sha256('x')", "says something else"),
        ("UPDATE ledger_checkpoints SET note = replace(note, '13', '12')", "signature"),
        ("DELETE FROM recording_blocks WHERE session = 2 AND sequence = 1", "block 1 is missing"),
        (
            "DELETE FROM recording_blocks WHERE session = 2 AND sequence = 3",
            "4 blocks, but lists 3",
        ),
        ("UPDATE recording_blocks SET hash = sha256('x') WHERE leaf = 6", "row in the store does not fit"),
        ("DELETE FROM recording_blocks WHERE session = 2", "speaks of 4 blocks, but lists 0"),
        ("UPDATE sessions SET identity = 'someone else' WHERE id = 2", "another identity"),
        ("UPDATE sessions SET started_at = started_at - interval '1 day' WHERE id = 2", "another identity"),
        ("UPDATE sessions SET end_cause = 'killed' WHERE id = 2", "another end"),
        ("UPDATE sessions SET refused = 7 WHERE id = 2", "another end"),
        ("UPDATE sessions SET ended_by = 'approver' WHERE id = 2", "another end"),
        ("UPDATE sessions SET level = 'role' WHERE id = 2", "another end"),
        ("UPDATE sessions SET reason = 'none' WHERE id = 2", "another identity"),
        ("UPDATE sessions SET client = 'elsewhere' WHERE id = 2", "another identity"),
        ("UPDATE sessions SET identity_id = 99 WHERE id = 2", "another identity"),
        ("UPDATE sessions SET wrapped_key = NULL WHERE id = 2", "destroyed without a tombstone"),
        ("UPDATE sessions SET last_hash = sha256('x') WHERE id = 2", "last block is not the ledger's"),
    ],
)
async def test_what_is_done_to_the_store_is_found(place, deed: str, problem: str) -> None:
    async with place.gateway() as recordings:
        await filled(place, recordings)
        await place.sql(deed)
        report = await place.verify(recordings)
    assert problem in report.problem


async def test_an_altered_leaf_names_the_records_it_stands_for(place) -> None:
    async with place.gateway() as recordings:
        await filled(place, recordings)
        await place.sql("UPDATE ledger_leaves SET data = data || ' '::bytea WHERE number = 6")
        report = await place.verify(recordings)
    assert report.records == ("session 2, block 2 (frames 3 to 3)",)


async def test_a_session_removed_from_store_and_folder_leaves_its_leaves(place) -> None:
    async with place.gateway() as recordings:
        await filled(place, recordings)
        await place.sql("DELETE FROM recording_blocks WHERE session = 2", "DELETE FROM sessions WHERE id = 2")
        file_of(place, SessionId(2)).unlink()
        report = await place.verify(recordings)
    assert report.problem == "leaf 4 stands for a block that the store no longer lists"
    assert report.records == ("session 2, block 0 (frames 0 to 1)",)


async def forged_without(place: Place, session: int) -> None:
    """Remove a session wholly and grow the tree anew over what is left, as the owner of the store could."""
    async with place.store.transaction() as conn:
        kept = [leaf async for leaf in rows.leaves(conn)]
        gone = {
            row["leaf"]
            for row in await conn.fetch("SELECT leaf FROM recording_blocks WHERE session = $1", session)
        }
    edge, nodes, leaves = CompactRange(), [], []
    for leaf in kept:
        if leaf.number not in gone:
            leaves.append((edge.size, leaf))
            nodes += edge.append(hash_leaf(leaf.entry))
    await place.sql(
        f"DELETE FROM recording_blocks WHERE session = {session}",
        f"DELETE FROM sessions WHERE id = {session}",
        "DELETE FROM ledger_leaves",
        "DELETE FROM ledger_nodes",
    )
    async with place.store.transaction() as conn:
        await conn.execute("SET LOCAL session_replication_role = replica")
        for number, leaf in leaves:
            await conn.execute(
                "INSERT INTO ledger_leaves VALUES ($1, $2, $3, $4, $5)",
                number,
                leaf.kind,
                leaf.at_us,
                leaf.data,
                leaf.hash,
            )
            await conn.execute(
                "UPDATE recording_blocks SET leaf = -1 - $2 WHERE leaf = $1", leaf.number, number
            )
        await conn.execute("UPDATE recording_blocks SET leaf = -1 - leaf")
        for node, digest in nodes:
            await conn.execute(
                "INSERT INTO ledger_nodes VALUES ($1, $2, $3)", node.level, node.number, digest
            )
        await conn.execute("UPDATE ledger_head SET size = $1, peaks = $2", edge.size, edge.peaks)


async def test_a_ledger_grown_anew_is_betrayed_by_its_own_checkpoint(place) -> None:
    async with place.gateway() as recordings:
        await filled(place, recordings)
        file_of(place, SessionId(2)).unlink()
        await forged_without(place, 2)
        report = await place.verify(recordings)
    assert "rolled back" in report.problem


async def test_a_ledger_grown_anew_without_checkpoints_is_betrayed_by_the_witness(place) -> None:
    async with place.gateway() as recordings:
        await filled(place, recordings)
        published = (await place.ledger().make_checkpoint()).note
        file_of(place, SessionId(2)).unlink()
        await forged_without(place, 2)
        await place.sql("DELETE FROM ledger_checkpoints")
        assert (await place.verify(recordings)).good
        report = await place.verify(recordings, published)
        assert "a published checkpoint saw 13 leaves, there are 9" in report.problem
        await filled(place, recordings)
        await place.sql("DELETE FROM ledger_checkpoints")
        report = await place.verify(recordings, published)
        assert "the published checkpoint of size 13 saw another tree" in report.problem


async def test_a_published_checkpoint_is_a_beginning_of_the_ledger(place) -> None:
    async with place.gateway() as recordings:
        await filled(place, recordings)
        published = (await place.ledger().make_checkpoint()).note
        await filled(place, recordings)
        report = await place.verify(recordings, published)
    assert report.good
    assert report.checkpoint in {"size 13, published", "size 25, stored"}


async def test_a_checkpoint_of_another_ledger_or_key_is_refused(place) -> None:
    async with place.gateway() as recordings:
        await filled(place, recordings)
        good = (await place.ledger().make_checkpoint()).note
        head = checkpoint.read_unsigned(good)
        other = checkpoint.sign(checkpoint.TreeHead("elsewhere", head.size, head.root), place.keyring)
        for text in (other, good.replace(base64.b64encode(head.root).decode(), "A" * 43 + "="), "nonsense"):
            report = await place.verify(recordings, text)
            assert "a published checkpoint can't be used" in report.problem


async def test_an_expired_recording_is_said_to_be_expired_never_removed(place) -> None:
    async with place.gateway() as recordings:
        session = (await filled(place, recordings))[1]
        await place.sql(f"UPDATE sessions SET ended_at = now() - interval '400 days' WHERE id = {session}")
        assert await expire_due(recordings) == [session]
        assert await expire_due(recordings) == []
        report = await place.verify(recordings)
        assert (report.problem, report.expired, report.sessions) == ("", 1, 3)
        row = await place.row(session)
        assert (row.has_key, row.expired_at is not None) == (False, True)
        assert not file_of(place, session).exists()
        await place.sql(f"UPDATE sessions SET blocks = 3 WHERE id = {session}")
        assert not (await place.verify(recordings)).good


async def test_a_live_session_does_not_expire(place) -> None:
    async with place.gateway() as recordings, place.session(recordings, keep_days=1) as recording:
        await place.sql(f"UPDATE sessions SET started_at = '2020-01-01' WHERE id = {recording.session}")
        assert await expire_due(recordings) == []
        await asyncio.sleep(0)
