"""Words for a POSIX shell: every one in single quotes, so that no character is anything but itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def quoted(word: str) -> str:
    """Return a word as a POSIX shell takes it for exactly that.

    Raises:
        ValueError: it holds a NUL, which no word can.
    """
    if "\0" in word:
        raise ValueError("a word can't hold a NUL")
    return "'" + word.replace("'", "'\\''") + "'"


def command(words: Iterable[str]) -> str:
    """Return a command line of these words."""
    return " ".join(quoted(word) for word in words)
