"""Requests of HTTP APIs."""

from __future__ import annotations

from gateway.domain.http import Request


def test_repeated_headers_are_all_told() -> None:
    request = Request("GET", "/info", (("accept", "a"), ("host", "x"), ("accept", "b")))
    assert request.every("accept") == ("a", "b")
    assert request.every("cookie") == ()
