"""Whatever a client sends in whatever order: what ran is what was judged and recorded for it."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest
from postgres_door import Speaker

from gateway.protocols.postgres import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from postgres_door import Gate

MARK = re.compile(rb"mark\d+")
MESSAGES = 60
STATEMENTS = (b"", b"a", b"b")
PORTALS = (b"", b"p", b"q", b"c")


class Talk:
    """Makes messages at random; every text that returns rows returns a mark of its own."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.marks = 0

    def text(self) -> bytes:
        self.marks += 1
        read = b"SELECT 'mark%d' FROM generate_series(1, 3)" % self.marks
        return self.dice.choice([read] * 7 + [b"SELECT nothing FROM customers", b"DELETE FROM customers"])

    def query(self) -> bytes:
        self.marks += 1
        texts = (
            self.text(),
            b"BEGIN",
            b"COMMIT",
            b"ROLLBACK",
            b"SELECT 1/0",
            b"PREPARE a AS SELECT 'mark%d'" % self.marks,
            b"EXECUTE a",
            b"EXECUTE b",
            b"DEALLOCATE a",
            b"DEALLOCATE ALL",
            b"DISCARD ALL",
            b"DECLARE c CURSOR WITH HOLD FOR SELECT 'mark%d' FROM generate_series(1, 3)" % self.marks,
            b"FETCH 1 FROM c",
            b"CLOSE ALL",
            b"SAVEPOINT s",
            b"ROLLBACK TO s",
            b"BEGIN; SELECT 'mark%d'; SAVEPOINT s" % self.marks,
        )
        return wire.query(self.dice.choice(texts))

    def message(self) -> bytes:
        pick = self.dice.choice
        kinds: list[tuple[int, Callable[[], bytes]]] = [
            (5, lambda: wire.parse(pick(STATEMENTS), self.text())),
            (2, lambda: wire.parse(b"x", b"EXECUTE " + pick([b"a", b"b"])) + wire.bind(b"", b"x")),
            (5, lambda: wire.bind(pick(PORTALS), pick(STATEMENTS))),
            (6, lambda: wire.execute(pick(PORTALS), pick([0, 0, 1]))),
            (2, lambda: wire.close(b"S", pick(STATEMENTS))),
            (2, lambda: wire.close(b"P", pick(PORTALS))),
            (1, lambda: wire.describe(b"S", pick(STATEMENTS))),
            (4, lambda: wire.SYNC),
            (1, lambda: wire.FLUSH),
            (3, self.query),
            (1, lambda: wire.message(b"F", b"\0\0\0\1" + bytes(6))),
            (1, lambda: wire.message(b"c")),
            (2, lambda: wire.parse(b"", self.text()) + wire.bind(b"", b"") + wire.execute(b"") + wire.SYNC),
        ]
        weights = [weight for weight, _ in kinds]
        return self.dice.choices([make for _, make in kinds], weights)[0]()


@pytest.mark.parametrize("seed", range(40))
async def test_what_ran_is_what_was_recorded(gate: Gate, seed: int) -> None:
    speaker = await Speaker.login(gate, endpoint="kept-db")
    talk = Talk(seed)
    sent = b"".join(talk.message() for _ in range(MESSAGES)) + wire.SYNC
    end = b"SELECT 'the end'"
    at = 0
    while at < len(sent):
        step = talk.dice.choice([7, 100, 1000, len(sent)])
        speaker.send(sent[at : at + step])
        at += step
        if talk.dice.random() < 0.2:
            await speaker.writer.drain()
    speaker.send(wire.query(b"ROLLBACK"), wire.query(end))
    while not any(b"the end" in each.body for each in await speaker.until(b"Z")):
        pass
    room = gate.room
    for number, _, data in room.outputs:
        unit = room.units[number - 1][0]
        returned = set(MARK.findall(data))
        if b"EXECUTE" not in unit.text and b"FETCH" not in unit.text:
            assert returned <= set(MARK.findall(unit.text)), (unit.text, data)
    for unit, *_ in room.units:
        if unit.repeats is not None:
            holder = room.units[unit.repeats - 1][0]
            assert (holder.text, holder.repeats) == (unit.text, None)
    await speaker.close()


async def test_a_text_that_is_parsed_again_is_recorded_once(gate: Gate) -> None:
    speaker = await Speaker.login(gate, endpoint="kept-db")
    for name in (b"", b"a"):
        again = wire.bind(b"", name) + wire.execute(b"") + wire.SYNC
        closing = wire.close(b"S", name) if name else b""
        for text in (b"SELECT 1", b"SELECT 1", b"SELECT 2", b"SELECT 1"):
            speaker.send(wire.parse(name, text) + again + closing)
            await speaker.until(b"Z")
            speaker.send(wire.SYNC)
            await speaker.until(b"Z")
    told = [(unit.text, unit.repeats) for unit, *_ in gate.room.units]
    assert told[:4] == [(b"SELECT 1", None), (b"SELECT 1", 1), (b"SELECT 2", None), (b"SELECT 1", None)]
    await speaker.close()
