"""A cluster behind a real gateway, and the real kubectl that reaches it through there."""

from __future__ import annotations

import http.client
import json
import shlex
import ssl
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster import SHOP_POD
from go_programs import program
from panes import Pane

from gateway.web.shapes.endpoints import EndpointFacts, PutEndpoint, RepositoryFacts, SettingsFacts
from gateway.web.shapes.identity import ClusterToken
from gateway.web.shapes.sessions import ListSessions, SessionFacts, SessionList
from gateway.web.shapes.shape import Nothing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cluster import Cluster
    from live_gateway import LiveGateway


@dataclass(frozen=True)
class Connection:
    """One connection to the gateway's door, on which one request follows the other."""

    made: http.client.HTTPSConnection

    def ask(
        self, target: str, headers: Mapping[str, str], *, method: str = "GET", body: bytes | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Send a request; the answer's status, headers in lower case, and body."""
        self.made.request(method, target, body=body, headers=dict(headers))
        with self.made.getresponse() as answer:
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read()


@dataclass
class LiveKube:
    """A gateway with one cluster behind it.

    Attributes:
        gateway: the process.
        cluster: production.
        folder: kubeconfigs of the people.
        endpoint: the cluster's name.
        tokens: login name → token for clusters.
    """

    gateway: LiveGateway
    cluster: Cluster
    folder: Path
    endpoint: str = "prod-k8s"
    tokens: dict[str, str] = field(default_factory=dict)

    def register(
        self,
        *,
        name: str = "",
        identity: str = "reader",
        dry_runs: bool = True,
        labels: Mapping[str, str] | None = None,
        settings: SettingsFacts | None = None,
        repository: Path | None = None,
    ) -> None:
        """Register the cluster, read by one of its identities."""
        secret: dict[str, Any] = {"token": self.cluster.tokens[identity]}
        if dry_runs:
            secret["dry_runs"] = {"token": self.cluster.tokens["dry-run"]}
        question = PutEndpoint(
            name=name or self.endpoint,
            kind="kubernetes",
            labels=dict(labels or {"team": "shop"}),
            host="localhost",
            port=self.cluster.port,
            password=json.dumps(secret),
            ca=self.cluster.ca.read_text(),
            repository=RepositoryFacts(url=str(repository)) if repository else None,
            settings=settings or SettingsFacts(),
        )
        self.gateway.client("admin").call("PUT /v1/endpoints/{name}", question, EndpointFacts)

    def token(self, person: str = "engineer") -> str:
        if person not in self.tokens:
            client = self.gateway.client(person)
            self.tokens[person] = client.call("POST /v1/kubernetes/tokens", Nothing(), ClusterToken).token
        return self.tokens[person]

    def config(self, person: str = "engineer", *, endpoint: str = "", token: str = "") -> Path:
        """Write a kubeconfig that leads through the gateway."""
        server = f"https://localhost:{self.gateway.kubernetes_port}/endpoints/{endpoint or self.endpoint}"
        cluster = {"server": server, "certificate-authority": str(self.gateway.ca)}
        context = {"cluster": "glass", "user": person, "namespace": "shop"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "glass", "cluster": cluster}],
            "users": [{"name": person, "user": {"token": token or self.token(person)}}],
            "contexts": [{"name": "glass", "context": context}],
            "current-context": "glass",
        }
        file = self.folder / f"{person}-{endpoint or self.endpoint}-{abs(hash(token))}.json"
        file.write_text(json.dumps(config))
        file.chmod(0o600)
        return file

    def kubectl(
        self,
        *argv: str,
        config: Path | None = None,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run kubectl through the gateway, to its end."""
        return self.cluster.kubectl(
            *argv, config=config or self.config(), stdin=stdin, environment=environment, check=False
        )

    def text(self, *argv: str) -> str:
        """Run kubectl through the gateway and return what it prints."""
        done = self.kubectl(*argv)
        assert done.returncode == 0, (argv, done.stdout, done.stderr)
        return done.stdout.decode()

    @contextmanager
    def running(self, *argv: str, config: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Kubectl through the gateway, while it runs."""
        process = subprocess.Popen(
            [program("kubectl"), *argv],
            env=self.cluster.client_environment(config or self.config()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection to the gateway's door."""
        trust = ssl.create_default_context(cafile=str(self.gateway.ca))
        made = http.client.HTTPSConnection(
            "localhost", self.gateway.kubernetes_port, timeout=20, context=trust
        )
        try:
            yield Connection(made)
        finally:
            made.close()

    def headers(self, person: str = "engineer", **more: str) -> dict[str, str]:
        given = {name.replace("_", "-"): value for name, value in more.items()}
        return {"Authorization": f"Bearer {self.token(person)}", **given}

    def target(self, path: str) -> str:
        return f"/endpoints/{self.endpoint}{path}"

    def get(self, path: str, person: str = "engineer", **headers: str) -> tuple[int, dict[str, Any]]:
        """Send one GET; its status and JSON answer."""
        with self.connection() as connection:
            code, _, body = connection.ask(self.target(path), self.headers(person, **headers))
            return code, json.loads(body)

    def sessions(self, person: str = "engineer", *, state: str = "") -> list[SessionFacts]:
        question = ListSessions(state=state) if state else ListSessions()
        found = self.gateway.client("reviewer").call("GET /v1/sessions", question, SessionList).sessions
        return [each for each in found if each.identity == person]


@contextmanager
def shell(kube: LiveKube, way: str, name: str, *, config: Path | None = None) -> Iterator[Pane]:
    """A shell in the shop's pod, at a terminal."""
    environment = kube.cluster.client_environment(config or kube.config())
    kept = (f"{key}={shlex.quote(environment[key])}" for key in ("KUBECONFIG", "HOME", "KUBECACHEDIR"))
    kubectl = f"{' '.join(kept)} KUBECTL_REMOTE_COMMAND_WEBSOCKETS={way} {program('kubectl')}"
    with Pane.running(f"{kubectl} exec -it {SHOP_POD} -c app -- sh", name=name) as pane:
        pane.until("~ $")
        yield pane
