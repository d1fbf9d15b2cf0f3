"""Requests, and lines of the governed shell in a pod, as the line's units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

import msgspec

from gateway.domain.http import Request
from gateway.domain.unit import Unit
from gateway.judge.kubernetes.judge import SECRETS
from gateway.judge.kubernetes.judgement import KubernetesJudgement

WITHHELD: Final = b"(the body is a Secret's, and is not recorded)"


class KubernetesUnit(Unit, kw_only=True):
    """One request.

    Attributes:
        request: as the client sent it, without the endpoint's prefix.
        judged: the judge's answer, once there is one.
    """

    request: Request = Request("GET", "/")
    judged: KubernetesJudgement | None = None


class LineUnit(KubernetesUnit, kw_only=True):
    """One line, typed into the governed shell of a container or run there by the gateway for it.

    Attributes:
        shell: the exec that was asked for, in whose place the governed shell stands.
        terminal: whether it runs with one.
        folder: working folder; empty: the image's.
        variables: held by the gateway.
        status: of the line before.
        size: columns and rows of the terminal, where they are known.
    """

    shell: KubernetesJudgement
    terminal: bool = False
    folder: str = ""
    variables: Mapping[str, str] = msgspec.field(default_factory=dict)
    status: int = 0
    size: tuple[int, int] | None = None


def text_of(request: Request, judged: KubernetesJudgement | None = None) -> bytes:
    """Return a request as it stands in the recording: a line with method and target, and its body.

    Args:
        request: as sent.
        judged: its verdict, once there is one: what would be written into a Secret is not written down.
    """
    line = f"{request.method} {request.target}".encode("utf-8", "surrogateescape")
    if not request.body:
        return line
    if judged is not None and _about_secrets(request, judged):
        return line + b"\n" + WITHHELD
    return line + b"\n" + request.body


def _about_secrets(request: Request, judged: KubernetesJudgement) -> bool:
    """Whether a body may hold a Secret's values; of what was not understood, its path tells."""
    if judged.resource:
        return judged.resource == SECRETS
    return SECRETS in unquote(request.target).lower()


def object_of(judged: KubernetesJudgement) -> str:
    """Return what a request is about, such as ``get pods/log shop/web-1``; empty for plain paths."""
    if not judged.resource:
        return ""
    resource = f"{judged.resource}.{judged.group}" if judged.group else judged.resource
    if judged.subresource:
        resource += f"/{judged.subresource}"
    place = "/".join(filter(None, (judged.namespace, judged.name)))
    return " ".join(filter(None, (judged.verb, resource, place)))
