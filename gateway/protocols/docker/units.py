"""Requests, and lines of the governed shell in a container, as the line's units."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

import msgspec

from gateway.domain.http import Request
from gateway.domain.unit import Unit
from gateway.judge.docker.judgement import DockerJudgement

_SECRET: Final = re.compile(r"/+(?:v[0-9.]+/)?(?:auth|secrets|swarm)(?:[/;].*)?", re.IGNORECASE | re.DOTALL)
"""Where a body is a password, a secret or a swarm's tokens and keys, however the path is written."""
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/]*", re.IGNORECASE)
WITHHELD: Final = b"(the body holds secrets, and is not recorded)"


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

    What ``docker login``, ``docker secret create`` and ``docker swarm join`` send is a password, a secret or
    a token: nobody needs to look at it later.
    """
    line = f"{request.method} {request.target}".encode("latin-1", "replace")
    if not request.body:
        return line
    return line + b"\n" + (WITHHELD if _is_secret(request.target) else request.body)


def _is_secret(target: str) -> bool:
    """Whether a body is for a path of secrets, or could be taken for one."""
    path = unquote(_ORIGIN.sub("", target.partition("?")[0]))
    return _SECRET.fullmatch(posixpath.normpath(path)) is not None


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
