"""The grammars of the names that stand in paths and queries.

Sources: ``RestrictedNameChars`` of the engine's daemon/names, the reference grammar of
distribution/reference, the engine's own ids.
"""

from __future__ import annotations

import re
from typing import Final

MAX_NAME: Final = 512
"""Longest name, in characters; references are at most 255 beside their tag and digest."""

_PLAIN = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,128}"
_REFERENCE = rf"(?:{_DOMAIN}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::{_TAG})?(?:@{_DIGEST})?"

GRAMMARS: Final = {
    "container": re.compile(_PLAIN),
    "exec": re.compile(_PLAIN),
    "name": re.compile(_PLAIN),
    "debug": re.compile(r"[a-z]+(?:/[a-z]*)?"),
    "image": re.compile(_REFERENCE),
    "registry-image": re.compile(_REFERENCE),
    "any": re.compile(rf"{_PLAIN}|{_REFERENCE}"),
}
"""Kind → what a name of that kind may be, in full."""

WITH_SLASHES: Final = frozenset({"image", "registry-image", "any", "debug"})
"""Kinds whose names may have slashes."""


def is_name(kind: str, text: str) -> bool:
    """Whether a text is a name of that kind.

    Args:
        kind: one of :data:`GRAMMARS`.
        text: as decoded.
    """
    return len(text) <= MAX_NAME and GRAMMARS[kind].fullmatch(text) is not None


def registry_of(reference: str) -> str:
    """The host of the registry that a reference or search term speaks of, as the engine finds it.

    Args:
        reference: of an image, or a term for ``docker search``.
    """
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        return first.lower()
    return "docker.io"
