"""Edits of YAML as splices of its text: comments, order and style of what isn't touched stay as they are.

An edit stands only where the document, read again, says what it said before but for that edit.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from gateway.changes.yaml_text import block, inline, is_literal, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.judge.http.bodies import Json

MAX_DOCUMENT: Final = 1 << 18
"""Longest document that is read, in characters."""

MAX_VALUES: Final = 50_000
"""Most values of a document that is read, those behind aliases counted each time they stand in it."""


class Gone(Enum):
    """Nothing stands at a place any more."""

    GONE = "gone"


GONE: Final = Gone.GONE


@dataclass(frozen=True, slots=True)
class Item:
    """The one item of a list whose member has a value, such as the container of that name.

    Attributes:
        member: of each item.
        value: that tells it from the others.
    """

    member: str
    value: str | int


@dataclass(frozen=True, slots=True)
class Place:
    """An item of a list by its place; behind the last, a new one.

    Attributes:
        at: from 0.
    """

    at: int


Step: TypeAlias = str | Item | Place


@dataclass(frozen=True, slots=True)
class Edit:
    """Something else stands at a place.

    Attributes:
        path: from the top.
        value: what stands there then; a new item of a list holds its telling member too.
    """

    path: tuple[Step, ...]
    value: Json | Gone


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file.

    Attributes:
        begin: where its text begins, behind the line that separates it from the one before.
        end: where it ends.
        said: what it says; None where it can't be read.
    """

    begin: int
    end: int
    said: Any


_SEPARATOR: Final = re.compile(r"^---(?:[ \t]*|[ \t]+#.*)\r?$\n?", re.MULTILINE)
_OTHER_SEPARATOR: Final = re.compile(r"^(?:---[ \t]+[^\s#]|\.\.\.|%)", re.MULTILINE)


def documents(text: str) -> tuple[Document, ...]:
    """Return the documents of a file; none where it is separated in a way that isn't understood.

    Args:
        text: of the file.
    """
    if _OTHER_SEPARATOR.search(text):
        return ()
    places = [0, *(place for found in _SEPARATOR.finditer(text) for place in found.span()), len(text)]
    pairs = zip(places[::2], places[1::2], strict=True)
    return tuple(Document(begin, end, said(text[begin:end])) for begin, end in pairs)


def said(text: str) -> Any:
    """Return what a document says; None where it can't be read, or says nothing.

    Args:
        text: of the document.
    """
    return copy.deepcopy(_read(text))


@functools.lru_cache(maxsize=16)
def _read(text: str) -> Any:
    """What a document says, kept: it is read for each of its edits, which takes milliseconds a kilobyte."""
    if len(text) > MAX_DOCUMENT:
        return None
    try:
        read = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError):
        return None
    return read if _countable(read) else None


def _countable(read: Any) -> bool:
    todo, count = [read], 0
    while todo and count <= MAX_VALUES:
        each = todo.pop()
        count += 1
        if isinstance(each, dict):
            todo += each.values()
        elif isinstance(each, list):
            todo += each
    return not todo


def edited(text: str, edits: Sequence[Edit]) -> str | None:
    """Return a document with other values in it; None where that can't be done surely.

    Args:
        text: of the document.
        edits: made one after the other; to take something away that isn't there changes nothing.
    """
    before = _read(text)
    if not isinstance(before, dict):
        return None
    wanted = _unshared(before)
    for edit in edits:
        if not _set(wanted, edit):
            return None
        if _same(_read(text), wanted):
            continue
        after = _spliced(text, edit)
        if after is None or not _same(_read(after), wanted):
            return None
        text = after
    return text


def removed(text: str, document: Document) -> str:
    """Return a file without one of its documents.

    Args:
        text: of the file.
        document: of it.
    """
    before, behind = text[: document.begin], text[document.end :]
    if behind:
        return before + _SEPARATOR.sub("", behind, count=1)
    ends = list(_SEPARATOR.finditer(before))
    return before[: ends[-1].start()] if ends else ""


def _unshared(value: Any) -> Any:
    """A copy in which what stands behind several aliases is as many values."""
    if isinstance(value, dict):
        return {key: _unshared(each) for key, each in value.items()}
    return [_unshared(each) for each in value] if isinstance(value, list) else value


def _same(one: Any, two: Any) -> bool:
    """Whether two documents say the same; to Python 1 and true would be."""
    return json.dumps(one, sort_keys=True, default=repr) == json.dumps(two, sort_keys=True, default=repr)


