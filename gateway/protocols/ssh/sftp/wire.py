"""SFTP's packets: bytes ↔ values (draft-ietf-secsh-filexfer-02; OpenSSH's PROTOCOL for extensions)."""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from gateway.domain.errors import PeerError

VERSION: Final = 3
MAX_PACKET: Final = 256 * 1024 + 1024
"""Bytes; OpenSSH's server and client take no longer ones."""
_HAS_SIZE: Final = 1
_HAS_OWNER: Final = 2
HAS_MODE: Final = 4
"""Bits of attributes (section 5)."""
_LENGTH: Final = struct.Struct(">I")
_HEAD: Final = struct.Struct(">IBI")


class Kind(IntEnum):
    """Types of packets (section 3)."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    """Outcomes (section 7)."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    OP_UNSUPPORTED = 8


class OpenFlag(IntEnum):
    """Flags of OPEN (section 6.3)."""

    READ = 1
    WRITE = 2
    APPEND = 4
    CREAT = 8
    TRUNC = 16
    EXCL = 32


@dataclass(frozen=True, slots=True)
class Packet:
    """A request or an answer.

    Attributes:
        kind: its type; a number where it is none that is known.
        number: of the request.
        body: what follows.
    """

    kind: int
    number: int
    body: bytes

    def renumbered(self, number: int) -> bytes:
        """Return its bytes under another number."""
        return packet(self.kind, number, self.body)


class Frames:
    """Cuts a stream into packets."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Packet]:
        """Return the packets that are whole now.

        The first of a conversation, INIT and VERSION, has its version in the number's place.

        Raises:
            PeerError: a packet is too long, or too short to be one.
        """
        self._held += data
        packets = []
        at = 0
        while len(self._held) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._held, at)
            if not 5 <= length <= MAX_PACKET:
                raise PeerError(f"an SFTP packet of {length:,} bytes")
            if len(self._held) - at - 4 < length:
                break
            _, kind, number = _HEAD.unpack_from(self._held, at)
            packets.append(Packet(kind, number, bytes(self._held[at + 9 : at + 4 + length])))
            at += 4 + length
        del self._held[:at]
        return packets


class Fields:
    """Reads a packet's body.

    Args:
        body: of a packet.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def number(self) -> int:
        """Read four bytes.

        Raises:
            PeerError: the body is over.
        """
        return int.from_bytes(self._take(4), "big")

    def long(self) -> int:
        """Read eight bytes."""
        return int.from_bytes(self._take(8), "big")

    def string(self) -> bytes:
        """Read a string."""
        return self._take(self.number())

    def rest(self) -> bytes:
        """Read all that is left."""
        return self._take(len(self._body) - self._at)

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise PeerError("an SFTP packet ends before its fields do")
        taken = self._body[self._at : end]
        self._at = end
        return taken


def packet(kind: int, number: int, body: bytes = b"") -> bytes:
    """Return a packet's bytes."""
    return _HEAD.pack(len(body) + 5, kind, number) + body


def string(value: bytes) -> bytes:
    """Return a string as it stands in a packet."""
    return _LENGTH.pack(len(value)) + value


def status(number: int, outcome: Status, message: str = "") -> bytes:
    """Return the answer that tells how a request ended."""
    return packet(Kind.STATUS, number, _LENGTH.pack(outcome) + string(message.encode()) + string(b"en"))


def is_regular(answer: Packet) -> bool:
    """Whether ATTRS speak of a regular file; what doesn't say so is none."""
    fields = Fields(answer.body)
    flags = fields.number()
    if flags & _HAS_SIZE:
        fields.long()
    if flags & _HAS_OWNER:
        fields.long()
    return bool(flags & HAS_MODE) and stat.S_ISREG(fields.number())


def plain_attributes(size: int) -> bytes:
    """Return attributes that tell a size and a plain file's mode."""
    mode = stat.S_IFREG | 0o644
    flags = _HAS_SIZE | HAS_MODE
    return flags.to_bytes(4, "big") + size.to_bytes(8, "big") + mode.to_bytes(4, "big")


def size_and_mode(attributes: bytes) -> tuple[int, int]:
    """Return size in bytes and permission bits of attributes; zero where they don't say."""
    fields = Fields(attributes)
    flags = fields.number()
    size = fields.long() if flags & _HAS_SIZE else 0
    if flags & _HAS_OWNER:
        fields.long()
    return size, fields.number() & 0o7777 if flags & HAS_MODE else 0
