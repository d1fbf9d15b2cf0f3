"""Many sessions at once: memory of idle ones, busy ones beside them, and a burst that is recorded whole."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import conninfo_to_dict
from ways import DATABASE, ENDPOINT

from gateway.protocols.postgres import wire
from gateway.web.shapes.sessions import ListSessions, Moment, SessionList, Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ways import Way, Ways

IDLE = 1_000
BUSY = 200
BURST = 30_000
BURST_SECONDS = 3.0
BURST_SESSIONS = 10
BURST_AT_ONCE = 25
"""Queries that a session sends before it reads their answers."""
DIALLING = 16
CONNECTING = 12
"""Seconds that the busy sessions may take to connect."""

_BURST = b"SELECT i, $1::bigint FROM generate_series(1, $2::int) AS i"
_INT8, _INT4 = 20, 23


class Idle:
    """Sessions that stand open and do nothing."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.sessions: list[psycopg.AsyncConnection] = []

    async def grow(self, count: int) -> None:
        """Open more, until there are so many."""
        missing = count - len(self.sessions)
        gate = asyncio.Semaphore(DIALLING)

        async def dial() -> None:
            async with gate:
                connection = await psycopg.AsyncConnection.connect(self.way.dsn(), autocommit=True)
                await connection.execute("SELECT 1")
                self.sessions.append(connection)

        async with asyncio.TaskGroup() as group:
            for _ in range(missing):
                group.create_task(dial())

    async def answer(self) -> int:
        """Let each run a query; returns how many were answered."""
        answered = 0
        for connection in self.sessions:
            row = await (await connection.execute("SELECT 7")).fetchone()
            answered += row == (7,)
        return answered

    async def close(self) -> None:
        for connection in self.sessions:
            await connection.close()
        self.sessions.clear()


