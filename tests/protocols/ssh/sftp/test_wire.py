"""SFTP's packets: cut at every byte, bounded, and requests rebuilt from what was judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import PeerError
from gateway.judge.sftp import SftpOperation
from gateway.protocols.ssh.sftp.requests import body_of, operation_of
from gateway.protocols.ssh.sftp.uploads import MOST_BYTES, Stock, Upload
from gateway.protocols.ssh.sftp.wire import (
    MAX_PACKET,
    Fields,
    Frames,
    Kind,
    Packet,
    is_regular,
    packet,
    plain_attributes,
    size_and_mode,
    string,
)


@given(
    st.lists(st.tuples(st.integers(1, 255), st.integers(0, 2**32 - 1), st.binary(max_size=50)), max_size=6),
    st.data(),
)
def test_packets_come_out_however_the_stream_is_cut(
    sent: list[tuple[int, int, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(packet(*each) for each in sent)
    frames, found = Frames(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        found += frames.feed(stream[:cut])
        stream = stream[cut:]
    assert found == [Packet(*each) for each in sent]


@pytest.mark.parametrize("length", [0, 4, MAX_PACKET + 1, 2**32 - 1])
def test_a_packet_of_no_possible_length_ends_it(length: int) -> None:
    with pytest.raises(PeerError):
        Frames().feed(length.to_bytes(4, "big"))


@given(st.integers(3, 20), st.binary(max_size=80))
def test_any_body_is_an_operation_nothing_or_an_error(kind: int, body: bytes) -> None:
    try:
        operation = operation_of(Packet(kind, 1, body))
    except PeerError:
        return
    assert operation is None or isinstance(operation, SftpOperation)


def opened(path: bytes, flags: int, attributes: bytes = bytes(4)) -> Packet:
    return Packet(Kind.OPEN, 1, string(path) + flags.to_bytes(4, "big") + attributes)


def test_opening_is_told_by_its_flags() -> None:
    assert operation_of(opened(b"/a", 1)) == SftpOperation("open", ("/a",), frozenset({"read"}))
    assert operation_of(opened(b"/a", 0b11010)) == SftpOperation(
        "open", ("/a",), frozenset({"write", "creat", "trunc"})
    )
    assert operation_of(opened(b"/a", 1 | 64)) is None


def test_a_request_is_rebuilt_without_what_was_not_judged() -> None:
    asked = Packet(Kind.STAT, 1, string(b"/a\xff") + b"more that nobody judged")
    operation = operation_of(asked)
    assert operation is not None
    assert body_of(asked.kind, operation) == string(b"/a\xff")
    extended = Packet(Kind.EXTENDED, 1, string(b"statvfs@openssh.com") + string(b"/a") + b"more")
    operation = operation_of(extended)
    assert operation is not None
    assert body_of(extended.kind, operation) == string(b"statvfs@openssh.com") + string(b"/a")


def test_attributes() -> None:
    assert is_regular(Packet(Kind.ATTRS, 1, plain_attributes(7)))
    assert size_and_mode(plain_attributes(7)) == (7, 0o644)
    fifo = (4).to_bytes(4, "big") + (0o010644).to_bytes(4, "big")
    assert not is_regular(Packet(Kind.ATTRS, 1, fifo))
    assert not is_regular(Packet(Kind.ATTRS, 1, bytes(4)))
    with pytest.raises(PeerError):
        Fields(b"\0\0").number()


def test_an_upload_is_put_together_from_its_pieces() -> None:
    upload = Upload(None, Stock(), "/a", appended=False)  # type: ignore[arg-type]  # the refusal is not looked at here
    upload.put(3, b"def")
    upload.put(0, b"abc")
    assert bytes(upload.content) == b"abcdef"
    upload.put(MOST_BYTES, b"x")
    assert upload.overfull
    assert upload.written().content is None
