"""WebSocket frames: whatever cuts they come in, and nothing that the protocol forbids."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import PeerError
from gateway.protocols.kubernetes import websocket
from gateway.protocols.kubernetes.websocket import Message, Opcode, WebSocketReader, frame


def test_the_handshake_is_answered_as_the_rfc_shows() -> None:
    assert websocket.accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_keys_are_sixteen_bytes() -> None:
    assert websocket.is_key(websocket.new_key())
    assert not websocket.is_key("")
    assert not websocket.is_key(base64.b64encode(b"short").decode())
    assert not websocket.is_key("not base64!")


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 100_000])
def test_messages_of_every_length_survive(size: int, masked: bool) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    sent = frame(Opcode.BINARY, data[:size], masked=masked)
    assert WebSocketReader(masked=masked).feed(sent) == [Message(Opcode.BINARY, data[:size])]


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 50))
def test_a_stream_may_be_cut_anywhere(messages: list[bytes], piece: int) -> None:
    sent = b"".join(frame(Opcode.BINARY, each, masked=True) for each in messages)
    reader = WebSocketReader(masked=True)
    found = [each for at in range(0, len(sent), piece) for each in reader.feed(sent[at : at + piece])]
    assert [each.data for each in found] == messages


def test_pieces_of_a_message_come_together_around_a_ping() -> None:
    sent = b"\x02\x03abc" + frame(Opcode.PING, b"?", masked=False) + b"\x80\x02de"
    assert WebSocketReader(masked=False).feed(sent) == [
        Message(Opcode.PING, b"?"),
        Message(Opcode.BINARY, b"abcde"),
    ]


@pytest.mark.parametrize(
    ("sent", "masked"),
    [
        (b"\xc2\x00", False),  # a reserved bit
        (b"\x83\x00", False),  # an unknown kind
        (b"\x82\x81\0\0\0\0a", False),  # masked by a server
        (b"\x82\x01a", True),  # not masked by a client
        (b"\x80\x00", False),  # goes on without a beginning
        (b"\x02\x00\x82\x00", False),  # begins inside another
        (b"\x09\x00", False),  # a ping in pieces
        (b"\x89\x7e\x00\x7e", False),  # a ping that is too long
        (b"\x82\x7f" + (1 << 40).to_bytes(8, "big"), False),  # more than is taken
    ],
)
def test_what_the_protocol_forbids_ends_it(sent: bytes, masked: bool) -> None:
    with pytest.raises(PeerError):
        WebSocketReader(masked=masked).feed(sent)


def test_a_message_in_many_pieces_is_bounded_too() -> None:
    reader = WebSocketReader(masked=False, most=10)
    reader.feed(b"\x02\x08" + b"x" * 8)
    with pytest.raises(PeerError):
        reader.feed(b"\x00\x08" + b"x" * 8)
