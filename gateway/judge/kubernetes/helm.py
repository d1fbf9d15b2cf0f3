"""Helm's releases, which it keeps in Secrets: their shape stays, their values go.

Source: helm.sh/helm/v3/pkg/storage/driver/util.go: base64 of gzip of JSON, which the Secret's data then holds
in base64 like any bytes.
"""

from __future__ import annotations

import binascii
import gzip
import re
import zlib
from base64 import b64decode, b64encode
from typing import Final

import msgspec

from gateway.judge.http.bodies import Json

RELEASE: Final = "helm.sh/release.v1"
"""The type of such Secrets."""

MAX_RELEASE: Final = 8 * 2**20
"""Largest release that is unpacked, in bytes."""

MAX_GROWTH: Final = 64
"""How many times its packed size a release may have: charts are text, and become ten times smaller."""

_DOCUMENTS: Final = re.compile(r"^(?=---)", re.MULTILINE)
_SECRET: Final = re.compile(r"\bkind\b[\"']?\s*:.*Secret|\bstringData\b")
_PLAIN: Final = re.compile(r"^kind:[ \t]*[\"']?[A-Za-z]+[\"']?[ \t]*(?:#.*)?$", re.MULTILINE)
"""A kind as charts write it; YAML has other ways, by which a Secret would not be seen to be one."""
_SAYS: Final = re.compile(r"^(?!---|#)[^\s]", re.MULTILINE)
_KEPT: Final = ("name", "version", "namespace", "labels")
_OF_CHART: Final = ("metadata", "lock")


def mask_release(data: str, mask: str) -> str | None:
    """Return a release without its values; None where it can't be read.

    What stays: its name, number, state and times, the chart's description, and manifests that are no Secrets.

    Args:
        data: as the Secret holds it.
        mask: what stands in the place of values.
    """
    try:
        packed = b64decode(b64decode(data, validate=True), validate=True)
        unpacked = zlib.decompressobj(wbits=31)
        text = unpacked.decompress(packed, min(MAX_RELEASE, len(packed) * MAX_GROWTH))
        release: Json = msgspec.json.decode(text)
    except (binascii.Error, zlib.error, msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(release, dict):
        return None
    masked = msgspec.json.encode(_release(release, mask))
    return b64encode(b64encode(gzip.compress(masked, mtime=0))).decode()


def _release(release: dict[str, Json], mask: str) -> dict[str, Json]:
    found: dict[str, Json] = {name: release[name] for name in _KEPT if name in release}
    info = release.get("info")
    if isinstance(info, dict):
        # Notes are rendered from the values.
        found["info"] = {name: value for name, value in info.items() if name != "notes"}
    chart = release.get("chart")
    if isinstance(chart, dict):
        of_chart: dict[str, Json] = {name: chart[name] for name in _OF_CHART if name in chart}
        found["chart"] = of_chart | {"templates": [], "values": _leaves(chart.get("values"), mask)}
    found["config"] = _leaves(release.get("config"), mask)
    manifest = release.get("manifest")
    if isinstance(manifest, str):
        found["manifest"] = _manifest(manifest, mask)
    return found


def _leaves(value: Json, mask: str) -> Json:
    match value:
        case dict():
            return {name: _leaves(each, mask) for name, each in value.items()}
        case list():
            return [_leaves(each, mask) for each in value]
        case None:
            return None
        case _:
            return mask


def _manifest(text: str, mask: str) -> str:
    """The documents of a manifest, those left out that are Secrets, or don't plainly say what they are."""
    documents = _DOCUMENTS.split(text)
    return "".join(each if _shows(each) else f"---\n# {mask}\n" for each in documents)


def _shows(document: str) -> bool:
    if _SECRET.search(document):
        return False
    return _PLAIN.search(document) is not None or _SAYS.search(document) is None
