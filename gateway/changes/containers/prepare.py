"""A refused request made ready for a change request: the container looked at, files in it read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from gateway.changes.containers.archive import uploaded
from gateway.changes.containers.parts import ContainerPart, encode_parts
from gateway.changes.containers.wanted import familiar, wanted_of
from gateway.changes.host.parts import FilePart, HandPart
from gateway.changes.host.prepare import MAX_TEXT, MAX_WRITES, as_text, host_parts
from gateway.changes.secret_lines import hide_argv, hide_line, hide_request, hide_unit
from gateway.changes.secret_words import is_secret_name
from gateway.changes.secrets_found import holds_secret, without_secrets
from gateway.domain.errors import InvalidInput, UpstreamUnavailable

if TYPE_CHECKING:
    from gateway.changes.host.parts import HostPart
    from gateway.domain.change import ContainerCapture
    from gateway.domain.containers import Container, ContainerWrite
    from gateway.domain.production import ReadEngine

SHOWN_BODIES: Final = frozenset({"container", "service", "network", "volume"})
"""What a request may speak of for its body to be kept: others hold secrets, tokens, passwords, archives."""

_SERVICE: Final = "com.docker.compose.service"
_FILES: Final = "com.docker.compose.project.config_files"
_NO_UPLOAD: Final = "its files are more than a change request takes, or more than plain files"


@dataclass(frozen=True, slots=True)
class PreparedContainers:
    """A captured request, ready to be stored.

    Attributes:
        text: as sent, without secrets.
        parts: what it would have done, as it is stored.
        touched: containers, images and files that it would have changed.
        fingerprint: sha256 of what it would do.
    """

    text: str
    parts: str
    touched: tuple[str, ...]
    fingerprint: bytes


async def prepare_containers(capture: ContainerCapture, production: ReadEngine) -> PreparedContainers:
    """Make a refused request ready: what it speaks of is looked at, nothing is done to it.

    Args:
        capture: what the door knows of it.
        production: the session's own reads of the engine.

    Raises:
        InvalidInput: it is too large for a change request.
    """
    if sum(len(write.writes) for write in capture.writes) > MAX_WRITES:
        raise InvalidInput("the command writes too much for a change request")
    text = _shown(capture)
    parts = [await _part(write, text, production) for write in capture.writes]
    if not parts:
        parts = [ContainerPart("request", "", "", as_text(hide_unit(capture.title)))]
    files = [each.path for part in parts for each in part.parts if isinstance(each, FilePart)]
    touched = [*files, *(part.name for part in parts if part.name and not part.parts)]
    encoded = encode_parts(parts)
    return PreparedContainers(
        text,
        encoded,
        tuple(dict.fromkeys(touched)),
        hashlib.sha256(f"{text}\0{encoded}".encode("utf-8", "surrogateescape")).digest(),
    )


async def _part(write: ContainerWrite, text: str, production: ReadEngine) -> ContainerPart:
    name = _spoken_of(write)
    container = await _described(write, name, production)
    labels = container.labels if container is not None else _labels(write)
    wanted = wanted_of(write)
    image = wanted.get("image")
    return ContainerPart(
        write.sort,
        write.verb,
        as_text(name),
        as_text(hide_line(write.command)) or text.partition("\n")[0],
        names=(container.name,) if container is not None and container.name != name else (),
        service=labels.get(_SERVICE, ""),
        files=tuple(each for each in labels.get(_FILES, "").split(",") if each),
        image=familiar(container.image) if container is not None else image if isinstance(image, str) else "",
        wanted=json.dumps(wanted) if wanted else "",
        parts=await _inside(write, text, production),
    )


def _spoken_of(write: ContainerWrite) -> str:
    """What a request would have changed: of a network that is connected, the container."""
    if write.sort == "network" and write.verb in ("connect", "disconnect"):
        said = json.loads(write.body) if write.body else None
        container = said.get("Container") if isinstance(said, dict) else None
        return container if isinstance(container, str) else ""
    return write.name


async def _described(write: ContainerWrite, name: str, production: ReadEngine) -> Container | None:
    """What the engine says of the container that a request speaks of; what it doesn't say is not known."""
    if write.sort not in ("container", "network") or not name or write.verb in ("create", "remove"):
        return None
    try:
        return await production.described(name)
    except UpstreamUnavailable:
        return None


async def _inside(write: ContainerWrite, text: str, production: ReadEngine) -> tuple[HostPart, ...]:
    """What would have become of files in the container."""
    if write.verb == "exec":
        return await host_parts(text, write.writes, None, production.inside(write.name))
    if write.verb == "copy-in":
        files = uploaded(write.folder, write.archive) if write.archive is not None else None
        if files:
            return await host_parts(text, files, None, production.inside(write.name))
        return (HandPart(as_text(hide_line(write.command)), _NO_UPLOAD),)
    return ()


def _labels(write: ContainerWrite) -> dict[str, str]:
    """The labels that a new container would have had."""
    said = json.loads(write.body) if write.body else None
    labels = said.get("Labels") if isinstance(said, dict) else None
    found = labels if isinstance(labels, dict) else {}
    return {name: each for name, each in found.items() if isinstance(each, str)}


def _shown(capture: ContainerCapture) -> str:
    """The unit as it is kept: of a request its body only where that is no place for secrets."""
    head, _, body = capture.text.partition("\n")
    head = _plain(head)
    if body and not capture.text.startswith(("GET /", "HEAD /", "POST /", "PUT /", "DELETE /")):
        return as_text(hide_line(capture.text))[:MAX_TEXT]
    shows = [write.sort in SHOWN_BODIES and write.archive is None for write in capture.writes]
    if not body or not shows or not all(shows):
        return as_text(without_secrets(head))
    try:
        said = json.dumps(_without_variables(json.loads(body)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return as_text(without_secrets(head))
    return as_text(without_secrets(f"{head}\n{said}"))[:MAX_TEXT]


def _plain(line: str) -> str:
    """A request's line; where escapes hide a secret in it, without escapes, so that it is cut out."""
    told = unquote(line)
    return hide_request(told if without_secrets(told) != told else line)


def _without_variables(said: Any) -> Any:
    """A body without the values of secret variables and members."""
    if isinstance(said, dict):
        said = _one_command(said)
        return {
            name: "[secret]" if isinstance(each, str) and is_secret_name(name) else _without_variables(each)
            for name, each in said.items()
        }
    if isinstance(said, list):
        if said and all(isinstance(each, str) for each in said):
            return [_without_variables(each) for each in hide_argv(said)]
        return [_without_variables(each) for each in said]
    if isinstance(said, str):
        name, equals, value = said.partition("=")
        if equals and (is_secret_name(name) or holds_secret(value)):
            return f"{name}=[secret]"
    return said


def _one_command(said: dict[str, Any]) -> dict[str, Any]:
    """A body whose command is cut into two lists: the words of the second are the first's."""
    for first, second in (("Entrypoint", "Cmd"), ("Command", "Args")):
        lists = [said.get(first), said.get(second)]
        if all(isinstance(each, list) and all(isinstance(word, str) for word in each) for each in lists):
            shown = hide_argv([*said[first], *said[second]])
            said = {**said, first: shown[: len(said[first])], second: shown[len(said[first]) :]}
    return said
