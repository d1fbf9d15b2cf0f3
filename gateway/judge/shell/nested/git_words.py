"""git's words, put down again: options, revisions and paths so that none can be taken for another."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import Given, Split, Table

_COUNT: Final = re.compile(r"-([0-9]+)")
_COUNTED: Final = {
    **dict.fromkeys(["log", "show", "whatchanged", "rev-list", "shortlog", "reflog", "stash"], "-n"),
    "grep": "-C",
}
_REVISION: Final = (
    r"(?:@|[A-Za-z0-9][A-Za-z0-9._/+-]*)(?:~[0-9]*|\^[0-9]*(?![@!-])|@\{[A-Za-z0-9 ._:/+-]*\})*"
)
REVISION: Final = re.compile(_REVISION)
RANGE: Final = re.compile(rf"(?:{_REVISION})?\.\.\.?(?:{_REVISION})?")
OBJECT: Final = re.compile(rf"(?:{_REVISION})(?::[^\n]*)?")


def surely_operand(word: Argument) -> bool:
    """Whether a word can't be an option, whatever it expands to."""
    return word.known_start[:1] not in ("", "-")


def numbered(name: str, words: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Write ``-5`` as the option that it means to a subcommand."""
    if name not in _COUNTED:
        return words
    made: list[Argument] = []
    for place, word in enumerate(words):
        if word.text == "--":
            return (*made, *words[place:])
        count = _COUNT.fullmatch(word.text or "")
        made += literals(_COUNTED[name], count[1]) if count else (word,)
    return tuple(made)


def joined(words: tuple[Argument, ...], default: str, *names: str) -> tuple[Argument, ...]:
    """Join options whose value is the next word, where there is one, with that value.

    Args:
        words: of a subcommand.
        default: their value where there is no next word.
        names: of the options.
    """
    made: list[Argument] = []
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if word.text == "--":
            return (*made, word, *reversed(rest))
        if word.text not in names:
            made.append(word)
            continue
        value = rest.pop() if rest else Argument(default)
        if value.text is None:
            raise stop("git", "open-option", f"git: write the value of {word.text} behind a =.")
        made.append(Argument(f"{word.text}={value.text}"))
    return tuple(made)


def by_table(name: str, options: Table, words: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Return a subcommand's words, judged by its table, put down again.

    Args:
        name: of the subcommand.
        options: its table.
        words: behind its name.

    Raises:
        Stop: an option that is not known to read.
    """
    split = options.split(f"git {name}", words)
    return kept_apart(name, options, split)


def kept_apart(name: str, options: Table, split: Split) -> tuple[Argument, ...]:
    """Return options and operands; operands that may look like options stand behind ``--end-of-options``.

    Args:
        name: of the subcommand.
        options: its table.
        split: its words, taken apart.
    """
    count = len(split.operands) if split.before is None else split.before
    before, behind = split.operands[:count], split.operands[count:]
    paths = (*literals("--"), *behind) if split.before is not None else ()
    if all(surely_operand(word) for word in before):
        mixed = [options.emit([each]) if isinstance(each, Given) else (each,) for each in split.order]
        return (*(word for words in mixed for word in words), *paths)
    if name == "grep":
        raise stop("git", "open-word", "git grep: put -e before the pattern and -- before the files.")
    return (*options.emit(split.given), *literals("--end-of-options"), *before, *paths)
