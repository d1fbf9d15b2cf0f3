"""What is known of arrays at one place of a line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.tree import Number, Subscript
from gateway.judge.shell.tree_arrays import Key
from gateway.judge.shell.values import INTEGER, MOST_VALUES, UNKNOWN, UNSET, Value, known

Sort = Literal["plain", "indexed", "keyed"]

READABLE: Final[Mapping[str, Value]] = {
    "PIPESTATUS": INTEGER, "GROUPS": INTEGER, "BASH_VERSINFO": UNKNOWN, "DIRSTACK": UNKNOWN,
}  # fmt: skip
"""Arrays of bash's own that may be read, with what their elements hold."""
_LONGEST: Final = 10_000
"""Characters of all of an array's elements that are kept."""


@dataclass(frozen=True, slots=True)
class Array:
    """What an array may hold.

    Attributes:
        items: its elements by their index, in order; None where they aren't all known.
        element: what any of them may hold.
        keyed: whether it surely is an associative one.
    """

    items: Mapping[int, str] | None = None
    element: Value = UNKNOWN
    keyed: bool = False

    @property
    def first(self) -> Value:
        """What its name alone means: the element at 0."""
        return self.at(0)

    def at(self, index: int | None) -> Value:
        """What an element may hold; None: which one is not known."""
        if self.items is None or index is None:
            return self.element | UNSET
        if index < 0:
            index += max(self.items, default=-1) + 1
        return known(self.items.get(index, ""))

    def __or__(self, other: Array) -> Array:
        """What it may hold where either may have been assigned."""
        if self == other:
            return self
        return Array(None, self.element | other.element, self.keyed and other.keyed)


EMPTY: Final = Array({}, UNSET)


@dataclass(slots=True)
class Filled:
    """Collects the elements of an array in the order in which they are set."""

    items: dict[int, str] | None
    element: Value

    def add(self, index: int | None, value: Value) -> None:
        """Set an element.

        Args:
            index: which; None: not known.
            value: what it may hold.
        """
        self.element = value if self.items == {} else self.element | value
        if self.items is None or index is None or index < 0 or value.only is None:
            self.items = None
        else:
            self.items[index] = value.only

    def many(self, value: Value) -> None:
        """Add any number of elements."""
        self.element |= value
        self.items = None

    @property
    def behind(self) -> int | None:
        """The index behind the last one."""
        return None if self.items is None else max(self.items, default=-1) + 1

    def array(self) -> Array:
        """Return what was collected."""
        items = self.items
        if items is not None and (len(items) > MOST_VALUES or sum(map(len, items.values())) > _LONGEST):
            items = None
        return Array(None if items is None else dict(sorted(items.items())), self.element)


@dataclass(slots=True)
class Arrays:
    """The arrays of a line at one place of it.

    Attributes:
        found: what each may hold.
        sorts: what each name of the line stands for, in all of it: a name means one thing in a line.
    """

    found: dict[str, Array] = field(default_factory=dict)
    sorts: dict[str, Sort] = field(default_factory=dict)

    def copy(self) -> Arrays:
        """The same for what runs in a process of its own, or may not run at all."""
        return Arrays(dict(self.found), self.sorts)

    def means(self, name: str, sort: Sort) -> None:
        """Note what a name stands for.

        Raises:
            NotRead: it stands for something else in this line.
        """
        if (name == "_" and sort != "plain") or self.sorts.setdefault(name, sort) != sort:
            raise NotRead("array", f"{name} is more than one sort of variable in this line.")

    def check(self, name: str, subscript: Subscript) -> None:
        """Let a subscript pass that is of the array's sort: arithmetic, or text of one that takes text.

        Raises:
            NotRead: it may not be, so that text could be evaluated as arithmetic.
        """
        if subscript in ("@", "*"):
            return
        if isinstance(subscript, Key):
            if name not in self.found or not self.found[name].keyed:
                raise NotRead("array", f"Whether {name} is an associative array there is not sure.")
        elif self.sorts.get(name) == "keyed":
            raise NotRead("array", f"{name} is an associative array, declared behind its use.")


def index_of(subscript: Subscript | None) -> int | None:
    """The index that a subscript means, where it is written out."""
    return subscript.value if isinstance(subscript, Number) else None
