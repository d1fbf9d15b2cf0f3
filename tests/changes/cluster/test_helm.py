"""What Helm would have made of a release's objects, told by the releases before and after."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from gateway.changes.cluster.helm import deployed_in, objects_in, release_of, writes_between
from gateway.domain.cluster import ObjectVerb, ObjectWrite, PatchKind

OLD = """---
# Source: shop/templates/all.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec: {replicas: 1, paused: true}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: hunter2}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kept, annotations: {helm.sh/resource-policy: keep}}
"""
NEW = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {tier: front}}
spec: {replicas: 3}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: web}
"""


def stored(manifest: str, *, number: int = 2, status: str = "pending-upgrade", **config: Any) -> ObjectWrite:
    release = {
        "name": "web",
        "info": {"status": status},
        "chart": {"metadata": {"name": "shop", "version": "1.2.3"}},
        "config": config,
        "manifest": manifest,
    }
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    body = json.dumps({"kind": "Secret", "data": {"release": packed}}).encode()
    name = f"sh.helm.release.v1.web.v{number}"
    return ObjectWrite(ObjectVerb.CREATE, "", "v1", "secrets", "shop", name, body=body)


def between(old: str, write: ObjectWrite) -> dict[str, ObjectWrite]:
    release = release_of(write)
    assert release is not None
    return {each.what: each for each in writes_between(objects_in(old, "shop"), release)}


def test_each_object_is_written_as_far_as_it_changes() -> None:
    found = between(OLD, stored(NEW))
    assert set(found) == {
        "deployments.apps/web",
        "clusterroles.rbac.authorization.k8s.io/web",
        "networkpolicies.networking.k8s.io/web",
    }
    changed = found["deployments.apps/web"]
    assert (changed.patch, changed.namespace) == (PatchKind.MERGE, "shop")
    assert json.loads(changed.body or b"") == {"spec": {"replicas": 3, "paused": None}}
    new = found["clusterroles.rbac.authorization.k8s.io/web"]
    assert (new.patch, new.namespace, new.force) == (PatchKind.APPLY, "", True)
    assert found["networkpolicies.networking.k8s.io/web"].verb is ObjectVerb.DELETE


def test_a_release_that_goes_deletes_what_it_may() -> None:
    found = between("", stored(OLD, number=1, status="uninstalling"))
    assert {each.verb for each in found.values()} == {ObjectVerb.DELETE}
    assert set(found) == {"deployments.apps/web", "networkpolicies.networking.k8s.io/web"}


def test_releases_before_are_looked_for_from_the_newest() -> None:
    release = release_of(stored(NEW, number=3), back=5)
    assert release is not None
    assert release.stored == ("sh.helm.release.v1.web.v2", "sh.helm.release.v1.web.v1")
    assert deployed_in(stored(OLD, status="deployed").body or b"", "shop") == (
        "deployed",
        objects_in(OLD, "shop"),
    )
    assert deployed_in(b"{}", "shop") is None


def test_values_that_were_shown_masked_are_known_in_objects() -> None:
    masked = release_of(stored(NEW.replace("web}", '"<masked>"}')))
    told = release_of(stored(NEW, password="<masked>"))
    assert masked is not None
    assert told is not None
    assert (masked.masked, told.masked) == (True, False)


def test_another_secret_is_no_release() -> None:
    assert release_of(ObjectWrite(ObjectVerb.CREATE, "", "v1", "secrets", "shop", "web", body=b"{}")) is None
