"""Writers: what is sent reads back as what was meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.http import Request
from gateway.transport.http import write
from gateway.transport.http.head import RequestHead, ResponseHead, request_head
from gateway.transport.http.read import RequestReader, ResponseReader

ASKED = request_head("GET", "/", (("host", "x"),))


def test_a_request_reads_back() -> None:
    asked = Request(
        "POST", "/v1.51/containers/a/exec", (("content-type", "application/json"),), b'{"Cmd":["ls"]}'
    )
    head, body, _ = RequestReader().feed(write.request(asked, "docker"))
    assert isinstance(head, RequestHead)
    assert head.headers == (
        ("host", "docker"),
        ("content-type", "application/json"),
        ("content-length", "14"),
    )
    assert body == asked.body


def test_a_request_without_a_body_says_so_where_one_could_be() -> None:
    assert b"Content-Length: 0\r\n" in write.request(Request("POST", "/a"), "x")
    assert b"Content-Length" not in write.request(Request("GET", "/a"), "x")


def test_an_upgrade_is_asked_for() -> None:
    head, *_ = RequestReader().feed(write.request(Request("POST", "/a", (), b"{}"), "x", upgrade="tcp"))
    assert isinstance(head, RequestHead)
    assert head.upgrade == "tcp"


@pytest.mark.parametrize("bad", ["a\r\nB: c", "a\nB: c", "a\rb", "a\0"])
def test_a_header_never_becomes_two(bad: str) -> None:
    with pytest.raises(ValueError, match="another"):
        write.request(Request("GET", "/a", (("x", bad),)), "x")
    with pytest.raises(ValueError, match="another"):
        write.response(200, (("x", bad),))


def test_answers_read_back() -> None:
    data = write.response(200, (("content-type", "text/plain"),), length=None)
    data += b"".join((*write.chunk(b"abc"), *write.chunk(b""), *write.chunk(b"d" * 300), write.LAST_CHUNK))
    head, body, _ = ResponseReader(ASKED).feed(data)
    assert isinstance(head, ResponseHead)
    assert (head.status, head.reason, head.length) == (200, "OK", None)
    assert body == b"abc" + b"d" * 300
    head, _ = ResponseReader(ASKED).feed(write.response(299, (), length=0, close=True))
    assert isinstance(head, ResponseHead)
    assert (head.status, head.reason, head.keep_alive) == (299, "Unknown", False)


def test_no_length_is_told_where_there_is_no_body() -> None:
    assert b"Content-Length" not in write.response(204, ())
    assert b"Content-Length" not in write.response(304, ())
    assert b"Content-Length" not in write.response(100, ())


def test_a_change_of_protocol_reads_back() -> None:
    asked = request_head("POST", "/", (("host", "x"), ("connection", "Upgrade"), ("upgrade", "tcp")))
    head, rest = ResponseReader(asked).feed(write.switched(101, (), upgrade="tcp") + b"raw")
    assert isinstance(head, ResponseHead)
    assert head.switched
    assert rest == b"raw"


_NAME = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12).map("x-{}".format)
_VALUE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30).map(str.strip)
_TARGET = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=30)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    _TARGET.map("/{}".format),
    st.lists(st.tuples(_NAME, _VALUE), max_size=5).map(tuple),
    st.binary(max_size=200),
)
def test_whatever_is_written_reads_back(
    method: str, target: str, headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    head, *rest = RequestReader().feed(write.request(Request(method, target, headers, body), "host"))
    assert isinstance(head, RequestHead)
    assert (head.method, head.target) == (method, target)
    assert tuple(each for each in head.headers if each[0].startswith("x-")) == headers
    assert b"".join(each for each in rest if isinstance(each, bytes)) == body
    answer = write.response(200, headers, length=None)
    answer += b"".join((*write.chunk(body), write.LAST_CHUNK))
    made, *rest_of_answer = ResponseReader(ASKED).feed(answer)
    assert isinstance(made, ResponseHead)
    assert made.headers[: len(headers)] == headers
    assert b"".join(each for each in rest_of_answer if isinstance(each, bytes)) == body
