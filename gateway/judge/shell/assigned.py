"""Which variables a script may assign, and what to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

from gateway.judge.shell.arrays import Arrays
from gateway.judge.shell.filling import keyed_by
from gateway.judge.shell.tree import Arithmetic, Assignment, Binary, For, Name, Script, Simple, Word, text_of
from gateway.judge.shell.tree_arrays import ArrayAssignment, ElementAssignment
from gateway.judge.shell.values import INTEGER, UNKNOWN, Value, known

_NAME: Final = re.compile(r"[=\[]")
_MOVING = frozenset(("cd", "pushd", "popd"))
_ASSIGNING = frozenset(
    (
        *("read", "export", "unset", "readonly", "declare", "typeset", "local", "printf"),
        *("mapfile", "readarray"),
    )
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
                yield name, _of(word)
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
                    yield _NAME.split(text_of(word) or "", maxsplit=1)[0], UNKNOWN
        if is_dataclass(node):
            todo += [getattr(node, each.name) for each in fields(node)]


def filled_in(script: Script) -> Iterator[tuple[str, Value]]:
    """Yield each array that a script may fill with what an element of it may hold then.

    Args:
        script: as read; substitutions in it count too.
    """
    todo: list[Any] = [script]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            todo += node
            continue
        match node:
            case ElementAssignment(name, _, word):
                yield name, _of(word)
            case ArrayAssignment(name, items):
                yield name, known("")
                yield from ((name, _of(item.word)) for item in items)
        if is_dataclass(node):
            todo += [getattr(node, each.name) for each in fields(node)]


def arrays_of(script: Script) -> Arrays:
    """Return what is known of a script's arrays before it begins: which names become associative ones.

    Args:
        script: as read; substitutions in it count too.
    """
    found: set[str] = set()
    todo: list[Any] = [script]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            todo += node
        elif is_dataclass(node):
            if isinstance(node, Simple):
                found.update(keyed_by(node.words))
            todo += [getattr(node, each.name) for each in fields(node)]
    return Arrays(sorts=dict.fromkeys(found, "keyed"))


def _of(word: Word) -> Value:
    """What a word surely is, without knowing any variable."""
    text = text_of(word)
    if text is not None:
        return known(text)
    return INTEGER if len(word.parts) == 1 and isinstance(word.parts[0], Arithmetic) else UNKNOWN


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
