"""The words that could stand at a cursor: commands, paths on the host, variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.terminal.shell import Place

MOST_WORDS: Final = 2000
_SEPARATORS: Final = frozenset(" \t;|&<>()\n")
_SPECIAL: Final = re.compile(r"""[\s"'\\$&;|<>()*?\[\]{}!#~`]""")
_TAKES_COMMAND: Final = frozenset(
    {"sudo", "time", "watch", "xargs", "nice", "exec", "then", "do", "else", "!", "{"}
)


class Looks(Protocol):
    """What completion looks at."""

    commands: Sequence[str]
    home: str

    async def entries(self, folder: str, place: Place) -> Sequence[str]:
        """Return the names in a folder, those of folders with a slash behind."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """The word that the cursor stands at the end of.

    Attributes:
        text: what it means so far.
        quote: the quotation mark that is open; empty: none.
        typed: characters of the line that it takes, quotation mark left out.
        command: whether a command's name stands there.
    """

    text: str
    quote: str
    typed: int
    command: bool


def fragment_of(before: str) -> Fragment:
    """Return the word that a line ends with, read as a shell reads quotes and backslashes.

    Args:
        before: the line up to the cursor.
    """
    text, quote, start, previous, expects = "", "", 0, "", True
    at = 0
    while at < len(before):
        character = before[at]
        if quote:
            if character == quote:
                quote = ""
            elif character == "\\" and quote == '"' and before[at + 1 : at + 2] in ('"', "\\", "$", "`"):
                at += 1
                text += before[at]
            else:
                text += character
        elif character in "'\"":
            quote = character
            if not text:
                start = at + 1
        elif character == "\\":
            at += 1
            text += before[at : at + 1]
        elif character in _SEPARATORS:
            if text:
                previous, expects = text, text in _TAKES_COMMAND
            if character in ";|&(\n":
                expects = True
            text, start = "", at + 1
        else:
            text += character
        at += 1
    del previous
    return Fragment(text, quote, len(before) - start, expects)


class Completer:
    """Completes words by what a host has.

    Args:
        host: what is looked at.
    """

    def __init__(self, host: Looks) -> None:
        self._host = host

    async def words(self, before: str, place: Place) -> tuple[int, tuple[str, ...]]:
        """Return how many characters before the cursor are replaced, and by which words.

        Args:
            before: the line up to the cursor.
            place: where the shell stands.
        """
        fragment = fragment_of(before)
        if fragment.text.startswith("$") and fragment.quote != "'":
            names = (f"${name}" for name in place.variables if name.startswith(fragment.text[1:]))
            return fragment.typed, tuple(sorted(names))
        if fragment.command and "/" not in fragment.text:
            names = (name for name in self._host.commands if name.startswith(fragment.text))
            return fragment.typed, tuple(sorted(names))[:MOST_WORDS]
        return fragment.typed, await self._paths(fragment, place)

    async def _paths(self, fragment: Fragment, place: Place) -> tuple[str, ...]:
        folder, slash, beginning = fragment.text.rpartition("/")
        looked = folder + slash
        if looked.startswith("~/") and not fragment.quote and self._host.home:
            looked = self._host.home + looked[1:]
        entries = await self._host.entries(looked or ".", place)
        fitting = sorted(
            name
            for name in entries
            if name.startswith(beginning) and (beginning.startswith(".") or not name.startswith("."))
        )
        return tuple(_written(f"{folder}{slash}{name}", fragment.quote) for name in fitting[:MOST_WORDS])


def _written(path: str, quote: str) -> str:
    """Return a path as it goes into the line; a whole word ends its quotation."""
    if quote == "'":
        return path if path.endswith("/") or "'" in path else f"{path}'"
    if quote:
        escaped = re.sub(r'(["\\$`])', r"\\\1", path)
        return escaped if path.endswith("/") else f'{escaped}"'
    home, rest = ("~", path[1:]) if path.startswith("~/") else ("", path)
    return home + _SPECIAL.sub(lambda found: f"\\{found[0]}", rest)
