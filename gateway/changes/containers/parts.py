"""What a refused request would have done to containers, as it is stored with its change request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway.changes.host.parts import HostPart

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.changes.containers.wanted import Wanted
    from gateway.store.changes import StoredChange, StoredUnit

_TAG = "container"


class ContainerPart(msgspec.Struct, frozen=True, tag=_TAG):
    """One request's effect.

    Attributes:
        sort: of what: ``container``, ``image``, ``service`` and so on.
        verb: what would have happened to it.
        name: as the client named it; empty where it named none.
        command: the docker command, without secrets.
        names: what the engine calls the container besides.
        service: of which service compose labelled the container; empty: of none.
        files: compose files as compose labelled it, by their paths on the engine's machine.
        image: that it runs.
        wanted: keys of a compose file's service with their values, as JSON: the store keeps no order.
        parts: what would have become of files in it.
    """

    sort: str
    verb: str
    name: str
    command: str
    names: tuple[str, ...] = ()
    service: str = ""
    files: tuple[str, ...] = ()
    image: str = ""
    wanted: str = ""
    parts: tuple[HostPart, ...] = ()

    @property
    def wants(self) -> Wanted:
        """Keys of a compose file's service with their values."""
        return msgspec.json.decode(self.wanted, type=dict[str, Any]) if self.wanted else {}


class _Tag(msgspec.Struct):
    type: str = ""


_TAGS = msgspec.json.Decoder(tuple[_Tag | None, ...])
_PARTS = msgspec.json.Decoder(tuple[ContainerPart, ...])


def encode_parts(parts: Sequence[ContainerPart]) -> str:
    """Return parts as they are stored."""
    return msgspec.json.encode(parts).decode()


def speaks_of_containers(change: StoredChange) -> bool:
    """Whether a change request holds what a container engine refused."""
    return any(part and part.type == _TAG for unit in change.units for part in _TAGS.decode(unit.parts))


def parts_of(unit: StoredUnit) -> tuple[ContainerPart, ...]:
    """Return the parts of a stored unit."""
    return _PARTS.decode(unit.parts)


def all_parts(change: StoredChange) -> Iterator[ContainerPart]:
    """Yield the parts of a change request in order."""
    for unit in change.units:
        yield from parts_of(unit)
