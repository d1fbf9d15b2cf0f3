"""From a refused write of a cluster's object to its manifest: real git repositories, the real store."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from changes.shop import bare_repository, git, orders_db, unit

from gateway.changes.cluster.prepare import UNTRIED_NOTE
from gateway.changes.host.prepare import REPLACED_NOTE
from gateway.domain.change import ChangeKind, ChangeState, ClusterCapture
from gateway.domain.cluster import ObjectVerb, ObjectWrite, PatchKind
from gateway.domain.endpoint import EndpointKind, Repository
from gateway.domain.errors import UpstreamUnavailable
from gateway.store import endpoints

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.changes.flow import Changes, SessionFacts, Shown
    from gateway.domain.endpoint import Endpoint
    from gateway.domain.identity import Identity

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # the shop's pages
  namespace: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1.25 # see the release notes
        env:
        - name: MODE
          value: fast
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
  - port: 80
"""
FILES = {
    "deploy/shop/web.yaml": f"# pages of the shop\n---\n{WEB}---\n{SERVICE}",
    "deploy/other/web.yaml": WEB.replace("namespace: shop", "namespace: other"),
    "charts/web/templates/web.yaml": "kind: Deployment\nmetadata:\n  name: {{ .Release.Name }} # web\n",
    "README.md": "kind: Deployment, name: web",
}
LIVE: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "1",
        "resourceVersion": "7",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"deployment.kubernetes.io/revision": "3"},
    },
    "spec": {
        "replicas": 2,
        "progressDeadlineSeconds": 600,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"creationTimestamp": None, "labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "registry.example.com/web:1.25",
                        "imagePullPolicy": "IfNotPresent",
                        "env": [{"name": "MODE", "value": "fast"}],
                        "resources": {},
                    }
                ],
                "restartPolicy": "Always",
            },
        },
    },
    "status": {"replicas": 2},
}
_batches = itertools.count(1)


