"""What a refused request would have done to the cluster's objects, and how to say it in a few words."""

from __future__ import annotations

import re
from typing import Final

from gateway.domain.cluster import ObjectVerb, ObjectWrite, PatchKind
from gateway.domain.http import Request
from gateway.judge.http.bodies import Json, strict_json
from gateway.judge.http.reading import NotRead
from gateway.judge.http.targets import Target
from gateway.judge.kubernetes.info import Info
from gateway.judge.kubernetes.parameters import is_flag_set
from gateway.judge.kubernetes.protobuf import PROTOBUF, read_envelope

RESTARTED: Final = "kubectl.kubernetes.io/restartedAt"
"""The annotation by which ``kubectl rollout restart`` changes a pod template."""

_METHODS: Final = {
    "POST": ObjectVerb.CREATE,
    "PUT": ObjectVerb.UPDATE,
    "PATCH": ObjectVerb.PATCH,
    "DELETE": ObjectVerb.DELETE,
}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}")
_MANAGER: Final = re.compile(r"[!-~]{1,128}")


def media_type(request: Request) -> str:
    """Return what a body says that it is, without parameters; empty where it doesn't say.

    Args:
        request: as sent.

    Raises:
        NotRead: it says two things.
    """
    said = {value.partition(";")[0].strip().lower() for value in request.every("content-type")}
    if len(said) > 1:
        raise NotRead("content-type", "The body says of itself that it is two things.")
    return next(iter(said), "")


def write_of(request: Request, target: Target, info: Info) -> ObjectWrite:
    """Return what a request would write.

    Args:
        request: as sent.
        target: of it, taken apart.
        info: what it asks for.
    """
    verb = _METHODS.get(request.method, ObjectVerb.CREATE)
    if verb is ObjectVerb.DELETE and not info.name:
        verb = ObjectVerb.DELETE_COLLECTION
    body, media = json_of(request.body), _media(request)
    kind, name = (
        _of_protobuf(request.body)
        if media == PROTOBUF
        else (member(body, "kind"), member(body, "metadata", "name"))
    )
    return ObjectWrite(
        verb,
        info.group,
        info.version,
        info.resource,
        namespace=info.namespace,
        name=info.name or _named(name, _NAME),
        subresource=info.subresource,
        kind=_named(kind, _NAME),
        patch=PatchKind(media) if verb is ObjectVerb.PATCH and media in list(PatchKind) else None,
        body=request.body,
        media=media,
        manager=_named(_parameter(target, "fieldManager"), _MANAGER),
        force=any(name == "force" and is_flag_set(value) for name, value in target.pairs),
    )


def title_of(write: ObjectWrite) -> str:
    """Say what a write does in a few words, such as ``scale deployments.apps/web to 5 in shop``.

    Args:
        write: what would have been done.
    """
    place = f" in {write.namespace}" if write.namespace and write.resource != "namespaces" else ""
    return _done(write) + place


def is_restart(body: Json) -> bool:
    """Whether a patch does what ``kubectl rollout restart`` does, and nothing else.

    Args:
        body: of the patch.
    """
    value = body
    for key in ("spec", "template", "metadata", "annotations", RESTARTED):
        if not isinstance(value, dict) or set(value) != {key}:
            return False
        value = value[key]
    return isinstance(value, str)


def redeploys(write: ObjectWrite) -> bool:
    """Whether a write starts what runs anew, and changes nothing else.

    Args:
        write: what would have been done.
    """
    if write.resource == "pods":
        return write.verb is ObjectVerb.DELETE or write.subresource == "eviction"
    return write.verb is ObjectVerb.PATCH and not write.subresource and is_restart(json_of(write.body))


def member(value: Json, *path: str) -> Json:
    """Return a member of nested objects, None where it isn't there.

    Args:
        value: the outermost.
        path: names, from the outermost.
    """
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _done(write: ObjectWrite) -> str:
    body = json_of(write.body)
    replicas = member(body, "spec", "replicas")
    if write.subresource == "scale":
        return f"scale {write.what}" + (f" to {replicas}" if isinstance(replicas, int) else "")
    if write.subresource == "eviction":
        return f"evict {write.what}"
    if write.subresource:
        return f"{write.verb} {write.subresource} of {write.what}"
    if write.verb is ObjectVerb.DELETE_COLLECTION:
        return f"delete every one of {write.what}"
    if write.verb is ObjectVerb.PATCH:
        if is_restart(body):
            return f"restart {write.what}"
        if write.resource == "nodes" and isinstance(held := member(body, "spec", "unschedulable"), bool):
            return f"{'cordon' if held else 'uncordon'} {write.what}"
        if write.patch is PatchKind.APPLY:
            return f"apply {write.what}"
    return f"{write.verb} {write.what}"


def json_of(body: bytes | None) -> Json:
    """Return what a body says as JSON, None where it is none.

    Args:
        body: as sent.
    """
    if not body:
        return None
    try:
        return strict_json(body, folds=False)
    except NotRead:
        return None


def _media(request: Request) -> str:
    try:
        return media_type(request)
    except NotRead:
        return ""


def _of_protobuf(body: bytes | None) -> tuple[str, str]:
    try:
        envelope = read_envelope(body or b"")
    except NotRead:
        return "", ""
    return envelope.kind, envelope.name


def _parameter(target: Target, name: str) -> str:
    return next((value for each, value in target.pairs if each == name), "")


def _named(value: Json, form: re.Pattern[str]) -> str:
    """A name out of a body, empty where it has no form that a name has."""
    return value if isinstance(value, str) and form.fullmatch(value) else ""
