"""Frames: what a recording is made of, and their bytes in a tail and in a sealed block.

A frame on disk is 16 bytes of header (payload length, CRC-32 of time and payload, nanoseconds since 1970;
little-endian) and a MessagePack array whose first element is the frame's tag. Fields are only ever added, at
the end and with a default, so that older recordings stay readable.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from gateway.domain.errors import ProofBroken

MAX_FRAME_BYTES = 1 << 28
"""A longer frame is taken for a torn one."""

HEADER = struct.Struct("<IIQ")
_TIME = struct.Struct("<Q")
CRC_START = 8
"""The checksum covers everything from here: time and payload."""


class Opened(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The first frame: who looks at what, under which grant.

    Attributes:
        session: the session's number; 0 until ``open_recording`` allocates it.
        identity: login name.
        endpoint: its name.
        grant: number of the grant.
        reason: why, as asked.
        client: peer address and application.
        kind: protocol.
        identity_id: number of the identity.
        endpoint_id: number of the endpoint.
        level: what production enforces by itself, where it is known before; see ``Probed``.
        layers: as in ``Probed``.
        findings: as in ``Probed``.
        versions: versions of what judged, such as ``policy`` and ``gateway``.
    """

    session: int
    identity: str
    endpoint: str
    grant: int
    reason: str
    client: str
    kind: str = ""
    identity_id: int = 0
    endpoint_id: int = 0
    level: str = ""
    layers: int = 0
    findings: dict[str, str] = {}
    versions: dict[str, str] = {}


class Probed(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """What production enforces by itself, as probed at connect.

    Attributes:
        level: its name.
        layers: layers in force, as the bits of ``Layer``.
        findings: what the probe saw.
    """

    level: str
    layers: int
    findings: dict[str, str]


class UnitFrame(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """A unit with its verdict, written before the unit is forwarded.

    Attributes:
        number: its place among the session's units, from 1.
        origin: ``client`` or ``gateway``.
        text: as sent; None where it repeats an earlier unit's.
        repeats: number of that earlier unit.
        values: bind values as sent, None for NULL; None where the unit has none.
        decision: 0 allow, 1 change, 2 refuse.
        rule: what decided.
        reason: one sentence.
        layers: layers in force for this unit, as the bits of ``Layer``.
        context: what else the verdict depended on.
    """

    number: int
    origin: str
    text: bytes | None
    repeats: int | None
    values: tuple[bytes | None, ...] | None
    decision: int
    rule: str
    reason: str
    layers: int
    context: str = ""


class Answer(msgspec.Struct, frozen=True, array_like=True, tag=4, gc=False):
    """How production answered a unit.

    Attributes:
        number: the unit's.
        tag: the protocol's own completion, such as ``SELECT 3``.
        rows: rows returned; None where the protocol has none.
        bytes: size of the answer.
        error_code: the protocol's code where it failed.
        error_message: the protocol's message where it failed.
        nanoseconds: from forwarding to the answer's end.
    """

    number: int
    tag: str
    rows: int | None
    bytes: int
    error_code: str
    error_message: str
    nanoseconds: int


class Output(msgspec.Struct, frozen=True, array_like=True, tag=5, gc=False):
    """A piece of an answer, where the endpoint's policy keeps results.

    Attributes:
        number: the unit's.
        stream: 1 standard output or result rows, 2 standard error.
        data: raw bytes.
    """

    number: int
    stream: int
    data: bytes


class Event(msgspec.Struct, frozen=True, array_like=True, tag=6, gc=False):
    """Something that happened to the session.

    Attributes:
        kind: a stable word, such as ``cancelled``.
        text: one sentence.
    """

    kind: str
    text: str


class Ended(msgspec.Struct, frozen=True, array_like=True, tag=7, gc=False):
    """The last frame: why the session ended.

    Attributes:
        cause: as in ``EndCause``.
        message: as the client was told.
        by: login name of who ended it, where a person did.
    """

    cause: str
    message: str
    by: str = ""


Frame = Opened | Probed | UnitFrame | Answer | Output | Event | Ended

encode_payload = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Frame).decode


@dataclass(frozen=True, slots=True)
class Record:
    """A frame in its place.

    Attributes:
        number: place among all frames of the recording, from 0.
        time_ns: when it was written, nanoseconds since 1970.
        frame: what it says.
    """

    number: int
    time_ns: int
    frame: Frame


def encode(frame: Frame, time_ns: int) -> bytes:
    """Return a frame's bytes.

    Args:
        frame: any frame.
        time_ns: nanoseconds since 1970.
    """
    return framed(encode_payload(frame), time_ns)


def framed(payload: bytes, time_ns: int) -> bytes:
    """Return an encoded frame behind its header."""
    crc = zlib.crc32(payload, zlib.crc32(_TIME.pack(time_ns)))
    return HEADER.pack(len(payload), crc, time_ns) + payload


def intact(data: bytes | memoryview) -> tuple[int, list[int]]:
    """Find where whole frames end: the last one may be half written.

    Args:
        data: frames one behind the other.

    Returns:
        Bytes up to the end of the last whole frame, and the time of each whole frame.
    """
    view, offset, times = memoryview(data), 0, []
    while len(view) - offset > HEADER.size:
        length, crc, time_ns = HEADER.unpack_from(view, offset)
        end = offset + HEADER.size + length
        if not 0 < length <= MAX_FRAME_BYTES or end > len(view):
            break
        if zlib.crc32(view[offset + CRC_START : end]) != crc:
            break
        times.append(time_ns)
        offset = end
    return offset, times


def decode(data: bytes, first: int) -> Iterator[Record]:
    """Yield the frames of a sealed block's content.

    Args:
        data: whole frames one behind the other.
        first: place of the first among all frames of the recording.

    Raises:
        ProofBroken: a frame does not fit its checksum or is no frame of ours.
    """
    view, offset, number = memoryview(data), 0, first
    while offset < len(view):
        if len(view) - offset <= HEADER.size:
            raise ProofBroken(f"frame {number} is cut short")
        length, crc, time_ns = HEADER.unpack_from(view, offset)
        end = offset + HEADER.size + length
        if end > len(view) or zlib.crc32(view[offset + CRC_START : end]) != crc:
            raise ProofBroken(f"frame {number} does not fit its checksum")
        try:
            frame = _decode(view[offset + HEADER.size : end])
        except msgspec.DecodeError as error:
            raise ProofBroken(f"frame {number} is no frame of this version: {error}") from error
        yield Record(number, time_ns, frame)
        offset, number = end, number + 1
