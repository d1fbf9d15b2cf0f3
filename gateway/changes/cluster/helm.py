"""A release that Helm would have stored: its chart and values, and what it would make of each object.

Helm writes its release, a Secret, before it writes any object, so this is where ``helm upgrade`` is refused.
The release holds the objects as Helm rendered them, and so does the release before.

Sources: helm.sh/helm/v3 pkg/action (upgrade.go, rollback.go, uninstall.go), pkg/storage/driver/secrets.go.
"""

from __future__ import annotations

import binascii
import json
import re
import zlib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway.changes.cluster.hiding import hidden
from gateway.changes.secrets_found import without_secrets
from gateway.changes.yaml_edits import documents
from gateway.changes.yaml_text import written
from gateway.domain.cluster import ObjectVerb, ObjectWrite, PatchKind
from gateway.judge.kubernetes.helm import MAX_RELEASE
from gateway.judge.kubernetes.masking import MASK
from gateway.judge.kubernetes.writes import json_of, member

if TYPE_CHECKING:
    from gateway.judge.http.bodies import Json

Objects = Mapping[tuple[str, str, str, str], "dict[str, Json]"]
"""Objects by API version, kind, namespace and name."""

_NAME: Final = re.compile(r"(sh\.helm\.release\.v1\.(.+)\.v)([0-9]{1,9})")
# In JSON and in protobuf alike the release stands in the body as a run of base64 that begins as gzip does.
_PACKED: Final = re.compile(rb"H4sI[A-Za-z0-9+/]{20,}={0,2}|SDRzS[A-Za-z0-9+/]{20,}={0,2}")
_OF_THE_CLUSTER: Final = frozenset(
    {
        *("APIService", "CSIDriver", "CSINode", "ClusterRole", "ClusterRoleBinding", "ClusterIssuer"),
        *("CustomResourceDefinition", "DeviceClass", "FlowSchema", "GatewayClass", "IngressClass"),
        *("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration"),
        *("Namespace", "PersistentVolume", "PodSecurityPolicy", "PriorityClass"),
        *("PriorityLevelConfiguration", "RuntimeClass", "StorageClass", "ValidatingAdmissionPolicy"),
        *("ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeAttributesClass"),
    }
)
"""Kinds that belong to no namespace."""
_KEPT: Final = "helm.sh/resource-policy"
"""With this annotation Helm leaves an object when its release goes."""
_UNINSTALLS: Final = frozenset({"uninstalling", "uninstalled"})
_VOWELS: Final = frozenset("aeiou")


@dataclass(frozen=True, slots=True)
class Release:
    """A release that would have been stored.

    Attributes:
        name: of it.
        page: the command and its values, without secrets.
        goes: whether it would have been uninstalled.
        masked: whether an object of it holds values of a release that was shown masked.
        objects: what Helm rendered, without Secrets.
        stored: names of the Secrets of the releases before, the newest first.
    """

    name: str
    page: str
    goes: bool
    masked: bool
    objects: Objects
    stored: tuple[str, ...]


def release_of(write: ObjectWrite, *, back: int = 10) -> Release | None:
    """Return the release that a write would have stored; None where it is of none.

    Args:
        write: of a Secret.
        back: of so many releases before the names are wanted.
    """
    name = _NAME.fullmatch(write.name)
    release = _unpacked(write.body or b"") if name else None
    if name is None or release is None:
        return None
    goes = member(release, "info", "status") in _UNINSTALLS
    manifest = member(release, "manifest")
    objects = objects_in(manifest if isinstance(manifest, str) else "", write.namespace)
    number = int(name[3])
    return Release(
        name[2],
        f"helm uninstall {name[2]}{_inside(write)}" if goes else _page(name[2], release, write),
        goes,
        not goes and MASK in json.dumps([*objects.values()]),
        objects,
        tuple(f"{name[1]}{each}" for each in range(number - 1, max(0, number - 1 - back), -1)),
    )


def deployed_in(secret: bytes, namespace: str) -> tuple[str, Objects] | None:
    """Return the state of a stored release and what it rendered; None where it can't be read.

    Args:
        secret: that holds it, as JSON.
        namespace: of the release.
    """
    release = _unpacked(secret)
    if release is None:
        return None
    status, manifest = member(release, "info", "status"), member(release, "manifest")
    return str(status), objects_in(manifest if isinstance(manifest, str) else "", namespace)


