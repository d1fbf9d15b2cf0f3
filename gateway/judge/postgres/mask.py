"""Takes integers out of texts, so that those that differ in nothing else are one; plain twin of mask.pyx."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = b"\xff"
"""Stands for an integer; no text in UTF-8 has this byte, so that none can be taken for a masked one."""

_INTEGER: Final = re.compile(rb"(?<![\w.])\d+(?![\w.])")


def masked(text: bytes) -> bytes:
    """Return the text with each free-standing integer replaced by ``MASK``.

    Free-standing: neither before nor behind it stands a letter, digit, underscore or dot, all of ASCII.
    """
    return _INTEGER.sub(MASK, text)
