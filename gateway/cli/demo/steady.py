"""Puts the same sample values in the place of what differs from play to play."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.cli.demo.stage import Stage

_PATTERNS: Final = (
    (re.compile(r"SHA256:(?:[0-9A-F]{2}:){31}[0-9A-F]{2}"), "SHA256:5D:8A:…:C4:1E"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "f3b1c2d49a7e5068b1d2c3e4f5a60718293a4b5c"),
    (
        re.compile(r"\b\d{4}-\d\d-\d\d([T ])\d\d:\d\d:\d\d(?:\.\d+)?(?=\+00:00|Z|\b)"),
        r"2026-11-21\g<1>09:30:00",
    ),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "09:30:00"),
    (re.compile(r"\b\d+(?:\.\d+)? (ms|µs)\b"), r"1 \1"),
)
"""What is volatile → what stands for it."""


def steady(text: str, stage: Stage) -> str:
    """Return a play's output with its folder, ports, times and hashes replaced.

    Args:
        text: as printed.
        stage: on which it was played.
    """
    text = text.replace(str(stage.folder), ".demo")
    text = text.replace(str(stage.ports.api), "8443").replace(str(stage.ports.postgres), "6432")
    text = text.replace(str(stage.ports.production), "15432")
    for pattern, sample in _PATTERNS:
        text = pattern.sub(sample, text)
    return text
