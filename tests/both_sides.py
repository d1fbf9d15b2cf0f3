"""Client's and production's side of one session, joined without sockets."""

from __future__ import annotations

from typing import Any

import pytest
from postgres_door import Room

from gateway.judge.catalogue import load_postgres
from gateway.judge.postgres import VerdictCache
from gateway.judge.postgres.builtin import builtin
from gateway.protocols.postgres.client import ClientSide
from gateway.protocols.postgres.exchange import Exchange
from gateway.protocols.postgres.following import Following
from gateway.protocols.postgres.names import Names
from gateway.protocols.postgres.server import ServerSide


class Kept:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> None:
        self.data += data

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Still:
    """A catalogue that never changes."""

    snapshot = builtin()
    catalogue = load_postgres()
    lists: dict[str, tuple[str, ...]] = {}

    def may_be_behind(self, text: bytes) -> bool:
        return False


class Pair:
    """Client's and production's side, joined; what either got is kept."""

    def __init__(self, *, swift_way: bool) -> None:
        names = Names()
        feed: Any = Still()
        self.following = Following(
            feed=feed, cache=VerdictCache(), names=names, role="reader", path=("public",), encoding="UTF8"
        )
        self.room = Room(self, None)  # type: ignore[arg-type]
        session: Any = self.room
        self.exchange = Exchange(session, self.following, names)
        self.client = self.exchange.client = ClientSide(self.exchange, most_bytes=4096, swift_way=swift_way)
        self.server = self.exchange.server = ServerSide(
            self.exchange, keep_results=False, on_parameter=lambda _, __: None
        )
        self.to_client, self.to_server = Kept(), Kept()
        transports: Any = self
        self.client.transport = self.server.client = transports.to_client
        self.server.transport = self.client.server = transports.to_server

    def heavy(self, unit: Any) -> bool:
        return not self.following.known(unit)

    def judge(self, unit: Any) -> Any:
        return self.following.judge(unit)

    def capture(self, refused: Any) -> None:
        """Nothing here could be carried by an artifact."""

    def settle(self) -> None:
        """Do what waits: nothing of it waits for anything else here."""
        while self.exchange._jobs:
            with pytest.raises(StopIteration):
                self.exchange._jobs.popleft()().send(None)  # type: ignore[attr-defined]

    def answers(self) -> dict[int, tuple[Any, ...]]:
        return {number: (facts["tag"], facts["rows"]) for number, facts in self.room.answers.items()}
