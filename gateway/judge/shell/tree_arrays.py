"""Arrays in the tree: elements, subscripts and what fills them. Bash only.

An indexed array's subscript is arithmetic, which bash evaluates through the values of the variables in it; so
it is an expression of the tree, in which nothing but integers can stand. An associative array's is text that
is expanded once.

Source: bash(1), "Arrays"; array_expand_index, assign_array_element and expand_compound_array_assignment in
bash's arrayfunc.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gateway.judge.shell.tree import (
        Expression,
        Length,
        Parameter,
        Replace,
        Slice,
        Subscript,
        Variable,
        Word,
    )


@dataclass(frozen=True, slots=True)
class Key:
    """A subscript of an associative array; nothing in its word is split or matched against files."""

    word: Word


@dataclass(frozen=True, slots=True)
class Element:
    """``${name[subscript]}``, with or without an operator.

    Attributes:
        of: what would stand there of a variable.
        subscript: ``@`` and ``*`` mean every element.
    """

    of: Variable | Length | Parameter | Slice | Replace
    subscript: Subscript

    @property
    def quoted(self) -> bool:
        """Whether each value stays in one piece."""
        return self.of.quoted

    @property
    def every(self) -> bool:
        """Whether every element is meant."""
        return self.subscript in ("@", "*")


@dataclass(frozen=True, slots=True)
class Keys:
    """``${!name[@]}``: the subscripts of an array."""

    name: str
    subscript: Literal["@", "*"]
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An element in arithmetic: whatever it holds, only digits get in; 0 where it holds none."""

    name: str
    subscript: Expression | Key


@dataclass(frozen=True, slots=True)
class Item:
    """``word`` or ``[subscript]=word`` in ``name=(…)``.

    Attributes:
        word: what it becomes: without a subscript it may be split and matched against files.
        subscript: where it stands; None: behind the one before.
    """

    word: Word
    subscript: Expression | Key | None = None


@dataclass(frozen=True, slots=True)
class ArrayAssignment:
    """``name=(…)``.

    Attributes:
        name: of the array.
        items: what it holds.
        appends: whether it is ``+=``.
    """

    name: str
    items: tuple[Item, ...]
    appends: bool = False


@dataclass(frozen=True, slots=True)
class ElementAssignment:
    """``name[subscript]=word``; nothing in the word is split or matched against files."""

    name: str
    subscript: Expression | Key
    word: Word
