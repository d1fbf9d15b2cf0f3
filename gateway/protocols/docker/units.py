"""Requests, and lines of the governed shell in a container, as the line's units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.domain.http import Request
from gateway.domain.unit import Unit
from gateway.judge.docker.judgement import DockerJudgement

_LOGIN: Final = re.compile(r"(?:/v[0-9.]+)?/+auth/*(?:\?.*)?", re.IGNORECASE)


class DockerUnit(Unit, kw_only=True):
    """One request.

    Attributes:
        request: as the client sent it.
        judged: the judge's answer, once there is one.
    """

    request: Request = Request("GET", "/")
    judged: DockerJudgement | None = None


class LineUnit(DockerUnit, kw_only=True):
    """One line, typed into the governed shell of a container or run there by the gateway for it.

    Attributes:
        container: as the client named it.
        argv: the shell that was asked for.
        terminal: whether it runs with one.
        folder: working folder; empty: the image's.
        variables: held by the gateway.
        status: of the line before.
    """

    container: str
    argv: tuple[str, ...] = ("sh",)
    terminal: bool = False
    folder: str = ""
    variables: Mapping[str, str] = msgspec.field(default_factory=dict)
    status: int = 0


def text_of(request: Request) -> bytes:
    """Return a request as it stands in the recording: a line with method and target, and its body.

    The body of ``docker login`` is a password, which nobody needs to look at later.
    """
    line = f"{request.method} {request.target}".encode("latin-1", "replace")
    told = request.body if not _LOGIN.fullmatch(request.target) else None
    return line + b"\n" + told if told else line


def request_of(text: str) -> Request:
    """Return the request that a text of ``METHOD PATH [BODY]`` stands for.

    Args:
        text: the parts with a space or a line feed between them.
    """
    method, _, rest = text.partition(" ")
    at = min((place for mark in " \n" if (place := rest.find(mark)) >= 0), default=len(rest))
    body = rest[at + 1 :].encode("utf-8", "surrogateescape")
    kind = (("content-type", "application/json"),) if body else ()
    return Request(method, rest[:at], kind, body or None)
