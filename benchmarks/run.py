"""Measure Glassgate against direct connections, pgbouncer, ProxyJump, nginx: ``make bench BENCH=--quick``.

One interleaved run: each round measures each case on each way, one behind the other, so that what else the
machine does falls on all alike. Judging and recording are on, clients speak TLS on every way.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
os.chdir(ROOT)

import containers_report  # noqa: E402 - found on the path set above
import containers_run  # noqa: E402
import crowd  # noqa: E402
import load  # noqa: E402
import psycopg  # noqa: E402
import ssh_report  # noqa: E402
import ssh_run  # noqa: E402
from judge_postgres import TEXTS, rate  # noqa: E402
from others import say, used_by_others  # noqa: E402
from report import BEGIN, END, Judged, Report, write_into  # noqa: E402
from ways import Ways, open_ways  # noqa: E402

from gateway.judge.catalogue import load_postgres  # noqa: E402
from gateway.judge.postgres import SqlContext, VerdictCache, judge  # noqa: E402
from gateway.judge.postgres.builtin import builtin  # noqa: E402
from gateway.log import configure  # noqa: E402

if TYPE_CHECKING:
    from ways import Way

PARTS = ("judge", "crowd", "burst", "queries", "connections", "bulk", "ssh", "containers")
APART = {"ssh", "containers"}
"""What no database is needed for."""
MODES = ("simple", "extended", "prepared")
CLIENTS = (1, 8, 64)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of short runs; a look, not a figure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each run of pgbench")
    parser.add_argument("--scale", type=int, default=25, help="pgbench's; 10 MB of bulk result each")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="measure these alone")
    parser.add_argument("--megabytes", type=int, default=512, help="of each download over ssh")
    parser.add_argument("--downloads", type=int, default=20, help="over ssh, compared byte by byte; 0: none")
    parser.add_argument("--idle", type=int, default=250, help="terminals over ssh, the first 100 not counted")
    parser.add_argument("--write", action="store_true", help="put the figures into benchmarks/README.md")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.seconds, chosen.scale = 1, 3, 5
        chosen.megabytes, chosen.downloads = min(64, chosen.megabytes), min(2, chosen.downloads)
        chosen.idle = min(130, chosen.idle)
    return chosen


async def measure(chosen: argparse.Namespace, folder: Path) -> Report:
    report = Report(chosen.rounds)
    if "judge" in chosen.only:
        say("judge")
        report.judged = [judged(name, text) for name, text in TEXTS.items()]
    if set(chosen.only) <= {"judge", *APART}:
        return report
    say("starting production, pgbouncer and the gateway")
    async with open_ways(folder, scale=chosen.scale) as ways:
        report.server = _version(ways)
        if "crowd" in chosen.only:
            await _crowd(report, ways, chosen)
        if "burst" in chosen.only:
            say("burst")
            report.burst = await asyncio.to_thread(crowd.burst, ways)
        await asyncio.to_thread(_rounds, report, ways, chosen)
    return report


def _version(ways: Ways) -> str:
    with psycopg.connect(ways.direct.dsn()) as connection:
        return str(connection.info.parameter_status("server_version"))


async def _crowd(report: Report, ways: Ways, chosen: argparse.Namespace) -> None:
    """Memory first: in a process that has not worked yet, nothing freed is used again."""
    for way in (ways.pgbouncer, ways.glassgate):
        if way is None:
            continue
        say(f"{crowd.IDLE} idle sessions: {way.name}")
        idle = crowd.Idle(way)
        try:
            report.idle[way.name] = await crowd.memory(idle)
            if way is ways.glassgate:
                say(f"{crowd.BUSY} busy beside them")
                rate, answered = await crowd.busy_beside(ways, idle, seconds=chosen.seconds)
                report.busy = (crowd.BUSY, crowd.IDLE, rate, answered)
        finally:
            await idle.close()
        await asyncio.sleep(1)
        ways.drop_server_connections()
    await asyncio.sleep(1)


def _rounds(report: Report, ways: Ways, chosen: argparse.Namespace) -> None:
    size = load.bulk_bytes(ways) if "bulk" in chosen.only else 0
    for turn in range(chosen.rounds):
        say(f"round {turn + 1} of {chosen.rounds}")
        order = ways.all[turn % len(ways.all) :] + ways.all[: turn % len(ways.all)]
        if "queries" in chosen.only:
            _queries(report, ways, order, chosen.seconds)
        for way in order:
            if "connections" in chosen.only:
                report.add(
                    "new connections/s",
                    way.name,
                    load.connections(ways, way, seconds=chosen.seconds),
                )
        for way in order:
            if "bulk" in chosen.only:
                report.add(f"COPY of {size / 1e6:.0f} MB, MB/s", way.name, load.bulk(ways, way, size=size))


def _queries(report: Report, ways: Ways, order: list[Way], seconds: int) -> None:
    for mode in MODES:
        for clients in CLIENTS:
            report.others.append(used_by_others())
            for way in order:
                measured = load.queries(ways, way, mode=mode, clients=clients, seconds=seconds)
                report.add(f"{mode}, {clients} client{'s' if clients > 1 else ''}, /s", way.name, measured)


def judged(name: str, text: str) -> Judged:
    """Measure what a verdict costs, judged anew and found in the cache."""
    context, cache, raw = SqlContext(builtin(), load_postgres()), VerdictCache(), text.encode()
    cache.judge(raw, context)
    kept = cache.lookup(raw, context) is not None
    return Judged(
        name,
        len(raw),
        1e6 / rate(lambda: judge(text, context)),
        1e6 / rate(lambda: cache.lookup(raw, context)) if kept else None,
    )


def main() -> None:
    chosen = options()
    configure(level="error")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="gg-", dir="/tmp") as name:
        Path(name).chmod(0o755)  # production's server runs as another user
        for part in ("sql", "ssh", "http"):
            (Path(name) / part).mkdir(mode=0o755)
        report = None if set(chosen.only) <= APART else asyncio.run(measure(chosen, Path(name) / "sql"))
        hosts = ssh_run.measure(chosen, Path(name) / "ssh") if "ssh" in chosen.only else None
        engines = containers_run.measure(chosen, Path(name) / "http") if "containers" in chosen.only else None
    for made, marks in (
        (report, (BEGIN, END)),
        (hosts, (ssh_report.BEGIN, ssh_report.END)),
        (engines, (containers_report.BEGIN, containers_report.END)),
    ):
        if made is not None:
            print(made.markdown())
            if chosen.write:
                write_into(HERE / "README.md", made.markdown(), marks)
    if report is not None and report.burst is not None and not report.burst.whole:
        raise SystemExit("the recording of the burst is not whole")
    if hosts is not None and not hosts.whole:
        raise SystemExit("a download did not come whole")


if __name__ == "__main__":
    main()
