"""The hot loop, compiled: found only where it was built from exactly these sources, for this kind of Python.

The plain modules are the reference. Where a compiler is at hand, installing (``hatch_build.py``) compiles
them as they stand, with the C types of their ``.pxd``, into a folder named after the sources' hash: one edit,
and the name no longer fits, so that nothing stale is ever run. All are compiled or none: they know each
other's layout. ``GLASSGATE_PURE=1`` leaves the plain ones in place.
"""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

MODULES: Final = (
    "gateway.judge.postgres.cache",
    "gateway.judge.postgres.mask",
    "gateway.protocols.postgres.client",
    "gateway.protocols.postgres.exchange",
    "gateway.protocols.postgres.following",
    "gateway.protocols.postgres.names",
    "gateway.protocols.postgres.reading",
    "gateway.protocols.postgres.refusing",
    "gateway.protocols.postgres.server",
    "gateway.protocols.postgres.statements",
    "gateway.protocols.postgres.swift",
    "gateway.protocols.postgres.units",
    "gateway.protocols.postgres.wire",
    "gateway.recordings.live",
    "gateway.recordings.pen",
    "gateway.recordings.tail",
    "gateway.session.admission",
    "gateway.transport.layer",
    "gateway.transport.outlet",
)
"""What is compiled. A module has a ``.pxd`` with its types, or a ``.pyx`` twin, beside its ``.py``."""

SWITCH: Final = "GLASSGATE_PURE"
_ROOT: Final = Path(__file__).resolve().parent.parent
_PARTS: Final = (".py", ".pxd", ".pyx")


def sources(root: Path = _ROOT) -> list[Path]:
    """Return the files that the compiled loop is made of, in order.

    Args:
        root: folder that holds ``gateway``.
    """
    stems = [root.joinpath(*module.split(".")) for module in MODULES]
    found = (stem.with_suffix(part) for stem in stems for part in _PARTS)
    return [path for path in found if path.exists()]


def folder(root: Path = _ROOT) -> Path:
    """Return where the loop compiled from the sources as they are now lies, or would lie.

    Args:
        root: folder that holds ``gateway``.
    """
    digest = hashlib.sha256(EXTENSION_SUFFIXES[0].encode())
    for path in sources(root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return root / "gateway" / "_compiled" / digest.hexdigest()[:32]


def file_of(module: str) -> str:
    """Return the file name of a compiled module."""
    return module + EXTENSION_SUFFIXES[0]


class Finder:
    """Finds the compiled modules before Python's own finders find the plain ones.

    Args:
        place: their folder.
    """

    def __init__(self, place: Path) -> None:
        self._place = place

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to load a module of the hot loop; None for every other."""
        del path, target
        if name not in MODULES:
            return None
        file = str(self._place / file_of(name))
        return spec_from_file_location(name, file, loader=ExtensionFileLoader(name, file))


def use() -> str:
    """Use the compiled loop where it fits; called once, before any other module of the package is imported.

    Returns:
        Which loop is in use, and why: begins with ``compiled`` or ``plain``.
    """
    if os.environ.get(SWITCH, "0") not in ("", "0"):
        return f"plain ({SWITCH} is set)"
    try:
        place = folder()
    except OSError as error:
        return f"plain (its sources can't be read: {error.strerror})"
    if not place.is_dir():
        built = place.parent.is_dir() and any(place.parent.iterdir())
        return (
            "plain (compiled from other sources, or for another Python)" if built else "plain (not compiled)"
        )
    try:
        _load_one(place)
    except ImportError as error:
        return f"plain (the compiled one can't be loaded here: {error})"
    sys.meta_path.insert(0, Finder(place))
    return "compiled"


def _load_one(place: Path) -> None:
    """Try the module that needs no other: what was built for another system's C library shows here."""
    name = "gateway.recordings.pen"
    loader = ExtensionFileLoader(name, str(place / file_of(name)))
    spec = ModuleSpec(name, loader, origin=loader.path)
    loader.create_module(spec)
