"""A gateway that records without end, to be killed: says each acknowledged unit on standard output.

Run as ``python writer.py DSN FOLDER KEYS SESSIONS``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from recordings.place import OPENED, answer, unit

from gateway.recordings.recording import Recordings
from gateway.store.keyring import Keyring
from gateway.store.pool import Store


async def main(dsn: str, folder: str, keys: str, sessions: int) -> None:
    store = await Store.open(dsn)
    recordings = await Recordings.start(
        store=store, keyring=Keyring.load(Path(keys)), folder=Path(folder), replica="one"
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(recordings.run())
        for _ in range(sessions):
            group.create_task(serve(recordings))


async def serve(recordings: Recordings) -> None:
    recording = await recordings.open_recording(OPENED)
    number = 0
    while True:
        for _ in range(20):
            number += 1
            recording.write(unit(number, b"SELECT %d -- " % number + b"x" * (number % 300)))
            sys.stdout.write(f"{recording.session} {number}\n")
            recording.write(answer(number))
        sys.stdout.flush()
        await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
