"""Where the reading of a line stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from gateway.judge.shell.tree import Script, Word

MAX_LENGTH: Final = 100_000
"""Longest line that is read, in bytes."""
MAX_DEPTH: Final = 30
"""Deepest nesting that is read."""
MAX_EXPANDED: Final = 10_000
"""How many words the braces of a line may make."""
MAX_BACKQUOTES: Final = 3
"""Deepest nesting of backquotes that is read: each level doubles the backslashes."""

_BLANKS: Final = re.compile(r"(?:[ \t]|\\\n)*")
_SKIPPED: Final = frozenset((" ", "\t", "\\", "#"))
_COMMENT: Final = re.compile(r"#[^\n]*")


class NotRead(Exception):
    """The line is not understood, or holds what the tree has no place for.

    Attributes:
        what: last part of the rule ``shell.syntax.<what>``.
        reason: one sentence.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(reason)
        self.what = what
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Awaited:
    """A here-document whose text begins behind the next newline.

    Attributes:
        end: the line that ends it.
        verbatim: whether nothing in it expands.
        tabs: whether tabs at the beginning of its lines go.
    """

    end: str
    verbatim: bool
    tabs: bool


@dataclass(slots=True)
class Cursor:
    """A text and how far it was read.

    Attributes:
        text: what is read.
        script: reads a script up to a closing parenthesis, which stays.
        at: index of the next character.
        depth: how deep the reading stands inside something else.
        backquotes: how many of those are backquotes.
        awaited: here-documents begun in this line, in order.
        bodies: of here-documents, in order of their beginning: those read so far.
        known: of here-documents, read when the text was gone through before; None the first time.
        begun: how many here-documents have begun.
        expanded: how many words braces have made.
        keyed: names that were declared associative arrays so far: their subscripts are text.
    """

    text: str
    script: Callable[[Cursor], Script]
    at: int = 0
    depth: int = 0
    backquotes: int = 0
    awaited: list[Awaited] = field(default_factory=list)
    bodies: list[Word] = field(default_factory=list)
    known: tuple[Word, ...] | None = None
    begun: int = 0
    expanded: int = 0
    keyed: set[str] = field(default_factory=set)

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    @property
    def ended(self) -> bool:
        """Whether all was read."""
        return self.at >= len(self.text)

    def sees(self, text: str) -> bool:
        """Whether that comes next."""
        return self.text.startswith(text, self.at)

    def took(self, text: str) -> bool:
        """Read that where it comes next."""
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def expect(self, text: str) -> None:
        """Read what must come next.

        Raises:
            NotRead: something else does.
        """
        if not self.took(text):
            raise self.unexpected(f"where {text} must stand")

    def unexpected(self, where: str = "") -> NotRead:
        """Return the error for what comes next."""
        found = "the line ends" if self.ended else f"{self.next!r} stands"
        return NotRead(
            "unfinished" if self.ended else "error",
            f"That is no shell line: {found}{' ' + where if where else ''}.",
        )

    def skip_blanks(self) -> None:
        """Read blanks, continued lines and a comment."""
        if self.text[self.at : self.at + 1] not in _SKIPPED:
            return
        match = _BLANKS.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        if self.sees("#") and (comment := _COMMENT.match(self.text, self.at)) is not None:
            self.at = comment.end()

    def deeper(self) -> None:
        """Enter something that may hold more of the same; leave it by lowering :attr:`depth`.

        Raises:
            NotRead: the nesting is too deep.
        """
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotRead("depth", f"The line is nested more than {MAX_DEPTH} deep.")
