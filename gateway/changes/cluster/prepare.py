"""A refused write of a cluster's objects made ready: what is there read, what would be there tried."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.changes.cluster.computed import NotComputed, computed
from gateway.changes.cluster.helm import deployed_in, release_of, writes_between
from gateway.changes.cluster.hiding import hidden, texts
from gateway.changes.cluster.objects import cleaned, declared
from gateway.changes.cluster.parts import ObjectPart, encode_parts
from gateway.changes.host.prepare import REPLACED_NOTE, as_text
from gateway.changes.secret_lines import hide_request
from gateway.changes.secrets_found import without_secrets
from gateway.changes.shown import CUT
from gateway.domain.cluster import ObjectVerb, PatchKind
from gateway.domain.errors import InvalidInput, UpstreamUnavailable
from gateway.judge.http.reading import NotRead
from gateway.judge.kubernetes.masking import mask
from gateway.judge.kubernetes.protobuf import PROTOBUF
from gateway.judge.kubernetes.writes import json_of, member

if TYPE_CHECKING:
    from gateway.changes.cluster.helm import Objects, Release
    from gateway.domain.change import ClusterCapture
    from gateway.domain.cluster import ObjectWrite
    from gateway.domain.production import ReadCluster
    from gateway.judge.http.bodies import Json

MAX_TEXT: Final = 100_000
MAX_WRITES: Final = 50
MAX_OBJECT: Final = 3 << 20
"""Bytes of an object; the store of a cluster takes half of that."""

UNTRIED_NOTE: Final = (
    "computed from the request itself, not tried by the cluster: what that would add or refuse is not known"
)
_RESTART: Final = "a restart is a redeploy of the artifact that runs"
_NODES: Final = "a node is no part of the repository: whoever runs the cluster takes it out of service"
_SECRETS: Final = "values of Secrets don't go into a repository: set it where your Secrets come from"
_RELEASE: Final = "a release of Helm is installed by the pipeline, from a chart and values in the repository"
_MASKED: Final = (
    "what it changes can't be told: helm took over values that were shown to it masked (give them by "
    "--values, or ask for access with --secrets)"
)
_SUBRESOURCES: Final = {
    "eviction": "a pod is moved by its controller or by draining its node",
    "approval": "a certificate is approved by whoever runs the cluster",
    "finalize": "finalizers are taken away by whoever runs the cluster",
    "status": "the status of an object is its controller's to write",
    "resize": "a pod's resources are those of the template that it was made from",
    "rollback": "a rollback is the artifact before, deployed again",
}


@dataclass(frozen=True, slots=True)
class PreparedObjects:
    """A refused request, ready to be stored.

    Attributes:
        text: as sent, without secrets.
        parts: what it would have done, as it is stored.
        touched: the objects.
        fingerprint: sha256 of what it would do.
    """

    text: str
    parts: str
    touched: tuple[str, ...]
    fingerprint: bytes


async def prepare_cluster(capture: ClusterCapture, production: ReadCluster) -> PreparedObjects:
    """Make a refused request ready: the objects are read, and its outcome tried or computed.

    Args:
        capture: what the door knows of it.
        production: the session's own reads of the cluster.

    Raises:
        InvalidInput: these are too many for a change request.
    """
    if len(capture.writes) > MAX_WRITES:
        raise InvalidInput(f"a change request takes {MAX_WRITES} objects at once, not {len(capture.writes)}")
    text = as_text(_shown(capture))
    text = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + CUT
    parts = [part for write in capture.writes for part in await _parts(write, text, production)]
    kept = tuple(parts) or (ObjectPart("", by_hand=text, why="what it would have changed is not known"),)
    seen = [text, *(f"{part.api_version}\0{part.namespace}\0{part.what}\0{part.new}" for part in kept)]
    return PreparedObjects(
        text,
        encode_parts(kept),
        tuple(dict.fromkeys(part.what for part in kept if part.what)),
        hashlib.sha256("\0\0".join(seen).encode("utf-8", "surrogateescape")).digest(),
    )


def _shown(capture: ClusterCapture) -> str:
    """The request as text, without what a Secret holds."""
    if any(write.resource == "secrets" for write in capture.writes):
        first = capture.text.partition("\n")[0]
        return f"{first}\n(a Secret, which is not kept)"
    if any(write.media == PROTOBUF for write in capture.writes):
        return f"{capture.text.partition(chr(10))[0]}\n(in protobuf)"
    first, _, body = capture.text.partition("\n")
    said = json_of(body.encode("utf-8", "surrogateescape"))
    shown = without_secrets(body) if said is None else json.dumps(hidden(said), ensure_ascii=False)
    return f"{hide_request(first)}\n{shown}" if body else hide_request(first)


async def _parts(write: ObjectWrite, text: str, production: ReadCluster) -> list[ObjectPart]:
    """Return what one write comes to: of a release of Helm, the objects that would have followed."""
    # A few kilobytes can unpack to what takes seconds to read.
    release = await asyncio.to_thread(release_of, write) if write.resource == "secrets" else None
    if release is None:
        return [await _part(write, text, production)]
    why = _RELEASE
    parts = []
    if release.masked:
        why = f"{_RELEASE}; {_MASKED}"
    else:
        writes = writes_between(await _deployed(write, release, production), release)
        if len(writes) > MAX_WRITES:
            why = f"{_RELEASE}; of {len(writes)} objects that it changes, {MAX_WRITES} are shown"
        parts = [
            await _part(each, f"helm: {each.verb} {each.what}", production) for each in writes[:MAX_WRITES]
        ]
    return [
        ObjectPart(write.what, by_hand=release.page, why=why),
        *(msgspec.structs.replace(part, release=release.name) for part in parts),
    ]


async def _deployed(write: ObjectWrite, release: Release, production: ReadCluster) -> Objects:
    """Return the objects of the release that is deployed, as far as it may be read: without values."""
    last: Objects | None = None
    for name in release.stored:
        try:
            secret = await production.object(replace(write, verb=ObjectVerb.PATCH, name=name))
            found = None if secret is None else deployed_in(mask(secret), write.namespace)
        except (UpstreamUnavailable, NotRead):
            break
        if found is None:
            continue
        status, objects = found
        if status == "deployed":
            return objects
        last = objects if last is None else last
    return last or {}


async def _part(write: ObjectWrite, text: str, production: ReadCluster) -> ObjectPart:
    """Return what one write comes to; what can't be told is left to a person, never guessed."""
    why = _unfit(write)
    if not why:
        try:
            return await _tried(write, production)
        except UpstreamUnavailable as error:
            why = error.message
        except NotComputed:
            why = "what it would make of the object can't be told without the server"
    return ObjectPart(write.what, by_hand=text, why=why)


