"""The YAML for an operator: valid, narrow, and the same whatever an endpoint is called."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML

from gateway.domain.endpoint import Endpoint, EndpointKind, EndpointSettings
from gateway.domain.ids import EndpointId
from gateway.protocols.kubernetes.harden import harden


def objects(name: str = "prod-k8s") -> list[dict[str, Any]]:
    endpoint = Endpoint(
        id=EndpointId(1),
        name=name,
        kind=EndpointKind.KUBERNETES,
        labels={},
        host="k8s",
        port=6443,
        username="",
        tls="verify-full",
        ca="",
        repository=None,
        settings=EndpointSettings(),
        version=1,
    )
    return [each for each in YAML(typ="safe").load_all(harden(endpoint)) if each]


def role(name: str) -> list[dict[str, Any]]:
    (found,) = [
        each for each in objects() if each["kind"] == "ClusterRole" and each["metadata"]["name"] == name
    ]
    rules: list[dict[str, Any]] = found["rules"]
    return rules


def test_the_reader_reads_by_name_and_nothing_that_is_more() -> None:
    for rule in role("glassgate-reader"):
        assert set(rule["verbs"]) <= {"get", "list", "watch"}
        assert "*" not in rule["apiGroups"] + rule["resources"]
        named = {resource for resource in rule["resources"] if rule["apiGroups"] == [""]}
        assert not named & {"secrets", "pods/exec", "pods/attach", "pods/portforward"}
        assert not any(resource.endswith(("/proxy", "/token")) for resource in rule["resources"])


def test_the_second_identity_writes_main_resources_and_grants_nothing() -> None:
    for rule in role("glassgate-dry-run"):
        assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]
        assert not any("/" in resource or resource == "secrets" for resource in rule["resources"])
        assert not {"rbac.authorization.k8s.io", "admissionregistration.k8s.io"} & set(rule["apiGroups"])


def test_whatever_it_does_is_a_dry_run() -> None:
    kinds = {each["kind"]: each for each in objects() if "Policy" in each["kind"]}
    policy = kinds["ValidatingAdmissionPolicy"]["spec"]
    assert policy["failurePolicy"] == "Fail"
    assert policy["matchConstraints"]["resourceRules"][0]["operations"] == ["*"]
    assert "request.dryRun == true" in policy["validations"][0]["expression"]
    assert kinds["ValidatingAdmissionPolicyBinding"]["spec"]["validationActions"] == ["Deny"]


def test_a_name_stays_inside_its_comment() -> None:
    assert objects("prod\nkind: Evil") == objects()
