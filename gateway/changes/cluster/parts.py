"""What a refused request would have done to a cluster's objects, as it is stored with its change request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.store.changes import StoredChange, StoredUnit

_TAG = "object"


class ObjectPart(msgspec.Struct, frozen=True, tag=_TAG):
    """One object, and what would have become of it.

    Attributes:
        what: as kubectl calls it, such as ``deployments.apps/web``.
        api_version: such as ``apps/v1``.
        kind: such as ``Deployment``.
        namespace: empty where it belongs to the whole cluster.
        name: of it.
        old: as it is, as JSON, without what the cluster itself says of it; empty: there is none.
        new: as it would be, likewise; empty: it would be gone.
        notes: sentences for the reviewer.
        by_hand: what a person must turn into code, where no patch can be made of it; else empty.
        why: why no patch can be made of it.
        release: of Helm, whose chart makes the object; empty: none is known.
    """

    what: str
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    old: str = ""
    new: str = ""
    notes: tuple[str, ...] = ()
    by_hand: str = ""
    why: str = ""
    release: str = ""


class _Tag(msgspec.Struct):
    type: str


_TAGS = msgspec.json.Decoder(tuple[_Tag, ...])
_PARTS = msgspec.json.Decoder(tuple[ObjectPart, ...])


def encode_parts(parts: Sequence[ObjectPart]) -> str:
    """Return parts as they are stored."""
    return msgspec.json.encode(parts).decode()


def speaks_of_objects(change: StoredChange) -> bool:
    """Whether a change request holds what was refused at a cluster's API."""
    return any(part.type == _TAG for unit in change.units for part in _TAGS.decode(unit.parts))


def all_parts(change: StoredChange) -> Iterator[ObjectPart]:
    """Yield the parts of a change request in order."""
    for unit in change.units:
        yield from _parts_of(unit)


def _parts_of(unit: StoredUnit) -> tuple[ObjectPart, ...]:
    return _PARTS.decode(unit.parts)
