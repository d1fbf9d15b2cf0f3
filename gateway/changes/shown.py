"""Data shown to people: bounded, without control sequences, bidirectional overrides or line breaks of its own."""

from __future__ import annotations

import unicodedata

_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def one_line(text: str, limit: int) -> str:
    """Return text on one line, what can't be shown as an escape, cut at the limit."""
    shown = "".join(_visible(each) for each in " ".join(text.split()))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def block(text: str, limit: int) -> str:
    """Return text of several lines with its line breaks and tabs, cut at the limit."""
    shown = "".join(each if each in "\n\t" else _visible(each) for each in text.replace("\r\n", "\n"))
    return shown if len(shown) <= limit else shown[:limit] + "\n… cut here"


def _visible(character: str) -> str:
    if unicodedata.category(character) in _HIDDEN:
        return character.encode("unicode_escape").decode()
    return character
