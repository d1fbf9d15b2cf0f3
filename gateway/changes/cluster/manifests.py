"""The repository's manifests: which file declares an object, and in which of its documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.changes.host.mapping import place_of, root_of
from gateway.changes.paths import normalise, slug
from gateway.changes.yaml_edits import documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.changes.cluster.parts import ObjectPart
    from gateway.changes.yaml_edits import Document

ENDINGS: Final = (".yaml", ".yml")
UNMAPPED: Final = "manifests"
"""Folder for new manifests that no mapping speaks of."""


@dataclass(frozen=True, slots=True)
class Declared:
    """Where an object is declared.

    Attributes:
        path: of the file.
        text: of the file.
        document: of it.
    """

    path: str
    text: str
    document: Document


def declarations(part: ObjectPart, held: Mapping[str, bytes]) -> tuple[Declared, ...]:
    """Return where an object is declared; where some name its namespace, those that don't are another's.

    Args:
        part: says which object.
        held: the repository's manifests, by path.
    """
    named, unnamed = [], []
    for path, content in held.items():
        text = _text(content)
        if not path.endswith(ENDINGS) or part.name not in text or part.kind not in text:
            continue
        for document in documents(text):
            if not _declares(document.said, part):
                continue
            namespace = document.said["metadata"].get("namespace")
            if namespace == part.namespace:
                named.append(Declared(path, text, document))
            elif not namespace:
                unnamed.append(Declared(path, text, document))
    return tuple(named or unnamed)


def root(part: ObjectPart, mapping: Mapping[str, str]) -> str:
    """Return the folder in which an object's manifest is looked for; empty: everywhere.

    Args:
        part: says which object.
        mapping: ``/NAMESPACE`` → folder, ``/-`` for what belongs to no namespace, ``/`` for all others.
    """
    return root_of(f"/{part.namespace or '-'}/x", mapping) or ""


def place(part: ObjectPart, mapping: Mapping[str, str]) -> tuple[str, bool]:
    """Return the path of a new manifest, and whether the mapping says so.

    Args:
        part: says which object.
        mapping: as for :func:`root`.

    Raises:
        InvalidInput: it is no path that a change request may take.
    """
    name = f"{slug(part.kind)}-{slug(part.name)}.yaml"
    path, mapped = place_of(f"/{part.namespace or '-'}/{name}", mapping)
    if mapped:
        return path, True
    return normalise("/".join(each for each in (UNMAPPED, part.namespace, name) if each), root=""), False


def _declares(said: Any, part: ObjectPart) -> bool:
    if not isinstance(said, dict) or said.get("kind") != part.kind:
        return False
    metadata = said.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("name") != part.name:
        return False
    return _group(str(said.get("apiVersion", ""))) == _group(part.api_version)


def _group(api_version: str) -> str:
    group, slash, _ = api_version.partition("/")
    return group if slash else ""


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return ""