def _set(value: Any, edit: Edit) -> bool:
    """Make an edit in what a document says; False where the way to its place is not there."""
    *way, last = edit.path
    for at, step in enumerate(way):
        inner = _member(value, step)
        if inner is None:
            if edit.value is GONE:
                return True
            if not isinstance(step, str) or not isinstance(value, dict):
                return False
            value[step] = _wrapped(edit.path[at + 1 :], edit.value)
            return True
        value = inner
    if isinstance(last, str):
        if not isinstance(value, dict):
            return edit.value is GONE
        if edit.value is GONE:
            value.pop(last, None)
        else:
            value[last] = copy.deepcopy(edit.value)
        return True
    if not isinstance(value, list):
        return edit.value is GONE
    if isinstance(last, Place):
        if edit.value is GONE or last.at > len(value):
            return False
        value[last.at : last.at + 1] = [copy.deepcopy(edit.value)]
        return True
    places = [at for at, each in enumerate(value) if _is(each, last)]
    if len(places) > 1:
        return False
    if edit.value is GONE:
        value[:] = [each for each in value if not _is(each, last)]
    elif places:
        value[places[0]] = copy.deepcopy(edit.value)
    else:
        value.append(copy.deepcopy(edit.value))
    return True


def _wrapped(path: Sequence[Step], value: Any) -> Any:
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [value]
    return copy.deepcopy(value)


def _member(value: Any, step: Step) -> Any:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, dict) else None
    if isinstance(step, Place):
        return value[step.at] if isinstance(value, list) and step.at < len(value) else None
    found = [each for each in value if _is(each, step)] if isinstance(value, list) else []
    return found[0] if len(found) == 1 else None


def _is(value: Any, item: Item) -> bool:
    return isinstance(value, dict) and value.get(item.member) == item.value


def _spliced(text: str, edit: Edit) -> str | None:
    """Return a document's text with one edit made; None where there is no sure way."""
    splice = _Splice(text)
    node, key = splice.top, None
    for at, step in enumerate(edit.path):
        last = at == len(edit.path) - 1
        found = splice.find(node, step)
        if found is None:
            if edit.value is GONE:
                return None
            value = edit.value if last else _wrapped(edit.path[at + 1 :], edit.value)
            return splice.put_in(node, step, value, key)
        if found[1].start_mark.index < found[0].start_mark.index or not _within(found[1], node):
            return None  # an alias: what it speaks of stands elsewhere
        if last:
            if edit.value is GONE:
                return splice.taken_out(node, found, key)
            return splice.replaced(node, found, edit.value)
        key, node = found if isinstance(step, str) else (None, found[1])
    return None


