"""The rounds of engines and clusters: requests, connections, long answers, commands on each way in turn."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cluster as clusters
import containers_load as load
import containers_streams as streams
import engine as engines
from cluster import SHOP_POD
from containers_report import ContainersReport
from containers_streams import MANY, OBJECTS, TALKER
from containers_ways import BIG, CHATTY, LINE, QUIET, check, open_container_ways
from go_programs import program
from others import say, used_by_others

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from containers_ways import ContainerWays, HttpWay

CLIENTS = (1, 8, 64)
COMMANDS = 5
MOST_MEGABYTES = 64
"""Of a long answer."""
FIRST, MOST = 50, 200
"""Connections that idle before the first look at memory, and at the last one."""
WATCHES = 10
"""At once, of many objects."""


@dataclass(frozen=True, slots=True)
class Side:
    """What is measured of one kind.

    Attributes:
        name: docker or kubernetes.
        ways: to it.
        small: path of something small.
        listing: path of a list.
        long: path of much to read.
        log: path of a log of as much; empty: that is what ``long`` is.
        followed: path of the talker's log, followed from now on.
        told: where the talker hears what to say.
        endless: path of what stays open with nothing on it.
        command: the real client's, that executes a program.
    """

    name: str
    ways: list[HttpWay]
    small: str
    listing: str
    long: str
    log: str
    followed: str
    told: Path
    endless: str
    command: list[str]


def measure(chosen: argparse.Namespace, folder: Path) -> ContainersReport | None:
    """Measure everything of engines and clusters; None where they can't run.

    Args:
        chosen: options of the command line.
        folder: empty, short, passable by other users.
    """
    if why := engines.why_missing() or clusters.why_missing():
        say(f"containers are not measured: {why}")
        return None
    report, megabytes = ContainersReport(chosen.rounds), min(chosen.megabytes, MOST_MEGABYTES)
    say("starting an engine, a cluster, nginx and the gateway")
    with open_container_ways(folder, size=megabytes << 20) as ways:
        report.versions = _versions(ways)
        told = folder / "told"
        told.mkdir(mode=0o755)
        streams.prepare(ways, told)
        sides = _sides(ways, told)
        for side in sides:
            for path in (side.small, side.listing):
                check(side.ways, path)
        for side in sides:
            for way in side.ways[1:]:
                say(f"{MOST} idle connections: {side.name}, {way.name}")
                kept = load.memory(way, side.endless, first=FIRST, most=MOST)
                report.idle[f"an idle connection, {side.name}", way.name] = kept
        _watches(report, ways)
        for turn in range(chosen.rounds):
            for side in sides:
                say(f"{side.name}, round {turn + 1} of {chosen.rounds}")
                report.others.append(used_by_others())
                first = turn % len(side.ways)
                order = side.ways[first:] + side.ways[:first]
                _round(report, side, order, chosen.seconds, ways.size)
                _streams(report, side, order)
            order = ways.kubernetes[turn % 3 :] + ways.kubernetes[: turn % 3]
            _events(report, ways, order)
    return report


def _sides(ways: ContainerWays, told: Path) -> list[Side]:
    shop = "/api/v1/namespaces/shop"
    executed = ["exec", SHOP_POD, "--container", "app", "--", "ls", "/app"]
    return [
        Side(
            "docker",
            ways.docker,
            "/v1.41/containers/bare/json",
            "/v1.41/containers/json",
            f"/v1.41/containers/{BIG}/archive?path=/app/big",
            f"/v1.41/containers/{CHATTY}/logs?stdout=1",
            f"/v1.41/containers/{TALKER}/logs?stdout=1&follow=1&tail=0",
            told / TALKER,
            f"/v1.41/containers/{QUIET}/logs?stdout=1&follow=1",
            ["docker", "exec", "shop", "ls", "/app"],
        ),
        Side(
            "kubernetes",
            ways.kubernetes,
            f"{shop}/configmaps/shop-settings",
            f"{shop}/pods",
            f"{shop}/pods/{BIG}/log?previous=true",
            "",
            f"{shop}/pods/{TALKER}/log?follow=true&tailLines=0",
            ways.cluster.root_of(TALKER, TALKER) / TALKER,
            f"{shop}/configmaps?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Dnone",
            [str(program("kubectl")), *executed],
        ),
    ]


def _round(report: ContainersReport, side: Side, order: list[HttpWay], seconds: float, size: int) -> None:
    for clients in CLIENTS:
        case = f"{side.name}: small, {clients} client{'s' if clients > 1 else ''}, /s"
        for way in order:
            found = load.requests(way, side.small, clients=clients, seconds=seconds)
            report.add(case, way.name, found)
    for way in order:
        found = load.requests(way, side.listing, clients=8, seconds=seconds)
        report.add(f"{side.name}: lists, 8 clients, /s", way.name, found)
    for way in order:
        found = load.connections(way, side.small, seconds=seconds)
        report.add(f"{side.name}: new connections/s", way.name, found)
    for way in order:
        found = load.bulk(way, side.long, least=size - LINE)
        report.add(f"{side.name}: {size >> 20} MB to read, MB/s", way.name, found)
    for way in order if side.log else ():
        found = load.bulk(way, side.log, least=size - LINE)
        report.add(f"{side.name}: {size >> 20} MB of a log, MB/s", way.name, found)
    for way in order:
        report.add(f"{side.name}: exec, ms", way.name, load.commands(way, side.command, count=COMMANDS))


def _streams(report: ContainersReport, side: Side, order: list[HttpWay]) -> None:
    for way in order:
        found = streams.lines(way, side.followed, side.told)
        report.add(f"{side.name}: a followed line p50, µs", way.name, found.p50)
        report.add(f"{side.name}: a followed line p99, µs", way.name, found.p99)


def _events(report: ContainersReport, ways: ContainerWays, order: list[HttpWay]) -> None:
    one = f"/api/v1/namespaces/{MANY}/configmaps"
    path = f"{one}?watch=true&fieldSelector=metadata.name%3Dn0"
    for way in order:
        found = streams.events(way, path, ways, f"{one}/n0")
        report.add("kubernetes: a watched change p50, µs", way.name, found.p50)
        report.add("kubernetes: a watched change p99, µs", way.name, found.p99)


def _watches(report: ContainersReport, ways: ContainerWays) -> None:
    path = f"/api/v1/namespaces/{MANY}/configmaps?watch=true&resourceVersion=0"
    for reads in (True, False):
        what = f"a watch of {OBJECTS:,} objects" + ("" if reads else " that its client does not read")
        for way in ways.kubernetes[1:]:
            say(f"{WATCHES} watches of {OBJECTS:,} objects: {way.name}")
            report.idle[f"{what}, at most", way.name] = streams.watches(way, path, count=WATCHES, reads=reads)


def _versions(ways: ContainerWays) -> str:
    engine = ways.engine.text("version", "--format", "{{.Server.Version}}")
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    told = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr if nginx else ""
    cluster = ways.cluster.must("GET", "/version")["gitVersion"]
    return f"Docker {engine}, Kubernetes {cluster}" + (
        f", {told.strip().rpartition(': ')[2]}" if told else ""
    )
