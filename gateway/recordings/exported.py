"""The shape of an exported recording: JSON lines that a person can read and a machine can prove.

The first line says whose recording it is, the second carries what the proof needs (the recording's key, a
checkpoint, the keys that sign checkpoints, consistency proofs from earlier checkpoints). Then come the frames
in readable form, and behind the frames of each sealed block the block itself with its leaf and its inclusion
proof. The readable lines are a pure function of the blocks, so that they are proven with them.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import assert_never

import msgspec

from gateway.domain.errors import ProofBroken
from gateway.domain.verdict import Decision, Layer
from gateway.recordings.frames import Answer, Ended, Event, Opened, Output, Probed, Record, UnitFrame
from gateway.recordings.replay import Texts

FORMAT = 1


class Head(msgspec.Struct, frozen=True, tag="recording", kw_only=True):
    """The first line.

    Attributes:
        format: of the file.
        session: its number.
        identity: who.
        endpoint: what.
        protocol: of the endpoint.
        grant: under which grant.
        reason: why.
        client: peer address and application.
        started_at: when.
        closed: whether the recording had ended when it was exported.
        exported_at: when it was taken out; not part of the proof.
        exported_by: by whom; not part of the proof.
    """

    format: int
    session: int
    identity: str
    endpoint: str
    protocol: str
    grant: int
    reason: str
    client: str
    started_at: datetime
    closed: bool
    exported_at: datetime
    exported_by: str


class Consistency(msgspec.Struct, frozen=True):
    """Proof that an earlier checkpoint's tree is the beginning of this one's.

    Attributes:
        size: leaves of the earlier one.
        path: hashes, 32 bytes each.
    """

    size: int
    path: tuple[bytes, ...]


class Proof(msgspec.Struct, frozen=True, tag="proof"):
    """The second line.

    Attributes:
        key: the recording's key.
        checkpoint: signed note over the tree that the inclusion proofs lead to.
        keys: keys that sign this ledger's checkpoints, as verifiers of notes share them.
        consistency: from earlier checkpoints to this one.
    """

    key: bytes
    checkpoint: str
    keys: tuple[str, ...]
    consistency: tuple[Consistency, ...]


class LeafShown(msgspec.Struct, frozen=True):
    """A ledger leaf.

    Attributes:
        number: its place.
        kind: what it says.
        at_us: when, microseconds since 1970.
        data: its content.
    """

    number: int
    kind: str
    at_us: int
    data: str


class SealedShown(msgspec.Struct, frozen=True, tag="block"):
    """A sealed block, behind the frames that it holds.

    Attributes:
        sequence: its place.
        leaf: its leaf.
        path: inclusion proof, 32 bytes each.
        sealed: header and ciphertext.
    """

    sequence: int
    leaf: LeafShown
    path: tuple[bytes, ...]
    sealed: bytes


class Tail(msgspec.Struct, frozen=True, tag="end"):
    """The last line.

    Attributes:
        frames: how many were written out.
        blocks: likewise.
    """

    frames: int
    blocks: int


Line = Head | Proof | SealedShown | Tail
_FRAME_MARK = b'{"type":"frame",'
_decoder = msgspec.json.Decoder(Line)
_encode = msgspec.json.Encoder().encode


def encode(line: Line) -> bytes:
    """Return one line, with its newline."""
    return _encode(line) + b"\n"


def is_frame(line: bytes) -> bool:
    """Whether a line is a readable frame."""
    return line.startswith(_FRAME_MARK)


def decode(line: bytes) -> Line:
    """Return what a line that is not a readable frame says.

    Raises:
        ProofBroken: it is malformed, or not written as we write it: no two texts say the same.
    """
    try:
        found: Line = _decoder.decode(line)
    except msgspec.DecodeError as error:
        raise ProofBroken(f"a line of the file is malformed: {error}") from error
    if in_page(encode(found)) != in_page(line):
        raise ProofBroken("a line of the file was altered: it is not as this program writes it")
    return found


def in_page(line: bytes) -> bytes:
    """Return a line as it may stand in a page: in JSON ``<`` has another spelling that means the same."""
    return line.replace(b"<", b"\\u003c")


def frame_line(record: Record, texts: Texts) -> bytes:
    """Return a frame's readable line, with its newline.

    Args:
        record: the frame in its place.
        texts: has seen every unit before it.
    """
    at = datetime.fromtimestamp(record.time_ns // 1_000_000_000, UTC)
    time = f"{at:%Y-%m-%dT%H:%M:%S}.{record.time_ns % 1_000_000_000:09d}Z"
    line = {"type": "frame", "frame": record.number, "time": time, **_told(record, texts)}
    return _encode(line) + b"\n"


def _told(record: Record, texts: Texts) -> dict[str, object]:
    frame = record.frame
    match frame:
        case UnitFrame():
            text = texts.of(frame)
            return {
                "kind": "unit",
                "number": frame.number,
                "origin": frame.origin,
                "text": None if text is None else _bytes(text),
                "repeats": frame.repeats,
                "values": None
                if frame.values is None
                else [v if v is None else _bytes(v) for v in frame.values],
                "verdict": Decision(frame.decision).word,
                "rule": frame.rule,
                "reason": frame.reason,
                "layers": Layer(frame.layers).words,
                "context": frame.context,
            }
        case Answer():
            return {
                "kind": "answer",
                "number": frame.number,
                "tag": frame.tag,
                "rows": frame.rows,
                "bytes": frame.bytes,
                "error_code": frame.error_code,
                "error_message": frame.error_message,
                "nanoseconds": frame.nanoseconds,
            }
        case Output():
            return {
                "kind": "output",
                "number": frame.number,
                "stream": frame.stream,
                "data": _bytes(frame.data),
            }
        case Probed():
            layers = Layer(frame.layers).words
            return {"kind": "probed", "level": frame.level, "layers": layers, "findings": frame.findings}
        case Event():
            return {"kind": "event", "event": frame.kind, "text": frame.text}
        case Ended():
            return {"kind": "ended", "cause": frame.cause, "message": frame.message, "by": frame.by}
        case Opened():
            facts = msgspec.structs.asdict(frame)
            protocol, layers = facts.pop("kind"), Layer(facts.pop("layers")).words
            return {"kind": "opened", **facts, "protocol": protocol, "layers": layers}
        case _:
            assert_never(frame)


def _bytes(data: bytes) -> str | dict[str, str]:
    """Text where the bytes are text; else base64, marked as such."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
