"""What a body in Kubernetes' protobuf form says that it is: client-go, and so kubectl since 1.34, sends it.

Source: k8s.io/apimachinery, runtime/serializer/protobuf and runtime.Unknown: four bytes, then an envelope of
the type (1: apiVersion, 2: kind) and the object, whose first field is its metadata, whose first is its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.judge.http.reading import NotRead

PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
MAGIC: Final = b"k8s\x00"

_BYTES: Final = 2
_SIZES: Final = {1: 8, 5: 4}
"""Wire types of a fixed size."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of an object without its schema.

    Attributes:
        api_version: such as ``apps/v1``.
        kind: such as ``Deployment``.
        name: from its metadata; empty where it has none.
    """

    api_version: str
    kind: str
    name: str


def read_envelope(body: bytes) -> Envelope:
    """Read the envelope of a body.

    Args:
        body: all of it.

    Raises:
        NotRead: it is none.
    """
    if not body.startswith(MAGIC):
        raise NotRead("protobuf", "The body is not in the protobuf form of Kubernetes.")
    unknown = _fields(body[len(MAGIC) :])
    if unknown.keys() - {1, 2, 3, 4} or unknown.get(3) or unknown.get(4):
        raise NotRead("protobuf", "The body's envelope holds something that is not known.")
    kind = _fields(unknown.get(1, b""))
    metadata = _fields(_fields(unknown.get(2, b"")).get(1, b""))
    return Envelope(_text(kind.get(1)), _text(kind.get(2)), _text(metadata.get(1)))


def _fields(message: bytes) -> dict[int, bytes]:
    """The length-delimited fields of a message, the last of each number, as decoders take it."""
    found: dict[int, bytes] = {}
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == _BYTES:
            size, place = _varint(message, place)
            found[number] = message[place : place + size]
        elif wire in _SIZES:
            size = _SIZES[wire]
        elif wire == 0:
            _, place = _varint(message, place)
            continue
        else:
            raise NotRead("protobuf", "The body's protobuf is broken.")
        place += size
        if place > len(message):
            raise NotRead("protobuf", "The body's protobuf is broken.")
    return found


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for number, byte in enumerate(message[place : place + 10]):
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:
            return value, place + number + 1
    raise NotRead("protobuf", "The body's protobuf is broken.")


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
