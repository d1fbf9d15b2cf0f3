"""The rounds of ssh: logins, commands, keystrokes, downloads on each way in turn; then sessions that idle."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import ssh_load as load
from load import Measured
from others import say, used_by_others
from ssh_report import SshReport
from ssh_ways import GUARDED, check, open_ssh_ways

from gateway.web.shapes.endpoints import EndpointCheck, EndpointName

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from ssh_ways import SshWay, SshWays

LOGINS = 8
FIRST = 100
"""Idle sessions before the first look at memory."""


def measure(chosen: argparse.Namespace, folder: Path) -> SshReport:
    """Measure everything of ssh.

    Args:
        chosen: options of the command line.
        folder: empty, short, passable by other users.
    """
    version = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr
    report = SshReport(chosen.rounds, version.split(",")[0].strip())
    say("starting a host, a jump host and the gateway")
    with open_ssh_ways(folder, size=chosen.megabytes << 20) as ways:
        check(ways)
        name = EndpointName(name=GUARDED)
        found = ways.gateway.client("admin").call("POST /v1/endpoints/{name}/check", name, EndpointCheck)
        report.guard = found.level
        if chosen.idle > FIRST:
            for way in (ways.proxyjump, ways.glassgate):
                _idle(report, way, chosen.idle)
        for turn in range(chosen.rounds):
            say(f"ssh, round {turn + 1} of {chosen.rounds}")
            report.others.append(used_by_others())
            first = turn % len(ways.all)
            _round(report, ways, ways.all[first:] + ways.all[:first], chosen.seconds)
        if chosen.downloads:
            say(f"{chosen.downloads} downloads, compared")
            whole = load.whole_downloads(ways, count=chosen.downloads)
            report.downloads = (chosen.downloads, whole, ways.size)
    return report


def _idle(report: SshReport, way: SshWay, most: int) -> None:
    """Memory first: in a process that has not worked yet, nothing freed is used again."""
    say(f"{most} idle terminals: {way.name}")
    idle = load.IdleShells(way)
    try:
        report.idle[way.name] = load.memory(idle, first=FIRST, most=most)
    finally:
        idle.close()


def _round(report: SshReport, ways: SshWays, order: list[SshWay], seconds: float) -> None:
    for way in order:
        way.settle()
    for way in order:
        report.add("login and true, ms", way.name, load.logins(way, count=LOGINS))
    for way in order:
        report.add("commands on one connection, /s", way.name, load.commands(way, seconds=seconds))
    for way in order:
        refused = way in (ways.glassgate, ways.bare)
        report.add("upload of 1 MB, or its refusal, ms", way.name, load.upload(way, refused=refused))
    for way in order:
        found = load.echo(way)
        report.add("keystroke echo p50, ms", way.name, Measured(found.p50, None))
        report.add("keystroke echo p99, ms", way.name, Measured(found.p99, None))
    for what in ("zeros", "random"):
        for way in order:
            case = f"download of {ways.size / 1e6:.0f} MB {what}, MB/s"
            report.add(case, way.name, load.download(ways, way, what))
