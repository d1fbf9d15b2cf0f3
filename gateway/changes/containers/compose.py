"""The services of a compose file: which one a container is of, and what it would say instead."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from posixpath import dirname, normpath
from typing import TYPE_CHECKING, Any, Final

from gateway.changes.containers.wanted import repository_of
from gateway.changes.paths import slug
from gateway.changes.yaml_edits import Edit, Place, edited, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gateway.changes.containers.wanted import Wanted
    from gateway.changes.yaml_edits import Step
    from gateway.judge.http.bodies import Json

NAMES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""Where compose looks by itself, the first first."""

_NUMBER: Final = re.compile(r"[-_][0-9]+$")
_MARK: Final = re.compile(r"[-_]")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LISTS: Final = frozenset({"ports", "volumes", "networks", "cap_add", "cap_drop", "extra_hosts"})
_MOST_ITEMS: Final = 50


@dataclass(frozen=True, slots=True)
class Sought:
    """What is known of the container or service that a request speaks of.

    Attributes:
        service: as compose labelled it; empty: it did not.
        name: as the client named it.
        names: what the engine calls it besides.
        image: that it runs.
    """

    service: str
    name: str
    names: tuple[str, ...] = ()
    image: str = ""


def candidates(configured: str, labelled: Iterable[str]) -> tuple[str, ...]:
    """Return where in a repository the compose file may stand, the likeliest first.

    Args:
        configured: what the endpoint's repository names as its image definition; only YAML is a compose file.
        labelled: compose files as compose labelled a container, by their paths on the machine it ran on.
    """
    found = [configured] if configured.endswith((".yaml", ".yml")) else []
    for path in labelled:
        parts = [each for each in path.split("/") if each not in ("", ".", "..")]
        found += ["/".join(parts[-count:]) for count in range(min(3, len(parts)), 0, -1)]
    return tuple(dict.fromkeys([*found, *NAMES]))


def services_of(text: str) -> Mapping[str, Any]:
    """Return the services of a compose file by name; none where it is none.

    Args:
        text: of the file.
    """
    whole = said(text)
    services = whole.get("services") if isinstance(whole, dict) else None
    found = services if isinstance(services, dict) else {}
    return {
        name: each if isinstance(each, dict) else {} for name, each in found.items() if isinstance(name, str)
    }


def service_of(services: Mapping[str, Any], sought: Sought) -> str:
    """Return which service a container is of; empty where that is not sure.

    Args:
        services: of the compose file.
        sought: what is known of the container.
    """
    names = (sought.name, *sought.names)
    named = [name for name, each in services.items() if each.get("container_name") in names]
    split = [part for each in names if (part := _service_in(each, services))]
    exact = [each for each in names if each in services]
    of_image = [
        name
        for name, each in services.items()
        if sought.image
        and each.get("image")
        and repository_of(str(each["image"])) == repository_of(sought.image)
    ]
    labelled = [sought.service] if sought.service in services else []
    for found in (labelled, named, exact, split, of_image):
        if len(set(found)) == 1:
            return found[0]
    return ""


def _service_in(name: str, services: Mapping[str, Any]) -> str:
    """The service in a name such as ``shop-web-1`` or ``shop_web``: the longest that there is."""
    bare = _NUMBER.sub("", name)
    rests = [bare[mark.end() :] for mark in _MARK.finditer(bare)]
    return next((rest for rest in rests if rest in services), "")


def with_image(text: str, image: str) -> tuple[str, tuple[str, ...]]:
    """Return a compose file in which every service of an image's name runs this one, and those services.

    Args:
        text: of the file.
        image: with its new tag or digest.
    """
    changed: list[str] = []
    for name, service in services_of(text).items():
        now = service.get("image")
        if isinstance(now, str) and now != image and repository_of(now) == repository_of(image):
            after = edited(text, [Edit(("services", name, "image"), image)])
            if after is not None:
                text, changed = after, [*changed, name]
    return text, tuple(changed)


def with_service(text: str, name: str, wanted: Wanted) -> str | None:
    """Return a compose file with one service more; None where it can't be put in surely.

    Args:
        text: of the file.
        name: of the service.
        wanted: what it says.
    """
    return edited(text, [Edit(("services", name), dict(wanted))])


def with_declared(text: str, wanted: Wanted) -> str | None:
    """Return a compose file that declares the volumes and networks that a service names; None: not surely.

    Args:
        text: of the file.
        wanted: what the service says.
    """
    whole = said(text)
    edits = []
    for key, names, value in (
        ("volumes", _names(wanted.get("volumes")), {}),
        ("networks", _names(wanted.get("networks")), {"external": True}),
    ):
        declared = whole.get(key) if isinstance(whole, dict) else None
        known = declared if isinstance(declared, dict) else {}
        edits += [Edit((key, name), dict[str, "Json"](value)) for name in names if name not in known]
    return edited(text, edits)


def _names(entries: Json) -> list[str]:
    """The names at the beginning of entries, such as ``data`` of ``data:/var/lib``; paths are no names."""
    texts = [each for each in entries if isinstance(each, str)] if isinstance(entries, list) else []
    found = [each.partition(":") for each in texts]
    return [name for name, _, _ in found if _NAME.fullmatch(name)]


