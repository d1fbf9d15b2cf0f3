"""A real Kubernetes cluster of one node, as an endpoint of production; for tests that talk to one.

API server and kubectl are Kubernetes's own, built from published modules (go_programs.py), over Debian's
etcd. The node's kubelet is the stub in live/kube/kubelet: logs, exec, attach and port-forward speak the real
protocols, and a pod's programs run in namespaces of their own. No controller runs: pods are what we make.

What stands in it is written in live/kube/objects/, with the identities an operator gives the gateway. Pods of
namespace ``shop``: ``shop-…`` (container ``app`` with files, ``proxy`` beside it), ``ticker`` (logs a line a
second, and has logs of an earlier run), ``bare`` (no shell) and ``web`` (answers HTTP on port 8080).
"""

from __future__ import annotations

import base64
import functools
import json
import os
import shutil
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import node
import trustme
from engine import (
    BUSYBOX,
    CAP_SYS_ADMIN,
    FOREVER,
    LOG,
    SETTINGS,
    bare_files,
    capabilities,
    shop_system,
)
from go_programs import MODULES, program
from releases import Missing
from servers import free_port

from gateway.store import postmaster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ETCD = Path("/usr/bin/etcd")
OBJECTS = MODULES / "kube" / "objects"
PROGRAMS = ("kube-apiserver", "kubelet", "kubectl")
READY_SECONDS = 60.0
SHOP_POD = "shop-6d4cf56db6-x2x8q"
PREVIOUS = "".join(f"2026-09-01T08:00:0{second}.000000000Z stdout F before {second}\n" for second in range(3))
_TICKING = 'n=0; while :; do n=$((n+1)); echo "tick $n"; echo "behind $n" >&2; sleep 1; done'
_PAGE = "<h1>The shop</h1>\n"


def why_missing() -> str:
    """Why no cluster can run here; empty where one can, once its programs are built."""
    for each, package in ((ETCD, "etcd-server"), (BUSYBOX, "busybox")):
        if not each.exists():
            return f"{each.name} is not installed (apt install {package})"
    if not capabilities() & CAP_SYS_ADMIN:
        return "the kubelet needs a root that may make namespaces"
    try:
        for name in PROGRAMS:
            program(name)
    except Missing as missing:
        return str(missing)
    return ""


