"""Where bash and a POSIX shell such as dash read the same words differently."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.tree import Arithmetic, Length, Simple, Text, Word, text_of

_BASH_OWN: Final = frozenset(
    ("declare", "typeset", "shopt", "history", "dirs", "pushd", "popd", "help", "builtin", "compgen")
)
_BASH_VARIABLES: Final = re.compile(
    r"S?RANDOM|SECONDS|E?UID|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|SHLVL|GROUPS|LINES|COLUMNS|EPOCH[A-Z]*|BASH.*"
)
_ESCAPES: Final = re.compile(r"\\[^\\abfnrtv0-7]|%[^%]*[qQ(]")


def prefers_bash(command: Simple) -> bool:
    """Whether a command of the shell itself does in bash what people mean, and something else in others.

    ``echo`` is the reason: dash reads backslashes in it, and prints ``-e``.

    Args:
        command: with its name first.
    """
    words = [text_of(word) for word in command.words]
    name, rest = words[0] or "", words[1:]
    match name:
        case "echo":
            return any(_may_hold_backslash(word) for word in command.words[1:]) or (
                bool(rest) and rest[0] is not None and rest[0][:1] == "-" and rest[0] != "-n"
            )
        case "printf":
            return any(word is not None and _ESCAPES.search(word) is not None for word in rest[:1])
        case "read":
            return any(word is not None and word[:1] == "-" and word not in ("-r", "-p") for word in rest)
        case "set":
            return "pipefail" in rest
        case "type" | "hash" | "jobs" | "ulimit" | "wait" | "cd" | "pwd" | "export" | "local" | "readonly":
            return any(word is not None and word[:1] == "-" for word in rest)
        case _:
            return name in _BASH_OWN


def needs_bash(command: Simple) -> bool:
    """Whether a command fills an array, which no other shell has.

    Args:
        command: with its name first.
    """
    name, *options = [text_of(word) or "" for word in command.words]
    return name in ("mapfile", "readarray") or (
        name in ("declare", "typeset", "read") and any(each in ("-a", "-A") for each in options)
    )


def _may_hold_backslash(word: Word) -> bool:
    return any(
        "\\" in part.text if isinstance(part, Text) else not isinstance(part, Arithmetic | Length)
        for part in word.parts
    )


def bash_sets(name: str) -> bool:
    """Whether bash alone gives a variable its value."""
    return _BASH_VARIABLES.fullmatch(name) is not None
