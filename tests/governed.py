"""A person at a governed shell, by a client that is no terminal's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncssh
from ssh_door import TOKEN

if TYPE_CHECKING:
    from ssh_door import Gate


class Person:
    """Types at a governed shell and sees what it shows."""

    def __init__(self, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._process = process
        self.seen = b""

    async def until(self, words: bytes, seconds: float = 10.0) -> bytes:
        async with asyncio.timeout(seconds):
            while words not in self.seen:
                self.seen += await self._process.stdout.read(4096)
        before, _, self.seen = self.seen.partition(words)
        return before

    def type(self, keys: bytes) -> None:
        self._process.stdin.write(keys)


async def person(connection: asyncssh.SSHClientConnection) -> Person:
    made = Person(await connection.create_process(term_type="dumb", encoding=None))
    await made.until(b" $ ")
    return made


def connected(gate: Gate) -> asyncssh.connection._ACMWrapper[asyncssh.SSHClientConnection]:
    return asyncssh.connect(
        "127.0.0.1", gate.port, username="engineer+web-1", password=TOKEN, known_hosts=None,
        client_keys=None, config=None, agent_path=None,
    )  # fmt: skip
