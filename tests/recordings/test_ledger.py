from __future__ import annotations

import asyncio
import random

import pytest
from recordings.place import Place

from gateway.domain import merkle
from gateway.domain.errors import StoreUnavailable
from gateway.recordings.checkpoint import open_checkpoint
from gateway.recordings.witness import FileWitness, PortWitness, read_checkpoints
from gateway.store import ledger as rows
from gateway.store.keyring import CHECKPOINTS


async def grow(place: Place, count: int) -> None:
    async with place.store.transaction() as conn:
        await rows.append_leaves(conn, [("test.said", b"%d" % number) for number in range(count)])


async def test_a_checkpoint_signs_the_tree_and_goes_to_every_witness(place, tmp_path) -> None:
    published: list[bytes] = []

    async def publish(note: bytes) -> None:
        published.append(note)

    file = tmp_path / "witness" / "checkpoints"
    ledger = place.ledger(FileWitness(file), PortWitness("git", publish))
    notes = []
    for count in (3, 0, 4):
        await grow(place, count)
        notes.append((await ledger.make_checkpoint()).note)
    assert notes[0] == notes[1] != notes[2]
    assert read_checkpoints(file.read_text()) == [notes[0], notes[2]]
    assert published == [notes[0].encode(), notes[2].encode()]
    async with place.store.connection() as conn:
        edge = await rows.edge(conn)
    head = open_checkpoint(notes[2], await ledger.verifiers())
    assert (head.size, head.root) == (8, edge.root())


async def test_a_witness_that_is_away_gets_the_next_checkpoint_and_holds_up_nobody(place, tmp_path) -> None:
    away = True
    published: list[bytes] = []

    async def publish(note: bytes) -> None:
        if away:
            raise OSError("the remote is away")
        published.append(note)

    file = tmp_path / "checkpoints"
    ledger = place.ledger(PortWitness("git", publish), FileWitness(file))
    note = (await ledger.make_checkpoint()).note
    assert read_checkpoints(file.read_text()) == [note]
    away = False
    await ledger.make_checkpoint()
    assert published == [note.encode()]
    assert read_checkpoints(file.read_text()) == [note]


async def test_every_proof_of_a_random_ledger_holds(place) -> None:
    ledger = place.ledger()
    chance = random.Random(1)
    heads = []
    for _ in range(6):
        await grow(place, chance.randrange(1, 30))
        checkpoint = await ledger.make_checkpoint()
        heads.append((checkpoint.size, checkpoint.root))
    async with place.store.connection() as conn:
        for size, root in heads:
            leaves = sorted({0, size - 1, *(chance.randrange(size) for _ in range(10))})
            for found in await ledger.inclusions(conn, leaves, size):
                digest = merkle.hash_leaf(found.leaf.entry)
                assert merkle.includes(found.leaf.number, size, digest, found.path, root)
            for new, new_root in heads:
                if size <= new:
                    path = await ledger.consistency(conn, size, new)
                    assert merkle.extends(size, new, path, root, new_root)


async def test_appenders_wait_for_one_another_and_no_leaf_is_lost(place) -> None:
    async def append(number: int) -> None:
        async with place.store.transaction() as conn:
            await rows.append_leaf(conn, "test.said", b"%d" % number)

    async with asyncio.TaskGroup() as group:
        for number in range(60):
            group.create_task(append(number))
    async with place.store.connection() as conn:
        leaves = [leaf async for leaf in rows.leaves(conn)]
        edge = await rows.edge(conn)
    assert [leaf.number for leaf in leaves] == list(range(60))
    assert {leaf.data for leaf in leaves} == {b"%d" % number for number in range(60)}
    grown = merkle.CompactRange()
    for leaf in leaves:
        grown.append(merkle.hash_leaf(leaf.entry))
    assert grown.root() == edge.root()


async def test_a_transaction_that_fails_leaves_no_leaf(place) -> None:
    async def fail() -> None:
        async with place.store.transaction() as conn:
            await rows.append_leaf(conn, "test.said", b"x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await grow(place, 1)
    async with place.store.connection() as conn:
        assert [leaf.data async for leaf in rows.leaves(conn)] == [b"0"]


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE ledger_leaves SET data = 'x'",
        "DELETE FROM ledger_leaves",
        "TRUNCATE ledger_nodes",
        "DELETE FROM ledger_checkpoints",
    ],
)
async def test_the_store_itself_refuses_to_change_the_ledger(place, deed: str) -> None:
    await grow(place, 3)
    await place.ledger().make_checkpoint()
    with pytest.raises(StoreUnavailable, match="append-only"):
        async with place.store.transaction() as conn:
            await conn.execute(deed)


async def test_a_new_signing_key_is_named_in_the_ledger(place) -> None:
    await place.ledger().make_checkpoint()
    await place.ledger().make_checkpoint()
    place.keyring = place.keyring.rotated(CHECKPOINTS)
    await place.ledger().make_checkpoint()
    async with place.store.connection() as conn:
        kinds = [leaf.kind async for leaf in rows.leaves(conn)]
    assert kinds == ["ledger.key", "ledger.key"]
    async with place.gateway() as recordings:
        assert (await place.verify(recordings)).good


async def test_another_gateways_keys_prove_nothing_here(place, tmp_path) -> None:
    await place.ledger().make_checkpoint()
    place.keyring = type(place.keyring).load(tmp_path / "others")
    async with place.gateway() as recordings:
        report = await place.verify(recordings)
    assert "no signature is of a trusted key" in report.problem


async def test_checkpoints_are_made_on_a_timer(place, tmp_path) -> None:
    file = tmp_path / "checkpoints"
    ledger = place.ledger(FileWitness(file))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(ledger.run(0.05))
        await grow(place, 1)
        await asyncio.sleep(0.3)
        running.cancel()
    assert open_checkpoint(read_checkpoints(file.read_text())[-1], await ledger.verifiers()).size == 2
