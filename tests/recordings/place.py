"""What the recordings' tests share: frames to record, and a gateway's recordings over a real store."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.domain.errors import RecordingLost
from gateway.recordings.frames import Answer, Ended, Event, Opened, Output, Probed, UnitFrame
from gateway.recordings.ledger import Ledger
from gateway.recordings.recording import Recordings
from gateway.recordings.verify import verify_all
from gateway.store import recordings as rows
from gateway.store.keyring import Keyring
from gateway.store.pool import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.domain.ids import SessionId
    from gateway.recordings.live import Recording
    from gateway.recordings.report import Report
    from gateway.store.recordings import SessionRow

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

OPENED = Opened(
    0, "engineer", "orders-db", 3, "INC-42: checkout is slow", "192.0.2.7 psql", "postgres", 11, 12
)


def unit(number: int, text: bytes | None = b"SELECT 1", **more: object) -> UnitFrame:
    facts = {
        "origin": "client",
        "repeats": None,
        "values": None,
        "decision": 0,
        "rule": "postgres.read",
        "reason": "it only reads",
        "layers": 7,
        "context": "shop",
    } | more
    return UnitFrame(number=number, text=text, **facts)


def answer(number: int, rows: int = 1) -> Answer:
    return Answer(number, f"SELECT {rows}", rows, 40, "", "", 250_000)


def one_of_each() -> list[Probed | UnitFrame | Answer | Output | Event]:
    return [
        Probed("role", 31, {"superuser": "no"}),
        unit(1, b"SELECT * FROM customers WHERE id = $1", values=(b"42", None)),
        answer(1),
        Output(1, 1, b"\x00\xff row"),
        unit(2, None, repeats=1, values=(b"43", b"\xff")),
        Answer(2, "", None, 0, "22P02", "invalid input", 900),
        unit(3, b"UPDATE customers SET name = 'x'", decision=1, rule="postgres.statement.update"),
        Event("warned", "5 minutes"),
    ]


@dataclass
class Place:
    """Where a test's gateway keeps its things.

    Attributes:
        store: the store.
        keyring: the keys.
        folder: of the recordings.
    """

    store: Store
    keyring: Keyring
    folder: Path

    @asynccontextmanager
    async def gateway(self, replica: str = "one") -> AsyncIterator[Recordings]:
        """Start recordings as the server does, recover, run, and stop as it does."""
        recordings = await Recordings.start(
            store=self.store, keyring=self.keyring, folder=self.folder, replica=replica
        )
        try:
            await recordings.recover()
            async with asyncio.TaskGroup() as group:
                running = group.create_task(recordings.run())
                try:
                    yield recordings
                finally:
                    running.cancel()
        finally:
            await recordings.close()

    @asynccontextmanager
    async def session(self, recordings: Recordings, **more: object) -> AsyncIterator[Recording]:
        """Open a recording and close it as the line does."""
        recording = await recordings.open_recording(OPENED, **more)
        try:
            yield recording
        finally:
            await recording.close(Ended("client", "the client hung up"))

    async def recorded(self, recordings: Recordings, units: int = 3, size: int = 20) -> SessionId:
        """Record a whole session of so many units, with texts of about this size."""
        async with self.session(recordings) as recording:
            for frame in one_of_each():
                recording.write(frame)
            for number in range(4, units + 1):
                recording.write(unit(number, b"SELECT %d -- " % number + b"x" * size))
                recording.write(answer(number))
        await recordings.flush()
        return recording.session

    async def row(self, session: SessionId) -> SessionRow:
        async with self.store.connection() as conn:
            row = await rows.session_by_id(conn, session)
        assert row is not None
        return row

    def ledger(self, *witnesses: object) -> Ledger:
        return Ledger(self.store, self.keyring, witnesses)

    async def verify(self, recordings: Recordings, *published: str) -> Report:
        return await verify_all(self.store, recordings.vault, self.keyring, published=published)

    async def sql(self, *statements: str, args: tuple[object, ...] = ()) -> None:
        """Do to the store what someone who owns it could."""
        async with self.store.transaction() as conn:
            await conn.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                await conn.execute(statement, *args)


async def until(condition: object, seconds: float = 10.0) -> None:
    """Wait until a condition of the outside world holds."""
    async with asyncio.timeout(seconds):
        while not await condition() if asyncio.iscoroutinefunction(condition) else not condition():
            await asyncio.sleep(0.02)


async def lost(recording: Recording, seconds: float = 10.0) -> RecordingLost:
    """Write units until the recording says that it is lost."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                recording.write(unit(recording.units + 1, b"SELECT '" + b"x" * 500 + b"'"))
            except RecordingLost as error:
                return error
            await asyncio.sleep(0)
