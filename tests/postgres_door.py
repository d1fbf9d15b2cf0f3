"""A PostgreSQL door on a real port, a line and session of the tests' own, a client that says anything."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.domain.change import Capture
from gateway.domain.endpoint import Endpoint, EndpointKind, EndpointSettings
from gateway.domain.errors import AuthenticationFailed, NotFound
from gateway.domain.identity import DatabaseTokenEvidence
from gateway.domain.ids import ChangeId, EndpointId, SessionId, UnitNumber
from gateway.domain.secret import Secret
from gateway.domain.session import EndCause, Ending
from gateway.domain.unit import Admitted, Filed, Refused
from gateway.domain.verdict import Decision
from gateway.judge.catalogue import load_postgres
from gateway.protocols.postgres import wire
from gateway.protocols.postgres.catalogue import Catalogues
from gateway.protocols.postgres.parts import Parts
from gateway.protocols.postgres.reception import Reception
from gateway.session.door import DialContext
from gateway.session.life import SessionOver
from gateway.transport.accept import Listener
from gateway.transport.authority import Authority
from gateway.transport.tls import ServerTls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TOKEN = "ggd_test"
SESSION = SessionId(7)


@dataclass
class Room:
    """A session as the contract has it, keeping what it was told instead of a recording."""

    door: Any
    endpoint: Endpoint
    id: SessionId = SESSION
    units: list[tuple[Any, Any]] = field(default_factory=list)
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    outputs: list[tuple[int, int, bytes]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    remembered: list[Capture] = field(default_factory=list)
    rendered: list[tuple[str, ...]] = field(default_factory=list)
    estimates: list[int | None] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    level: Any = None
    ending: Ending | None = None
    slow: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def admit_now(self, unit: Any) -> Any:
        if self.slow or self.door.heavy(unit):
            return None
        return self._admit(unit)

    async def admit(self, unit: Any) -> Any:
        if self.door.heavy(unit):
            await asyncio.to_thread(self.door.judge, unit)
        return self._admit(unit)

    def _admit(self, unit: Any) -> Any:
        if self.ending is not None:
            raise SessionOver(self.ending)
        judged = self.door.judge(unit)
        number = UnitNumber(len(self.units) + 1)
        self.units.append((unit, judged))
        if judged.verdict.decision is Decision.ALLOW:
            return Admitted(unit, judged, number)
        return Refused(unit, judged, number, judged.verdict)

    def answered(
        self, number: int, tag: str, rows: int | None, size: int, nanoseconds: int, **error: str
    ) -> None:
        self.answers[number] = {"tag": tag, "rows": rows, "size": size, "nanoseconds": nanoseconds, **error}

    def output(self, number: int, stream: int, data: bytes) -> None:
        self.outputs.append((number, stream, data))

    def event(self, kind: str, text: str) -> None:
        self.events.append((kind, text))

    async def file_change(self, refused: Any) -> Filed | None:
        capture = self.door.capture(refused)
        if capture is None:
            return None
        if refused.verdict.decision is not Decision.CHANGE:
            self.remembered.append(capture)
            return None
        joined = any(each.batch == capture.batch for each in self.captures)
        self.captures.append(capture)
        if capture.values is not None:
            self.rendered.append(await self.door.production.literals(capture.values, capture.types))
        elif capture.explainable:
            self.estimates.append(await self.door.production.estimate(capture.text))
        return Filed(
            ChangeId(capture.batch),
            joined,
            capture.title,
            "https://gw/changes/3",
            "glassgate change submit 3",
            "",
        )

    def drop_changes(self, batch: int) -> None:
        self.dropped.append(batch)

    def lapsed(self) -> bool:
        return False

    def over(self) -> Ending | None:
        return self.ending

    @property
    def texts(self) -> list[bytes]:
        return [unit.text for unit, _ in self.units]


class Straight:
    """A line that knows one token and the endpoints of the tests."""

    def __init__(self, endpoints: dict[str, tuple[Endpoint, Secret]]) -> None:
        self.endpoints = endpoints
        self.rooms: list[Room] = []
        self.slow = False

    async def authenticate(self, evidence: DatabaseTokenEvidence) -> str:
        if evidence.token != Secret(TOKEN) or evidence.name != "engineer":
            raise AuthenticationFailed("wrong name or token")
        return evidence.name

    async def run(self, identity: str, name: str, door: Any) -> Ending:
        if name not in self.endpoints:
            raise NotFound(f"there is no endpoint {name}", hint="glassgate endpoints")
        endpoint, secret = self.endpoints[name]
        level = await door.dial(endpoint, secret, DialContext(SessionId(7), identity))
        room = Room(door, endpoint, level=level, slow=self.slow)
        self.rooms.append(room)
        try:
            ending = await door.serve(room)
            if ending.cause not in {EndCause.CLIENT, EndCause.UPSTREAM}:
                await door.cut(ending)
        except SessionOver as over:
            ending = over.ending
            await door.cut(ending)
        room.ending = room.ending or ending
        room.ended.set()
        return ending


@dataclass
class Gate:
    """A running door: where it listens, and what the sessions behind it were told."""

    host: str
    port: int
    ca: Path
    line: Straight
    parts: Parts
    authority: Authority

    def dsn(self, database: str = "shop", endpoint: str = "orders-db", **more: str) -> str:
        given = {
            "host": self.host, "port": str(self.port), "user": f"engineer+{endpoint}", "password": TOKEN,
            "dbname": database, "sslmode": "verify-full", "sslrootcert": str(self.ca), **more,
        }  # fmt: skip
        return " ".join(f"{name}='{value}'" for name, value in given.items() if value)

    def environment(self, database: str = "shop", endpoint: str = "orders-db") -> dict[str, str]:
        return {
            "PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": f"engineer+{endpoint}",
            "PGPASSWORD": TOKEN, "PGDATABASE": database, "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.ca), "PATH": "/usr/bin:/bin", "PSQLRC": "/dev/null",
            "HOME": "/nonexistent",
        }  # fmt: skip

    @property
    def room(self) -> Room:
        return self.line.rooms[-1]


def endpoint_for(production: Any, name: str = "orders-db", **settings: Any) -> tuple[Endpoint, Secret]:
    user = settings.pop("user", production.reader)
    password = settings.pop("password", production.reader_password)
    endpoint = Endpoint(
        id=EndpointId(1), name=name, kind=EndpointKind.POSTGRES, labels={}, host=production.host,
        port=production.port, username=user, tls="verify-full", ca=production.ca.read_text(),
        repository=None, settings=EndpointSettings(**settings), version=secrets.randbelow(1 << 30),
    )  # fmt: skip
    return endpoint, Secret(password)


@contextlib.asynccontextmanager
async def gate_for(
    folder: Path, endpoints: dict[str, tuple[Endpoint, Secret]], **more: Any
) -> AsyncIterator[Gate]:
    authority = Authority.open(folder)
    tls = ServerTls(authority.server_certificate(["localhost", "127.0.0.1"]), protocols=("postgresql",))
    parts = Parts(Catalogues(load_postgres()), most_bytes=more.get("most_bytes", 1 << 21))
    line = Straight(endpoints)
    reception = Reception(line, parts, tls, login_seconds=more.get("login_seconds", 5.0))
    listener = Listener.open("127.0.0.1", 0)
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(reception.run()), group.create_task(listener.run(reception.serve))]
        try:
            yield Gate("localhost", listener.port, authority.certificate_file, line, parts, authority)
        finally:
            for task in running:
                task.cancel()
            listener.close()


async def until(condition: Any, seconds: float = 3.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass in time"
        await asyncio.sleep(0.01)


class Speaker:
    """A client that says exactly what a test wants, message by message, over direct TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.framer = wire.Framer(limit=1 << 26)
        self.kept: list[wire.Message] = []
        self.process = 0
        self.key = b""

    @classmethod
    async def connect(cls, gate: Gate) -> Speaker:
        context = ssl.create_default_context(cafile=str(gate.ca))
        context.set_alpn_protocols(["postgresql"])
        return cls(*await asyncio.open_connection(gate.host, gate.port, ssl=context))

    @classmethod
    async def login(
        cls, gate: Gate, *, endpoint: str = "orders-db", version: int = wire.PROTOCOL_3_0, **parameters: str
    ) -> Speaker:
        speaker = await cls.connect(gate)
        asked = {"user": f"engineer+{endpoint}", "database": "shop", **parameters}
        speaker.send(wire.startup(asked, version=version))
        await speaker.until(b"R")
        speaker.send(wire.message(b"p", TOKEN.encode() + b"\0"))
        for message in await speaker.until(b"Z"):
            if message.kind == b"K":
                speaker.process, speaker.key = wire.UINT32.unpack(message.body[:4])[0], message.body[4:]
        return speaker

    def send(self, *messages: bytes) -> None:
        self.writer.write(b"".join(messages))

    async def until(self, kind: bytes, seconds: float = 5.0) -> list[wire.Message]:
        """Read up to a message of that kind."""
        got: list[wire.Message] = []
        async with asyncio.timeout(seconds):
            while True:
                while self.kept:
                    got.append(self.kept.pop(0))
                    if got[-1].kind == kind:
                        return got
                data = await self.reader.read(1 << 16)
                if not data:
                    last = [(each.kind, each.body[:300]) for each in got[-3:]]
                    raise ConnectionResetError(f"closed after {len(got)} messages, at last {last}")
                self.kept += self.framer.feed(data)

    async def closed(self, seconds: float = 5.0) -> list[wire.Message]:
        """Read to the end of the connection."""
        got, self.kept = self.kept, []
        async with asyncio.timeout(seconds):
            while data := await self.reader.read(1 << 16):
                got += self.framer.feed(data)
        return got

    async def ask(self, *messages: bytes) -> str:
        """Send, read up to ReadyForQuery, return the kinds of what came, the status at the end."""
        self.send(*messages)
        got = await self.until(b"Z")
        self.last = got
        return "".join(each.kind.decode() for each in got) + got[-1].body.decode()

    @property
    def error(self) -> dict[str, str]:
        return next(wire.parse_error(each.body) for each in self.last if each.kind == b"E")

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await self.writer.wait_closed()