def writes_between(before: Objects, release: Release) -> list[ObjectWrite]:
    """Return what Helm would have written to bring the objects from one release to another.

    Args:
        before: the objects of the release that is deployed.
        release: that would have been stored.
    """
    if release.goes:
        return [_deletes(*key) for key, each in release.objects.items() if not _is_kept(each)]
    found = []
    for key, new in release.objects.items():
        old = before.get(key)
        patch = new if old is None else _merged(old, new)
        if patch:
            kind = PatchKind.APPLY if old is None else PatchKind.MERGE
            found.append(_patches(key, kind, patch))
    gone = [key for key, each in before.items() if key not in release.objects and not _is_kept(each)]
    return found + [_deletes(*key) for key in gone]


def objects_in(manifest: str, namespace: str) -> Objects:
    """Return the objects of a manifest that Helm rendered, without Secrets.

    Args:
        manifest: several documents.
        namespace: of the release, for those that say none.
    """
    found: dict[tuple[str, str, str, str], dict[str, Json]] = {}
    for document in documents(manifest):
        said = json_of(json.dumps(document.said, default=str).encode())
        kind, version, name = (
            member(said, "kind"),
            member(said, "apiVersion"),
            member(said, "metadata", "name"),
        )
        told = isinstance(kind, str) and isinstance(version, str) and isinstance(name, str)
        if not isinstance(said, dict) or not told or kind in ("Secret", "List"):
            continue
        own = member(said, "metadata", "namespace")
        inside = "" if kind in _OF_THE_CLUSTER else own if isinstance(own, str) and own else namespace
        found[str(version), str(kind), inside, str(name)] = said
    return found


def _page(name: str, release: Json, write: ObjectWrite) -> str:
    metadata = member(release, "chart", "metadata")
    chart, version = member(metadata, "name"), member(metadata, "version")
    line = f"helm upgrade --install {name} {chart} --version {version}{_inside(write)}"
    values = hidden(member(release, "config"))
    if not isinstance(values, dict) or not values:
        return line
    return f"{line} --values values.yaml\n\nvalues.yaml:\n\n{without_secrets(written(values))}"


def _inside(write: ObjectWrite) -> str:
    return f" --namespace {write.namespace}" if write.namespace else ""


def _unpacked(body: bytes) -> Json:
    found = _PACKED.search(body)
    if found is None:
        return None
    try:
        packed = b64decode(found[0])
        if not packed.startswith(b"\x1f\x8b"):
            packed = b64decode(packed)
        text = zlib.decompressobj(wbits=31).decompress(packed, MAX_RELEASE)
    except (binascii.Error, zlib.error):
        return None
    return json_of(text)


def _merged(old: Json, new: Json) -> dict[str, Json]:
    """The merge patch (RFC 7386) from one object to another; the server keeps what neither speaks of."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return {}
    patch: dict[str, Json] = {name: None for name in old if name not in new}
    for name, value in new.items():
        if old.get(name) == value and name in old:
            continue
        within = _merged(old.get(name), value)
        both = isinstance(old.get(name), dict) and isinstance(value, dict)
        if not both:
            patch[name] = value
        elif within:
            patch[name] = within
    return patch


def _patches(key: tuple[str, str, str, str], kind: PatchKind, body: dict[str, Json]) -> ObjectWrite:
    version, named, namespace, name = key
    group, _, number = version.rpartition("/")
    if kind is PatchKind.APPLY and namespace:
        metadata = body.get("metadata")
        body = {
            **body,
            "metadata": {**(metadata if isinstance(metadata, dict) else {}), "namespace": namespace},
        }
    return ObjectWrite(
        ObjectVerb.PATCH,
        group,
        number,
        _resource(named),
        namespace,
        name,
        kind=named,
        patch=kind,
        body=json.dumps(body).encode(),
        media=kind.value,
        manager="helm",
        force=kind is PatchKind.APPLY,
    )


def _deletes(version: str, kind: str, namespace: str, name: str) -> ObjectWrite:
    group, _, number = version.rpartition("/")
    return ObjectWrite(ObjectVerb.DELETE, group, number, _resource(kind), namespace, name, kind=kind)


def _resource(kind: str) -> str:
    """The resource of a kind, as the API names them (apimachinery's UnsafeGuessKindToResource)."""
    word = kind.lower()
    if word.endswith("endpoints"):
        return word
    if word.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        return f"{word[:-1]}ies"
    return f"{word}s"


def _is_kept(value: dict[str, Json]) -> bool:
    return member(value, "metadata", "annotations", _KEPT) == "keep"
