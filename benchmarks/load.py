"""Load on one way to production, measured: pgbench's queries and connections, bulk results."""

from __future__ import annotations

import itertools
import re
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ways import Way, Ways

CONNECTING = 4
"""Clients that connect anew for each query."""

_PROGRESS = re.compile(r"progress: ([0-9.]+) s, ([0-9.]+) tps")
_RESULT = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_FAILED = re.compile(r"number of failed transactions: (\d+)")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run.

    Attributes:
        rate: queries, connections or MB a second.
        cpu: the proxy's CPU, µs for each of these; None where there is no proxy.
    """

    rate: float
    cpu: float | None


def queries(ways: Ways, way: Way, *, mode: str, clients: int, seconds: int) -> Measured:
    """pgbench -S. CPU is taken from the first progress line to the last, so that connecting is not in it.

    pgbench counts connecting into the time it is given, though not into the rate it tells.

    Args:
        ways: what runs.
        way: which is measured.
        mode: simple, extended or prepared.
        clients: at once.
        seconds: three or more.
    """
    command = [ways.pgbench, "-n", "-S", "-M", mode, "-c", clients, "-j", min(2, clients), "-P", 1]
    process = subprocess.Popen(
        [str(part) for part in [*command, "-T", seconds + clients // 30, way.dsn()]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    marks: list[tuple[float, float, float]] = []
    said = ""
    for line in process.stderr:
        found = _PROGRESS.search(line)
        if found:
            marks.append((float(found[1]), float(found[2]), way.cpu()))
        else:
            said += line
    told = process.stdout.read()
    if process.wait() or _failed(told):
        raise SystemExit(f"pgbench failed through {way.name}: {said}{told}")
    done = sum(rate * (at - before[0]) for before, (at, rate, _) in itertools.pairwise(marks))
    cpu = (marks[-1][2] - marks[0][2]) / done * 1e6 if way.pids and done else None
    return Measured(_rate(told), cpu)


def connections(ways: Ways, way: Way, *, seconds: int) -> Measured:
    """pgbench -C: each query on a connection of its own."""
    command = [ways.pgbench, "-n", "-S", "-C", "-c", CONNECTING, "-j", 2, "-T", seconds, way.dsn()]
    before = way.cpu()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode or _failed(done.stdout):
        raise SystemExit(f"pgbench failed through {way.name}: {done.stderr}{done.stdout}")
    rate = _rate(done.stdout)
    cpu = (way.cpu() - before) / (rate * seconds) * 1e6 if way.pids else None
    return Measured(rate, cpu)


def bulk_bytes(ways: Ways) -> int:
    """Bytes that one bulk result has."""
    done = subprocess.run(_copy(ways, ways.direct), stdout=subprocess.PIPE, check=True)
    return len(done.stdout)


def bulk(ways: Ways, way: Way, *, size: int) -> Measured:
    """COPY a whole table out, to nowhere.

    Args:
        ways: what runs.
        way: which is measured.
        size: bytes that it has.
    """
    before, began = way.cpu(), time.perf_counter()
    subprocess.run(_copy(ways, way), stdout=subprocess.DEVNULL, check=True)
    megabytes = size / 1e6
    spent = time.perf_counter() - began
    return Measured(megabytes / spent, (way.cpu() - before) / megabytes * 1e6 if way.pids else None)


def _copy(ways: Ways, way: Way) -> list[str]:
    return [str(ways.psql), "-X", "-q", "-c", "COPY pgbench_accounts TO STDOUT", way.dsn()]


def _rate(told: str) -> float:
    found = _RESULT.search(told)
    if found is None:
        raise SystemExit(f"pgbench says no rate: {told}")
    return float(found[1])


def _failed(told: str) -> bool:
    found = _FAILED.search(told)
    return found is not None and found[1] != "0"
