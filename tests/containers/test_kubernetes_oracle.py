"""A real API server's own opinion: what the judge lets pass changes nothing, whoever sends it."""

from __future__ import annotations

import random
import socket
import ssl
from typing import TYPE_CHECKING

import msgspec
from request_cases import request_cases

from gateway.domain.http import Request
from gateway.judge.kubernetes.catalogue import load_kubernetes
from gateway.judge.kubernetes.context import KubernetesContext
from gateway.judge.kubernetes.judge import judge
from gateway.judge.shell.catalogue import load_shell
from gateway.judge.shell.context import ShellContext

if TYPE_CHECKING:
    from cluster import Cluster

CONTEXT = KubernetesContext(load_kubernetes(), ShellContext(load_shell()), dry_runs=True)
SEED = 20260901
BENT = 20_000
SENT = 300
PIECES = (
    "|/|//|%2f|%|..|/./|;|&|#|=|exec|/exec|/proxy/|&dryRun=All|&dryRun=|&command=rm|%00|\\| |A|%64|watch/"
    "|/log|/scale|/status|secrets|+|%20|:|@|*|[]|?|?dryRun=All|dryRun=All|=All|&watch=1|%3f|%26|%3d|namespaces/"
)
BODIES = (None, None, None, b"", b"{}", b'{"dryRun":["All"]}', b'{"dryRun":[]}', b"k8s\0")
NAMES = {"/web-1": "/ticker", "/pods/web": "/pods/ticker", "/deployments/web": "/deployments/shop"}


def bent(chance: random.Random, request: Request) -> Request:
    target = request.target
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(0, len(target))
        target = target[:at] + chance.choice(PIECES.split("|")) + target[at + chance.randint(0, 3) :]
    method = chance.choice(["GET", "POST", "PUT", "PATCH", "DELETE", *[request.method] * 4])
    body = chance.choice(BODIES)
    return msgspec.structs.replace(
        request, method=method, target=target, body=request.body if body is None else body or None
    )


def allowed() -> list[Request]:
    """What the judge would send of the corpus, and of it bent, about things that this cluster has."""
    chance = random.Random(SEED)
    cases = [case.request for case in request_cases("kubernetes")]
    for one, other in NAMES.items():
        cases = [msgspec.structs.replace(each, target=each.target.replace(one, other)) for each in cases]
    asked = [*cases, *(bent(chance, chance.choice(cases)) for _ in range(BENT))]
    found = [judged.request for each in asked if (judged := judge(each, CONTEXT)).request is not None]
    unique = {(each.method, each.target, each.body): each for each in found if not each.every("upgrade")}
    writing = [each for each in unique.values() if each.method not in ("GET", "HEAD")]
    reading = [each for each in unique.values() if each.method in ("GET", "HEAD")]
    return [*writing, *chance.sample(reading, min(SENT, len(reading)))]


def answered(cluster: Cluster, request: Request) -> int:
    """Send a request as the administrator, over a connection of its own; its status."""
    headers = dict(request.headers) | {
        "host": "localhost",
        "authorization": f"Bearer {cluster.tokens['admin']}",
        "connection": "close",
    }
    body = request.body or b""
    if body or request.method not in ("GET", "HEAD"):
        headers["content-length"] = str(len(body))
    lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
    trust = ssl.create_default_context(cafile=str(cluster.ca))
    with (
        socket.create_connection(("localhost", cluster.port), timeout=20) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.sendall("\r\n".join((*lines, "", "")).encode() + body)
        head = b""
        while b"\r\n" not in head and (piece := secured.recv(4096)):
            head += piece
    return int(head.split(b" ", 2)[1])


def test_whatever_is_allowed_changes_nothing_though_its_sender_may_do_everything(cluster: Cluster) -> None:
    before = cluster.state()
    requests = allowed()
    statuses = [answered(cluster, each) for each in requests]
    assert cluster.state() == before
    assert sum(status == 200 for status in statuses) > len(statuses) / 4
    dry = [
        (each, status) for each, status in zip(requests, statuses, strict=True) if "dryRun=All" in each.target
    ]
    assert any(each.method == "DELETE" and status == 200 for each, status in dry)
    assert any(each.method == "PATCH" and status == 200 for each, status in dry)


def test_what_is_not_a_dry_run_would_have_been_seen(cluster: Cluster) -> None:
    before = cluster.state()
    made = Request(
        "POST",
        "/api/v1/namespaces/shop/configmaps",
        (("content-type", "application/json"),),
        b'{"metadata":{"name":"seen"}}',
    )
    assert judge(made, CONTEXT).request is None
    assert answered(cluster, made) == 201
    assert cluster.state() != before
    gone = Request("DELETE", "/api/v1/namespaces/shop/configmaps/seen")
    assert judge(gone, CONTEXT).request is None
    assert answered(cluster, gone) == 200
