"""What the judge allows, sent straight to a real engine: it is the same before and behind."""

from __future__ import annotations

import json
import re
import socket
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from engine import FOREVER, SHOP
from engine_requests import ROWS

from gateway.domain.http import Request
from gateway.judge.docker.catalogue import load_docker
from gateway.judge.docker.context import DockerContext, Exec
from gateway.judge.docker.judge import judge
from gateway.judge.docker.judgement import DockerAction
from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine import Engine

CONTAINERS = ("web", "shop-web-1", "my_app.worker-2")
IMAGES = (
    "nginx:latest",
    "nginx:1.25-alpine",
    "library/redis:latest",
    "registry.example.com:5000/team/app:v1.2.3",
)
STREAMS = re.compile(r"/(wait|events|stats|attach|get|export|logs)\b")
ASKS_REGISTRIES = re.compile(r"/(search|distribution)\b|/privileges\?")
STARTS = (("content-type", "application/json"), ("connection", "Upgrade"), ("upgrade", "tcp"))


@pytest.fixture
def crowded(engine: Engine) -> Iterator[Engine]:
    """An engine that has what the corpora speak of."""
    for name in CONTAINERS:
        engine.run(name, SHOP, "sleep", FOREVER)
    for name in IMAGES:
        engine.docker("tag", SHOP, name)
    engine.docker("volume", "create", "shop_data")
    yield engine
    engine.docker("rm", "--force", *CONTAINERS)
    engine.docker("rmi", *IMAGES)
    engine.docker("volume", "rm", "shop_data")


def answered(engine: Engine, request: Request) -> bytes:
    """Send a request; what comes of its answer within a moment."""
    # The engine is older than the newest clients of the corpora.
    target = re.sub(r"^/v1\.(\d+)/", lambda found: f"/v1.{min(41, int(found[1]))}/", request.target)
    headers = dict(request.headers) | {"host": "docker"}
    if request.method == "POST":
        headers["content-length"] = str(len(request.body or b""))
    headers.setdefault("connection", "close")
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    found = b""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(0.2 if STREAMS.search(target) else 2.0)
        sock.connect(str(engine.socket))
        sock.sendall("\r\n".join([*lines, "", ""]).encode() + (request.body or b""))
        try:
            while len(found) < 1 << 18 and (data := sock.recv(1 << 16)):
                found += data
        except TimeoutError:
            pass
    return found


def test_everything_that_is_allowed_leaves_the_engine_as_it_was(crowded: Engine) -> None:
    context = DockerContext(load_docker(), ShellContext(load_shell()))
    before, statuses, sent = crowded.state(), Counter[bytes](), set[Request]()
    for row in ROWS:
        judged = judge(row.request, replace(context, execs=row.execs))
        request = judged.request
        if request is None or request in sent or ASKS_REGISTRIES.search(request.target):
            continue
        sent.add(request)
        answer = answered(crowded, request)
        statuses[answer[9:12]] += 1
        if judged.action is DockerAction.EXEC_CREATE and answer[9:12] == b"201":
            number = json.loads(answer[answer.index(b"{") : answer.rindex(b"}") + 1])["Id"]
            mine = replace(context, execs={number: Exec("web", judged.argv, judged.tty)})
            body = json.dumps({"Tty": judged.tty}).encode()
            started = judge(Request("POST", f"/v1.41/exec/{number}/start", STARTS, body), mine)
            assert started.request is not None
            statuses[answered(crowded, started.request)[9:12]] += 1
    assert crowded.state() == before
    # Most of them did something: an engine that knows nothing of what is asked would prove little.
    assert statuses[b"200"] > 200
    assert statuses[b"101"] > 40
