"""A release that Helm would have stored, told as what a person turns into code: its chart and its values.

Helm writes its release, a Secret, before it writes any object, so this is where ``helm upgrade`` is refused.
"""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import b64decode
from typing import TYPE_CHECKING, Final

from gateway.changes.cluster.hiding import hidden
from gateway.changes.secrets_found import without_secrets
from gateway.changes.yaml_text import written
from gateway.judge.kubernetes.helm import MAX_RELEASE
from gateway.judge.kubernetes.writes import json_of, member

if TYPE_CHECKING:
    from gateway.domain.cluster import ObjectWrite
    from gateway.judge.http.bodies import Json

_NAME: Final = re.compile(r"sh\.helm\.release\.v1\.(.+)\.v[0-9]+")
# In JSON and in protobuf alike the release stands in the body as a run of base64 that begins as gzip does.
_PACKED: Final = re.compile(rb"H4sI[A-Za-z0-9+/]{20,}={0,2}|SDRzS[A-Za-z0-9+/]{20,}={0,2}")


def page_of_release(write: ObjectWrite) -> str | None:
    """Return what a release is made of, without secrets; None where a write is of none.

    Args:
        write: of a Secret.
    """
    name = _NAME.fullmatch(write.name)
    release = _release(write.body or b"") if name else None
    if name is None or release is None:
        return None
    metadata = member(release, "chart", "metadata")
    chart, version = member(metadata, "name"), member(metadata, "version")
    line = f"helm upgrade --install {name[1]} {chart} --version {version}"
    if write.namespace:
        line += f" --namespace {write.namespace}"
    values = hidden(member(release, "config"))
    if not isinstance(values, dict) or not values:
        return line
    return f"{line} --values values.yaml\n\nvalues.yaml:\n\n{without_secrets(written(values))}"


def _release(body: bytes) -> Json:
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
