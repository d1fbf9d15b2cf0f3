"""What the hot loop costs alone, without sockets: ``python benchmarks/loop.py``; best of several rounds.

Real admission, verdicts and frames; production's answers are made up, and nothing is sealed.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from gateway.domain.endpoint import EndpointKind
from gateway.domain.ids import GrantId
from gateway.domain.session import Level
from gateway.domain.verdict import Layer
from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import VerdictCache
from gateway.judge.postgres.builtin import builtin
from gateway.protocols.postgres import client, wire
from gateway.protocols.postgres.client import ClientSide
from gateway.protocols.postgres.exchange import Exchange
from gateway.protocols.postgres.following import Following
from gateway.protocols.postgres.names import Names
from gateway.protocols.postgres.server import ServerSide
from gateway.recordings.frames import Opened
from gateway.recordings.live import Recording
from gateway.session.lease import Lease
from gateway.session.line import Session

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 9
CALLS = 5_000
TEXT = b"SELECT abalance FROM pgbench_accounts WHERE aid = "

ROW = wire.message(b"D", b"\0\1\0\0\0\x010")
END = ROW + wire.message(b"C", b"SELECT 1\0") + wire.ready(b"I")
COLUMNS = wire.message(b"T", b"\0\1abalance\0" + bytes(18))
RUN = wire.describe(b"P", b"") + wire.execute(b"") + wire.SYNC
CONFIRMED = wire.message(b"1"), wire.message(b"2")


class Sink:
    """A transport that takes all and keeps nothing."""

    def write(self, data: bytes) -> None:
        """Take it."""

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        """Nothing is read anyway."""

    def resume_reading(self) -> None:
        """Nothing is read anyway."""


class Loop:
    """Both sides of one session, joined without sockets."""

    kind = EndpointKind.POSTGRES

    def __init__(self, folder: Path, *, swift_way: bool) -> None:
        names = Names()
        feed: Any = SimpleNamespace(snapshot=builtin(), catalogue=load_postgres(), lists={})
        self.following = Following(
            feed=feed, cache=VerdictCache(), names=names, role="reader", path=("public",), encoding="UTF8"
        )
        self.recording = recording(folder)
        settings = SimpleNamespace(idle_seconds=600)
        facts: Any = SimpleNamespace(settings=settings)
        self.session: Session[Any, Any] = Session(
            door=self,  # type: ignore[arg-type]
            identity=facts,
            endpoint=facts,
            grant=facts,
            level=Level("bench", Layer.READ_ONLY_ROLE, {}),
            recording=self.recording,
            lease=Lease(GrantId(1), 1e6),
            changes=facts,
            synced=False,
        )
        self.exchange = Exchange(self.session, self.following, names)
        self.client = ClientSide(self.exchange, most_bytes=1 << 20, swift_way=swift_way)
        self.server = ServerSide(self.exchange, keep_results=False, on_parameter=lambda _, __: None)
        self.exchange.client, self.exchange.server = self.client, self.server
        sink: Any = Sink()
        self.client.transport = self.client.server = self.server.transport = self.server.client = sink

    def heavy(self, unit: Any) -> bool:
        return not self.following.known(unit)

    def judge(self, unit: Any) -> Any:
        return self.following.judge(unit)


def recording(folder: Path) -> Recording:
    """A recording of its own whose full tails are dropped unsealed."""

    def drop(full: Recording) -> None:
        while full.unsealed:
            full.unsealed.popleft().drop()

    async def closed(_: Recording) -> None: ...

    return Recording(
        opened=Opened(time.monotonic_ns(), "bench", "bench", 1, "", "", "postgres"),
        started_us=0,
        key=bytes(32),
        wrapped_key=bytes(60),
        tails=folder,
        max_bytes=1 << 60,
        keep_days=1,
        executor=ThreadPoolExecutor(1),
        rotated=drop,
        closed=closed,
    )


def query(loop: Loop) -> Callable[[int], None]:
    """As pgbench's simple protocol: a text with another integer each time."""
    asks = [wire.query(TEXT + b"%d;" % number) for number in range(1000, 2000)]
    answer = COLUMNS + END

    def one(number: int) -> None:
        loop.client.data_received(asks[number % 1000])
        loop.server.data_received(answer)

    return one


def extended(loop: Loop) -> Callable[[int], None]:
    """As its extended protocol: Parse, Bind, Describe, Execute, Sync each time."""
    head = wire.parse(b"", TEXT + b"$1;")
    asks = [head + wire.bind(b"", b"", [b"%d" % number]) + RUN for number in range(1000, 2000)]
    answer = CONFIRMED[0] + CONFIRMED[1] + COLUMNS + END

    def one(number: int) -> None:
        loop.client.data_received(asks[number % 1000])
        loop.server.data_received(answer)

    return one


def prepared(loop: Loop) -> Callable[[int], None]:
    """As its prepared protocol: Bind, Describe, Execute, Sync of a statement prepared once."""
    loop.client.data_received(wire.parse(b"P_0", TEXT + b"$1;") + wire.SYNC)
    loop.server.data_received(CONFIRMED[0] + wire.ready(b"I"))
    asks = [wire.bind(b"", b"P_0", [b"%d" % number]) + RUN for number in range(1000, 2000)]
    answer = CONFIRMED[1] + COLUMNS + END

    def one(number: int) -> None:
        loop.client.data_received(asks[number % 1000])
        loop.server.data_received(answer)

    return one


def writing(loop: Loop) -> Callable[[int], None]:
    """Admission and an answer's record alone."""
    from gateway.protocols.postgres.units import SqlUnit  # noqa: PLC0415

    text = TEXT + b"$1;"
    loop.session.admit_now(SqlUnit(text))

    def one(_: int) -> None:
        outcome = loop.session.admit_now(SqlUnit(text, (b"4711",), 1))
        loop.session.answered(outcome.number, tag="SELECT 1", rows=1, size=90, nanoseconds=250_000)

    return one


def best(work: Callable[[int], None]) -> float:
    """µs of CPU a call, best of the rounds."""
    found = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for number in range(CALLS):
            work(number)
        found.append((time.thread_time() - began) / CALLS * 1e6)
    return min(found)


async def main(folder: Path) -> None:
    client.SLICE_SECONDS = 60.0  # type: ignore[misc]  # nobody else has a turn here
    for swift_way in (True, False):
        for make in (query, extended, prepared, writing):
            if make is writing and not swift_way:
                continue
            loop = Loop(folder, swift_way=swift_way)
            way = "swift" if swift_way else "ordinary"
            cost = best(make(loop))
            assert loop.exchange.ending is None, loop.exchange.ending
            assert make is writing or not loop.exchange.awaited
            print(f"{make.__name__:<10} {way:<9} {cost:6.2f} µs")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="gg-", dir=sys.argv[1] if sys.argv[1:] else "/tmp") as name:
        asyncio.run(main(Path(name)))
