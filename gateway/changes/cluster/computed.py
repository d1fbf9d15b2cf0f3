"""What a write makes of an object, where the server can't be asked to try it.

Sources: RFC 7386 (merge patch), RFC 6902 (JSON patch), the Kubernetes API conventions on strategic ones.
What the server adds besides (defaults, admission) is not known here.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from gateway.changes.cluster.objects import same
from gateway.domain.cluster import ObjectVerb, PatchKind
from gateway.judge.kubernetes.writes import json_of, member

if TYPE_CHECKING:
    from gateway.domain.cluster import ObjectWrite
    from gateway.judge.http.bodies import Json

MERGED_BY: Final = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "secrets": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "taints": "key",
    "conditions": "type",
    "ownerReferences": "uid",
}
"""Lists whose items a strategic merge patch tells apart, by which member (``patchMergeKey`` in the API's
types); ``ports`` is by ``containerPort`` in a container and by ``port`` in a Service."""

MERGED_SETS: Final = frozenset({"finalizers"})
"""Lists of plain values to which such a patch adds."""


class NotComputed(Exception):
    """What a write would make of an object can't be told without the server."""


def computed(write: ObjectWrite, live: dict[str, Json]) -> dict[str, Json]:
    """Return an object as a write would leave it.

    Args:
        write: of it, or of its scale.
        live: the object as it is.

    Raises:
        NotComputed: the body isn't understood, or the patch doesn't fit the object.
    """
    body = json_of(write.body)
    if write.subresource == "scale":
        replicas = member(_patched(write.patch, body, {"spec": {}}), "spec", "replicas")
        if not isinstance(replicas, int):
            raise NotComputed
        found: Json = merged(live, {"spec": {"replicas": replicas}})
    elif write.verb is ObjectVerb.UPDATE:
        found = body
    else:
        found = _patched(write.patch, body, live)
    if not isinstance(found, dict):
        raise NotComputed
    return found


def merged(value: Json, patch: Json) -> Json:
    """Apply a merge patch (RFC 7386, section 2).

    Args:
        value: the target.
        patch: of it.
    """
    if not isinstance(patch, dict):
        return patch
    found = dict(value) if isinstance(value, dict) else {}
    for name, each in patch.items():
        if each is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), each)
    return found


def _patched(kind: PatchKind | None, body: Json, value: Json) -> Json:
    match kind:
        case PatchKind.JSON:
            return _operated(body, value)
        case PatchKind.STRATEGIC | PatchKind.APPLY:
            return _strategic(value, body)
        case PatchKind.MERGE:
            return merged(value, body)
        case None:
            return body


def _strategic(value: Json, patch: Json, name: str = "") -> Json:
    if isinstance(patch, dict):
        return _strategic_map(value if isinstance(value, dict) else {}, patch)
    if isinstance(patch, list) and isinstance(value, list):
        key = _key_of(name, patch)
        if key is not None:
            return _strategic_list(value, patch, key)
        if name in MERGED_SETS:
            return [*value, *(each for each in patch if each not in value)]
    return patch


def _strategic_map(value: dict[str, Json], patch: dict[str, Json]) -> Json:
    directive = patch.get("$patch")
    if directive == "replace":
        return {name: each for name, each in patch.items() if name != "$patch"}
    if directive not in (None, "merge"):
        raise NotComputed
    found = dict(value)
    kept = patch.get("$retainKeys")
    if isinstance(kept, list):
        found = {name: each for name, each in found.items() if name in kept}
    for name, each in patch.items():
        if name.startswith("$deleteFromPrimitiveList/") and isinstance(each, list):
            of = name.partition("/")[2]
            there = found.get(of)
            found[of] = [one for one in there if one not in each] if isinstance(there, list) else there
        elif name.startswith("$"):
            continue
        elif each is None:
            found.pop(name, None)
        else:
            found[name] = _strategic(found.get(name), each, name)
    return found


def _strategic_list(value: list[Json], patch: list[Json], key: str) -> Json:
    found = list(value)
    for each in patch:
        if not isinstance(each, dict):
            raise NotComputed
        if each.get("$patch") == "replace":
            return [one for one in patch if one is not each]
        if key not in each:
            raise NotComputed
        places = [at for at, one in enumerate(found) if isinstance(one, dict) and one.get(key) == each[key]]
        if each.get("$patch") == "delete":
            found = [one for at, one in enumerate(found) if at not in places]
        elif places:
            found[places[0]] = _strategic(found[places[0]], each)
        else:
            found.append(_strategic({}, each))
    return found


def _key_of(name: str, patch: list[Json]) -> str | None:
    if name == "ports":
        keys = [
            key for key in ("containerPort", "port") if any(isinstance(p, dict) and key in p for p in patch)
        ]
        return keys[0] if keys else None
    return MERGED_BY.get(name)


def _operated(operations: Json, value: Json) -> Json:
    if not isinstance(operations, list):
        raise NotComputed
    found = copy.deepcopy(value)
    for each in operations:
        if not isinstance(each, dict) or not isinstance(each.get("path"), str):
            raise NotComputed
        path = _pointer(str(each["path"]))
        match each.get("op"):
            case "add":
                _put(found, path, copy.deepcopy(_given(each)), insert=True)
            case "replace":
                _at(found, path)
                _put(found, path, copy.deepcopy(_given(each)), insert=False)
            case "remove":
                _take(found, path)
            case "move":
                _put(found, path, _take(found, _pointer(str(each.get("from")))), insert=True)
            case "copy":
                _put(found, path, copy.deepcopy(_at(found, _pointer(str(each.get("from"))))), insert=True)
            case "test":
                if not same(_at(found, path), _given(each)):
                    raise NotComputed
            case _:
                raise NotComputed
    return found


def _given(operation: dict[str, Json]) -> Json:
    if "value" not in operation:
        raise NotComputed
    return operation["value"]


def _pointer(text: str) -> list[str]:
    """The parts of a JSON pointer (RFC 6901); the whole document is never one here."""
    if not text.startswith("/"):
        raise NotComputed
    return [part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/")]


def _at(value: Json, path: list[str]) -> Json:
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list):
            value = value[_index(part, len(value) - 1)]
        else:
            raise NotComputed
    return value


def _put(value: Json, path: list[str], new: Json, *, insert: bool) -> None:
    place = _at(value, path[:-1])
    if isinstance(place, dict):
        place[path[-1]] = new
    elif isinstance(place, list) and insert:
        place.insert(len(place) if path[-1] == "-" else _index(path[-1], len(place)), new)
    elif isinstance(place, list):
        place[_index(path[-1], len(place) - 1)] = new
    else:
        raise NotComputed


def _take(value: Json, path: list[str]) -> Json:
    taken, place = _at(value, path), _at(value, path[:-1])
    if isinstance(place, dict):
        del place[path[-1]]
    elif isinstance(place, list):
        del place[_index(path[-1], len(place) - 1)]
    return taken


def _index(part: str, last: int) -> int:
    if not (part.isascii() and part.isdigit()) or int(part) > last:
        raise NotComputed
    return int(part)