def new_name(sought: Sought) -> str:
    """Return what a new service is called.

    Args:
        sought: the container as the client named it.
    """
    return slug(sought.name or repository_of(sought.image).rpartition("/")[2])


@dataclass(slots=True)
class Brought:
    """One service of a compose file, brought to say what a request wants.

    Attributes:
        text: of the file, as far as it is edited.
        service: its name.
        composed: whether it was compose that asked: then a value with variables is what it made of them.
        left: keys that could not be edited surely.
    """

    text: str
    service: str
    composed: bool = False
    left: list[str] = field(default_factory=list)

    def want(self, wanted: Wanted) -> None:
        """Take over what the service doesn't say already.

        Args:
            wanted: key → value.
        """
        for key, value in wanted.items():
            for path, each in _leaves((key,), value):
                if not self._want(path, each):
                    self.left.append(".".join(path))

    def _said(self, path: tuple[str, ...]) -> Any:
        there: Any = services_of(self.text).get(self.service)
        for key in path:
            there = there.get(key) if isinstance(there, dict) else None
        return there

    def _want(self, path: tuple[str, ...], value: Json) -> bool:
        there = self._said(path)
        if path[0] in ("environment", "labels") and isinstance(value, dict):
            done = [self._variable(path[0], name, each) for name, each in value.items()]
            return all(done)
        if path[0] in _LISTS and isinstance(value, list):
            done = [self._item(path[0], each) for each in value[:_MOST_ITEMS]]
            return all(done)
        return self._exchange(path, there, value)

    def _variable(self, key: str, name: str, value: Json) -> bool:
        """Set one variable or label, as a mapping or a list has it."""
        there = self._said((key,))
        if not isinstance(there, list):
            known = there.get(name) if isinstance(there, dict) else None
            return self._exchange((key, name), known, value)
        entry = name if value is None else f"{name}={value}"
        for at, each in enumerate(there):
            if isinstance(each, str) and each.partition("=")[0] == name:
                return self._exchange((key, Place(at)), each, entry)
        return self._put((key, Place(len(there))), entry)

    def _exchange(self, path: tuple[Step, ...], there: Any, value: Json) -> bool:
        """Put a value where another stands, unless that says the same, or is made of variables."""
        if there is not None and _same(there, value):
            return True
        if isinstance(there, str) and "$" in there.replace("$$", ""):
            return self.composed
        return self._put(path, value)

    def _item(self, key: str, item: Json) -> bool:
        there = self._said((key,))
        if not isinstance(there, list):
            return there is None and self._put((key,), [item])
        known = {_target(key, each) for each in there}
        return _target(key, item) in known or self._put((key, Place(len(there))), item)

    def _put(self, path: tuple[Step, ...], value: Json) -> bool:
        after = edited(self.text, [Edit(("services", self.service, *path), value)])
        self.text = self.text if after is None else after
        return after is not None


def _leaves(path: tuple[str, ...], value: Json) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Yield the values of a nested mapping, such as ``deploy``, with their paths."""
    if isinstance(value, dict) and path[0] == "deploy":
        for key, each in value.items():
            yield from _leaves((*path, key), each)
    else:
        yield path, value


def _same(there: Any, value: Json) -> bool:
    """Whether a compose file says a value already, in one of the ways in which it may say it."""
    if isinstance(value, list) and isinstance(there, str):
        try:
            return shlex.split(there) == value
        except ValueError:
            return False
    if isinstance(value, str) and isinstance(there, bool | int | float):
        return str(there).lower() == value.lower()
    return bool(there == value)


def _target(key: str, item: Any) -> str:
    """What two entries of a list must not both say: the port or path inside, or the whole entry."""
    if isinstance(item, dict):
        return (
            f"{item.get('target')}/{item.get('protocol', 'tcp')}"
            if key == "ports"
            else str(item.get("target"))
        )
    text = str(item)
    if key == "ports":
        port, _, protocol = text.rpartition(":")[2].partition("/")
        return f"{port}/{protocol or 'tcp'}"
    if key == "volumes":
        parts = text.split(":")
        return parts[1] if len(parts) > 1 else parts[0]
    return text


def binds_of(service: Mapping[str, Any], compose: str) -> dict[str, str]:
    """Return what a service sees of its repository: path in the container → path in the repository.

    Args:
        service: what the compose file says of it.
        compose: path of the compose file.
    """
    found = {}
    volumes = service.get("volumes")
    for each in volumes if isinstance(volumes, list) else []:
        if isinstance(each, dict):
            source, target = str(each.get("source", "")), str(each.get("target", ""))
        else:
            source, _, rest = str(each).partition(":")
            target = rest.partition(":")[0]
        if source.startswith(("./", "../")) and target.startswith("/"):
            place = normpath(f"{dirname(compose)}/{source}".lstrip("/"))
            if not place.startswith(".."):
                found[target.rstrip("/")] = place
    return found
