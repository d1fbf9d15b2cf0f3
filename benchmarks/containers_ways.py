"""The ways to an engine and a cluster that are compared: direct, by nginx, by Glassgate. TLS in all."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cluster as clusters
import engine as engines
import node
import trustme
from live_gateway import LiveGateway
from servers import Certificates, free_port
from ways import PAGE, TICKS

from gateway.cli.containers import settled
from gateway.web.shapes.endpoints import Connection, EndpointFacts, EndpointName, PutEndpoint
from gateway.web.shapes.identity import ClusterToken
from gateway.web.shapes.shape import Nothing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENGINE, CLUSTER = "bench-docker", "bench-k8s"
READY_SECONDS = 10.0
BIG = "big"
"""Name of the container and of the pod that have much to read: /app/big and a log."""
CHATTY = "chatty"
"""Name of the container that has logged much."""
QUIET = "quiet"
"""Name of the container that has logged a line and logs nothing more."""
LINE = 120
"""Bytes of a line of a long log, its end included."""


@dataclass(frozen=True, slots=True)
class HttpWay:
    """One way to an engine or a cluster.

    Attributes:
        name: direct, nginx or glassgate.
        port: on this machine; TLS.
        trust: of clients, with their certificate where they need one.
        prefix: of every path.
        token: bearer token; empty: none.
        environment: that leads the real client there: docker or kubectl.
        pid: of what stands between; 0: nothing does.
    """

    name: str
    port: int
    trust: ssl.SSLContext
    environment: Mapping[str, str]
    prefix: str = ""
    token: str = ""
    pid: int = 0

    def request(self, path: str) -> bytes:
        """A GET, as it goes over the wire."""
        bearer = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        kind = "Accept: application/json\r\nUser-Agent: bench\r\n"
        return (
            f"GET {self.prefix}{path} HTTP/1.1\r\nHost: localhost:{self.port}\r\n{kind}{bearer}\r\n".encode()
        )

    def cpu(self) -> float:
        """CPU seconds that what stands between has used, in user and kernel mode, all threads."""
        if not self.pid:
            return 0.0
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident(self) -> int:
        """Bytes of memory that what stands between holds."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE


@dataclass(frozen=True, slots=True)
class ContainerWays:
    """All that runs while engines and clusters are measured.

    Attributes:
        docker: the ways to the engine.
        kubernetes: those to the cluster.
        engine: behind the former.
        cluster: behind the latter.
        gateway: its process, for the API.
        size: bytes of what is much to read.
    """

    docker: list[HttpWay]
    kubernetes: list[HttpWay]
    engine: engines.Engine
    cluster: clusters.Cluster
    gateway: LiveGateway
    size: int


@contextmanager
def open_container_ways(folder: Path, *, size: int) -> Iterator[ContainerWays]:
    """Start an engine, a cluster, nginx before both and a gateway; stop them when done.

    Args:
        folder: empty, short, passable by other users.
        size: bytes of what is much to read.
    """
    parts = {name: folder / name for name in ("engine", "cluster", "gateway", "nginx", "client")}
    for part in parts.values():
        part.mkdir(mode=0o755)
    certificates = _certificates(folder)
    with ExitStack() as stack:
        engine = engines.Engine.start(parts["engine"], certificates)
        stack.callback(engine.stop)
        cluster = clusters.Cluster.start(parts["cluster"])
        stack.callback(cluster.stop)
        _fill(engine, cluster, size)
        gateway = LiveGateway.start(parts["gateway"])
        stack.callback(gateway.stop)
        docker, kubernetes = _direct(engine, cluster)
        between = _nginx(parts["nginx"], engine, cluster, certificates)
        if between is not None:
            process, (docker_port, kubernetes_port) = between
            stack.callback(_end, process)
            engine_side = _docker_environment(engine, docker_port)
            server = f"https://localhost:{kubernetes_port}"
            config = cluster.kubeconfig("reader", server=server, ca=certificates.ca)
            trust = ssl.create_default_context(cafile=str(certificates.ca))
            docker.append(HttpWay("nginx", docker_port, docker[0].trust, engine_side, pid=process.pid))
            environment = cluster.client_environment(config)
            token = cluster.tokens["reader"]
            kubernetes.append(
                HttpWay("nginx", kubernetes_port, trust, environment, token=token, pid=process.pid)
            )
        docker.append(_docker_way(gateway, engine, parts["client"]))
        kubernetes.append(_kubernetes_way(gateway, cluster))
        yield ContainerWays(docker, kubernetes, engine, cluster, gateway, size)


def _certificates(folder: Path) -> Certificates:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    made = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key", authority)
    authority.cert_pem.write_to_path(str(made.ca))
    made.chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(made.key))
    made.key.chmod(0o600)
    return made


