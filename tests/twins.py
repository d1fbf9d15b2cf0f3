"""Random conversations through the hot loop that is in use: ``twins.py HOW-MANY`` prints what came of each.

Run with the compiled loop and with the plain one, it must print the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import sys
from itertools import pairwise
from typing import Any

from both_sides import Pair

import gateway
from gateway.domain.errors import GlassgateError
from gateway.protocols.postgres import client, refusal, wire

TEXTS = (
    b"SELECT 1",
    b"SELECT 12345 + 1",
    b"SELECT id FROM customers WHERE id = $1",
    b"SELECT 'it''s' || $1, $2",
    b"SELECT 1; SELECT 2",
    b"DELETE FROM customers",
    b"UPDATE customers SET id = 1; SELECT 1",
    b"SET search_path = other, public",
    b"SET LOCAL search_path = x",
    b"SET client_encoding = latin1",
    b"RESET ALL",
    b"BEGIN",
    b"COMMIT",
    b"ROLLBACK",
    b"SAVEPOINT s",
    b"ROLLBACK TO s",
    b"PREPARE a AS SELECT 1",
    b"EXECUTE a",
    b"DEALLOCATE a",
    b"DISCARD ALL",
    b"DECLARE c CURSOR FOR SELECT 1",
    b"FETCH 1 FROM c",
    b"CLOSE c",
    b"SELECT nothing_known(1)",
    b"SELECT '\xc3\xa9'",
    b"SELECT '\xff'",
    b"SELEC",
    b"",
)
NAMES = (b"", b"", b"a", b"b", b"c", b"n" * 70, b"\xc3\xa9")
FAILED = wire.fields_message(b"E", {"S": "ERROR", "V": "ERROR", "C": "42601", "M": "syntax error"})
COLUMNS = wire.message(b"T", b"\0\1id\0" + bytes(18))
ROW = wire.message(b"D", b"\0\1\0\0\0\x011")
TAGS = (b"SELECT 2", b"SELECT 2", b"BEGIN", b"ROLLBACK", b"COMMIT", b"SET", b"(x)\xe9")


class Talk:
    """Both peers of one session, as the dice have it."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.pair = Pair(swift_way=self.dice.random() < 0.8)
        self.read = 0
        self.skip = False

    def ask(self) -> bytes:
        """Some messages of a client's."""
        dice = self.dice
        values = [dice.choice([None, b"", b"1", b"\0\0\0\1"]) for _ in range(dice.randrange(3))]
        formats = dice.choice([(), (0,), (1,), (0,) * len(values)])
        name = dice.choice(NAMES)
        bind = wire.bind(dice.choice(NAMES[:4]), name, values, formats=formats)
        parse = wire.parse(name, dice.choice(TEXTS), dice.choice([(), (23,), (23, 25)]))
        run = wire.describe(b"P", b"") + wire.execute(b"") + wire.SYNC
        plain = wire.bind(b"", name, values)
        return dice.choice(
            [
                wire.query(dice.choice(TEXTS)),
                wire.query(dice.choice(TEXTS[:5])),
                parse + plain + run,
                parse + plain + wire.execute(b"") + wire.SYNC,
                parse + wire.SYNC,
                plain + run,
                plain + run,
                bind,
                parse,
                wire.execute(dice.choice(NAMES), dice.choice([0, 1])),
                wire.describe(dice.choice([b"S", b"P"]), name),
                wire.close(dice.choice([b"S", b"P"]), name),
                wire.SYNC,
                wire.SYNC,
                wire.FLUSH,
                wire.message(b"F", bytes(10)),
                wire.message(b"d", b"x" * dice.randrange(9)),
                wire.query(b"x" * 5000),
                b"".join([wire.query(dice.choice(TEXTS))] * 3),
            ]
        )

    def answer(self) -> bytes:
        """What production would say to all that has reached it, more or less."""
        framer = wire.Framer()
        messages = framer.feed(self.pair.to_server.data)
        told = [self.one(message) for message in messages[self.read :]]
        self.read = len(messages)
        return b"".join(told)

    def one(self, message: wire.Message) -> bytes:
        dice = self.dice
        if message.kind == b"S":
            self.skip = False
            return wire.ready(dice.choice([b"I", b"T", b"E"]))
        if self.skip:
            return b""
        fails = dice.random() < 0.1 or refusal.FAILING in message.body or refusal.NOWHERE in message.body
        rows = ROW * dice.randrange(3)
        done = wire.message(b"C", dice.choice(TAGS) + b"\0")
        if message.kind == b"Q":
            return (FAILED if fails else COLUMNS + rows + done) + wire.ready(dice.choice([b"I", b"T"]))
        if fails:
            self.skip = True
            return FAILED
        end = dice.choice([done, done, done, wire.message(b"s"), wire.message(b"I")])
        kinds = {b"P": b"1", b"B": b"2", b"C": b"3"}
        if message.kind in kinds:
            return wire.message(kinds[message.kind])
        if message.kind == b"D":
            return dice.choice([COLUMNS, wire.message(b"n")])
        return rows + end if message.kind == b"E" else b""

    def cut(self, data: bytes) -> list[bytes]:
        """The data in one to three reads; seldom with a byte of it changed."""
        dice = self.dice
        if data and dice.random() < 0.02:
            at = dice.randrange(len(data))
            data = data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]
        places = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice([0, 0, 0, 1, 2])))
        bounds = [0, *places, len(data)]
        return [data[a:b] for a, b in pairwise(bounds) if a != b]

    def talk(self) -> dict[str, Any]:
        pair = self.pair
        for _ in range(self.dice.randrange(2, 12)):
            asked = b"".join(self.ask() for _ in range(self.dice.choice([1, 1, 1, 2, 4])))
            for piece in self.cut(asked):
                pair.client.data_received(piece)
                self.settle()
            for piece in self.cut(self.answer()):
                pair.server.data_received(piece)
                self.settle()
        return self.outcome()

    def settle(self) -> None:
        if self.pair.exchange.ending is not None:
            return
        try:
            self.pair.settle()
        except GlassgateError as error:
            self.pair.exchange.failed(error)

    def outcome(self) -> dict[str, Any]:
        pair, following = self.pair, self.pair.following
        ending = pair.exchange.ending
        units = [
            (unit.text, unit.values, unit.repeats, unit.types, unit.formats, unit.context, judged.verdict)
            for unit, judged in pair.room.units
        ]
        for facts in pair.room.answers.values():
            facts.pop("nanoseconds", None)
        return {
            "client": pair.to_client.data,
            "server": pair.to_server.data.replace(refusal.NOWHERE, b"nowhere"),
            "units": units,
            "answers": sorted((number, sorted(facts.items())) for number, facts in pair.room.answers.items()),
            "events": pair.room.events,
            "dropped": pair.room.dropped,
            "ending": None if ending is None else (ending.cause.value, ending.message),
            "awaited": [
                (each.kind, each.number, each.statement, each.rows) for each in pair.exchange.awaited
            ],
            "names": sorted(pair.exchange.names.statements),
            "portals": sorted(pair.exchange.names.portals),
            "state": (sorted(following.paths), following.in_flight, following.codec, pair.exchange.segment),
        }


async def main(seeds: int) -> None:
    client.SLICE_SECONDS = 3600.0  # type: ignore[misc]  # nothing is left for a loop's next round
    print(gateway.LOOP, file=sys.stderr)
    for seed in range(seeds):
        said = repr(Talk(seed).talk())
        print(seed, hashlib.sha256(said.encode()).hexdigest() if len(sys.argv) == 2 else said)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
