"""A refused request → what it would have done, for the change request that carries it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.domain.containers import ContainerWrite
from gateway.domain.http import Request
from gateway.judge.docker.catalogue import Route
from gateway.judge.http.bodies import Json, rebuilt_json, strict_json
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
    uploads = verb == "copy-in"
    body = None if uploads else _body(request.body)
    known = tuple((name, value) for name, value in dict(reversed(pairs)).items() if name in route.query)
    options = dict(known)
    said = body if isinstance(body, dict) else {}
    name = names[0] if names else options.get("name", "") or _text(said.get("Name"))
    return (
        ContainerWrite(
            sort,
            verb,
            name,
            _command(f"{sort}.{verb}", title, name, options, said),
            known,
            None if body is None else rebuilt_json(body),
            folder=options.get("path", "") if uploads else "",
            archive=_archive(request.body) if uploads else None,
        ),
    )


def _command(rule: str, title: str, name: str, options: Mapping[str, str], said: Mapping[str, Json]) -> str:
    """The docker command as a person would type it, as far as a title needs it."""
    match rule:
        case "container.create":
            return " ".join(
                ("docker run", *((f"--name {name}",) if name else ()), _text(said.get("Image")) or "…")
            )
        case "container.copy-in":
            return f"{title}{options.get('path', '')}"
        case "container.kill" if options.get("signal"):
            return f"docker kill --signal {options['signal']} {name}"
        case "container.rename":
            return f"{title} {options.get('name', '')}"
        case "image.pull":
            return f"docker pull {_tagged(options.get('fromImage', '…'), options.get('tag', ''))}"
        case "image.tag":
            return f"{title} {_tagged(options.get('repo', ''), options.get('tag', ''))}"
        case "image.commit":
            made = _tagged(options.get("repo", ""), options.get("tag", ""))
            return f"docker commit {options.get('container', '…')} {made}"
        case "network.connect" | "network.disconnect":
            return f"{title} {_text(said.get('Container'))}"
        case "volume.create" | "network.create" | "service.create" | "config.create" | "secret.create":
            return f"{title} {name}"
        case _:
            return title


def _tagged(name: str, tag: str) -> str:
    return f"{name}{'@' if tag.startswith('sha256:') else ':'}{tag}" if tag else name


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _archive(body: bytes | None) -> bytes | None:
    return body if body and len(body) <= MAX_ARCHIVE else None


def _body(body: bytes | None) -> Json:
    """The body, where it is JSON; None where it isn't."""
    if not body:
        return None
    try:
        return strict_json(body)
    except NotRead:
        return None