@dataclass
class Cluster:
    """A cluster's objects by name; it tries a write by what it was told beforehand."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    tried: dict[str, Any] | None = None
    refuses: str = ""

    async def object(self, write: ObjectWrite) -> bytes | None:
        found = self.objects.get(write.what)
        return None if found is None else json.dumps(found).encode()

    async def dry_run(self, write: ObjectWrite) -> bytes | None:
        if self.refuses:
            raise UpstreamUnavailable(self.refuses)
        return None if self.tried is None else json.dumps(self.tried).encode()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster({"deployments.apps/web": LIVE, "services/web": {"kind": "Service", "apiVersion": "v1"}})


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    return bare_repository(tmp_path / "deploy.git", FILES)


async def registered(changes: Changes, repository: Repository) -> Endpoint:
    """The cluster as the store holds it."""
    where = replace(orders_db(""), name="prod-k8s", kind=EndpointKind.KUBERNETES, repository=repository)
    registration = endpoints.Registration(
        name=where.name,
        kind=where.kind,
        labels={},
        host="k8s",
        port=6443,
        username="",
        tls="verify-full",
        ca="",
        repository=repository,
        settings=where.settings,
    )
    async with changes._store.transaction() as conn:
        return await endpoints.put_endpoint(conn, registration, b"sealed")


@pytest.fixture
async def at_cluster(facts: SessionFacts, changes: Changes, manifests: Path) -> SessionFacts:
    repository = Repository(url=str(manifests), paths={"/shop/**": "deploy/shop/**"})
    return replace(facts, endpoint=await registered(changes, repository))


def write(verb: ObjectVerb, body: object = None, **more: Any) -> ObjectWrite:
    sent = None if body is None else json.dumps(body).encode()
    return replace(
        ObjectWrite(verb, "apps", "v1", "deployments", namespace="shop", name="web", body=sent), **more
    )


async def told(
    changes: Changes,
    facts: SessionFacts,
    cluster: Cluster,
    *writes: ObjectWrite,
    text: str = "PATCH /x\n{}",
    title: str = "patch deployments.apps/web in shop",
) -> Shown:
    batch = next(_batches)
    captured = ClusterCapture(text, title, ChangeKind.EDIT, batch, writes)
    filed = await changes.file(facts, captured, unit(batch), cluster, rule="kubernetes.patch")
    return await changes.show(filed.change)


def changed_lines(shown: Shown) -> list[str]:
    return [
        line
        for line in shown.diff.splitlines()
        if line[:1] in ("+", "-") and not line.startswith(("+++", "---"))
    ]


async def test_what_the_server_tried_lands_in_the_manifest_and_nothing_else(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    tried = json.loads(json.dumps(LIVE))
    tried["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/web:1.26"
    tried["metadata"]["generation"] = 4
    cluster.tried = tried
    body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "…"}]}}}}
    shown = await told(changes, at_cluster, cluster, write(ObjectVerb.PATCH, body, patch=PatchKind.STRATEGIC))
    assert [file.path for file in shown.change.files] == ["deploy/shop/web.yaml"]
    assert changed_lines(shown) == [
        "-        image: registry.example.com/web:1.25 # see the release notes",
        "+        image: registry.example.com/web:1.26 # see the release notes",
    ]
    assert shown.notes == ()


async def test_without_dry_runs_it_is_computed_and_says_so(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    body = {
        "spec": {
            "template": {"spec": {"containers": [{"name": "web", "env": [{"name": "A", "value": "1"}]}]}}
        }
    }
    shown = await told(changes, at_cluster, cluster, write(ObjectVerb.PATCH, body, patch=PatchKind.STRATEGIC))
    assert changed_lines(shown) == ["+        - name: A", '+          value: "1"']
    assert shown.notes == (UNTRIED_NOTE,)


async def test_a_scaled_deployment_is_its_replicas(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    asked = write(ObjectVerb.PATCH, {"spec": {"replicas": 5}}, subresource="scale", patch=PatchKind.MERGE)
    shown = await told(changes, at_cluster, cluster, asked)
    assert changed_lines(shown) == ["-  replicas: 2", "+  replicas: 5"]
    assert shown.notes == ()


async def test_it_is_submitted_as_a_commit(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster, eve: Identity, manifests: Path
) -> None:
    asked = write(ObjectVerb.UPDATE, {"spec": {"replicas": 5}}, subresource="scale")
    shown = await told(changes, at_cluster, cluster, asked)
    change = await changes.submit(eve, shown.change.id, "more customers")
    assert change.state is ChangeState.SUBMITTED
    text = git("show", f"{change.commit}:deploy/shop/web.yaml", cwd=manifests)
    assert text == FILES["deploy/shop/web.yaml"].replace("replicas: 2", "replicas: 5")
    entry = git("ls-tree", change.commit, "deploy/shop/web.yaml", cwd=manifests)
    assert entry.startswith("100644 blob ")


async def test_a_deleted_object_leaves_its_document(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    gone = write(ObjectVerb.DELETE, group="", resource="services")
    cluster.objects["services/web"] |= {"metadata": {"name": "web"}}
    shown = await told(changes, at_cluster, cluster, gone)
    (file,) = shown.change.files
    assert (file.new or b"").decode() == f"# pages of the shop\n---\n{WEB}"


async def test_a_file_without_documents_is_removed(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    other = replace(write(ObjectVerb.DELETE), namespace="other")
    facts = replace(at_cluster)
    shown = await told(changes, facts, cluster, other)
    assert [(file.path, file.new) for file in shown.change.files] == [("deploy/other/web.yaml", None)]


async def test_a_new_object_gets_a_manifest(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    body = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "settings", "creationTimestamp": None},
        "data": {"LEVEL": "on", "text": "a\nb\n"},
    }
    made = write(ObjectVerb.CREATE, body, group="", resource="configmaps", name="settings", kind="ConfigMap")
    shown = await told(changes, at_cluster, cluster, made)
    (file,) = shown.change.files
    assert file.path == "deploy/shop/configmap-settings.yaml"
    assert (file.new or b"").decode() == (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n"
        'data:\n  LEVEL: "on"\n  text: |\n    a\n    b\n'
    )
    unmapped = await told(changes, at_cluster, cluster, replace(made, namespace="billing"))
    assert unmapped.change.files[0].path == "manifests/billing/configmap-settings.yaml"
    assert "no mapping says where" in " ".join(unmapped.notes)


async def test_a_new_object_that_was_sent_in_protobuf_is_what_the_server_tried(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    made = replace(
        write(ObjectVerb.CREATE, group="", resource="configmaps", name="settings"), body=b"k8s\0\xff"
    )
    cluster.tried = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "settings", "uid": "1"}}
    shown = await told(changes, at_cluster, cluster, made)
    assert b"uid" not in (shown.change.files[0].new or b"uid")


async def test_a_manifest_is_found_wherever_the_mapping_may_mean(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster, manifests: Path
) -> None:
    repository = Repository(url=str(manifests), paths={"/": "deploy", "/-/**": "none/**"})
    await registered(changes, repository)
    asked = write(ObjectVerb.PATCH, {"spec": {"replicas": 5}}, patch=PatchKind.MERGE)
    shown = await told(changes, at_cluster, cluster, asked)
    assert [file.path for file in shown.change.files] == ["deploy/shop/web.yaml"]
    body = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "made"}}
    made = write(ObjectVerb.CREATE, body, group="", resource="namespaces", name="made", namespace="")
    shown = await told(changes, at_cluster, cluster, made)
    assert [file.path for file in shown.change.files] == ["none/namespace-made.yaml"]


async def test_secrets_stay_out_of_the_repository(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    body = {"kind": "Secret", "metadata": {"name": "db"}, "data": {"password": "aHVudGVyMg=="}}
    made = write(ObjectVerb.CREATE, body, group="", resource="secrets", name="db")
    text = f"POST /api/v1/namespaces/shop/secrets\n{json.dumps(body)}"
    shown = await told(changes, at_cluster, cluster, made, text=text, title="create secrets/db in shop")
    (page,) = shown.change.files
    assert page.path.startswith("changes/")
    assert "aHVudGVyMg" not in shown.diff + shown.change.units[0].text
    assert "Values of Secrets don't go into a repository" in shown.diff


async def test_a_password_in_a_variable_is_replaced(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    env = [{"name": "DB_PASSWORD", "value": "hunter2"}]
    body = {"spec": {"template": {"spec": {"containers": [{"name": "web", "env": env}]}}}}
    shown = await told(
        changes,
        at_cluster,
        cluster,
        write(ObjectVerb.PATCH, body, patch=PatchKind.STRATEGIC),
        text=f"PATCH /apis/apps/v1/namespaces/shop/deployments/web\n{json.dumps(body)}",
    )
    assert changed_lines(shown) == ["+        - name: DB_PASSWORD", '+          value: "[secret]"']
    assert REPLACED_NOTE in shown.notes
    assert "hunter2" not in shown.change.units[0].text + shown.diff


async def test_an_upgrade_of_helm_is_told_by_its_chart_and_values(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    release = {
        "name": "web",
        "chart": {"metadata": {"name": "shop", "version": "1.2.3"}},
        "config": {"replicas": 3, "db": {"password": "hunter2-of-production"}},
    }
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    body = b"k8s\0\n\x0c\n\x02v1\x12\x06Secret\x12" + packed + b"\x1a\0"
    made = replace(
        write(ObjectVerb.CREATE, group="", resource="secrets", name="sh.helm.release.v1.web.v4"), body=body
    )
    shown = await told(changes, at_cluster, cluster, made)
    page = (shown.change.files[0].new or b"").decode()
    assert "helm upgrade --install web shop --version 1.2.3 --namespace shop --values values.yaml" in page
    assert "replicas: 3" in page
    assert "hunter2" not in page


PAGES = [
    (write(ObjectVerb.PATCH, {}, group="", resource="nodes", namespace=""), "A node is no part"),
    (write(ObjectVerb.CREATE, {}, group="", resource="pods", subresource="eviction"), "A pod is moved"),
    (write(ObjectVerb.DELETE, group="", resource="pods"), "redeploy"),
    (write(ObjectVerb.DELETE_COLLECTION, name=""), "Which objects"),
    (write(ObjectVerb.UPDATE, {}, subresource="status"), "The status"),
    (
        write(ObjectVerb.PATCH, {"a": 1}, name="none", patch=PatchKind.MERGE),
        "There is no deployments.apps/none",
    ),
    (write(ObjectVerb.CREATE, {}, name=""), "no name"),
    (write(ObjectVerb.CREATE, {}), "is there already"),
    (
        write(ObjectVerb.PATCH, [{"op": "test", "path": "/a", "value": 1}], patch=PatchKind.JSON),
        "can't be told",
    ),
]


async def test_what_no_manifest_can_carry_is_a_page(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    for number, (asked, says) in enumerate(PAGES):
        shown = await told(changes, at_cluster, cluster, asked, text=f"PATCH /api/v1/x{number}\nbody")
        (page,) = shown.change.files
        assert page.path.startswith("changes/")
        assert says in shown.diff
        assert f"PATCH /api/v1/x{number}" in shown.diff


async def test_what_the_server_would_refuse_says_why(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    cluster.refuses = "the server would refuse it: spec.replicas must be positive"
    shown = await told(
        changes,
        at_cluster,
        cluster,
        write(ObjectVerb.PATCH, {"spec": {"replicas": -1}}, patch=PatchKind.MERGE),
    )
    assert "must be positive" in shown.diff


async def test_an_object_that_is_not_declared_or_twice_is_a_page(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    cluster.objects["deployments.apps/api"] = json.loads(json.dumps(LIVE).replace('"web"', '"api"'))
    asked = write(ObjectVerb.PATCH, {"spec": {"replicas": 5}}, patch=PatchKind.MERGE, name="api")
    shown = await told(changes, at_cluster, cluster, asked)
    assert "No manifest in the repository declares deployments.apps/api" in shown.diff
    assert "spec.replicas: 5" in shown.diff


async def test_two_writes_of_one_object_go_one_after_the_other(
    changes: Changes, at_cluster: SessionFacts, cluster: Cluster
) -> None:
    one = write(ObjectVerb.PATCH, {"spec": {"replicas": 5}}, patch=PatchKind.MERGE)
    two = write(ObjectVerb.PATCH, {"spec": {"paused": True}}, patch=PatchKind.MERGE)
    shown = await told(changes, at_cluster, cluster, one, two)
    assert changed_lines(shown) == ["-  replicas: 2", "+  replicas: 5", "+  paused: true"]
