"""Bad input: a clear answer in JSON with the right status, bounded, and nothing of the inside in it."""

from __future__ import annotations

import socket
import ssl

import pytest
from plain_http import Http

ASK = "POST /v1/requests"
GOOD = {"endpoint": "orders-db", "seconds": 600, "reason": "INC-42: look"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({**GOOD, "extra": 1}, "extra"),
        ({"endpoint": "orders-db", "reason": "x y"}, "seconds"),
        ({**GOOD, "seconds": "soon"}, "seconds"),
        ({**GOOD, "seconds": 0}, "seconds"),
        ({**GOOD, "seconds": 10**15}, "seconds"),
        ({**GOOD, "reason": ["no"]}, "reason"),
        ({**GOOD, "reason": "x\x1b[31m"}, "reason"),
    ],
)
def test_a_wrong_member_is_named(call: Http, body: dict[str, object], named: str) -> None:
    answer = call(ASK, by="engineer", json_body=body)
    assert answer.status == 400
    assert answer.json["error"]["code"] == "invalid-input"
    assert named in answer.json["error"]["message"]


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b"\xff\xfe", b'{"a":"\xff"}', b"null", b"[" * 60_000, b'{"a":1}{"b":2}']
)
def test_what_is_no_json_object_is_said(call: Http, data: bytes) -> None:
    answer = call(ASK, by="engineer", data=data, headers={"Content-Type": "application/json"})
    assert answer.status == 400
    assert answer.json["error"]["code"] == "invalid-input"


def test_another_content_type_is_refused(call: Http) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert call(ASK, by="engineer", data=b"endpoint=orders-db", headers=headers).status == 400


def test_a_large_body_is_refused_before_it_is_read(call: Http) -> None:
    answer = call(ASK, by="engineer", data=b" " * (65 << 10), headers={"Content-Type": "application/json"})
    assert answer.status == 413
    assert answer.json["error"]["code"] == "body-too-large"


def test_a_large_body_without_a_length_is_refused(call: Http) -> None:
    connection = call.connect()
    try:
        headers = {
            "Authorization": f"Bearer {call.gateway.tokens['engineer']}",
            "Content-Type": "application/json",
        }
        chunks = (b" " * 8192 for _ in range(9))
        connection.request("POST", "/v1/requests", body=chunks, headers=headers, encode_chunked=True)
        assert connection.getresponse().status == 413
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("/v1/sessions?limit=many", "limit"),
        ("/v1/sessions?nonsense=1", "nonsense"),
        ("/v1/sessions?limit=1&limit=2", "limit"),
        ("/v1/sessions?since=yesterday", "since"),
        ("/v1/sessions?state=odd", "odd"),
        ("/v1/sessions/abc", "id"),
    ],
)
def test_a_wrong_query_is_named(call: Http, target: str, named: str) -> None:
    answer = call(f"GET {target}", by="reviewer")
    assert answer.status == 400
    assert named in answer.json["error"]["message"]


def test_a_member_in_the_path_cannot_be_given_again(call: Http) -> None:
    assert call("POST /v1/requests/1/deny", by="approver", json_body={"id": 2, "reason": "no"}).status == 400
    assert call("POST /v1/requests/1/deny?reason=no", by="approver", json_body={}).status == 400


def test_an_unknown_route_is_said(call: Http) -> None:
    answer = call("GET /v1/nothing")
    assert (answer.status, answer.json["error"]["code"]) == (404, "not-found")


def test_a_wrong_method_says_which_are_right(call: Http) -> None:
    answer = call("PATCH /v1/requests")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")


def test_every_answer_carries_the_security_headers(call: Http) -> None:
    for answer in (
        call("GET /healthz"),
        call("GET /v1/nothing"),
        call("GET /v1/whoami"),
        call("GET /openapi.json"),
    ):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert answer.headers["Server"] == "glassgate"


def test_nothing_is_spoken_without_tls(call: Http) -> None:
    with socket.create_connection(("localhost", call.gateway.api_port), timeout=10) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" not in plain.recv(1024)


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"\r\n" * 50,
    ],
)
def test_malformed_http_ends_its_connection_and_no_other(call: Http, bytes_sent: bytes) -> None:
    trust = ssl.create_default_context(cafile=str(call.gateway.ca))
    with (
        socket.create_connection(("localhost", call.gateway.api_port), timeout=10) as raw,
        trust.wrap_socket(raw, server_hostname="localhost") as wrapped,
    ):
        wrapped.sendall(bytes_sent)
        wrapped.settimeout(2)
        try:
            told = wrapped.recv(65536)
        except TimeoutError:
            told = b""
        assert b"Traceback" not in told
        assert b" 200 " not in told
    assert call("GET /healthz").status == 200
