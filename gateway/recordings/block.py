"""Sealed blocks: frames compressed, encrypted under the session's key, hashed and chained.

A block is a fixed header and a body. The header is in the clear, authenticated with the body (AES-256-GCM
additional data), and carries the SHA-256 of the block before it; the block's own hash is taken over header
and body, so that a chain and its ledger leaves can be checked without any key, and still after the key was
destroyed.
"""

from __future__ import annotations

import hashlib
import secrets
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.domain.errors import ProofBroken
from gateway.domain.ids import SessionId
from gateway.recordings import frames

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCK_BYTES = 64 << 10
"""A tail of this size is sealed once it is older than ``FILLING_NS``; a larger frame makes a larger block."""
MOST_BYTES = 1 << 20
"""A tail of this size is sealed, however young."""
FILLING_NS = 100_000_000
"""So long one that fills fast may grow: a file and a sync for each 64 KiB cost more than what is in it."""

NO_BLOCK = bytes(32)
"""Stands for the hash of the block before the first."""

KEY_BYTES = 32
_MAGIC = b"GGB1"
_HEADER = struct.Struct("<4sQIQIQQQB32s12sQ")
HEADER_BYTES = _HEADER.size
_FINAL = 1
_MAX_BODY = 1 << 30
_codec = threading.local()


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What a block says of itself in the clear.

    Attributes:
        session: whose recording.
        sequence: its place in the recording, from 0.
        first_frame: place of its first frame among all frames of the recording.
        frames: how many it holds.
        first_ns: time of its first frame, nanoseconds since 1970.
        last_ns: time of its last frame.
        plain_bytes: size of its frames.
        final: whether the recording ends with it.
        previous: hash of the block before it.
        nonce: of the encryption.
        body_bytes: size of what follows the header.
    """

    session: SessionId
    sequence: int
    first_frame: int
    frames: int
    first_ns: int
    last_ns: int
    plain_bytes: int
    final: bool
    previous: bytes
    nonce: bytes
    body_bytes: int

    def pack(self) -> bytes:
        """Return the header's bytes."""
        return _HEADER.pack(
            _MAGIC,
            self.session,
            self.sequence,
            self.first_frame,
            self.frames,
            self.first_ns,
            self.last_ns,
            self.plain_bytes,
            _FINAL if self.final else 0,
            self.previous,
            self.nonce,
            self.body_bytes,
        )

    @property
    def records(self) -> str:
        """Name the block and its frames for a person."""
        last = self.first_frame + self.frames - 1
        return f"session {self.session}, block {self.sequence} (frames {self.first_frame} to {last})"


@dataclass(frozen=True, slots=True)
class Digest:
    """What a block's leaf speaks of.

    Attributes:
        header: the block's header.
        hash: SHA-256 of the block.
    """

    header: BlockHeader
    hash: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """A sealed block.

    Attributes:
        header: its header.
        data: header and body, as stored.
        hash: SHA-256 of ``data``.
    """

    header: BlockHeader
    data: bytes
    hash: bytes

    @property
    def digest(self) -> Digest:
        """The block without its content."""
        return Digest(self.header, self.hash)


def parse_header(data: bytes) -> BlockHeader:
    """Return the header that some bytes begin with.

    Raises:
        ProofBroken: they are no header of a block.
    """
    if len(data) < HEADER_BYTES:
        raise ProofBroken("a block's header is cut short")
    magic, session, sequence, first, count, first_ns, last_ns, plain, flags, previous, nonce, body = (
        _HEADER.unpack_from(data)
    )
    if magic != _MAGIC or flags > _FINAL or body > _MAX_BODY:
        raise ProofBroken("a block's header is damaged")
    return BlockHeader(
        SessionId(session),
        sequence,
        first,
        count,
        first_ns,
        last_ns,
        plain,
        flags == _FINAL,
        previous,
        nonce,
        body,
    )


def parse(data: bytes) -> Block:
    """Return the block that some bytes are.

    Raises:
        ProofBroken: they are no block, or not exactly one.
    """
    header = parse_header(data)
    if len(data) != HEADER_BYTES + header.body_bytes:
        raise ProofBroken(f"{header.records} is cut short or too long")
    return Block(header, data, hashlib.sha256(data).digest())


def seal(
    plain: bytes,
    times: Sequence[int],
    *,
    key: bytes,
    session: SessionId,
    sequence: int,
    first_frame: int,
    previous: bytes,
    final: bool,
) -> Block:
    """Seal frames into a block. Takes about a millisecond; call it in a thread.

    Args:
        plain: whole frames one behind the other.
        times: time of each, nanoseconds since 1970.
        key: the session's, 32 bytes.
        session: whose recording.
        sequence: the block's place.
        first_frame: place of its first frame.
        previous: hash of the block before it.
        final: whether the recording ends here.
    """
    compressor = getattr(_codec, "compressor", None)
    if compressor is None:
        compressor = _codec.compressor = zstandard.ZstdCompressor(level=1, write_content_size=True)
    packed = compressor.compress(plain)
    header = BlockHeader(
        session=session,
        sequence=sequence,
        first_frame=first_frame,
        frames=len(times),
        first_ns=times[0] if times else 0,
        last_ns=times[-1] if times else 0,
        plain_bytes=len(plain),
        final=final,
        previous=previous,
        nonce=secrets.token_bytes(12),
        body_bytes=len(packed) + 16,
    )
    head = header.pack()
    data = head + AESGCM(key).encrypt(header.nonce, packed, head)
    return Block(header, data, hashlib.sha256(data).digest())


def unseal(block: Block, key: bytes) -> bytes:
    """Return a block's frames.

    Args:
        block: as stored.
        key: the session's.

    Raises:
        ProofBroken: it was altered, or the key is another's.
    """
    try:
        packed = AESGCM(key).decrypt(block.header.nonce, block.data[HEADER_BYTES:], block.data[:HEADER_BYTES])
        plain = zstandard.ZstdDecompressor().decompress(packed, max_output_size=block.header.plain_bytes)
    except (InvalidTag, ValueError, zstandard.ZstdError) as error:
        raise ProofBroken(
            f"{block.header.records} can't be decrypted: altered, or the key is wrong"
        ) from error
    if len(plain) != block.header.plain_bytes:
        raise ProofBroken(f"{block.header.records} does not hold what its header says")
    return plain


def records(block: Block, key: bytes) -> list[frames.Record]:
    """Return a block's frames, decoded.

    Raises:
        ProofBroken: as :func:`unseal`, or a frame is damaged, or their number is not what the header says.
    """
    found = list(frames.decode(unseal(block, key), block.header.first_frame))
    if len(found) != block.header.frames:
        raise ProofBroken(f"{block.header.records} holds {len(found)} frames")
    return found
