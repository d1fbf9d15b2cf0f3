"""What an operand or an option's value must be for a command to stay a reader."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Many = Literal["", "?", "*", "+"]

_KIND: Final = re.compile(r"([a-z]+)(?:\((.*)\))?([?*+]?)", re.DOTALL)
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+|0[xX][0-9A-Fa-f]+)[A-Za-z%]{0,5}")
_HOST: Final = re.compile(r"[A-Za-z0-9_.:%\[\]/*+@-]+")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_KNOWN: Final = frozenset(
    ("text", "path", "entry", "number", "literal", "host", "word", "match", "assignment", "shell", "command")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """What a word must be.

    Attributes:
        name: ``text``, ``path``, …; see :class:`~gateway.judge.shell.commands.Form`.
        words: of ``word(a|b)``.
        pattern: of ``match(REGEX)``.
        never: characters that a path must not begin with.
    """

    name: str = "text"
    words: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None
    never: str = ""

    def holds(self, text: str) -> bool:
        """Whether a known word is of this kind; of paths and lines only that it may be one."""
        match self.name:
            case "number":
                return _NUMBER.fullmatch(text) is not None
            case "host":
                return _HOST.fullmatch(text) is not None
            case "word":
                return text in self.words
            case "match":
                return self.pattern is not None and self.pattern.fullmatch(text) is not None
            case "assignment":
                return _ASSIGNMENT.fullmatch(text) is not None
            case _:
                return True


TEXT: Final = Kind()


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for operands.

    Attributes:
        kind: what they must be.
        many: how many; empty: one.
        unless: options with which the place is absent.
    """

    kind: Kind
    many: Many = ""
    unless: tuple[str, ...] = ()

    @property
    def least(self) -> int:
        """How many there must be."""
        return int(self.many in ("", "+"))

    @property
    def open(self) -> bool:
        """Whether there may be any number of them."""
        return self.many in ("*", "+")


def kind(text: str) -> Kind:
    """Read a kind.

    Args:
        text: such as ``word(a|b)``; empty: text.

    Raises:
        ValueError: it is none.
    """
    return slot(text).kind if text else TEXT


def slot(text: str) -> Slot:
    """Read a place for operands.

    Args:
        text: such as ``path*`` or ``text unless -e -f``.

    Raises:
        ValueError: it is none.
    """
    before, _, behind = text.partition(" unless ")
    match = _KIND.fullmatch(before)
    if match is None or match.group(1) not in _KNOWN:
        raise ValueError(f"{text!r} is no kind of operand")
    name, inner, many = match.groups()
    return Slot(_kind(name, inner or ""), many, tuple(behind.split()))  # type: ignore[arg-type]


def _kind(name: str, inner: str) -> Kind:
    match name:
        case "word":
            return Kind(name, words=frozenset(inner.split("|")))
        case "match":
            return Kind(name, pattern=re.compile(inner))
        case "path":
            return Kind(name, never=inner)
        case _:
            if inner:
                raise ValueError(f"{name} takes nothing in parentheses")
            return Kind(name)
