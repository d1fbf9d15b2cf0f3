"""What a cluster says of the gateway's rights there, and what counts as more than reading."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from gateway.domain.endpoint import Endpoint, EndpointKind, EndpointSettings
from gateway.domain.errors import UpstreamTooOpen, UpstreamUnavailable
from gateway.domain.http import Request
from gateway.domain.ids import EndpointId
from gateway.domain.verdict import Layer
from gateway.protocols.kubernetes.probe import check_requirement, probe
from gateway.protocols.kubernetes.upstream import Upstream
from gateway.transport.http.head import ResponseHead

READS = {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["pods", "pods/log"]}
BASIC = {
    "verbs": ["create"],
    "apiGroups": ["authorization.k8s.io"],
    "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
}
PATHS = [{"verbs": ["get"], "nonResourceURLs": ["/healthz", "/version", "*"]}]


@dataclass
class Cluster:
    """Answers as an API server does."""

    rules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    paths: list[dict[str, Any]] = field(default_factory=lambda: PATHS)
    incomplete: bool = False
    namespaces: tuple[str, ...] = ("default",)
    status: int = 200

    async def asked(self, request: Request, *, most: int) -> tuple[ResponseHead, bytes]:
        if self.status != 200:
            return ResponseHead(self.status, "", ()), b'{"message": "no"}'
        if request.method == "POST":
            namespace = json.loads(request.body or b"")["spec"]["namespace"]
            rules = [READS, BASIC, *self.rules.get("*", []), *self.rules.get(namespace, [])]
            told = {"resourceRules": rules, "nonResourceRules": self.paths, "incomplete": self.incomplete}
            return ResponseHead(201, "", ()), json.dumps({"status": told}).encode()
        if "apiservices" in request.target:
            items: list[dict[str, Any]] = [
                {"metadata": {"name": "v1.apps"}, "spec": {"group": "apps"}},
                {"metadata": {"name": "v1.shop"}, "spec": {"group": "shop.example.com"}},
                {"metadata": {"name": "v1.m"}, "spec": {"group": "metrics.k8s.io", "service": {"name": "m"}}},
            ]
        else:
            items = [{"metadata": {"name": name}} for name in self.namespaces]
        return ResponseHead(200, "", ()), json.dumps({"items": items}).encode()


async def found(cluster: Cluster) -> dict[str, str]:
    return dict((await probe(cast("Upstream", cluster), dry_runs=False)).level.findings)


async def test_an_identity_that_only_reads_is_a_role() -> None:
    known = await probe(cast("Upstream", Cluster()), dry_runs=True)
    assert (known.level.name, known.level.layers) == ("role", Layer.READ_ONLY_ROLE)
    assert known.level.findings["dry-runs"] == "by an identity of their own"
    assert known.customs == {"apps", "shop.example.com"}


@pytest.mark.parametrize(
    ("finding", "verbs", "group", "resource"),
    [
        ("writes", ["patch"], "apps", "deployments"),
        ("writes", ["*"], "", "pods"),
        ("writes", ["impersonate"], "", "users"),
        ("writes", ["escalate"], "rbac.authorization.k8s.io", "clusterroles"),
        ("writes", ["create"], "", "pods/eviction"),
        ("writes", ["create"], "authorization.k8s.io", "subjectaccessreviews"),
        ("everything", ["get"], "", "*"),
        ("everything", ["list"], "*", "pods"),
        ("everything", ["get"], "", "*/proxy"),
        ("exec", ["get"], "", "pods/exec"),
        ("attach", ["create"], "", "pods/attach"),
        ("portforward", ["get"], "", "pods/portforward"),
        ("proxy", ["get"], "", "nodes/proxy"),
        ("proxy", ["get"], "", "services/proxy"),
        ("secrets", ["list"], "", "secrets"),
        ("tokens", ["create"], "", "serviceaccounts/token"),
    ],
)
async def test_whatever_is_more_than_reading_is_named(
    finding: str, verbs: list[str], group: str, resource: str
) -> None:
    rule = {"verbs": verbs, "apiGroups": [group], "resources": [resource]}
    known = await probe(cast("Upstream", Cluster(rules={"*": [rule]})), dry_runs=False)
    assert known.level.name == "default"
    assert [name for name, told in known.level.findings.items() if resource in told] == [finding]


async def test_a_right_in_one_namespace_alone_is_found() -> None:
    rule = {"verbs": ["delete"], "apiGroups": [""], "resources": ["pods"]}
    told = await found(Cluster(rules={"shop": [rule]}, namespaces=("default", "kube-system", "shop")))
    assert told["writes"] == "delete pods"


async def test_more_namespaces_than_are_asked_about_are_told() -> None:
    told = await found(Cluster(namespaces=tuple(f"n{number}" for number in range(60))))
    assert told["namespaces"] == "the first 50"


async def test_paths_are_read_too() -> None:
    told = await found(Cluster(paths=[{"verbs": ["post"], "nonResourceURLs": ["/reload"]}]))
    assert told["writes"] == "post /reload"


async def test_rules_that_can_t_be_listed_are_no_proof() -> None:
    known = await probe(cast("Upstream", Cluster(incomplete=True)), dry_runs=False)
    assert known.level.name == "default"
    assert known.level.findings["rules"].startswith("incomplete")


async def test_an_identity_that_may_not_even_ask_is_no_proof() -> None:
    known = await probe(cast("Upstream", Cluster(status=403)), dry_runs=False)
    assert (known.level.name, known.customs) == ("default", frozenset())


@pytest.mark.parametrize(
    ("status", "words"), [(401, "refuses the gateway's credential"), (500, "answers 500: no")]
)
async def test_a_cluster_that_can_t_be_asked_is_away(status: int, words: str) -> None:
    with pytest.raises(UpstreamUnavailable, match=words):
        await found(Cluster(status=status))


def endpoint(env: str) -> Endpoint:
    return Endpoint(
        id=EndpointId(1),
        name="prod-k8s",
        kind=EndpointKind.KUBERNETES,
        labels={"env": env},
        host="k8s",
        port=6443,
        username="",
        tls="verify-full",
        ca="",
        repository=None,
        settings=EndpointSettings(),
        version=1,
    )


async def test_production_requires_an_identity_that_only_reads() -> None:
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}
    level = (await probe(cast("Upstream", Cluster(rules={"*": [rule]})), dry_runs=False)).level
    check_requirement(endpoint("test"), level)
    with pytest.raises(UpstreamTooOpen, match="secrets: get secrets"):
        check_requirement(endpoint("prod"), level)
    incomplete = (await probe(cast("Upstream", Cluster(incomplete=True)), dry_runs=False)).level
    with pytest.raises(UpstreamTooOpen, match=r"prove that .* only reads .rules: incomplete"):
        check_requirement(endpoint("prod"), incomplete)
