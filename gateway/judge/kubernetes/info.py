"""A path of the API → what it asks for.

As the API server reads it: ``NewRequestInfo`` of ``k8s.io/apiserver/pkg/endpoints/request/requestinfo.go``.
Where that is lenient (parts of any form, any method before ``/watch/``), this is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.judge.http.reading import NotRead

NAMESPACE_SUBRESOURCES: Final = ("status", "finalize")
"""What may stand behind a namespace's name and is no resource in it."""

_VERBS: Final = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch"}
_GROUP: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_VERSION: Final = re.compile(r"v[1-9][0-9]{0,3}(?:(?:alpha|beta)[1-9][0-9]{0,3})?")
_MAX_NAME: Final = 253


@dataclass(frozen=True, slots=True)
class Info:
    """What a path asks for.

    Attributes:
        verb: ``get``, ``list``, ``watch``, ``create``, ``update``, ``patch``, ``delete``,
            ``deletecollection``, or ``proxy`` where the path begins so.
        group: of the API; empty for the core.
        version: of the API.
        resource: in the plural.
        namespace: empty where none is named.
        name: empty where none is named.
        subresource: empty where none is named.
        rest: what stands behind the subresource.
        special: ``watch`` or ``proxy`` where the path says so in front of the resource.
    """

    verb: str
    group: str
    version: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: tuple[str, ...] = ()
    special: str = ""


def read_info(method: str, segments: tuple[str, ...], *, watch: bool) -> Info | None:
    """Say what a path asks for; None where it is no resource.

    Args:
        method: of HTTP.
        segments: of the path, decoded.
        watch: whether the query asks for a watch.

    Raises:
        NotRead: a part of it has a form that the API doesn't know.
    """
    if len(segments) < 3 or segments[0] not in ("api", "apis"):
        return None
    group = ""
    rest = segments[1:]
    if segments[0] == "apis":
        if len(segments) < 4:
            return None
        group, rest = segments[1], segments[2:]
        _check("group", group, _GROUP)
    version, rest = rest[0], rest[1:]
    _check("version", version, _VERSION if "." not in group else _LABEL)
    special = rest[0] if rest[0] in ("watch", "proxy") else ""
    if special:
        rest = rest[1:]
        if not rest:
            raise NotRead("path", f"Nothing stands behind {special}.")
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        _check("namespace", namespace, _LABEL)
        if len(rest) > 2 and rest[2] not in NAMESPACE_SUBRESOURCES:
            rest = rest[2:]
    resource, name, subresource, *more = (*rest, *("",) * max(0, 3 - len(rest)))
    if len(name) > _MAX_NAME:
        raise NotRead("path", f"The name is longer than {_MAX_NAME} characters.")
    verb = special or _verb(method, named=bool(name), watch=watch)
    return Info(verb, group, version, resource, namespace, name, subresource, tuple(more), special)


def _verb(method: str, *, named: bool, watch: bool) -> str:
    if method == "DELETE":
        return "delete" if named else "deletecollection"
    verb = _VERBS[method]
    if verb == "get" and not named:
        return "watch" if watch else "list"
    return verb


def _check(what: str, text: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(text):
        raise NotRead("path", f"The {what} has a form that the API doesn't know.")
