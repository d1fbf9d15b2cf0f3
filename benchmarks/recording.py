"""What recording costs: run as ``python benchmarks/recording.py [FOLDER]``; medians of several rounds.

FOLDER should lie on the disk that recordings will lie on; a temporary one is made where it is missing.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.log import configure
from gateway.recordings import block, frames
from gateway.recordings.frames import Answer, Ended, Opened, UnitFrame
from gateway.recordings.ledger import Ledger
from gateway.recordings.recording import Recordings
from gateway.recordings.verify import verify_all
from gateway.store.embedded import EmbeddedPostgres
from gateway.store.keyring import Keyring
from gateway.store.migrations import migrate
from gateway.store.pool import Store

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 7
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
OPENED = Opened(0, "bench", "orders-db", 1, "benchmark", "127.0.0.1", "postgres")


def unit(number: int) -> UnitFrame:
    return UnitFrame(
        number, "client", None, 1, (b"4711", b"open"), 0, "postgres.read", "it only reads", 7, "shop"
    )


def per_call(work: Callable[[int], None], calls: int) -> tuple[float, float]:
    """Median µs a call, by the clock and by this process's CPU."""
    clock, cpu = [], []
    for _ in range(ROUNDS):
        began, spent = time.perf_counter(), time.thread_time()
        work(calls)
        cpu.append((time.thread_time() - spent) / calls * 1e6)
        clock.append((time.perf_counter() - began) / calls * 1e6)
    return statistics.median(clock), statistics.median(cpu)


def show(what: str, value: float, unit_of: str) -> None:
    print(f"{what:<58} {value:>10.2f} {unit_of}")


async def bench_writes(recordings: Recordings) -> None:
    recording = await recordings.open_recording(OPENED, max_bytes=1 << 40)

    def units(calls: int) -> None:
        for number in range(calls):
            recording.write(unit(number))

    def answers(calls: int) -> None:
        for number in range(calls):
            recording.write(Answer(number, "SELECT 1", 1, 40, "", "", 250_000))

    for what, work in (("a unit with two values", units), ("an answer", answers)):
        clock, cpu = per_call(work, 20_000)
        show(f"write {what}, CPU of the writing thread", cpu, "µs")
        show(f"write {what}, by the clock (sealing beside it)", clock, "µs")
        await asyncio.sleep(1.5)
    began = time.perf_counter()
    for number in range(200):
        recording.write(unit(number))
        await recording.synced()
    show("write a unit and wait until it is on disk", (time.perf_counter() - began) / 200 * 1e6, "µs")
    await recording.close(Ended("client", ""))


async def bench_burst(recordings: Recordings) -> None:
    began, spent = time.perf_counter(), time.process_time()
    recording = await recordings.open_recording(OPENED)
    for number in range(30_000):
        recording.write(unit(number))
        recording.write(Answer(number, "SELECT 1", 1, 40, "", "", 250_000))
        if number % 100 == 0:
            await asyncio.sleep(0)
    await recording.close(Ended("client", ""))
    await recordings.flush()
    show("burst of 30,000 units and answers, sealed, in the ledger", time.perf_counter() - began, "s")
    show("  CPU of the whole process", time.process_time() - spent, "s")


async def bench_sessions(recordings: Recordings) -> None:
    opening, closing = [], []
    for _ in range(200):
        began = time.perf_counter()
        recording = await recordings.open_recording(OPENED)
        opening.append(time.perf_counter() - began)
        await recording.close(Ended("client", ""))
        closing.append(time.perf_counter() - began - opening[-1])
    show("open a recording", statistics.median(opening) * 1e3, "ms")
    show("close a recording, sealed and synced", statistics.median(closing) * 1e3, "ms")


def bench_sealing() -> None:
    plain = b""
    number = 0
    while len(plain) < block.BLOCK_BYTES:
        plain += frames.encode(unit(number), time.time_ns())
        number += 1
    times = [0] * number

    def seal(calls: int) -> None:
        for sequence in range(calls):
            block.seal(
                plain,
                times,
                key=bytes(32),
                session=OPENED.session,
                sequence=sequence,
                first_frame=0,
                previous=bytes(32),
                final=False,
            )

    _, cpu = per_call(seal, 200)
    show("seal a block of 64 KiB (compress, encrypt, hash), CPU", cpu, "µs")


async def bench_proof(store: Store, recordings: Recordings, keyring: Keyring) -> None:
    ledger = Ledger(store, keyring)
    began = time.perf_counter()
    await ledger.make_checkpoint()
    show("make a checkpoint", (time.perf_counter() - began) * 1e3, "ms")
    began = time.perf_counter()
    report = await verify_all(store, recordings.vault, keyring)
    spent = time.perf_counter() - began
    if not report.good:
        raise SystemExit(report.problem)
    show(f"verify everything ({report.leaves} leaves, {report.blocks} blocks)", spent * 1e3, "ms")


async def main(folder: Path) -> None:
    configure(level="error")
    server = await EmbeddedPostgres.start(folder / "store", name="bench")
    try:
        async with await Store.open(server.dsn()) as store:
            await migrate(store, MIGRATIONS)
            keyring = Keyring.load(folder / "keys")
            recordings = await Recordings.start(
                store=store, keyring=keyring, folder=folder / "recordings", replica="bench"
            )
            async with asyncio.TaskGroup() as group:
                running = group.create_task(recordings.run())
                await bench_writes(recordings)
                await bench_burst(recordings)
                await bench_sessions(recordings)
                bench_sealing()
                await bench_proof(store, recordings, keyring)
                running.cancel()
            await recordings.close()
    finally:
        await server.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="gg-", dir=sys.argv[1] if sys.argv[1:] else "/tmp") as name:
        Path(name).chmod(0o755)  # the store's server runs as another user
        asyncio.run(main(Path(name)))