async def memory(idle: Idle, *, most: int = IDLE) -> float:
    """Bytes of the proxy's memory that an idle session takes: the slope over the last three quarters.

    Args:
        idle: none open yet; all are open afterwards.
        most: how many are opened.
    """
    points: list[tuple[int, int]] = []
    for part in (1, 2, 3, 4):
        await idle.grow(most * part // 4)
        await asyncio.sleep(1.5)  # what opening them took is given back
        points.append((len(idle.sessions), idle.way.resident()))
    middle = sum(count for count, _ in points) / len(points)
    return sum((count - middle) * size for count, size in points) / sum(
        (count - middle) ** 2 for count, _ in points
    )


async def busy_beside(ways: Ways, idle: Idle, *, seconds: int) -> tuple[float, int]:
    """Run busy sessions beside the idle ones.

    Returns:
        Queries a second, and how many idle sessions answered afterwards.
    """
    command = [ways.pgbench, "-n", "-S", "-M", "prepared", "-c", BUSY, "-j", 2, "-T", seconds + CONNECTING]
    arguments = [str(part) for part in [*command, idle.way.dsn()]]
    done = await asyncio.to_thread(subprocess.run, arguments, capture_output=True, text=True, check=False)
    if done.returncode or "number of failed transactions: 0 " not in done.stdout:
        raise SystemExit(f"pgbench failed with {BUSY} clients: {done.stderr}{done.stdout}")
    rate = float(done.stdout.rpartition("tps = ")[2].split()[0])
    return rate, await idle.answer()


# ---- the burst -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BurstResult:
    """A burst and its recording.

    Attributes:
        seconds: from the first query to the last answer.
        sent: queries.
        recorded: units found in the recordings with the very values that were sent.
        counted: answers found there with the right number of rows.
    """

    seconds: float
    sent: int
    recorded: int
    counted: int

    @property
    def whole(self) -> bool:
        return self.sent == self.recorded == self.counted


def burst(ways: Ways, *, queries: int = BURST) -> BurstResult:
    """Send bound queries evenly over three seconds, then read what was recorded through the API."""
    each = queries // BURST_SESSIONS
    clients = [_Bound(ways, number * each, each) for number in range(BURST_SESSIONS)]
    start = time.perf_counter() + 0.2
    threads = [threading.Thread(target=client.run, args=(start,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if any(client.failure for client in clients):
        raise SystemExit(f"burst: {next(client.failure for client in clients if client.failure)}")
    ended = max(client.ended for client in clients)
    time.sleep(1.5)  # the last block is sealed
    units, rows = _recorded(ways)
    sent = {serial: serial % 5 for client in clients for serial in client.serials}
    return BurstResult(
        seconds=ended - start,
        sent=len(sent),
        recorded=sum(units.get(serial) == wanted for serial, wanted in sent.items()),
        counted=sum(rows.get(serial) == wanted for serial, wanted in sent.items()),
    )


class _Bound:
    """One session of the burst: a statement prepared once, bound anew for each query."""

    def __init__(self, ways: Ways, first: int, count: int) -> None:
        self.serials = range(first, first + count)
        self.ended = 0.0
        self.failure = ""
        facts = conninfo_to_dict(ways.glassgate.dsn() + " application_name=burst")
        raw = socket.create_connection(("127.0.0.1", int(facts["port"])))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.sendall(wire.special(wire.SSL_REQUEST))
        if raw.recv(1) != b"S":
            raise SystemExit("burst: no TLS")
        context = ssl.create_default_context(cafile=str(facts["sslrootcert"]))
        self._socket = context.wrap_socket(raw, server_hostname="localhost")
        self._rest = b""
        login = {"user": str(facts["user"]), "database": DATABASE, "application_name": "burst"}
        self._socket.sendall(wire.startup(login))
        self._socket.sendall(wire.message(b"p", str(facts["password"]).encode() + b"\0"))
        self._until_ready(1)
        self._socket.sendall(wire.parse(b"burst", _BURST, (_INT8, _INT4)) + wire.SYNC)
        self._until_ready(1)

    def run(self, start: float) -> None:
        """Send its share, paced; an error stands in ``failure``."""
        pause = BURST_SECONDS / (len(self.serials) / BURST_AT_ONCE)
        try:
            for turn, at in enumerate(range(0, len(self.serials), BURST_AT_ONCE)):
                time.sleep(max(0.0, start + turn * pause - time.perf_counter()))
                serials = self.serials[at : at + BURST_AT_ONCE]
                self._socket.sendall(b"".join(_query(serial) for serial in serials))
                self._until_ready(len(serials))
            self.ended = time.perf_counter()
            self._socket.sendall(wire.TERMINATE)
            self._socket.close()
        except OSError as error:
            self.failure = str(error)

    def _until_ready(self, count: int) -> None:
        """Read until so many queries are answered."""
        data = self._rest
        while count:
            came = self._socket.recv(1 << 16)
            if not came:
                raise OSError("the gateway closed the connection")
            data += came
            at = 0
            while len(data) - at >= 5:
                after = at + 1 + wire.INT32.unpack_from(data, at + 1)[0]
                if after > len(data):
                    break
                if data[at] == ord("E"):
                    raise OSError(wire.parse_error(data[at + 5 : after]).get("M", "error"))
                count -= data[at] == ord("Z")
                at = after
            data = data[at:]
        self._rest = data


def _query(serial: int) -> bytes:
    values = (b"%d" % serial, b"%d" % (serial % 5))
    return wire.bind(b"", b"burst", values) + wire.execute(b"") + wire.SYNC


def _recorded(ways: Ways) -> tuple[dict[int, int], dict[int, int | None]]:
    """Read the burst's recordings: serial → second value, serial → rows answered."""
    reviewer = ways.gateway.client("reviewer")
    listed = reviewer.call("GET /v1/sessions", ListSessions(endpoint=ENDPOINT, limit=100), SessionList)
    ours = [session for session in listed.sessions if session.client.endswith(" burst")]
    units: dict[int, int] = {}
    rows: dict[int, int | None] = {}
    for session in ours[:BURST_SESSIONS]:
        numbers: dict[int, int] = {}
        moments: Iterator[Moment] = reviewer.lines(
            "GET /v1/sessions/{id}/replay", Watched(id=session.id), Moment
        )
        for moment in moments:
            if moment.number is None:
                continue
            if moment.kind == "unit" and moment.values and len(moment.values) == 2:
                serial, wanted = (int(value or "-1") for value in moment.values)
                numbers[moment.number] = serial
                units[serial] = wanted
            elif moment.kind == "answer" and moment.number in numbers and not moment.error_code:
                rows[numbers[moment.number]] = moment.rows
    return units, rows
