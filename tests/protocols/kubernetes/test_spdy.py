"""SPDY frames as Kubernetes' clients send them."""

from __future__ import annotations

import hashlib
import struct
import zlib

import pytest

from gateway.domain.errors import PeerError
from gateway.protocols.kubernetes import spdy
from gateway.protocols.kubernetes.spdy import Data, Leaving, Opened, Pinged, Reset, SpdyReader, SpdyWriter


class Client:
    """A client's side, enough to open streams and talk on them."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=spdy.DICTIONARY)

    def open(self, stream: int, *, flags: int = 0, **headers: str) -> bytes:
        plain = struct.pack(">I", len(headers)) + b"".join(
            struct.pack(">I", len(each)) + each.encode() for pair in headers.items() for each in pair
        )
        block = self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return self.control(1, struct.pack(">IIH", stream, 0, 0) + block, flags=flags)

    @staticmethod
    def control(kind: int, payload: bytes, *, flags: int = 0, version: int = 3) -> bytes:
        head = struct.pack(">HH", 0x8000 | version, kind)
        return head + bytes((flags,)) + len(payload).to_bytes(3, "big") + payload

    @staticmethod
    def data(stream: int, data: bytes, *, flags: int = 0) -> bytes:
        return struct.pack(">I", stream) + bytes((flags,)) + len(data).to_bytes(3, "big") + data


def test_the_dictionary_is_the_published_one() -> None:
    digest = "51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02"
    assert hashlib.sha256(spdy.DICTIONARY).hexdigest() == digest


def test_streams_open_with_their_headers_one_behind_the_other() -> None:
    client, reader = Client(), SpdyReader()
    sent = client.open(1, streamType="error") + client.open(3, flags=1, streamtype="stdout", port="80")
    assert reader.feed(sent) == [
        Opened(1, {"streamtype": "error"}, ended=False),
        Opened(3, {"streamtype": "stdout", "port": "80"}, ended=True),
    ]


def test_everything_may_be_cut_anywhere() -> None:
    client = Client()
    sent = (
        client.open(1, streamtype="stdin")
        + client.data(1, b"hello")
        + client.control(6, b"\0\0\0\1")
        + client.control(4, b"\0\0\0\0")
        + client.control(9, bytes(8))
        + client.data(1, b"", flags=1)
        + client.control(3, struct.pack(">II", 1, 5))
        + client.control(7, bytes(8))
    )
    whole = SpdyReader().feed(sent)
    assert [type(each) for each in whole] == [Opened, Data, Pinged, Data, Reset, Leaving]
    assert whole[1:4:2] == [Data(1, b"hello", ended=False), Data(1, b"", ended=True)]
    reader = SpdyReader()
    assert [each for byte in sent for each in reader.feed(bytes((byte,)))] == whole


def test_a_ping_comes_back_as_it_came() -> None:
    ping = Client.control(6, b"\0\0\0\7")
    assert SpdyReader().feed(ping) == [Pinged(ping)]


@pytest.mark.parametrize(
    "sent",
    [
        Client.control(1, b"\0\0\0\1"),
        Client.control(6, b""),
        Client.control(6, b"\0\0\0\1", version=2),
        Client.control(2, bytes(4)),
        Client.control(1, struct.pack(">IIH", 1, 0, 0) + b"no headers"),
        Client().open(2, streamtype="stdin"),
        Client.data(1, b"")[:5] + (spdy.MOST_FRAME + 1).to_bytes(3, "big"),
    ],
)
def test_what_the_protocol_forbids_ends_it(sent: bytes) -> None:
    with pytest.raises(PeerError):
        SpdyReader().feed(sent)


def test_headers_that_swell_are_not_inflated() -> None:
    with pytest.raises(PeerError):
        SpdyReader().feed(Client().open(1, streamtype="x" * (1 << 20)))


def test_no_end_of_streams_is_opened() -> None:
    client, reader = Client(), SpdyReader()
    for stream in range(1, 2 * spdy.MOST_STREAMS, 2):
        reader.feed(client.open(stream, streamtype="x"))
    with pytest.raises(PeerError):
        reader.feed(client.open(2 * spdy.MOST_STREAMS + 1, streamtype="x"))


def test_a_server_s_frames_read_as_the_draft_says() -> None:
    writer = SpdyWriter()
    reply = writer.reply(5)
    assert reply[:4] == b"\x80\x03\0\x02"
    assert struct.unpack(">I", reply[8:12]) == (5,)
    inflate = zlib.decompressobj(zdict=spdy.DICTIONARY)
    assert inflate.decompress(reply[12:]) == bytes(4)
    assert inflate.decompress(writer.reply(7)[12:]) == bytes(4)
    assert writer.data(5, b"ab", ended=True) == b"\0\0\0\5\1\0\0\2ab"
    assert writer.refuse(5) == b"\x80\x03\0\3\0\0\0\x08\0\0\0\5\0\0\0\3"
    large = writer.data(5, bytes(spdy.MOST_FRAME + 1), ended=True)
    events = SpdyReader().feed(large)
    assert [(len(each.data), each.ended) for each in events if isinstance(each, Data)] == [
        (spdy.MOST_FRAME, False),
        (1, True),
    ]
