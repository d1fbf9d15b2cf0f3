"""Where a regular expression of sed ends: seds differ on delimiters that stand in brackets."""

from __future__ import annotations

import re

_DELIMITERS = ",|#%@!:;=_~+^&<>\"`'/"
"""Delimiters to choose from where another is needed."""


def plain_end(text: str, start: int, delimiter: str) -> int | None:
    """Place of the first delimiter without a backslash before it, brackets aside; None: there is none."""
    place = start
    while place < len(text):
        if text[place] == delimiter:
            return place
        place += 2 if text[place] == "\\" else 1
    return None


def regex_end(text: str, start: int, delimiter: str) -> tuple[int | None, bool]:
    """Where a regular expression ends.

    Args:
        text: the script.
        start: where the expression begins, behind its delimiter.
        delimiter: one character.

    Returns:
        The place of the closing delimiter (None: it has no end), as a sed reads it that knows bracket
        expressions; and whether every sed reads it alike.
    """
    chosen = _bracket_aware_end(text, start, delimiter, classes=True, escapes=False)
    others = {
        plain_end(text, start, delimiter),
        _bracket_aware_end(text, start, delimiter, classes=False, escapes=False),
        _bracket_aware_end(text, start, delimiter, classes=True, escapes=True),
        _bracket_aware_end(text, start, delimiter, classes=False, escapes=True),
    }
    return chosen, others == {chosen}


def _bracket_aware_end(text: str, start: int, delimiter: str, *, classes: bool, escapes: bool) -> int | None:
    """The end as read by a sed that knows brackets, classes in them or not, backslashes in them or not."""
    place = start
    while place < len(text):
        character = text[place]
        if character == delimiter:
            return place
        if character == "\\":
            place += 2
        elif character == "[":
            place = _bracket_end(text, place, classes=classes, escapes=escapes)
        else:
            place += 1
    return None


def _bracket_end(text: str, start: int, *, classes: bool, escapes: bool) -> int:
    """Behind a bracket expression; behind the text where it has no end."""
    place = start + 1
    if text[place : place + 1] == "^":
        place += 1
    if text[place : place + 1] == "]":
        place += 1
    while place < len(text):
        character = text[place]
        if character == "]":
            return place + 1
        if escapes and character == "\\":
            place += 2
        elif classes and text[place : place + 2] in {"[:", "[.", "[="}:
            end = text.find(text[place + 1] + "]", place + 2)
            place = end + 2 if end >= 0 else place + 1
        else:
            place += 1
    return place


def redelimited(parts: list[str], delimiter: str) -> tuple[tuple[str, ...], str] | None:
    """The same parts, for a delimiter that stands in none of them; None: there is none such.

    Args:
        parts: a regular expression, and perhaps a replacement, as they stand between their delimiters.
        delimiter: the delimiter that they were written for.
    """
    if delimiter != "/":
        return None  # an escaped delimiter may have a meaning of its own
    changed = tuple(_unescaped(part) for part in parts)
    for other in _DELIMITERS:
        if not any(other in part for part in changed):
            end, alike = regex_end(changed[0] + other, 0, other)
            return (changed, other) if alike and end == len(changed[0]) else None
    return None


def _unescaped(part: str) -> str:
    r"""``\/`` → ``/``; other pairs stay."""
    return re.sub(r"\\(.)", lambda pair: "/" if pair.group(1) == "/" else pair.group(), part, flags=re.DOTALL)
