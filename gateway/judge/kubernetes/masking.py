"""Answers that hold Secrets → the same without their values.

Masked are ``data`` and ``stringData``, annotations (``kubectl apply`` and others keep whole copies there) and
managed fields: in single objects, lists, tables with their objects, and events of a watch. A Helm release
keeps its shape, so that ``helm list`` and ``helm history`` read it; its values go.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Final

import msgspec

from gateway.judge.http.bodies import Json
from gateway.judge.http.reading import NotRead
from gateway.judge.kubernetes.helm import MAX_GROWTH, RELEASE, mask_release

MASK: Final = "<masked>"
"""What stands in the place of text."""

MASKED_DATA: Final = b64encode(MASK.encode()).decode()
"""What stands in the place of bytes."""

MAX_LINE: Final = 16 * 2**20
"""Longest event of a watch, in bytes; the API server's own limit for an object is less than two million."""

SHOWN_ANNOTATIONS: Final = (
    "argocd.argoproj.io/",
    "cert-manager.io/",
    "helm.sh/",
    "kubernetes.io/service-account.",
    "meta.helm.sh/release-",
)
"""Beginnings of annotations that only say what a Secret belongs to."""


def mask(body: bytes) -> bytes:
    """Return an answer without the values of Secrets.

    Args:
        body: JSON, all of it.

    Raises:
        NotRead: it is no JSON object.
    """
    try:
        answer: Json = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise NotRead("answer", "The answer is no JSON, so Secrets in it can't be masked.") from None
    if not isinstance(answer, dict):
        raise NotRead("answer", "The answer is no object, so Secrets in it can't be masked.")
    return msgspec.json.encode(_masked(answer))


def weighs(answer: bytes) -> int:
    """Return how many bytes are gone through to mask an answer: releases in it are unpacked.

    Args:
        answer: or a part of one.
    """
    return len(answer) * (MAX_GROWTH if RELEASE.encode() in answer else 1)


class MaskedWatch:
    """The events of a watch, masked as they come."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Return the events that are whole now, masked, one a line.

        Args:
            data: what came.

        Raises:
            NotRead: an event is no JSON object, or longer than :data:`MAX_LINE`.
        """
        self._rest += data
        whole, newline, rest = self._rest.rpartition(b"\n")
        if len(rest) > MAX_LINE:
            raise NotRead("answer", f"An event of the watch is longer than {MAX_LINE} bytes.")
        self._rest = bytearray(rest)
        lines = bytes(whole).split(b"\n") if newline else []
        return b"".join(mask(line) + b"\n" for line in lines if line.strip())

    def end(self) -> bytes:
        """Return what is left at the stream's end, masked.

        Raises:
            NotRead: it is no whole event.
        """
        rest, self._rest = bytes(self._rest), bytearray()
        return mask(rest) if rest.strip() else b""


def _masked(value: Json) -> Json:
    """An answer, or an object in one, masked."""
    if not isinstance(value, dict):
        return value
    kind = value.get("kind")
    if kind == "Status":
        return {name: each for name, each in value.items() if name not in ("data", "stringData")}
    if kind == "Table":
        return value | {"rows": [_row(each) for each in _listed(value, "rows")]}
    if "object" in value:
        value = value | {"object": _masked(value["object"])}
        if kind is None:
            return value
    if "items" in value:
        value = value | {"items": [_masked(each) for each in _listed(value, "items")]}
    return _object(value)


def _row(value: Json) -> Json:
    if isinstance(value, dict) and "object" in value:
        return value | {"object": _masked(value["object"])}
    return value


def _object(value: dict[str, Json]) -> dict[str, Json]:
    masked = dict(value)
    if "data" in masked:
        masked["data"] = _data(masked)
    if "stringData" in masked:
        masked["stringData"] = _replaced(masked["stringData"], MASK)
    metadata = masked.get("metadata")
    if metadata is not None:
        masked["metadata"] = _metadata(metadata) if isinstance(metadata, dict) else {}
    return masked


def _data(value: dict[str, Json]) -> Json:
    data = value["data"]
    if value.get("type") == RELEASE and isinstance(data, dict) and isinstance(data.get("release"), str):
        release = mask_release(str(data["release"]), MASK)
        if release is not None:
            return {name: release if name == "release" else MASKED_DATA for name in data}
    return _replaced(data, MASKED_DATA)


def _replaced(values: Json, by: str) -> Json:
    if values is None:
        return None
    return dict.fromkeys(values, by) if isinstance(values, dict) else by


def _metadata(metadata: dict[str, Json]) -> dict[str, Json]:
    masked = {name: value for name, value in metadata.items() if name != "managedFields"}
    annotations = masked.get("annotations")
    if isinstance(annotations, dict):
        masked["annotations"] = {
            name: value if name.startswith(SHOWN_ANNOTATIONS) else MASK for name, value in annotations.items()
        }
    elif annotations is not None:
        masked["annotations"] = {}
    return masked


def _listed(value: dict[str, Json], name: str) -> list[Json]:
    found = value.get(name)
    return found if isinstance(found, list) else []
