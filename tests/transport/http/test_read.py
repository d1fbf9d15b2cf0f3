"""Readers: one meaning for a message or none, however its bytes are cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.transport.http.head import (
    END,
    MOST_HEAD,
    End,
    NotUnderstood,
    RequestHead,
    ResponseHead,
    forwarded,
    request_head,
)
from gateway.transport.http.read import MOST_KNOWN, RequestReader, ResponseReader, only_chunk

PLAIN = b"GET /v1.51/containers/json?all=1 HTTP/1.1\r\nHost: docker\r\nUser-Agent: Docker-Client/28\r\n\r\n"
LENGTH = b"POST /exec/1/start HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n{'Detach':false"
CHUNKS = (
    b"POST /build HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;name=value\r\n\r\n\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n"
)
UPGRADE = b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 2\r\n\r\n{}"
REQUESTS = (PLAIN, LENGTH, CHUNKS, UPGRADE, PLAIN)
BODIES = (b"", b"{'Detach':false", b"hello\r\n\r\nab", b"{}", b"")

ASKED = request_head("GET", "/", (("host", "x"),))
ASKED_HEAD = request_head("HEAD", "/", (("host", "x"),))
ASKED_UPGRADE = request_head("POST", "/", (("host", "x"), ("connection", "Upgrade"), ("upgrade", "tcp")))
RAW = frozenset({"application/vnd.docker.raw-stream"})

ANSWERS = {
    "length": (ASKED, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", [200], b"hello"),
    "chunks": (
        ASKED,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nX: y\r\n\r\n",
        [200],
        b"abcde",
    ),
    "until the end": (ASKED, b"HTTP/1.1 200 OK\r\n\r\nall of it", [200], b"all of it"),
    "old": (ASKED, b"HTTP/1.0 200 OK\r\n\r\nall of it", [200], b"all of it"),
    "interim": (
        ASKED,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 A\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        [100, 103, 200],
        b"",
    ),
    "chunks behind an interim head": (
        ASKED,
        b"HTTP/1.1 103 A\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        [103, 200],
        b"a",
    ),
    "no body": (ASKED, b"HTTP/1.1 204 No Content\r\n\r\n", [204], b""),
    "not modified": (ASKED, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", [304], b""),
    "of HEAD": (ASKED_HEAD, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", [200], b""),
    "no phrase": (ASKED, b"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\na", [200], b"a"),
    "switched": (
        ASKED_UPGRADE,
        b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n\x01\0\0\0\0\0\0\x01a\r\n\r\n",
        [101],
        b"\x01\0\0\0\0\0\0\x01a\r\n\r\n",
    ),
    "hijacked": (
        ASKED,
        b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nHTTP/1.1 no head\r\n\r\n",
        [200],
        b"HTTP/1.1 no head\r\n\r\n",
    ),
}


def read_all(reader: RequestReader, pieces: list[bytes]) -> list[Any]:
    """Every event, with all that is kept behind each end asked for."""
    events: list[Any] = []
    for piece in pieces:
        found = reader.feed(piece)
        while found:
            events += found
            found = reader.feed(b"") if found[-1] is END else []
    return events


def messages(events: list[Any]) -> list[tuple[Any, bytes]]:
    """Heads with their whole bodies, ended ones alone."""
    made: list[tuple[Any, bytes]] = []
    head, body = None, b""
    for event in events:
        if isinstance(event, bytes):
            body += event
        elif isinstance(event, End):
            made.append((head, body))
            body = b""
        else:
            head = event
    return made


@pytest.mark.parametrize("request_bytes", REQUESTS)
def test_a_request_means_the_same_wherever_it_is_cut(request_bytes: bytes) -> None:
    whole = messages(read_all(RequestReader(), [request_bytes]))
    assert len(whole) == 1
    for at in range(1, len(request_bytes)):
        cut = [request_bytes[:at], request_bytes[at:]]
        assert messages(read_all(RequestReader(), cut)) == whole
    single = [request_bytes[at : at + 1] for at in range(len(request_bytes))]
    assert messages(read_all(RequestReader(), single)) == whole


def test_requests_that_follow_one_another_are_told_apart() -> None:
    data = b"".join(REQUESTS)
    for at in range(len(data) + 1):
        found = messages(read_all(RequestReader(), [data[:at], data[at:]]))
        assert tuple(body for _, body in found) == BODIES
        assert [head.method for head, _ in found] == ["GET", "POST", "POST", "POST", "GET"]


def test_the_same_head_asked_again_has_its_own_body() -> None:
    repeated = (PLAIN, PLAIN, LENGTH, LENGTH, CHUNKS, CHUNKS, PLAIN, LENGTH)
    got = messages(read_all(RequestReader(), list(repeated)))
    assert [body for _, body in got] == [BODIES[REQUESTS.index(each)] for each in repeated]
    assert got[0][0] == got[1][0] != got[2][0]


def test_nothing_of_the_next_request_is_returned_before_it_is_asked_for() -> None:
    reader = RequestReader()
    assert [type(each) for each in reader.feed(CHUNKS + PLAIN)] == [RequestHead, bytes, End]
    assert reader.rest() == PLAIN


def test_what_a_head_says() -> None:
    head, _, _ = RequestReader().feed(UPGRADE)
    assert isinstance(head, RequestHead)
    assert (head.method, head.target, head.upgrade, head.length) == ("POST", "/a", "tcp", 2)
    assert head.headers[0] == ("host", "x")
    (waiting,) = RequestReader().feed(
        b"PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
        b"Content-Length: 5\r\n\r\n"
    )
    assert isinstance(waiting, RequestHead)
    assert waiting.waits
    assert not waiting.keep_alive


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_means_the_same_wherever_it_is_cut(name: str) -> None:
    asked, data, statuses, body = ANSWERS[name]
    cuts = [[data[:at], data[at:]] for at in range(len(data) + 1)]
    for pieces in (*cuts, [data[at : at + 1] for at in range(len(data))]):
        reader = ResponseReader(asked, RAW)
        events = [event for piece in pieces if piece for event in reader.feed(piece)]
        events += reader.ended()
        assert [each.status for each in events if isinstance(each, ResponseHead)] == statuses
        assert b"".join(each for each in events if isinstance(each, bytes)) == body
        assert events[-1] is END
        assert events.count(END) == 1


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_whose_head_is_known_means_the_same(name: str) -> None:
    asked, data, _, _ = ANSWERS[name]
    known: dict[bytes, ResponseHead] = {}

    def outcome(pieces: list[bytes], heads: dict[bytes, ResponseHead] | None) -> list[Any]:
        reader = ResponseReader(asked, known=heads)
        events = [event for piece in pieces if piece for event in reader.feed(piece)]
        events += reader.ended()
        body = b"".join(each for each in events if isinstance(each, bytes))
        return [[each for each in events if not isinstance(each, bytes)], body]

    once = outcome([data], None)
    for at in (0, 0, *range(len(data) + 1)):
        assert outcome([data[:at], data[at:]], known) == once
    for status in range(20):
        outcome([b"HTTP/1.1 2%02d X\r\nContent-Length: 0\r\n\r\n" % status], known)
    assert len(known) <= MOST_KNOWN


_PARTS = st.sampled_from([b"5", b"\r\n", b"hello", b"0", b"\r", b"\n", b";a", b"+", b" ", b"_", b"05", b"a"])


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.lists(_PARTS, max_size=12).map(b"".join),
        st.binary(min_size=1, max_size=40).map(lambda body: b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)),
    ),
    st.data(),
)
def test_an_answer_of_one_chunk_is_read_as_the_parser_reads_it(data: bytes, draw: st.DataObject) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    known: dict[bytes, ResponseHead] = {}
    ResponseReader(ASKED, known=known).feed(head)

    def outcome(pieces: list[bytes], heads: dict[bytes, ResponseHead] | None) -> list[Any]:
        reader = ResponseReader(ASKED, known=heads)
        try:
            events = [event for piece in pieces for event in reader.feed(piece)]
        except NotUnderstood:
            return ["not understood"]
        return [
            *(each for each in events if not isinstance(each, bytes)),
            b"".join(each for each in events if isinstance(each, bytes)),
        ]

    at = draw.draw(st.integers(0, len(data)))
    plain, once = outcome([head + data], None), outcome([head + data], known)
    cut = outcome([head + data[:at], data[at:]], known)
    if only_chunk(data) == b"":
        assert once == [*plain[:-1], b""]
        assert cut[:-1] == plain[:-1]
        assert END not in plain
    else:
        assert once == cut == plain
    if only_chunk(data):
        assert once[1:] == [END, only_chunk(data)]
        reader = ResponseReader(ASKED, known=known)
        reader.feed(head + data)
        with pytest.raises(NotUnderstood):
            reader.feed(b"x")


def test_an_exact_chunk_is_read_without_the_parser() -> None:
    assert only_chunk(b"5\r\nhello\r\n0\r\n\r\n") == b"hello"
    assert only_chunk(b"00A\r\n0123456789\r\n0\r\n\r\n") == b"0123456789"
    for data in (
        b"5;a\r\nhello\r\n0\r\n\r\n",
        b"4\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX: y\r\n\r\n",
        b"0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
    ):
        assert only_chunk(data) is None


def test_a_small_chunk_is_waited_for_and_no_more() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    known: dict[bytes, ResponseHead] = {}
    ResponseReader(ASKED, known=known).feed(head)
    reader = ResponseReader(ASKED, known=known)
    assert len(reader.feed(head + b"5\r\nhel")) == 1
    assert reader.feed(b"lo") == [b"hello"]  # an answer that goes on is not held back for its end
    assert reader.feed(b"\r\n3\r\nab") == [b"ab"]
    assert reader.feed(b"c\r\n0\r\n\r\n") == [b"c", END]
    reader = ResponseReader(ASKED, known=known)
    assert reader.feed(head + b"10000\r\nab")[1:] == [b"ab"]
    reader = ResponseReader(ASKED, known=known)
    reader.feed(head + b"5\r\nhel")
    with pytest.raises(NotUnderstood):
        reader.ended()


def test_a_known_head_is_none_of_an_answer_that_is_read_in_another_way() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\nContent-Length: 3\r\n\r\n"
    known: dict[bytes, ResponseHead] = {}
    for _ in range(2):
        (first, body, end) = ResponseReader(ASKED, known=known).feed(head + b"abc")
        assert isinstance(first, ResponseHead)
        assert (first.switched, body, end) == (False, b"abc", END)
        (of_head, end) = ResponseReader(ASKED_HEAD, known=known).feed(head)
        assert isinstance(of_head, ResponseHead)
        assert (of_head.length, end) == (0, END)
        (raw, *_) = ResponseReader(ASKED, RAW, known).feed(head + b"abcd")
        assert isinstance(raw, ResponseHead)
        assert raw.switched
    assert list(known) == [head]


POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = {
    "length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "lengths in one": POST + b"Content-Length: 5, 5\r\n\r\n",
    "signed length": POST + b"Content-Length: +5\r\n\r\n",
    "negative length": POST + b"Content-Length: -5\r\n\r\n",
    "empty length": POST + b"Content-Length: \r\n\r\n",
    "hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\n",
    "huge length": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "coding twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "quoted coding": POST + b'Transfer-Encoding: "chunked"\r\n\r\n',
    "coding with a tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "folded": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "folded first": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n\r\n\r\n",
    "bare line feed": b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
    "bare carriage return": b"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n",
    "a NUL": b"GET / HTTP/1.1\r\nHost: x\0\r\n\r\n",
    "a control character": b"GET / HTTP/1.1\r\nHost: x\x1b\r\n\r\n",
    "empty line first": b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "absolute form": b"GET http://other/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "authority form": b"CONNECT other:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a fragment": b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes in the target": b"GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /\r\nHost: x\r\n\r\n",
    "version 1.0": b"GET / HTTP/1.0\r\nHost: x\r\n\r\n",
    "version 2.0": b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version in lower case": b"GET / http/1.1\r\nHost: x\r\n\r\n",
    "unknown method": b"FETCH / HTTP/1.1\r\nHost: x\r\n\r\n",
    "method in lower case": b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    "two upgrades": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n",
    "upgrade in chunks": POST + b"Connection: Upgrade\r\nUpgrade: tcp\r\nTransfer-Encoding: chunked\r\n\r\n",
    "expectation": POST + b"Expect: a-miracle\r\nContent-Length: 1\r\n\r\n",
    "two authorizations": b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 500 + b"\r\n",
    "long head": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * MOST_HEAD + b"\r\n\r\n",
    "endless head": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * MOST_HEAD,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_could_be_read_in_two_ways_is_not_read(name: str) -> None:
    with pytest.raises(NotUnderstood):
        read_all(RequestReader(), [SMUGGLED[name]])


CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
BAD_CHUNKS = {
    "no number": b"g\r\n",
    "hexadecimal mark": b"0x5\r\nhello\r\n0\r\n\r\n",
    "signed": b"+5\r\nhello\r\n0\r\n\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "space behind": b"5 \r\nhello\r\n0\r\n\r\n",
    "too long": b"5\r\nhellothere\r\n0\r\n\r\n",
    "overflow": b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "bare line feed": b"5\nhello\n0\n\n",
    "bare line feed behind": b"5\r\nhello\n0\r\n\r\n",
    "empty size": b"\r\nhello\r\n0\r\n\r\n",
    "endless trailers": b"0\r\n" + b"A: b\r\n" * 20000,
    "endless extension": b"5;" + b"a" * 2 * MOST_HEAD,
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_chunks_are_exact(name: str) -> None:
    with pytest.raises(NotUnderstood):
        read_all(RequestReader(), [CHUNKED, BAD_CHUNKS[name]])


def test_trailers_never_become_headers() -> None:
    reader = RequestReader()
    data = CHUNKED + b"1\r\na\r\n0\r\nAuthorization: Bearer x\r\n\r\n" + PLAIN
    found = messages(read_all(reader, [data]))
    assert [name for head, _ in found for name, _ in head.headers] == [
        "host", "transfer-encoding", "host", "user-agent",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\nbody",
        b"HTTP/1.1 200 OK\nContent-Length: 1\n\na\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"220 ready\r\n\r\n",
    ],
)
def test_an_answer_that_could_be_read_in_two_ways_is_not_read(answer: bytes) -> None:
    reader = ResponseReader(ASKED)
    with pytest.raises(NotUnderstood):
        reader.feed(answer)


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", b""],
)
def test_an_answer_cut_short_is_told(answer: bytes) -> None:
    reader = ResponseReader(ASKED)
    reader.feed(answer)
    with pytest.raises(NotUnderstood, match="in the middle"):
        reader.ended()


def test_a_raw_answer_of_another_type_is_not_hijacked() -> None:
    reader = ResponseReader(ASKED, RAW)
    head, *_ = reader.feed(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nx")
    assert isinstance(head, ResponseHead)
    assert not head.switched


def test_headers_of_one_connection_stay_there() -> None:
    headers = (
        ("host", "x"),
        ("connection", "X-Private, keep-alive"),
        ("x-private", "1"),
        ("keep-alive", "5"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "Basic x"),
        ("content-type", "application/json"),
    )
    assert forwarded(headers) == (("host", "x"), ("content-type", "application/json"))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_come_to_a_message_or_to_one_error(data: bytes, at: int) -> None:
    def outcome(pieces: list[bytes], asked: RequestHead | None) -> list[Any] | str:
        try:
            if asked is None:
                return messages(read_all(RequestReader(), pieces))
            reader = ResponseReader(asked, RAW)
            return messages([event for piece in pieces for event in reader.feed(piece)])
        except NotUnderstood:
            return "not understood"

    for begin in (b"", CHUNKED, PLAIN[:-2]):
        outcome([begin + data[:at], data[at:]], None)
    for begin in (b"", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        outcome([begin + data[:at], data[at:]], ASKED)


_TOKENS = st.sampled_from(
    [b"5", b"\r\n", b"hello", b"0", b"\r", b"\n", b";a=b", b"X: y", PLAIN, b"Host: x", b"\r\n\r\n"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_TOKENS, max_size=14), st.data())
def test_chunks_mean_the_same_wherever_they_are_cut(tokens: list[bytes], draw: st.DataObject) -> None:
    data = CHUNKED + b"".join(tokens)

    def outcome(pieces: list[bytes]) -> tuple[list[Any], bool]:
        reader, events = RequestReader(), []
        try:
            for piece in pieces:
                found = reader.feed(piece)
                while found:
                    events += found
                    found = reader.feed(b"") if found[-1] is END else []
        except NotUnderstood:
            return messages(events), False
        return messages(events), True

    at = draw.draw(st.integers(0, len(data)))
    once, cut = outcome([data]), outcome([data[:at], data[at:]])
    assert once[1] == cut[1]
    if once[1]:
        assert once == cut
