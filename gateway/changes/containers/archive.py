"""An archive that was to be unpacked in a container → the files that it would have written there."""

from __future__ import annotations

import io
import tarfile
from posixpath import normpath
from typing import Final

from gateway.domain.host import HostWrite, Known, Written

MOST_FILES: Final = 50
"""Files of an upload that a change request takes."""
MOST_BYTES: Final = 4 << 20
"""Bytes of them, all together."""
_MODE: Final = 0o7777


def uploaded(folder: str, archive: bytes) -> tuple[HostWrite, ...] | None:
    """Return the files of an archive as they would have been written; None where it holds more than files.

    Folders alone are no change that git could hold. Links, devices and names that lead out of the folder are
    left to a person.

    Args:
        folder: where it would have been unpacked.
        archive: tar, also compressed.
    """
    found: list[HostWrite] = []
    taken = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for entry in tar:
                if entry.isdir():
                    continue
                taken += entry.size
                file = tar.extractfile(entry) if entry.isreg() and taken <= MOST_BYTES else None
                if file is None or len(found) == MOST_FILES or ".." in entry.name.split("/"):
                    return None
                path = normpath(f"/{folder}/{entry.name}").replace("//", "/")
                found.append(Written(path, Known(file.read()), mode=entry.mode & _MODE))
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError):
        return None
    return tuple(found)
