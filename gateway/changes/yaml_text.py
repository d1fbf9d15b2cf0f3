"""Values as YAML text of block style, in the forms that no reader takes for something else."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from gateway.judge.http.bodies import Json

_PLAIN: Final = re.compile(r"[A-Za-z_./][A-Za-z0-9_./@+=-]*(?::[A-Za-z0-9_./@+=-]+)*")
_RESERVED: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", ".", ".."})
_NUMBER: Final = re.compile(r"[.0-9][0-9_.eExXoOa-fA-F+-]*|\.(?:inf|nan)", re.IGNORECASE)


def written(value: Json) -> str:
    """Return a value as a document of block style.

    Args:
        value: a mapping.
    """
    return "\n".join(lines_of(value, 0, 0)) + "\n"


def lines_of(value: Any, indent: int, offset: int) -> list[str]:
    """Return a value as lines of block style.

    Args:
        value: a mapping or list; anything else is one line.
        indent: of each line.
        offset: how far lists stand in from their keys.
    """
    margin = " " * indent
    if isinstance(value, dict) and value:
        lines = []
        for key, each in value.items():
            if isinstance(each, dict | list) and each:
                inner = indent + (offset if isinstance(each, list) else 2)
                lines += [f"{margin}{inline(key)}:", *lines_of(each, inner, offset)]
            elif isinstance(each, str) and "\n" in each and is_literal(each):
                first, *rest = block(each, indent + 2)
                lines += [f"{margin}{inline(key)}: {first}", *rest]
            else:
                lines.append(f"{margin}{inline(key)}: {inline(each)}")
        return lines
    if isinstance(value, list) and value:
        lines = []
        for each in value:
            if isinstance(each, dict | list) and each:
                first, *rest = lines_of(each, indent + 2, offset)
                lines += [f"{margin}- {first.lstrip(' ')}", *rest]
            else:
                lines.append(f"{margin}- {inline(each)}")
        return lines
    return [f"{margin}{inline(value)}"]


def inline(value: Any) -> str:
    """Return a value on one line: plain where nothing could take it for something else, else as JSON.

    Args:
        value: of any sort.
    """
    if isinstance(value, str) and _is_plain(value):
        return value
    return json.dumps(value, ensure_ascii=isinstance(value, str) and not value.isprintable())


def is_literal(text: str) -> bool:
    """Whether a text of several lines can stand as a literal block.

    Args:
        text: with line feeds.
    """
    lines = text.split("\n")
    return (
        all(line.isprintable() and line == line.rstrip() for line in lines)
        and not lines[0].startswith(" ")
        and bool(lines[0])
        and not text.endswith("\n\n")
    )


def block(text: str, indent: int) -> list[str]:
    """Return a text of several lines as a literal block: its mark, and its lines.

    Args:
        text: one that :func:`is_literal`.
        indent: of each line.
    """
    mark = "|" if text.endswith("\n") else "|-"
    lines = text.removesuffix("\n").split("\n")
    return [mark, *(f"{' ' * indent}{line}" if line else "" for line in lines)]


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _RESERVED and not _NUMBER.fullmatch(text)