def _unfit(write: ObjectWrite) -> str:
    """Why no patch can be made of a write; empty where one can."""
    if write.resource == "secrets":
        return _SECRETS
    if write.resource == "nodes":
        return _NODES
    if write.subresource and write.subresource != "scale":
        return _SUBRESOURCES.get(write.subresource, f"{write.subresource} is not declared in a manifest")
    if write.verb is ObjectVerb.DELETE_COLLECTION:
        return "which objects these are is not known; name each"
    if write.resource == "pods" and write.verb is ObjectVerb.DELETE:
        return f"a pod's controller makes a new one: {_RESTART}"
    if not write.name:
        return "the object has no name that is known before it is made"
    return ""


async def _tried(write: ObjectWrite, production: ReadCluster) -> ObjectPart:
    live = _object(await production.object(write))
    makes = write.verb is ObjectVerb.CREATE or (
        live is None and (write.patch is PatchKind.APPLY or write.verb is ObjectVerb.UPDATE)
    )
    if live is None and not makes:
        raise UpstreamUnavailable(f"there is no {write.what} in production")
    if live is not None and write.verb is ObjectVerb.CREATE:
        raise UpstreamUnavailable(f"{write.what} is there already")
    if write.verb is ObjectVerb.DELETE:
        return _between(write, live, None, ())
    tried = None if write.subresource else _object(await production.dry_run(write))
    if live is None:
        body = json_of(write.body)
        new = body if isinstance(body, dict) else tried
        if new is None:
            raise NotComputed
        return _between(write, None, declared(new), () if tried else (UNTRIED_NOTE,))
    if tried is not None:
        return _between(write, live, tried, ())
    note = () if write.subresource else (UNTRIED_NOTE,)
    return _between(write, live, computed(write, live), note)


def _between(
    write: ObjectWrite, old: dict[str, Json] | None, new: dict[str, Json] | None, notes: tuple[str, ...]
) -> ObjectPart:
    known = new if new is not None else old
    was, becomes = (None if each is None else cleaned(each) for each in (old, new))
    shown = hidden(becomes, frozenset(texts(was)))
    if shown != becomes:
        notes = (*notes, REPLACED_NOTE)
    return ObjectPart(
        write.what,
        write.api_version,
        str(member(known, "kind") or write.kind),
        write.namespace,
        write.name,
        "" if was is None else json.dumps(was),
        "" if shown is None else json.dumps(shown),
        notes,
    )


def _object(body: bytes | None) -> dict[str, Json] | None:
    if body is None:
        return None
    value = json_of(body) if len(body) <= MAX_OBJECT else None
    if not isinstance(value, dict):
        raise UpstreamUnavailable("the cluster's answer could not be read")
    return value
