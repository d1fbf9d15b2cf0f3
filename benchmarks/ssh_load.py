"""Load on one way to a host, measured: logins, commands, keystrokes, downloads, idle sessions."""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from load import Measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssh_ways import SshWay, SshWays

KEYSTROKES = 400
TYPING_SECONDS = 0.005
"""Between two keystrokes, so that everything on the way has gone to sleep, as between a person's."""
UNCOUNTED = 30
"""Keystrokes before the ones that count; all of them are one line, which a terminal bounds at 4,095."""
ANSWER_SECONDS = 30.0
CHUNK = 1 << 20
UPLOADED = b"a line of a configuration\n" * 40_000
REFUSED = 126
STALLED_SECONDS = 60.0
"""A download that brings nothing for so long hangs."""


def logins(way: SshWay, *, count: int) -> Measured:
    """Log in and run ``true``, one after the other; ms each."""
    before, spent = way.cpu(), []
    for _ in range(count):
        began = time.perf_counter()
        _run(way.argv("true"))
        spent.append(time.perf_counter() - began)
    return Measured(1e3 * statistics.median(spent), _each(way, before, count))


def commands(way: SshWay, *, seconds: float) -> Measured:
    """Run ``true`` over one connection that stands, one after the other; commands a second."""
    master = subprocess.Popen(
        way.argv(options=("-M", "-N")), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + ANSWER_SECONDS
        argv = way.argv("true", options=("-o", "ControlMaster=no"))
        while subprocess.run(
            way.argv(options=("-O", "check")),
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode:
            if time.monotonic() > until or master.poll() is not None:
                raise SystemExit(f"ssh {way.name}: no connection to share")
            time.sleep(0.05)
        _run(argv)
        before, began, done = way.cpu(), time.perf_counter(), 0
        while (spent := time.perf_counter() - began) < seconds:
            _run(argv)
            done += 1
        return Measured(done / spent, _each(way, before, done))
    finally:
        master.terminate()
        master.wait()


def upload(way: SshWay, *, refused: bool) -> Measured:
    """Send a megabyte into a file of the host, ms; where that is refused, until the refusal is there.

    Args:
        way: which is measured.
        refused: whether it must be refused, with a change request that holds the bytes.
    """
    before, began = way.cpu(), time.perf_counter()
    done = subprocess.run(way.argv("cat > uploaded"), input=UPLOADED, capture_output=True, check=False)
    spent = time.perf_counter() - began
    if done.returncode != (REFUSED if refused else 0):
        raise SystemExit(f"ssh {way.name}: an upload ended with {done.returncode}: {done.stderr.decode()}")
    return Measured(1e3 * spent, _each(way, before, 1))


@dataclass(frozen=True, slots=True)
class Echo:
    """How long a keystroke takes to come back, ms.

    Attributes:
        p50: half of them are quicker.
        p99: all but one in a hundred are.
    """

    p50: float
    p99: float


def echo(way: SshWay) -> Echo:
    """Type into ``cat`` in a terminal, a key at a time, each when the one before has come back."""
    process = subprocess.Popen(
        way.argv("cat", options=("-tt",)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        spent = []
        for number in range(UNCOUNTED + KEYSTROKES):
            key = b"%c" % (ord("a") + number % 26)
            began = time.perf_counter()
            process.stdin.write(key)
            _come_back(process, way, key)
            spent.append(time.perf_counter() - began)
            time.sleep(TYPING_SECONDS)
        ordered = sorted(1e3 * each for each in spent[UNCOUNTED:])
        return Echo(statistics.median(ordered), ordered[int(len(ordered) * 0.99)])
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


def _come_back(process: subprocess.Popen[bytes], way: SshWay, key: bytes) -> None:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], ANSWER_SECONDS)
    found = process.stdout.read(4096) if ready else b""
    if found != key:
        raise SystemExit(f"ssh {way.name}: {key!r} was typed, {found!r} came back")


def download(ways: SshWays, way: SshWay, what: str) -> Measured:
    """Read a file of the host to nowhere; MB a second.

    Args:
        ways: what runs.
        way: which is measured.
        what: zeros or random.
    """
    before, began = way.cpu(), time.perf_counter()
    came = sum(len(chunk) for chunk in _chunks(way, f"cat {ways.files / what}"))
    spent = time.perf_counter() - began
    way.settle()  # the CPU of sealing belongs to it, its time does not: the client has long got its bytes
    if came != ways.size:
        raise SystemExit(f"ssh {way.name}: {came:,} of {ways.size:,} bytes came")
    megabytes = ways.size / 1e6
    return Measured(megabytes / spent, _each(way, before, megabytes))


def whole_downloads(ways: SshWays, *, count: int) -> int:
    """Read the random file through Glassgate so many times; returns how often it came whole and unchanged."""
    with (ways.files / "random").open("rb") as file:
        wanted = hashlib.file_digest(file, "sha256").digest()
    whole = 0
    for _ in range(count):
        found = hashlib.sha256()
        with contextlib.suppress(TimeoutError):
            for chunk in _chunks(ways.glassgate, f"cat {ways.files / 'random'}"):
                found.update(chunk)
            whole += found.digest() == wanted
    return whole


def _chunks(way: SshWay, command: str) -> Iterator[bytes]:
    process = subprocess.Popen(way.argv(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdout is not None
    try:
        while True:
            ready, _, _ = select.select([process.stdout], [], [], STALLED_SECONDS)
            if not ready:
                raise TimeoutError(f"ssh {way.name}: the download hangs")
            chunk = os.read(process.stdout.fileno(), CHUNK)
            if not chunk:
                break
            yield chunk
    finally:
        process.stdout.close()
        process.kill()
        process.wait()


class IdleShells:
    """Terminals that stand open on a way, a ``cat`` in each, and do nothing."""

    def __init__(self, way: SshWay) -> None:
        self.way = way
        self._sessions: list[subprocess.Popen[bytes]] = []

    def grow(self, count: int) -> None:
        """Open more, until there are so many."""
        while len(self._sessions) < count:
            few = [self._open() for _ in range(min(8, count - len(self._sessions)))]
            self._sessions += few
            for each in few:
                assert each.stdin is not None
                each.stdin.write(b"x")
                _come_back(each, self.way, b"x")

    def _open(self) -> subprocess.Popen[bytes]:
        argv = self.way.argv("cat", options=("-tt",))
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def close(self) -> None:
        for each in self._sessions:
            each.kill()
        for each in self._sessions:
            each.wait()
            for pipe in (each.stdin, each.stdout):
                if pipe is not None:
                    pipe.close()
        self._sessions.clear()


def memory(idle: IdleShells, *, first: int, most: int) -> float:
    """Bytes of memory that an idle session takes between: the slope beyond the first ones.

    Args:
        idle: none open yet; all are open afterwards.
        first: opened before it is looked for the first time.
        most: how many are opened.
    """
    points = []
    for part in range(4):
        idle.grow(first + (most - first) * part // 3)
        time.sleep(2)  # what opening them took is given back
        points.append((first + (most - first) * part // 3, idle.way.resident()))
    middle = statistics.mean(count for count, _ in points)
    return sum((count - middle) * size for count, size in points) / sum(
        (count - middle) ** 2 for count, _ in points
    )


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)}: {done.returncode}: {done.stderr.decode()}")


def _each(way: SshWay, before: float, count: float) -> float | None:
    """µs of CPU that what stands between took for each."""
    return (way.cpu() - before) / count * 1e6 if way.pid and count else None
