"""No value of a Secret is left in an answer, whatever its shape; what isn't a value stays."""

from __future__ import annotations

import base64
import gzip
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.judge.http.reading import NotRead
from gateway.judge.kubernetes.masking import MASK, MASKED_DATA, MaskedWatch, mask, weighs

VALUE = "cGFzc3dvcmQtb2YtcHJvZHVjdGlvbg=="
PLAIN = "password-of-production"


def secret(**more: Any) -> dict[str, Any]:
    return {
        "kind": "Secret",
        "apiVersion": "v1",
        "type": "Opaque",
        "metadata": {
            "name": "db",
            "labels": {"app": "shop"},
            "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"password": VALUE}}),
                "kapp.k14s.io/original": PLAIN,
                "meta.helm.sh/release-name": "shop",
            },
            "managedFields": [{"manager": "x", "fieldsV1": {"v:" + PLAIN: {}}}],
        },
        "data": {"password": VALUE, "user": VALUE},
        "stringData": {"token": PLAIN},
        **more,
    }


TABLE = {
    "kind": "Table",
    "apiVersion": "meta.k8s.io/v1",
    "columnDefinitions": [{"name": "Name"}],
    "rows": [{"cells": ["db", "Opaque", 2, "3d"], "object": secret()}],
}


@pytest.mark.parametrize(
    "answer",
    [
        secret(),
        {"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": [secret(), secret()]},
        {"kind": "List", "items": [{"kind": "SecretList", "items": [secret()]}]},
        TABLE,
        {"type": "ADDED", "object": secret()},
        {"type": "ADDED", "object": TABLE},
        {"kind": "PartialObjectMetadata", "metadata": secret()["metadata"]},
        {"kind": "PartialObjectMetadataList", "items": [{"metadata": secret()["metadata"]}]},
        secret(data=VALUE, stringData=PLAIN),
        secret(metadata={"annotations": PLAIN}),
        secret(kind="Other"),
    ],
)
def test_no_value_is_left(answer: dict[str, Any]) -> None:
    masked = mask(json.dumps(answer).encode()).decode()
    assert VALUE not in masked
    assert PLAIN not in masked
    assert json.loads(masked).keys() == answer.keys()


def test_what_is_no_value_stays() -> None:
    masked = json.loads(mask(json.dumps(secret()).encode()))
    assert masked["data"] == {"password": MASKED_DATA, "user": MASKED_DATA}
    assert masked["stringData"] == {"token": MASK}
    assert masked["type"] == "Opaque"
    assert masked["metadata"]["labels"] == {"app": "shop"}
    assert masked["metadata"]["annotations"] == {
        "kubectl.kubernetes.io/last-applied-configuration": MASK,
        "kapp.k14s.io/original": MASK,
        "meta.helm.sh/release-name": "shop",
    }
    assert json.loads(mask(json.dumps(TABLE).encode()))["rows"][0]["cells"] == ["db", "Opaque", 2, "3d"]


def test_an_error_of_the_server_stays_as_it_is() -> None:
    status = {"kind": "Status", "code": 404, "message": "not found", "details": {"name": "db"}}
    assert json.loads(mask(json.dumps(status).encode())) == status


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"k8s\0\n", b"{", b"[" * 100_000])
def test_what_is_no_object_is_not_handed_on(body: bytes) -> None:
    with pytest.raises(NotRead):
        mask(body)


MANIFEST = f"""---
# Source: shop/templates/config.yaml
apiVersion: v1
kind: ConfigMap
---
# Source: shop/templates/secret.yaml
apiVersion: v1
kind: "Secret"
data:
  password: {VALUE}
---
{{"kind": "Secret", "stringData": {{"token": "{PLAIN}"}}}}
"""


def release() -> dict[str, Any]:
    return {
        "name": "shop",
        "version": 3,
        "namespace": "shop",
        "info": {"status": "deployed", "last_deployed": "2026-01-01T00:00:00Z", "notes": PLAIN},
        "chart": {
            "metadata": {"name": "shop", "version": "1.2.3"},
            "values": {"db": {"password": PLAIN}},
            "templates": [{"name": "x", "data": VALUE}],
        },
        "config": {"db": {"password": PLAIN, "hosts": [PLAIN]}, "none": None},
        "manifest": MANIFEST,
        "hooks": [{"manifest": PLAIN}],
    }


def packed(value: bytes) -> str:
    return base64.b64encode(base64.b64encode(gzip.compress(value, mtime=0))).decode()