class _Splice:
    """One document's text and its nodes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.top = YAML(typ="safe", pure=True).compose(text)
        self.offset = min(self._offsets(self.top), default=0)

    def find(self, node: Any, step: Step) -> tuple[Any, Any] | None:
        """Return the key and value, or the item twice, that a step leads to."""
        if isinstance(step, str) and isinstance(node, MappingNode):
            pairs = [pair for pair in node.value if _scalar(pair[0]) == step]
            return pairs[0] if len(pairs) == 1 else None
        if isinstance(step, Place) and isinstance(node, SequenceNode) and step.at < len(node.value):
            return node.value[step.at], node.value[step.at]
        if isinstance(step, Item) and isinstance(node, SequenceNode):
            for each in node.value:
                pair = self.find(each, step.member)
                if pair is not None and _scalar(pair[1]) == str(step.value):
                    return each, each
        return None

    def put_in(self, node: Any, step: Step, value: Any, key: Any) -> str | None:
        """Return the text with a member or item more."""
        if isinstance(node, ScalarNode) and key is not None and node.value in ("", "null", "~"):
            wrapped = {step: value} if isinstance(step, str) else [value]
            return self._written_over(key, node, wrapped)
        if isinstance(step, str) and isinstance(node, MappingNode):
            if node.flow_style or not node.value:
                return self._put_in_flow(node, f"{inline(step)}: {inline(value)}")
            column = node.value[0][0].start_mark.column
            return self._with_lines(_end(node), lines_of({step: value}, column, self.offset))
        if isinstance(step, Item | Place) and isinstance(node, SequenceNode):
            if node.flow_style or not node.value:
                return self._put_in_flow(node, inline(value))
            return self._with_lines(_end(node), lines_of([value], node.start_mark.column, self.offset))
        return None

    def replaced(self, parent: Any, found: tuple[Any, Any], value: Any) -> str | None:
        """Return the text with another value in the place of one."""
        key, old = found
        if isinstance(parent, SequenceNode) or parent.flow_style:
            if isinstance(old, ScalarNode) or (old.flow_style and parent.flow_style):
                return self._cut(old.start_mark.index, _end(old), _like(old, value))
            return None
        return self._written_over(key, old, value)

    def taken_out(self, parent: Any, found: tuple[Any, Any], above: Any) -> str | None:
        """Return the text without a member or item."""
        if parent.flow_style:
            return None
        if len(parent.value) == 1:
            empty = "{}" if isinstance(parent, MappingNode) else "[]"
            if above is None:
                return None
            return self._cut(above.end_mark.index, _end(parent), f": {empty}")
        begin = found[0].start_mark.index
        line = self.text.rfind("\n", 0, begin) + 1
        before = self.text[line:begin]
        wanted = re.fullmatch(r"[ \t]*", before) if isinstance(parent, MappingNode) else None
        if isinstance(parent, SequenceNode):
            wanted = re.fullmatch(r"[ \t]*-[ \t]+", before)
        if wanted is not None:
            return self.text[:line] + self.text[self._line_end(_end(found[1])) :].removeprefix("\n")
        at = next(number for number, pair in enumerate(parent.value) if pair[0] is found[0])
        behind = (
            parent.value[at + 1] if isinstance(parent, MappingNode) and at + 1 < len(parent.value) else None
        )
        return None if behind is None else self._cut(begin, behind[0].start_mark.index, "")

    def _written_over(self, key: Any, old: Any, value: Any) -> str:
        """Write a value behind the colon of a key of block style."""
        colon = self.text.index(":", key.end_mark.index) + 1
        end = max(_end(old), colon)
        nested = isinstance(value, dict | list) and bool(value)
        if nested:
            column = key.start_mark.column + (self.offset if isinstance(value, list) else 2)
            new = "\n" + "\n".join(lines_of(value, column, self.offset))
        elif isinstance(value, str) and "\n" in value and is_literal(value):
            new = " " + "\n".join(block(value, key.start_mark.column + 2))
        else:
            new = " " + _like(old, value)
        tail = self.text[end:]
        if isinstance(old, ScalarNode) and old.style in ("|", ">") and not new.endswith("\n"):
            tail = "\n" + tail.removeprefix("\n") if tail else "\n"
        return self.text[:colon] + new + tail

    def _put_in_flow(self, node: Any, new: str) -> str | None:
        end = node.end_mark.index
        if self.text[end - 1 : end] not in ("}", "]"):
            return None
        inside = self.text[node.start_mark.index + 1 : end - 1]
        comma = ", " if node.value and not inside.rstrip().endswith(",") else ""
        kept = self.text[: end - 1].rstrip(" ") if node.value else self.text[: end - 1]
        return f"{kept}{comma}{new}{self.text[end - 1 :]}"

    def _with_lines(self, place: int, lines: list[str]) -> str:
        end = self._line_end(place)
        return "".join((self.text[:end], "\n", "\n".join(lines), self.text[end:] or "\n"))

    def _cut(self, begin: int, end: int, new: str) -> str:
        return self.text[:begin] + new + self.text[end:]

    def _line_end(self, index: int) -> int:
        """Where the line ends on which an index stands, or behind which a block has just ended."""
        if index and self.text[index - 1] == "\n":
            return index - 1
        found = self.text.find("\n", index)
        return len(self.text) if found < 0 else found

    def _offsets(self, node: Any) -> Iterator[int]:
        """How far the lists of a document stand in from their keys."""
        if isinstance(node, MappingNode):
            for key, value in node.value:
                if not _within(value, node):
                    continue
                if isinstance(value, SequenceNode) and not value.flow_style and value.value:
                    yield max(0, value.start_mark.column - key.start_mark.column)
                yield from self._offsets(value)
        elif isinstance(node, SequenceNode):
            for each in node.value:
                if _within(each, node):
                    yield from self._offsets(each)


def _scalar(node: Any) -> str | None:
    return str(node.value) if isinstance(node, ScalarNode) else None


def _within(node: Any, parent: Any) -> bool:
    """Whether a node stands where its parent does: what an alias speaks of stands elsewhere."""
    return bool(
        node.start_mark.index >= parent.start_mark.index and node.end_mark.index <= parent.end_mark.index
    )


def _end(node: Any) -> int:
    """Where a node's own content ends; the mark of a block lies behind the comments that follow."""
    if not isinstance(node, ScalarNode) and not node.flow_style and node.value:
        pair = node.value[-1]
        key, value = pair if isinstance(pair, tuple) else (None, pair)
        return max(key.end_mark.index if key is not None else 0, _end(value))
    return int(node.end_mark.index)


def _like(old: Any, value: Any) -> str:
    """A scalar, in the quotes of the one before where it had some."""
    style = old.style if isinstance(old, ScalarNode) else None
    if style in ("'", '"') and isinstance(value, str) and value.isprintable():
        quoted = "'" + value.replace("'", "''") + "'"
        return quoted if style == "'" else json.dumps(value, ensure_ascii=False)
    return inline(value)
