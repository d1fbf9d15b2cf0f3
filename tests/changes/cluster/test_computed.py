"""What a write makes of an object, by the published rules of each kind of patch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.changes.cluster.computed import NotComputed, computed, merged
from gateway.changes.cluster.objects import cleaned, declared, differences
from gateway.changes.yaml_edits import GONE, Edit, Item
from gateway.domain.cluster import ObjectVerb, ObjectWrite, PatchKind

POD: dict[str, Any] = {
    "spec": {
        "containers": [{"name": "a", "image": "a:1", "ports": [{"containerPort": 80}]}, {"name": "b"}],
        "tolerations": [{"key": "x"}],
        "replicas": 1,
    },
    "metadata": {"finalizers": ["one", "two"], "labels": {"l": "1"}},
}


def patched(kind: PatchKind, body: object) -> Any:
    write = ObjectWrite(
        ObjectVerb.PATCH, "apps", "v1", "deployments", body=json.dumps(body).encode(), patch=kind
    )
    return computed(write, POD)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_as_in_the_appendix_of_rfc_7386(target: Any, patch: Any, result: Any) -> None:
    assert merged(target, patch) == result


def test_strategic_patches_tell_items_apart() -> None:
    body = {
        "spec": {
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [
                {"name": "a", "image": "a:2", "ports": [{"containerPort": 81}], "env": [{"name": "E"}]},
                {"name": "b", "$patch": "delete"},
                {"name": "c"},
            ],
            "tolerations": [{"key": "y"}],
            "replicas": None,
        },
        "metadata": {"finalizers": ["three"], "$deleteFromPrimitiveList/finalizers": ["one"]},
    }
    found = patched(PatchKind.STRATEGIC, body)
    assert found["spec"]["containers"] == [
        {
            "name": "a",
            "image": "a:2",
            "ports": [{"containerPort": 80}, {"containerPort": 81}],
            "env": [{"name": "E"}],
        },
        {"name": "c"},
    ]
    assert found["spec"]["tolerations"] == [{"key": "y"}]
    assert "replicas" not in found["spec"]
    assert sorted(found["metadata"]["finalizers"]) == ["three", "two"]
    assert patched(PatchKind.STRATEGIC, {"metadata": {"$patch": "replace", "name": "x"}})["metadata"] == {
        "name": "x"
    }
    kept = patched(PatchKind.STRATEGIC, {"metadata": {"$retainKeys": ["labels"]}})
    assert kept["metadata"] == {"labels": {"l": "1"}}


def test_json_patches() -> None:
    body = [
        {"op": "test", "path": "/spec/replicas", "value": 1},
        {"op": "replace", "path": "/spec/containers/0/image", "value": "a:3"},
        {"op": "add", "path": "/spec/containers/-", "value": {"name": "c"}},
        {"op": "remove", "path": "/spec/containers/1"},
        {"op": "add", "path": "/metadata/labels/a~1b", "value": "c~d"},
        {"op": "copy", "from": "/metadata/labels/l", "path": "/metadata/labels/m"},
        {"op": "move", "from": "/metadata/finalizers/0", "path": "/metadata/finalizers/1"},
    ]
    found = patched(PatchKind.JSON, body)
    assert [each["name"] for each in found["spec"]["containers"]] == ["a", "c"]
    assert found["spec"]["containers"][0]["image"] == "a:3"
    assert found["metadata"] == {
        "finalizers": ["two", "one"],
        "labels": {"l": "1", "a/b": "c~d", "m": "1"},
    }
    assert POD["spec"]["containers"][0]["image"] == "a:1"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/spec/replicas", "value": True},
        {"op": "replace", "path": "/spec/none", "value": 1},
        {"op": "remove", "path": "/spec/containers/7"},
        {"op": "add", "path": "/spec/containers/01x", "value": 1},
        {"op": "add", "path": "spec", "value": 1},
        {"op": "add", "path": "/spec/x"},
        {"op": "conjure", "path": "/spec"},
        {"path": "/spec"},
        1,
    ],
)
def test_json_patches_that_do_not_fit(operation: object) -> None:
    with pytest.raises(NotComputed):
        patched(PatchKind.JSON, [operation])


@pytest.mark.parametrize(
    "body", [{"spec": {"containers": [{"image": "x"}]}}, {"spec": {"containers": ["x"]}}, [], 1]
)
def test_strategic_patches_that_do_not_fit(body: object) -> None:
    with pytest.raises(NotComputed):
        patched(PatchKind.STRATEGIC, body)


def test_differences_are_as_small_as_they_can_be_told() -> None:
    old = {"a": {"b": 1, "c": [{"name": "x", "v": 1}, {"name": "y"}]}, "l": [1, 2], "t": True}
    new = {"a": {"b": 1, "c": [{"name": "x", "v": 2}, {"name": "z"}], "d": 3}, "l": [1], "t": 1}
    assert list(differences(old, new)) == [
        Edit(("a", "c", Item("name", "x"), "v"), 2),
        Edit(("a", "c", Item("name", "y")), GONE),
        Edit(("a", "c", Item("name", "z")), {"name": "z"}),
        Edit(("a", "d"), 3),
        Edit(("l",), [1]),
        Edit(("t",), 1),
    ]
    assert list(differences(old, json.loads(json.dumps(old)))) == []


def test_what_the_cluster_says_of_an_object_is_left_out() -> None:
    live = {
        "kind": "X",
        "status": {},
        "metadata": {
            "name": "x",
            "uid": "1",
            "managedFields": [],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        },
    }
    assert cleaned(live) == {"kind": "X", "metadata": {"name": "x"}}
    sent = {
        "spec": {
            "strategy": {},
            "template": {"metadata": {"creationTimestamp": None}},
            "volumes": [{"emptyDir": {}}],
        },
        "metadata": {"name": "x"},
        "kind": "X",
        "status": {},
        "apiVersion": "v1",
    }
    found = declared(sent)
    assert list(found) == ["apiVersion", "kind", "metadata", "spec"]
    assert found["spec"] == {"template": {"metadata": {}}, "volumes": [{"emptyDir": {}}]}
