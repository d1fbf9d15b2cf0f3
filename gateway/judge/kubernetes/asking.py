"""The gateway's own requests about an object that a refused write speaks of: judged like anybody's."""

from __future__ import annotations

from typing import Final

from gateway.domain.cluster import ObjectVerb, ObjectWrite
from gateway.domain.http import Request
from gateway.judge.http.targets import rebuilt_path, rebuilt_query
from gateway.judge.kubernetes.dry_runs import ALL, PARAMETER

_JSON: Final = ("accept", "application/json")
_METHODS: Final = {ObjectVerb.CREATE: "POST", ObjectVerb.UPDATE: "PUT", ObjectVerb.PATCH: "PATCH"}


def read_of(write: ObjectWrite) -> Request:
    """Return the request that reads the object as it is.

    Args:
        write: of it, or of something that hangs below it; it has a name.
    """
    return Request("GET", rebuilt_path((*_collection(write), write.name)), (_JSON,))


def trial_of(write: ObjectWrite) -> Request | None:
    """Return the request that lets the server try a write; None where there is nothing to try.

    Args:
        write: of an object itself.
    """
    method = _METHODS.get(write.verb)
    if method is None or write.subresource or write.body is None:
        return None
    path = _collection(write) if write.verb is ObjectVerb.CREATE else (*_collection(write), write.name)
    pairs = [(PARAMETER, ALL)]
    pairs += [("fieldManager", write.manager)] if write.manager else []
    pairs += [("force", "true")] if write.force else []
    said = (("content-type", write.media),) if write.media else ()
    return Request(method, rebuilt_path(path) + rebuilt_query(pairs), (_JSON, *said), write.body)


def _collection(write: ObjectWrite) -> tuple[str, ...]:
    root = ("apis", write.group) if write.group else ("api",)
    inside = ("namespaces", write.namespace) if write.namespace and write.resource != "namespaces" else ()
    return (*root, write.version, *inside, write.resource)