@dataclass(slots=True)
class Cluster:
    """A running cluster; made by ``start``, ended by ``stop``.

    Attributes:
        folder: of everything it has.
        port: of the API server.
        etcd_port: of its store, for anybody on this machine.
        kubelet_port: of the node's kubelet.
        ca: PEM file of the authority of the API server's certificate.
        tokens: bearer tokens: ``admin`` may do all, ``reader`` reads and executes in pods, ``dry-run`` writes
            in dry runs only, ``nobody`` has no rights.
        processes: etcd, API server and kubelet.
    """

    folder: Path
    port: int = 0
    etcd_port: int = 0
    kubelet_port: int = 0
    ca: Path = field(default_factory=Path)
    tokens: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def start(cls, folder: Path) -> Cluster:
        """Start a cluster with its identities, objects and pods.

        Args:
            folder: empty.
        """
        made = cls(folder, free_port(), free_port(), free_port(), folder / "ca.pem")
        made.tokens = {"admin": "admin-token-of-the-tests", "nobody": "nobody-token-of-the-tests"}
        try:
            made._certify()
            made._launch()
            made.kubectl("create", "-f", str(OBJECTS / "identities.yaml"))
            made._add_node()
            made._fill()
            for name in ("reader", "dry-run"):
                made.tokens[name] = made.token_of("glassgate", name)
            made._await_policy()
        except BaseException:
            made.stop()
            raise
        return made

    @property
    def url(self) -> str:
        """Of the API server."""
        return f"https://localhost:{self.port}"

    def api(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        identity: str = "admin",
        content_type: str = "application/json",
    ) -> tuple[int, dict[str, Any]]:
        """Send one request straight to the API server; its status and JSON answer.

        Args:
            method: of HTTP.
            target: path and query.
            body: to be sent as JSON; None: none.
            identity: whose token.
            content_type: of the body.
        """
        headers = {"Authorization": f"Bearer {self.tokens[identity]}", "Content-Type": content_type}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + target, data, headers, method=method)
        trust = ssl.create_default_context(cafile=str(self.ca))
        try:
            with urllib.request.urlopen(request, timeout=30, context=trust) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read())

    def must(self, method: str, target: str, body: object = None, **kwargs: str) -> dict[str, Any]:
        """Do as ``api`` does, and assert that it succeeds."""
        status, answer = self.api(method, target, body, **kwargs)
        assert 200 <= status < 300, (method, target, status, answer)
        return answer

    def kubeconfig(self, identity: str = "admin", *, server: str = "", ca: Path | None = None) -> Path:
        """Write a kubeconfig for kubectl and its like.

        Args:
            identity: whose token.
            server: URL; empty: the API server itself.
            ca: PEM file of the server's authority; None: the API server's.
        """
        cluster = {"server": server or self.url, "certificate-authority": str(ca or self.ca)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "production", "cluster": cluster}],
            "users": [{"name": identity, "user": {"token": self.tokens[identity]}}],
            "contexts": [
                {
                    "name": "production",
                    "context": {"cluster": "production", "user": identity, "namespace": "shop"},
                }
            ],
            "current-context": "production",
        }
        file = self.folder / f"kubeconfig-{identity}-{abs(hash(server))}.json"
        file.write_text(json.dumps(config))
        file.chmod(0o600)
        return file

    def kubectl(
        self,
        *argv: str,
        config: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        check: bool = True,
        timeout: float = 60.0,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run kubectl, which knows nothing of this machine's own configuration.

        Args:
            argv: what follows ``kubectl``.
            config: kubeconfig; None: the administrator's, straight to the API server.
            environment: variables beside those that ``client_environment`` gives.
            stdin: its input.
            check: assert that it succeeds.
            timeout: in seconds.
        """
        done = subprocess.run(
            [program("kubectl"), *argv],
            env={**self.client_environment(config or self.kubeconfig()), **(environment or {})},
            input=stdin,
            capture_output=True,
            check=False,
            timeout=timeout,
        )
        assert not check or done.returncode == 0, (argv, done.stdout, done.stderr)
        return done

    def client_environment(self, config: Path) -> dict[str, str]:
        """Give the whole environment of kubectl, helm and their like.

        Args:
            config: kubeconfig.
        """
        place = {
            "KUBECONFIG": str(config),
            "HOME": str(self.folder),
            "KUBECACHEDIR": str(self.folder / "cache"),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KUBE")}
        return {**kept, **place, "PATH": f"{program('kubectl').parent}:{kept.get('PATH', '')}"}

    def text(self, *argv: str) -> str:
        """Run kubectl straight against the API server as its administrator and return what it prints."""
        return self.kubectl(*argv).stdout.decode().strip()

    def token_of(self, namespace: str, account: str) -> str:
        """Ask for a service account's token, good for a day."""
        target = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        answer = self.must("POST", target, {"spec": {"expirationSeconds": 86400}})
        return str(answer["status"]["token"])

    def state(self) -> dict[str, int]:
        """Every key of the store with the revision of its last write, but for the API server's own leases.

        Two equal values mean that nothing was written in between, whatever it was.
        """
        body = {"key": _etcd("/"), "range_end": _etcd("0"), "keys_only": True}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.etcd_port}/v3/kv/range", json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            pairs = json.loads(answer.read())["kvs"]
        keys = {base64.b64decode(pair["key"]).decode(): int(pair["mod_revision"]) for pair in pairs}
        own = ("/registry/masterleases/", "/registry/leases/kube-system/")
        return {key: revision for key, revision in keys.items() if not key.startswith(own)}

    def run_pod(
        self,
        namespace: str,
        name: str,
        containers: Mapping[str, node.Container],
        *,
        labels: Mapping[str, str] | None = None,
        owner: Mapping[str, object] | None = None,
    ) -> None:
        """Make a pod on the node, start its programs, and tell the API server that it runs.

        Args:
            namespace: that exists.
            name: of the pod.
            containers: by name.
            labels: of the pod.
            owner: its owner reference.
        """
        for each, container in containers.items():
            place = self._pods / namespace / name / each
            node.start(place, container)
            self._wait(f"{place} did not start", functools.partial(node.runs, place))
        pods = f"/api/v1/namespaces/{namespace}/pods"
        described = node.pod(name, containers, labels=labels or {}, owner=owner)
        self.must("POST", pods, described)
        self._patch_status(f"{pods}/{name}", node.running(containers, f"{namespace}/{name}"))

    def root_of(self, pod: str, container: str, namespace: str = "shop") -> Path:
        """The folder that is a container's root, as this machine sees it."""
        return self._pods / namespace / pod / container / "rootfs"

    def stop(self) -> None:
        """End everything, and leave no mount and no file of it."""
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _pods(self) -> Path:
        return self.folder / "pods"

    def _certify(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca))
        for name in ("server", "kubelet", "client"):
            issued = authority.issue_cert("localhost", "127.0.0.1", common_name=f"{name} of the tests")
            (self.folder / f"{name}.pem").write_bytes(
                b"".join(blob.bytes() for blob in issued.cert_chain_pems)
            )
            issued.private_key_pem.write_to_path(str(self.folder / f"{name}.key"))
        # The key that signs service accounts' tokens may be any other one.
        trustme.CA().issue_cert("signer").private_key_pem.write_to_path(str(self.folder / "signer.key"))

    def _launch(self) -> None:
        store, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{free_port()}"
        self._spawn(
            ETCD,
            *("--data-dir", self.folder / "etcd", "--logger=zap", "--log-level=warn"),
            *("--listen-client-urls", store, "--advertise-client-urls", store),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"default={peer}"),
        )
        tokens = f'{self.tokens["admin"]},admin,1,"system:masters"\n{self.tokens["nobody"]},nobody,2\n'
        (self.folder / "tokens.csv").write_text(tokens)
        self._spawn(
            program("kube-apiserver"),
            *("--etcd-servers", store, "--bind-address=127.0.0.1", "--secure-port", str(self.port)),
            *(
                "--tls-cert-file",
                self._file("server.pem"),
                "--tls-private-key-file",
                self._file("server.key"),
            ),
            *("--cert-dir", self.folder, "--token-auth-file", self._file("tokens.csv")),
            *("--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount"),
            *("--service-account-issuer=https://localhost", "--service-cluster-ip-range=10.0.0.0/24"),
            *("--service-account-key-file", self._file("signer.key")),
            *("--service-account-signing-key-file", self._file("signer.key")),
            *("--kubelet-client-certificate", self._file("client.pem")),
            *("--kubelet-client-key", self._file("client.key"), "--kubelet-certificate-authority", self.ca),
            *("--kubelet-preferred-address-types=InternalIP", "--endpoint-reconciler-type=none"),
        )
        self._pods.mkdir()
        self._spawn(
            program("kubelet"),
            *("--listen", f"127.0.0.1:{self.kubelet_port}", "--pods", self._pods, "--client-ca", self.ca),
            *("--cert", self._file("kubelet.pem"), "--key", self._file("kubelet.key")),
        )
        self._wait(
            "the API server did not start", lambda: self.api("GET", "/api/v1/namespaces/default")[0] == 200
        )

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _spawn(self, *command: str | Path) -> None:
        with (self.folder / f"{Path(command[0]).name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=postmaster.die_with_parent(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - as there
            )
        self.processes.append(process)

    def _wait(self, otherwise: str, done: Callable[[], bool]) -> None:
        until = time.monotonic() + READY_SECONDS
        while True:
            with suppress(OSError, ValueError):
                if done():
                    return
            ended = [each.args for each in self.processes if each.poll() is not None]
            logs = {file.name: file.read_text()[-2000:] for file in self.folder.glob("*.log")}
            assert not ended, (ended, logs)
            assert time.monotonic() < until, (otherwise, logs)
            time.sleep(0.05)

    def _add_node(self) -> None:
        self.must(
            "POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.NAME}}
        )
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = {"type": "Ready", "status": "True", "lastHeartbeatTime": now, "lastTransitionTime": now}
        self._patch_status(
            f"/api/v1/nodes/{node.NAME}",
            {
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": self.kubelet_port}},
                "conditions": [{**condition, "reason": "KubeletReady", "message": "ready"}],
                "capacity": {"cpu": "2", "memory": "8Gi", "pods": "110"},
            },
        )

    def _await_policy(self) -> None:
        """Wait until the API server heeds the policy that binds an identity to dry runs."""
        settings = "/api/v1/namespaces/shop/configmaps"
        probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}}

        def heeded() -> bool:
            if self.api("POST", settings, probe, identity="dry-run")[0] == 403:
                return True
            self.api("DELETE", f"{settings}/probe")
            return False

        self._wait("the policy is not heeded", heeded)

    def _fill(self) -> None:
        orders = "/apis/shop.example.com/v1/namespaces/shop/orders"
        self._wait("the kind of the shop's own is not served", lambda: self.api("GET", orders)[0] == 200)
        self.kubectl("create", "-f", str(OBJECTS / "shop.yaml"))
        system = shop_system()
        shop = {**system, "app": None, "app/settings.toml": SETTINGS, "app/shop.log": LOG}
        owner = self._roll_out()
        self.run_pod(
            "shop",
            SHOP_POD,
            {
                "app": node.Container(("sleep", FOREVER), shop, {"SHOP_PASSWORD": "hunter2-of-the-shop"}),
                "proxy": node.Container(("sleep", FOREVER), system),
            },
            labels={"app": "shop"},
            owner=owner,
        )
        self.run_pod(
            "shop", "ticker", {"ticker": node.Container(("sh", "-c", _TICKING), system, previous=PREVIOUS)}
        )
        self.run_pod("shop", "bare", {"bare": node.Container(("/sleep", FOREVER), bare_files())})
        pages = {**system, "www": None, "www/index.html": _PAGE}
        self.run_pod(
            "shop",
            "web",
            {"web": node.Container(("httpd", "-f", "-p", "127.0.0.1:8080", "-h", "/www"), pages)},
        )

    def _roll_out(self) -> dict[str, object]:
        """Do for the shop's Deployment what its controller would; the owner reference of its pods."""
        deployments = "/apis/apps/v1/namespaces/shop/deployments/shop"
        deployment = self.must("GET", deployments)
        template = deployment["spec"]["template"]
        name, labels = SHOP_POD.rsplit("-", 1)[0], {"app": "shop"}
        replica_set = self.must(
            "POST",
            "/apis/apps/v1/namespaces/shop/replicasets",
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {"name": name, "labels": labels, "ownerReferences": [_owner(deployment)]},
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
            },
        )
        counts = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
        self._patch_status(f"/apis/apps/v1/namespaces/shop/replicasets/{name}", counts)
        self._patch_status(deployments, {**counts, "updatedReplicas": 1})
        return _owner(replica_set)

    def _patch_status(self, target: str, status: dict[str, Any]) -> None:
        kind = "application/merge-patch+json"
        self.must("PATCH", f"{target}/status", {"status": status}, content_type=kind)


def _owner(described: Mapping[str, Any]) -> dict[str, object]:
    kept = {key: described[key] for key in ("apiVersion", "kind")}
    metadata = described["metadata"]
    return {**kept, "name": metadata["name"], "uid": metadata["uid"], "controller": True}


def _etcd(key: str) -> str:
    return base64.b64encode(key.encode()).decode()
