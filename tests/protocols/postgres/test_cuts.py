"""Both sides without sockets: however the bytes are cut, and by either way, the same comes out."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from both_sides import Pair
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocols.postgres import client, refusal, wire

REFUSED = b"SET transaction_read_only = off"
SELECT = b"SELECT id FROM customers WHERE id = $1"
EXTENDED = (
    wire.parse(b"", SELECT) + wire.bind(b"", b"", [b"1"]) + wire.describe(b"P", b"") + wire.execute(b"")
)
ROWS = wire.message(b"D", b"\0\1\0\0\0\x011") * 2 + wire.message(b"C", b"SELECT 2\0")
COLUMNS = wire.message(b"T", b"\0\1id\0" + bytes(18))
ANSWER = wire.message(b"1") + wire.message(b"2") + COLUMNS + ROWS
FAILED = wire.fields_message(b"E", {"S": "ERROR", "V": "ERROR", "C": "42601", "M": "syntax error"})

CONVERSATIONS = {
    "simple": (wire.query(b"SELECT 1"), COLUMNS + ROWS + wire.ready(b"I")),
    "extended": (EXTENDED + wire.SYNC, ANSWER + wire.ready(b"I")),
    "refused": (wire.query(REFUSED), FAILED + wire.ready(b"I")),
    "refused in a pipeline": (
        EXTENDED + wire.parse(b"", REFUSED) + wire.bind(b"", b"") + wire.execute(b"") + wire.SYNC
        + EXTENDED + wire.SYNC,
        ANSWER + FAILED + wire.ready(b"I") + ANSWER + wire.ready(b"I"),
    ),
    "failed": (EXTENDED + wire.SYNC, wire.message(b"1") + FAILED + wire.ready(b"I")),
    "copy data out of place": (
        wire.message(b"d", b"x" * 9000) + wire.query(b"SELECT 1"), COLUMNS + ROWS + wire.ready(b"I")
    ),
    "too large": (
        wire.query(b"x" * 9000) + wire.query(b"SELECT 1"),
        FAILED + wire.ready(b"I") + COLUMNS + ROWS + wire.ready(b"I"),
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _without_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a slow machine would leave for the loop's next round is done at once: no loop runs here."""
    monkeypatch.setattr(client, "SLICE_SECONDS", 3600.0)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(places), len(data)]
    return [data[start:end] for start, end in pairwise(bounds) if start != end]


def converse(name: str, asked_at: list[int], answered_at: list[int], *, swift_way: bool) -> Pair:
    asked, answered = CONVERSATIONS[name]
    pair = Pair(swift_way=swift_way)
    for piece in cut(asked, asked_at):
        pair.client.data_received(piece)
    for piece in cut(answered, answered_at):
        pair.server.data_received(piece)
        pair.settle()
    return pair


@pytest.mark.parametrize("name", CONVERSATIONS)
async def test_every_cut_and_both_ways_come_out_alike(name: str) -> None:
    asked, answered = CONVERSATIONS[name]
    plain = converse(name, [], [], swift_way=False)
    assert plain.exchange.ending is None
    assert not plain.exchange.awaited
    places = [*range(1, min(len(asked), 400)), len(asked) - 1]
    cuts = [([], [at]) for at in range(1, len(answered))] + [([at], []) for at in places]
    cuts.append((list(range(1, min(len(asked), 2000))), list(range(1, len(answered)))))
    for asked_at, answered_at in cuts:
        for swift_way in (True, False):
            other = converse(name, asked_at, answered_at, swift_way=swift_way)
            assert other.exchange.ending is None
            assert other.to_client.data == plain.to_client.data, (asked_at, answered_at)
            assert other.to_server.data == plain.to_server.data, (asked_at, answered_at)
            assert not other.exchange.awaited


async def test_what_is_forwarded_is_what_was_judged() -> None:
    pair = converse("refused in a pipeline", [], [], swift_way=True)
    assert REFUSED not in pair.to_server.data
    assert pair.to_server.data == EXTENDED + refusal.failing_parse(b"") + wire.SYNC + EXTENDED + wire.SYNC


async def test_both_ways_record_alike() -> None:
    for name in CONVERSATIONS:
        quick, plain = (converse(name, [], [], swift_way=way) for way in (True, False))
        assert quick.room.texts == plain.room.texts
        assert [unit.values for unit, _ in quick.room.units] == [unit.values for unit, _ in plain.room.units]
        assert quick.answers() == plain.answers()


@given(st.binary(min_size=1, max_size=300))
@settings(max_examples=300, deadline=None)
def test_noise_from_the_client_never_reaches_production_unjudged(noise: bytes) -> None:
    async def feed() -> None:
        pair = Pair(swift_way=True)
        pair.client.data_received(noise)
        for message in wire.Framer().feed(pair.to_server.data):
            assert message.kind in b"QPBDECHS"
            if message.kind == b"Q":
                text = message.body[:-1]
                assert text == refusal.FAILING or text in pair.room.texts

    asyncio.run(feed())


@given(st.binary(min_size=1, max_size=300))
@settings(max_examples=300, deadline=None)
def test_noise_from_production_ends_the_session_or_is_framed(noise: bytes) -> None:
    async def feed() -> None:
        pair = Pair(swift_way=True)
        pair.client.data_received(wire.query(b"SELECT 1"))
        pair.server.data_received(noise)
        if pair.exchange.ending is None:
            assert noise.startswith(pair.to_client.data)

    asyncio.run(feed())
