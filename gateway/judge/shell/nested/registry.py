"""Name in a catalogue entry's ``judge`` → the judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gateway.judge.shell.nested.shape import NestedJudge

JUDGES: Final[Mapping[str, NestedJudge]] = {}
