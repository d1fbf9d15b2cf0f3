"""Requests that no client of Kubernetes sends, at a real API server's door: its store stays as it was."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import socket
import ssl
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from cluster import SHOP_POD

from gateway.protocols.kubernetes.websocket import Opcode, frame

if TYPE_CHECKING:
    from live_kube import LiveKube

MAPS = "/api/v1/namespaces/shop/configmaps"
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "smuggled"}, "data": {"a": "b"}}
JSON = json.dumps(MAP).encode()
YAML = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: smuggled\n"
SECRET = {**MAP, "kind": "Secret", "data": {"a": "c2VjcmV0"}}
OPTIONS = {"kind": "DeleteOptions", "apiVersion": "v1"}


def told(body: object) -> bytes:
    return json.dumps(body).encode()


WRITES: list[tuple[str, str, bytes | None, dict[str, str]]] = [
    ("POST", f"{MAPS}?dryRun=all", JSON, {}),
    ("POST", f"{MAPS}?dryrun=All", JSON, {}),
    ("POST", f"{MAPS}?dryRun[]=All", JSON, {}),
    ("POST", f"{MAPS}?dryRun=", JSON, {}),
    ("POST", f"{MAPS}?dryRun=All&dryRun=", JSON, {}),
    ("POST", f"{MAPS}?a=b;dryRun=All", JSON, {}),
    ("POST", f"{MAPS}?dryRun=All;x=y", JSON, {}),
    ("POST", f"{MAPS}?dryRun=All%00", JSON, {}),
    ("POST", f"{MAPS}?x=%26dryRun=All", JSON, {}),
    ("POST", f"{MAPS}?dryRun=All#", JSON, {}),
    ("POST", f"{MAPS}?%64ryRun=All", JSON, {}),
    ("POST", f"{MAPS}?dryRun=All", YAML, {"Content-Type": "application/yaml"}),
    ("POST", f"{MAPS}?dryRun=All", JSON, {"Content-Type": "application/cbor"}),
    ("POST", f"{MAPS}?dryRun=All", JSON, {"Content-Type": "application/json, application/yaml"}),
    (
        "POST",
        f"{MAPS}?dryRun=All",
        b"k8s\x00" + JSON,
        {"Content-Type": "application/vnd.kubernetes.protobuf"},
    ),
    ("POST", f"{MAPS}?dryRun=All", gzip.compress(JSON), {"Content-Encoding": "gzip"}),
    ("POST", f"{MAPS}?dryRun=All", told({"kind": "List", "apiVersion": "v1", "items": [MAP]}), {}),
    ("POST", f"{MAPS}?dryRun=All", told(SECRET), {}),
    ("POST", MAPS, told({**MAP, "dryRun": ["All"]}), {}),
    ("POST", f"{MAPS}/", JSON, {}),
    (
        "POST",
        "/api/v1/namespaces?dryRun=All",
        told({"kind": "Namespace", "metadata": {"name": "smuggled"}}),
        {},
    ),
    ("POST", "/api/v1/namespaces/shop/bindings?dryRun=All", told({"kind": "Binding"}), {}),
    ("POST", f"/api/v1/namespaces/shop/pods/{SHOP_POD}/eviction?dryRun=All", told({"kind": "Eviction"}), {}),
    ("POST", "/api/v1/namespaces/shop/serviceaccounts/default/token?dryRun=All", told({"spec": {}}), {}),
    ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", told({"spec": {"token": "x"}}), {}),
    (
        "PATCH",
        f"{MAPS}/shop-settings?dryRun=All&fieldManager=x",
        YAML,
        {"Content-Type": "application/apply-patch+yaml"},
    ),
    (
        "PATCH",
        f"{MAPS}/shop-settings",
        told({"data": {"a": "x"}}),
        {"Content-Type": "application/merge-patch+json"},
    ),
    (
        "PATCH",
        f"{MAPS}/shop-settings?dryRun=All&dryRun=All",
        told({"data": {}}),
        {"Content-Type": "application/merge-patch+json"},
    ),
    (
        "PUT",
        "/api/v1/namespaces/shop/finalize?dryRun=All",
        told({"kind": "Namespace", "metadata": {"name": "shop"}}),
        {},
    ),
    ("PUT", f"/api/v1/namespaces/shop/pods/{SHOP_POD}/status?dryRun=All", told({"kind": "Pod"}), {}),
    ("DELETE", f"/api/v1/namespaces/shop/pods/{SHOP_POD}?dryRun=All", told(OPTIONS), {}),
    (
        "DELETE",
        f"/api/v1/namespaces/shop/pods/{SHOP_POD}?dryRun=All",
        told({**OPTIONS, "dryrun": ["All"]}),
        {},
    ),
    ("DELETE", f"/api/v1/namespaces/shop/pods/{SHOP_POD}", told({**OPTIONS, "dryRun": ["all"]}), {}),
    (
        "DELETE",
        f"/api/v1/namespaces/shop/pods/{SHOP_POD}",
        told({**OPTIONS, "dryRun": ["All"], "dryRun ": []}),
        {},
    ),
    (
        "DELETE",
        f"/api/v1/namespaces/shop/pods/{SHOP_POD}?dryRun=All",
        b"kind: DeleteOptions\ndryRun: []",
        {"Content-Type": "application/yaml"},
    ),
    ("DELETE", f"/api/v1/namespaces/shop/pods/{SHOP_POD}", b'{"dryRun":["All"],"dryRun":[]}', {}),
    ("DELETE", f"{MAPS}?dryRun=All", None, {}),
    (
        "DELETE",
        f"/api/v1/namespaces/shop/pods/{SHOP_POD}?dryRun=All",
        None,
        {"Content-Type": "application/yaml"},
    ),
    ("DELETE", "/api/v1/watch/namespaces/shop/pods/web?dryRun=All", None, {}),
    ("GET", f"/api/v1/namespaces/shop/pods/{SHOP_POD}", None, {"X-HTTP-Method-Override": "DELETE"}),
    ("GET", f"/api/v1/namespaces/shop/pods/{SHOP_POD}?_method=DELETE", None, {}),
    ("DELETE", "/apis/apps/v1/namespaces/shop/deployments/shop/scale?dryRun=All", None, {}),
    ("POST", "/apis/shop.example.com/v1/namespaces/shop/orders?dryRun=All", told({"kind": "Order"}), {}),
    ("GET", f"/api/v1/namespaces/shop/pods/{SHOP_POD}/exec?command=touch&command=/app/x&stdout=1", None, {}),
    (
        "POST",
        f"/api/v1/namespaces/shop/pods/{SHOP_POD}/exec?command=sh&command=-c&command=touch+/app/x&stdout=1",
        b"",
        {},
    ),
    ("GET", f"/api/v1/namespaces/shop/pods/{SHOP_POD}/exec?command=ls;command=touch&stdout=1", None, {}),
    (
        "GET",
        f"/api/v1/namespaces/shop/pods/{SHOP_POD}/exec?Command=touch&command=ls&container=app&container=proxy",
        None,
        {},
    ),
    ("GET", f"/api/v1/namespaces/shop/pods/{SHOP_POD}/exec?command=&stdout=1", None, {}),
    ("GET", f"/api/v1/namespaces/shop/pods/{SHOP_POD}/attach?stdin=1", None, {}),
    ("GET", "/api/v1/namespaces/shop/services/web:8080/proxy/", None, {}),
    ("CONNECT", "/api/v1/nodes/node-1/proxy/run/shop", None, {}),
]


def asked(
    kube: LiveKube, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, bytes]:
    given = kube.headers() | ({"Content-Type": "application/json"} if body else {}) | headers
    with kube.connection() as connection:
        status, _, answer = connection.ask(kube.target(path), given, method=method, body=body)
    return status, answer


def test_no_request_that_no_client_sends_writes_anything(kube: LiveKube) -> None:
    asked(kube, "GET", "/version", None, {})
    before = kube.cluster.state()
    for method, path, body, headers in WRITES:
        status, answer = asked(kube, method, path, body, headers)
        assert status in (200, 201, 400, 403), (status, method, path, answer)
        assert kube.cluster.state() == before, (method, path)


FORMS = [
    "application/json",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/vnd.kubernetes.protobuf;q=0.1",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf, */*",
    "application/vnd.kubernetes.protobuf;q=1, application/json;q=0.1",
    "application/yaml, application/json",
    "application/yaml",
    "application/cbor, application/json",
    "application/json;stream=watch",
    "APPLICATION/VND.KUBERNETES.PROTOBUF",
    "application/json;AS=Table;V=v1;G=meta.k8s.io",
    "text/plain, */*;q=0.5",
    "application/json;as=Table;v=v1;g=meta.k8s.io;as=PartialObjectMetadata",
    "*/*",
]
PATHS = [
    "/api/v1/namespaces/shop/secrets",
    "/api/v1/secrets",
    "/api/v1/namespaces/shop/secrets/told",
    "/api/v1/namespaces/shop/secrets?includeObject=Object",
    "/api/v1/secrets?limit=1",
    "/api/v1/secrets?pretty=true",
    "/api/v1/namespaces/shop/secrets/told?watch=true&timeoutSeconds=1",
    "/api/v1/namespaces/shop/secrets?watch=true&timeoutSeconds=1&includeObject=Object",
    "/api/v1/namespaces/shop/secrets?watch&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
    "/api/v1/watch/secrets?timeoutSeconds=1",
    "/api/v1/watch/namespaces/shop/secrets/told?timeoutSeconds=1",
    "/api/v1/namespaces/shop/secrets/",
    "/api/v1/namespaces/shop/secrets/told/status",
    "/api/v1/namespaces/shop/%73ecrets/told",
    "/api/v1/namespaces/shop/Secrets/told",
    "/api/v1/namespaces/shop/secrets?fieldSelector=metadata.name%3Dtold&watch=1&timeoutSeconds=1",
    "/api/v1/namespaces/secrets/secrets",
    "/api/v1/namespaces/shop/configmaps/../secrets/told",
    "/endpoints/prod-k8s/api/v1/namespaces/shop/secrets",
]


def shown(kube: LiveKube, path: str, accept: str) -> tuple[int, bytes]:
    """Ask for something in a form; what is shown, unpacked."""
    target = path if path.startswith("/endpoints/") else kube.target(path)
    with kube.connection() as connection:
        given = kube.headers(Accept=accept, Accept_Encoding="gzip")
        status, headers, body = connection.ask(target, given)
    return status, gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


def test_no_form_and_no_path_shows_what_a_secret_holds(kube: LiveKube) -> None:
    word = "hunter2-that-nobody-sees"
    coded = base64.b64encode(word.encode()).decode()
    manifest: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "told", "namespace": "shop", "annotations": {"note": word}},
        "stringData": {"key": word},
    }
    kube.cluster.kubectl("apply", "-f", "-", stdin=told(manifest))
    try:
        seen = Counter[str]()
        with ThreadPoolExecutor(16) as pool:
            asked_for = [(path, accept) for accept in FORMS for path in PATHS]
            for status, body in pool.map(lambda each: shown(kube, *each), asked_for):
                seen[str(status)] += 1
                assert word.encode() not in body
                assert coded.encode() not in body
        assert seen["200"] > len(FORMS) * 8, seen
    finally:
        kube.cluster.kubectl("delete", "secret", "-n", "shop", "told")


def spoken(kube: LiveKube, query: str, *frames: bytes) -> bytes:
    """Open an exec by WebSocket, send frames behind its request; everything that comes back."""
    path = kube.target(f"/api/v1/namespaces/shop/pods/{SHOP_POD}/exec?container=app&{query}")
    head = (
        f"GET {path} HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer {kube.token()}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
    )
    trust = ssl.create_default_context(cafile=str(kube.gateway.ca))
    found = b""
    with (
        socket.create_connection(("localhost", kube.gateway.kubernetes_port), timeout=5) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        wrapped.sendall(head.encode() + b"".join(frames))
        with contextlib.suppress(OSError):
            while data := wrapped.recv(1 << 16):
                found += data
    return found


def typed(data: bytes, channel: int = 0) -> bytes:
    return frame(Opcode.BINARY, bytes((channel,)) + data, masked=True)


BROKEN = {
    "unmasked": frame(Opcode.BINARY, b"\0x", masked=False),
    "reserved bits": b"\xf2\x81\0\0\0\0x",
    "unknown opcode": b"\x83\x81\0\0\0\0x",
    "a message without an end": b"\x82\xff" + (1 << 62).to_bytes(8, "big"),
    "a control frame in pieces": b"\x09\x80\0\0\0\0",
    "going on with nothing": b"\x80\x81\0\0\0\0x",
    "a request": b"DELETE /api/v1/namespaces/shop/pods/web HTTP/1.1\r\nHost: x\r\n\r\n",
}


def test_no_frame_of_a_client_s_own_does_more_than_was_asked(kube: LiveKube) -> None:
    before = kube.cluster.state()
    silent = spoken(kube, "command=cat&stdout=true", typed(b"typed-unasked\n"), typed(b"\0", 255))
    assert b"101 Switching" in silent
    assert b"typed-unasked" not in silent
    asked = spoken(kube, "command=cat&stdin=true&stdout=true", typed(b"typed-asked\n"), typed(b"\0", 255))
    assert b"typed-asked" in asked
    for others in (1, 2, 3, 5, 200):
        echoed = spoken(kube, "command=cat&stdin=true&stdout=true", typed(b"w", others), typed(b"\0", 255))
        assert b'"Success"' in echoed
    for name, sent in BROKEN.items():
        assert b"root:" not in spoken(
            kube, "command=tail&command=-f&command=/app/shop.log&stdin=true", sent
        ), name
    assert kube.cluster.state() == before
