"""Which variables a script may assign, and what to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from gateway.judge.shell.scope import INTEGER, UNKNOWN, Value, known
from gateway.judge.shell.tree import Arithmetic, Assignment, Binary, For, Name, Script, Simple, text_of

_MOVING = frozenset(("cd", "pushd", "popd"))
_ASSIGNING = frozenset(
    ("read", "export", "unset", "readonly", "declare", "typeset", "local", "printf", "mapfile")
)


def assigned_in(script: Script) -> Iterator[tuple[str, Value]]:
    """Yield each variable that a script may assign with what it may hold then.

    Args:
        script: as read; substitutions in it count too, though they assign nothing outside.
    """
    todo: list[Any] = [script]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            todo += node
            continue
        match node:
            case Assignment(name, word):
                text = text_of(word)
                integer = len(word.parts) == 1 and isinstance(word.parts[0], Arithmetic)
                yield name, known(text) if text is not None else INTEGER if integer else UNKNOWN
            case For(name, words):
                texts = [text_of(word) for word in words]
                yield (
                    name,
                    known(*[text for text in texts if text is not None]) if None not in texts else UNKNOWN,
                )
            case Binary("=", Name(name), _):
                yield name, INTEGER
            case Simple(words) if any(text_of(word) in _ASSIGNING for word in words):
                for word in words:
                    yield (text_of(word) or "").partition("=")[0], UNKNOWN
        if is_dataclass(node):
            todo += [getattr(node, each.name) for each in fields(node)]


def changes_folder(script: Script) -> bool:
    """Whether something in a script may change the working folder."""
    todo: list[Any] = [script]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            todo += node
        elif is_dataclass(node):
            if isinstance(node, Simple) and any(text_of(word) in _MOVING for word in node.words):
                return True
            todo += [getattr(node, each.name) for each in fields(node)]
    return False