def _fill(engine: engines.Engine, cluster: clusters.Cluster, size: int) -> None:
    """Give both much to read: random bytes in a container's file, a pod's log."""
    image = f"{BIG}:1"
    engine.import_image(image, {**engines.bare_files(), "app": None, "app/big": os.urandom(size)})
    engine.run(BIG, image, "/sleep", engines.FOREVER)
    # Followers of a log get the answer's head with its first line, and no sooner.
    engine.run(QUIET, engines.SHOP, "sh", "-c", f"echo ready; exec sleep {engines.FOREVER}")
    lines = [f"{number:08} ".ljust(LINE - 1, "x") for number in range(size // LINE)]
    said = "".join(f"{line}\n" for line in lines)
    engine.import_image(f"{CHATTY}:1", {**engines.shop_system(), "said": said})
    engine.run(CHATTY, f"{CHATTY}:1", "cat", "/said")
    engine.text("wait", CHATTY)
    start = "2026-09-01T08:00:00.000000000Z stdout F "
    log = "".join(f"{start}{line}\n" for line in lines)
    container = node.Container(("/sleep", engines.FOREVER), engines.bare_files(), previous=log)
    cluster.run_pod("shop", BIG, {BIG: container})


def _direct(engine: engines.Engine, cluster: clusters.Cluster) -> tuple[list[HttpWay], list[HttpWay]]:
    trust = ssl.create_default_context(cafile=str(engine.ca))
    trust.load_cert_chain(engine.certificate, engine.key)
    docker = HttpWay("direct", engine.port, trust, _docker_environment(engine, engine.port))
    trust = ssl.create_default_context(cafile=str(cluster.ca))
    environment = cluster.client_environment(cluster.kubeconfig("reader"))
    kubernetes = HttpWay("direct", cluster.port, trust, environment, token=cluster.tokens["reader"])
    return [docker], [kubernetes]


def _docker_environment(engine: engines.Engine, port: int) -> dict[str, str]:
    """Lead docker to a port that takes the engine's own clients."""
    shutil.copy(engine.ca, engine.folder / "ca.pem")  # docker wants all three in one folder
    tls = {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(engine.folder)}
    return {**engine.client_environment(f"tcp://localhost:{port}"), **tls}


def _nginx(
    folder: Path, engine: engines.Engine, cluster: clusters.Cluster, certificates: Certificates
) -> tuple[subprocess.Popen[bytes], tuple[int, int]] | None:
    """Start Debian's nginx as for the same purpose: TLS on both sides, nothing held back, one process."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        return None
    ports = free_port(), free_port()
    tls = f"ssl_certificate {certificates.chain}; ssl_certificate_key {certificates.key};"
    (folder / "nginx.conf").write_text(f"""
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    proxy_http_version 1.1;
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_read_timeout 1h;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_of_upgrade;
    map $http_upgrade $connection_of_upgrade {{ default upgrade; "" ""; }}
    upstream engine {{ server unix:{engine.socket}; keepalive 64; keepalive_requests 1000000000; }}
    upstream cluster {{ server 127.0.0.1:{cluster.port}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{ports[0]} ssl;
        {tls}
        ssl_verify_client on;
        ssl_client_certificate {certificates.ca};
        location / {{ proxy_pass http://engine; }}
    }}
    server {{
        listen 127.0.0.1:{ports[1]} ssl;
        {tls}
        location / {{
            proxy_pass https://cluster;
            proxy_ssl_verify on;
            proxy_ssl_name localhost;
            proxy_ssl_trusted_certificate {cluster.ca};
        }}
    }}
}}
""")
    process = subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")])
    return process, ports


def _docker_way(gateway: LiveGateway, engine: engines.Engine, folder: Path) -> HttpWay:
    question = PutEndpoint(
        name=ENGINE, kind="docker", labels={"env": "bench"}, host=str(engine.socket), tls="off"
    )
    gateway.client("admin").call("PUT /v1/endpoints/{name}", question, EndpointFacts)
    gateway.grant(ENGINE, minutes=120)
    client = gateway.client("engineer")
    way = client.call("GET /v1/endpoints/{name}/connection", EndpointName(name=ENGINE), Connection)
    settings, _ = settled(client, way, folder)
    trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    trust.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    assert gateway.process is not None
    environment = {**engine.client_environment(), **settings}
    return HttpWay("glassgate", gateway.docker_port, trust, environment, pid=gateway.process.pid)


def _kubernetes_way(gateway: LiveGateway, cluster: clusters.Cluster) -> HttpWay:
    question = PutEndpoint(
        name=CLUSTER,
        kind="kubernetes",
        labels={"env": "bench"},
        host="localhost",
        port=cluster.port,
        password=cluster.tokens["reader"],
        ca=cluster.ca.read_text(),
    )
    gateway.client("admin").call("PUT /v1/endpoints/{name}", question, EndpointFacts)
    gateway.grant(CLUSTER, minutes=120)
    made = gateway.client("engineer").call("POST /v1/kubernetes/tokens", Nothing(), ClusterToken)
    cluster.tokens["engineer"] = made.token
    prefix = f"/endpoints/{CLUSTER}"
    server = f"https://localhost:{gateway.kubernetes_port}{prefix}"
    environment = cluster.client_environment(cluster.kubeconfig("engineer", server=server, ca=gateway.ca))
    trust = ssl.create_default_context(cafile=str(gateway.ca))
    assert gateway.process is not None
    return HttpWay(
        "glassgate", gateway.kubernetes_port, trust, environment, prefix, made.token, gateway.process.pid
    )


def check(ways: list[HttpWay], path: str) -> None:
    """See that every way answers before anything is measured.

    Args:
        ways: all of one kind.
        path: of what they answer alike.
    """
    for way in ways:
        headers = {"Authorization": f"Bearer {way.token}"} if way.token else {}
        asked = urllib.request.Request(f"https://localhost:{way.port}{way.prefix}{path}", headers=headers)
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                urllib.request.urlopen(asked, timeout=10, context=way.trust).close()
            except urllib.error.HTTPError as refused:
                raise SystemExit(f"{way.name}, {path}: {refused} {refused.read()!r}") from None
            except OSError as error:
                if time.monotonic() > until:
                    raise SystemExit(f"{way.name}, {path}: {error}") from None
                time.sleep(0.1)
            else:
                break


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
