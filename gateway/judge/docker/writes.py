"""A refused request → what it would have done, for the change request that carries it."""

from __future__ import annotations

from typing import Final

from gateway.domain.containers import ContainerWrite
from gateway.domain.http import Request
from gateway.judge.docker.catalogue import Route
from gateway.judge.http.bodies import rebuilt_json, strict_json
from gateway.judge.http.reading import NotRead

MAX_ARCHIVE: Final = 1_048_576
"""Longest uploaded archive that a change request takes, in bytes."""


def writes_of(
    request: Request, route: Route, names: tuple[str, ...], pairs: tuple[tuple[str, str], ...], title: str
) -> tuple[ContainerWrite, ...]:
    """Return what a request would have done; nothing where no artifact could carry it.

    Args:
        request: as sent.
        route: its route.
        names: that stand in its path.
        pairs: of its query, decoded.
        title: the docker command.
    """
    if route.verdict != "change":
        return ()
    sort, _, verb = route.rule.partition(".")
    known = tuple((name, value) for name, value in dict(reversed(pairs)).items() if name in route.query)
    options = dict(known)
    uploads = verb == "copy-in"
    return (
        ContainerWrite(
            sort,
            verb,
            names[0] if names else options.get("name", ""),
            title,
            known,
            None if uploads else _body(request.body),
            folder=options.get("path", "") if uploads else "",
            archive=_archive(request.body) if uploads else None,
        ),
    )


def _archive(body: bytes | None) -> bytes | None:
    return body if body and len(body) <= MAX_ARCHIVE else None


def _body(body: bytes | None) -> bytes | None:
    """The body, where it is JSON."""
    if not body:
        return None
    try:
        return rebuilt_json(strict_json(body))
    except NotRead:
        return None