def test_a_helm_release_keeps_its_shape_and_loses_its_values() -> None:
    data = {"release": packed(json.dumps(release()).encode()), "other": VALUE}
    held = secret(type="helm.sh/release.v1", data=data)
    masked = json.loads(mask(json.dumps(held).encode()))
    assert masked["data"]["other"] == MASKED_DATA
    text = gzip.decompress(base64.b64decode(base64.b64decode(masked["data"]["release"]))).decode()
    assert PLAIN not in text
    assert VALUE not in text
    found = json.loads(text)
    assert (found["name"], found["version"], found["info"]["status"]) == ("shop", 3, "deployed")
    assert found["chart"]["metadata"] == {"name": "shop", "version": "1.2.3"}
    assert found["config"] == {"db": {"password": MASK, "hosts": [MASK]}, "none": None}
    assert "kind: ConfigMap" in found["manifest"]


@pytest.mark.parametrize("value", ["x", VALUE, packed(b"[]"), packed(b"{"), base64.b64encode(b"x").decode()])
def test_a_release_that_is_none_is_masked_like_any_bytes(value: str) -> None:
    held = secret(type="helm.sh/release.v1", data={"release": value})
    assert json.loads(mask(json.dumps(held).encode()))["data"] == {"release": MASKED_DATA}


@pytest.mark.parametrize(
    "kind",
    [
        "kind: >-\n  Secret",
        '"kind": "\\x53ecret"',
        "kind: &a\n  Secret",
        "kind: !!binary U2VjcmV0",
        "? kind\n: Secret",
        "kind: 'Secret' # x",
        "x: 1",
    ],
)
def test_a_manifest_that_does_not_plainly_say_what_it_is_goes(kind: str) -> None:
    manifest = f"# one\n---\nkind: ConfigMap # two\n---\n# three\n{kind}\ndata:\n  a: {VALUE}\n"
    data = {"release": packed(json.dumps({"name": "shop", "manifest": manifest}).encode())}
    masked = json.loads(mask(json.dumps(secret(type="helm.sh/release.v1", data=data)).encode()))
    text = gzip.decompress(base64.b64decode(base64.b64decode(masked["data"]["release"]))).decode()
    assert VALUE not in text
    assert "# one" in text
    assert "kind: ConfigMap # two" in text


def test_a_release_that_grows_a_thousandfold_is_not_unpacked() -> None:
    bomb = packed(b'{"name":"x","manifest":"%b"}' % (b" " * 4_000_000))
    held = secret(type="helm.sh/release.v1", data={"release": bomb})
    assert json.loads(mask(json.dumps(held).encode()))["data"] == {"release": MASKED_DATA}
    assert weighs(json.dumps(held).encode()) > 60 * len(bomb)
    assert weighs(b"{}") == 2


@pytest.mark.parametrize(
    "answer",
    [
        secret(metadata=PLAIN),
        secret(metadata=[PLAIN]),
        {"kind": "Status", "data": {"a": PLAIN}},
        {"kind": "Event", "type": "ADDED", "object": secret(data={"a": PLAIN})},
    ],
)
def test_a_server_that_answers_in_shapes_of_its_own_shows_no_value(answer: dict[str, Any]) -> None:
    assert PLAIN.encode() not in mask(json.dumps(answer).encode())


EVENTS = b"".join(
    json.dumps({"type": "ADDED", "object": secret(immutable=number)}).encode() + b"\n" for number in range(3)
)


@given(st.lists(st.integers(0, len(EVENTS)), max_size=6))
def test_a_watch_is_masked_wherever_it_is_cut(cuts: list[int]) -> None:
    watch, places = MaskedWatch(), [0, *sorted(cuts), len(EVENTS)]
    got = b"".join(watch.feed(EVENTS[one:two]) for one, two in pairwise(places))
    assert watch.end() == b""
    assert got == b"".join(mask(line) + b"\n" for line in EVENTS.splitlines())


def test_half_an_event_is_not_handed_on() -> None:
    watch = MaskedWatch()
    assert watch.feed(EVENTS[:50]) == b""
    with pytest.raises(NotRead):
        watch.end()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.just(PLAIN) | st.just(VALUE),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(JSON, JSON, st.sampled_from(["data", "stringData", "annotations"]), st.booleans())
def test_whatever_stands_in_a_secrets_values_goes(one: Any, two: Any, name: str, inside: bool) -> None:
    held: dict[str, Any] = {"kind": "Secret", "data": one, "stringData": two}
    if name == "annotations":
        held = {"kind": "Secret", "metadata": {"annotations": one}}
    answer = {"items": [held]} if inside else held
    masked = mask(json.dumps(answer).encode()).decode()
    assert PLAIN not in masked
    assert VALUE not in masked
