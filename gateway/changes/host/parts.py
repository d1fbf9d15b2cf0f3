"""What a refused command would have done to a host, as it is stored with its change request."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.store.changes import StoredChange, StoredUnit


class FilePart(msgspec.Struct, frozen=True, tag="file"):
    """A file that would have been another.

    Attributes:
        path: on the host.
        old: its bytes as they were; None: there was none.
        new: its bytes as they would have been, without secrets; None: gone.
        executable: whether it would have been a program.
        was_executable: whether it was one.
        notes: sentences for the reviewer.
        link: whether it would have been a symbolic link, to what ``new`` names.
    """

    path: str
    old: bytes | None
    new: bytes | None
    executable: bool = False
    was_executable: bool = False
    notes: tuple[str, ...] = ()
    link: bool = False


class StanzaPart(msgspec.Struct, frozen=True, tag="stanza"):
    """Something that the definition of the host's image would say; see ``domain/host.py``."""

    sort: str
    tool: str
    action: str
    names: tuple[str, ...]


class HandPart(msgspec.Struct, frozen=True, tag="hand"):
    """Something for a person to turn into code.

    Attributes:
        text: the command line, without secrets.
        why: why no patch could be made of it.
    """

    text: str
    why: str


HostPart: TypeAlias = FilePart | StanzaPart | HandPart

_PARTS = msgspec.json.Decoder(tuple[HostPart, ...])


def encode_parts(parts: Sequence[HostPart]) -> str:
    """Return parts as they are stored."""
    return msgspec.json.encode(parts).decode()


def parts_of(unit: StoredUnit) -> tuple[HostPart, ...]:
    """Return the parts of a stored unit."""
    return _PARTS.decode(unit.parts)


def all_parts(change: StoredChange) -> Iterator[tuple[StoredUnit, HostPart]]:
    """Yield the parts of a change request in order, each with the unit it comes from."""
    for unit in change.units:
        for part in parts_of(unit):
            yield unit, part
