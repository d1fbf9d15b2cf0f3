"""Puts the same sample values in the place of what differs from play to play."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateway.cli.demo.registering import HOST

if TYPE_CHECKING:
    from gateway.cli.demo.stage import Stage

_PATTERNS: Final = (
    (r"SHA256:(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", "SHA256:5D:8A:…:C4:1E"),
    (r"SHA256:[A-Za-z0-9+/]{43}(?![A-Za-z0-9+/])", "SHA256:jW0cZ4b8…V1Uo"),
    (r"\b[0-9a-f]{40}\b", "f3b1c2d49a7e5068b1d2c3e4f5a60718293a4b5c"),
    (
        r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4} [+-]\d{4}\b",
        "Sat Nov 21 09:30:00 2026 +0000",
    ),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "2026-11-21 09:30"),
    (r"\b\d\d:\d\d:\d\d\b", "09:30:00"),
    (r"\b\d+(?:\.\d+)? (ms|µs)\b", r"1 \1"),
    (r"(?<=09:30:00  )\ds\b", "0s"),
    (r"\b127\.0\.0\.1:\d+\b", "127.0.0.1:50000"),
    (r"\b\d+ leaves, \d+ checkpoints?\b", "24 leaves, 3 checkpoints"),
    (r"\bsize \d+\b", "size 24"),
    (r"◇ \S+", "◇ 59m"),
    (r"\bindex [0-9a-f]+\.\.[0-9a-f]+", "index cc81b68..eaa01c6"),
    (
        r"^CONTAINER ID +IMAGE.*",
        "CONTAINER ID   IMAGE      COMMAND               CREATED       STATUS       NAMES",
    ),
    (
        r"^[0-9a-f]{12} +mailer:1.*",
        '7b1f2c3d4e5f   mailer:1   "sh /app/mailer.sh"   2 hours ago   Up 2 hours   mailer',
    ),
    (r"[ \t]+$", ""),
)
"""What is volatile → what stands for it."""


def steady(text: str, stage: Stage) -> str:
    """Return a play's output with its folder, ports, times and hashes replaced.

    Args:
        text: as printed.
        stage: on which it was played.
    """
    text = text.replace(f"{stage.folder}/{HOST}/", "/").replace(str(stage.folder), ".demo")
    text = text.replace(str(stage.ports.host), "15022")
    text = text.replace(str(stage.ports.api), "8443").replace(str(stage.ports.postgres), "6432")
    text = text.replace(str(stage.ports.production), "15432").replace(str(stage.ports.ssh), "2222")
    text = text.replace(str(stage.ports.docker), "2376").replace(str(stage.ports.kubernetes), "6443")
    for pattern, sample in _PATTERNS:
        text = re.sub(pattern, sample, text, flags=re.MULTILINE)
    return text
