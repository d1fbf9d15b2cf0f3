"""The snapshot of an empty server of the current major version, for judging with no endpoint at hand.

``generate.py`` writes its data file.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from gateway.judge.postgres.snapshot import Rows, Snapshot

DATA: Final = Path(__file__).parent / "builtin.json.z"


@cache
def builtin() -> Snapshot:
    """Return the built-in snapshot, read once."""
    return Snapshot(msgspec.json.decode(zlib.decompress(DATA.read_bytes()), type=Rows), complete=False)
