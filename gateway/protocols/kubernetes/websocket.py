"""WebSocket frames (RFC 6455), sans-I/O, for either side: bytes in, messages out, every buffer capped."""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from gateway.domain.errors import PeerError

VERSION: Final = "13"
MOST_MESSAGE: Final = 4 << 20
"""Bytes of one message; clients and API servers send some 32 KiB at once."""

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FIN: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_LONGEST_CONTROL: Final = 125


class Opcode(IntEnum):
    """What a frame is (section 5.2)."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


NORMAL: Final = (1000).to_bytes(2, "big")
"""A close frame's payload where all is well (section 7.4.1)."""


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message, or a control frame.

    Attributes:
        opcode: TEXT, BINARY, CLOSE, PING or PONG.
        data: its payload, unmasked.
    """

    opcode: Opcode
    data: bytes


def accept_of(key: str) -> str:
    """Return the ``Sec-WebSocket-Accept`` that answers a key (section 4.2.2)."""
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def new_key() -> str:
    """Return a fresh ``Sec-WebSocket-Key``."""
    return base64.b64encode(os.urandom(16)).decode()


def is_key(key: str) -> bool:
    """Whether a ``Sec-WebSocket-Key`` is one: 16 bytes in base64."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        return False


class WebSocketReader:
    """Cuts what a peer sends into messages.

    Args:
        masked: whether the peer is a client, all of whose frames are masked (section 5.1).
        most: bytes of one message.
    """

    def __init__(self, *, masked: bool, most: int = MOST_MESSAGE) -> None:
        self._masked = masked
        self._most = most
        self._buffer = bytearray()
        self._opcode: Opcode | None = None
        self._pieces = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that are complete now.

        Raises:
            PeerError: the peer broke the protocol, or its message is too long.
        """
        self._buffer += data
        messages: list[Message] = []
        while (frame := self._frame()) is not None:
            fin, opcode, payload = frame
            if opcode >= Opcode.CLOSE:
                messages.append(Message(opcode, payload))
                continue
            if (opcode is Opcode.CONTINUATION) is (self._opcode is None):
                raise PeerError("a WebSocket message begins or goes on out of turn")
            self._opcode = self._opcode or opcode
            self._pieces += payload
            if len(self._pieces) > self._most:
                raise PeerError(f"a WebSocket message has more than {self._most:,} bytes")
            if fin:
                messages.append(Message(self._opcode, bytes(self._pieces)))
                self._opcode = None
                self._pieces.clear()
        return messages

    def _frame(self) -> tuple[bool, Opcode, bytes] | None:
        """Take one frame off the buffer, None where it is not whole yet."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        if first & _RESERVED:
            raise PeerError("a WebSocket frame uses an extension that nobody agreed upon")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise PeerError("a WebSocket frame of an unknown kind") from None
        if bool(second & _MASKED) is not self._masked:
            raise PeerError("a WebSocket frame is masked where it must not be, or not where it must")
        at, length = 2, second & 0x7F
        if opcode >= Opcode.CLOSE and (length > _LONGEST_CONTROL or not first & _FIN):
            raise PeerError("a WebSocket control frame is too long, or in pieces")
        if length >= 126:
            size = 2 if length == 126 else 8
            if len(buffer) < at + size:
                return None
            length = int.from_bytes(buffer[at : at + size], "big")
            at += size
        if length > self._most:
            raise PeerError(f"a WebSocket frame has more than {self._most:,} bytes")
        key = b""
        if self._masked:
            key = bytes(buffer[at : at + 4])
            at += 4
        if len(buffer) < at + length:
            return None
        payload = bytes(buffer[at : at + length])
        del buffer[: at + length]
        return bool(first & _FIN), opcode, _masking(payload, key) if key else payload


def frame(opcode: Opcode, data: bytes, *, masked: bool) -> bytes:
    """Return a frame's bytes.

    Args:
        opcode: what it is.
        data: its whole payload.
        masked: whether a client sends it.
    """
    size, bit = len(data), _MASKED if masked else 0
    if size < 126:
        head = bytes((_FIN | opcode, bit | size))
    elif size < 1 << 16:
        head = bytes((_FIN | opcode, bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FIN | opcode, bit | 127)) + size.to_bytes(8, "big")
    if not masked:
        return head + data
    key = os.urandom(4)
    return head + key + _masking(data, key)


def _masking(data: bytes, key: bytes) -> bytes:
    """Return data masked by a key, or unmasked again: all at once, since byte by byte takes far longer."""
    if not data:
        return data
    whole = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "little") ^ int.from_bytes(whole, "little")).to_bytes(len(data), "little")
