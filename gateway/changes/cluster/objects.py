"""Objects without what the cluster itself says of them, and what turns one into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.changes.yaml_edits import GONE, Edit, Item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.changes.yaml_edits import Step
    from gateway.judge.http.bodies import Json

SERVERS: Final = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""Members of an object's metadata that the server writes."""

CONTROLLERS: Final = frozenset(
    {
        "deployment.kubernetes.io/revision",
        "kubectl.kubernetes.io/last-applied-configuration",
    }
)
"""Annotations that clients and controllers keep for themselves."""

UNSAID: Final = ("creationTimestamp", "resources", "status", "strategy", "updateStrategy")
"""Members that ``kubectl create`` writes though they say nothing: null or empty."""

TELLING: Final = (
    "name",
    "containerPort",
    "port",
    "mountPath",
    "devicePath",
    "ip",
    "key",
    "topologyKey",
    "type",
)
"""Members by which the items of a list can be told apart, as strategic merge patches do."""

_FIRST: Final = ("apiVersion", "kind", "metadata")


def cleaned(value: dict[str, Json]) -> dict[str, Json]:
    """Return an object as a manifest would declare it.

    Args:
        value: as the server says it.
    """
    found = {name: each for name, each in value.items() if name != "status"}
    metadata = found.get("metadata")
    if isinstance(metadata, dict):
        kept = {name: each for name, each in metadata.items() if name not in SERVERS}
        annotations = kept.get("annotations")
        if isinstance(annotations, dict):
            own = {name: each for name, each in annotations.items() if name not in CONTROLLERS}
            kept["annotations"] = own
            if not own:
                del kept["annotations"]
        found["metadata"] = kept
    return found


def declared(value: dict[str, Json]) -> dict[str, Json]:
    """Return a new object as a manifest declares it: its kind first, nothing that says nothing.

    Args:
        value: as a client sent it.
    """
    said = _said(cleaned(value))
    assert isinstance(said, dict)
    return {name: said[name] for name in (*_FIRST, *said) if name in said}


def differences(old: Json, new: Json, path: tuple[Step, ...] = ()) -> Iterator[Edit]:
    """Yield what turns one value into another, as small as it can be told.

    Args:
        old: as it is.
        new: as it would be.
        path: where they stand.
    """
    if same(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            if name not in new:
                yield Edit((*path, name), GONE)
            elif name not in old:
                yield Edit((*path, name), new[name])
            else:
                yield from differences(old[name], new[name], (*path, name))
        return
    if isinstance(old, list) and isinstance(new, list) and path:
        member = _telling(old, new)
        if member is not None:
            yield from _items(_by(old, member), _by(new, member), member, path)
            return
    yield Edit(path, new)


def same(one: Json, two: Json) -> bool:
    """Whether two values are the same; to Python 1 and true would be.

    Args:
        one: of the two.
        two: of the two.
    """
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[name], two[name]) for name in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two and isinstance(one, bool) is isinstance(two, bool)


def _items(
    old: dict[str | int, Json], new: dict[str | int, Json], member: str, path: tuple[Step, ...]
) -> Iterator[Edit]:
    for value in dict.fromkeys((*old, *new)):
        place = (*path, Item(member, value))
        if value not in new:
            yield Edit(place, GONE)
        elif value not in old:
            yield Edit(place, new[value])
        else:
            yield from differences(old[value], new[value], place)


def _telling(old: list[Json], new: list[Json]) -> str | None:
    """The member by which the items of both lists are told apart; None: they can't be."""
    for member in TELLING:
        if len(_by(old, member)) == len(old) and len(_by(new, member)) == len(new):
            return member
    return None


def _by(items: list[Json], member: str) -> dict[str | int, Json]:
    found: dict[str | int, Json] = {}
    for each in items:
        value = each.get(member) if isinstance(each, dict) else None
        if isinstance(value, str | int) and not isinstance(value, bool):
            found[value] = each
    return found


def _said(value: Json) -> Json:
    if isinstance(value, dict):
        return {
            name: _said(each)
            for name, each in value.items()
            if not (name in UNSAID and (each is None or each == {}))
        }
    return [_said(each) for each in value] if isinstance(value, list) else value
