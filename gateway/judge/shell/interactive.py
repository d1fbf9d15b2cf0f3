"""Arguments that ask for nothing but a shell to type into: ``sh``, ``bash -l``, a line that looks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.read import read
from gateway.judge.shell.tree import Command, Group, If, Script, Simple, Subshell, Word, text_of

GOVERNED: Final = frozenset({"sh", "bash", "dash", "ash"})
"""Shells that read judged lines as the judge does; others have expansions of their own."""

FOLDERS: Final = frozenset({"", "/bin/", "/usr/bin/", "/usr/local/bin/"})
"""Where these stand; what is called so elsewhere is another program."""

SHELLS: Final = GOVERNED | {"zsh", "ksh", "mksh", "fish"}
"""Programs that one types into, which a line may look for."""

OPTIONS: Final = frozenset({"-", "-l", "-i", "-il", "-li", "--login", "--norc", "--noprofile"})
"""With which they still do nothing but that."""

LOOKING: Final = frozenset({"clear", "command", "which", "type", "test", "[", "export", "true", ":"})
"""What the lines of consoles such as k9s and Lens do before they start the shell that they found."""


def asks_shell(argv: tuple[str, ...]) -> bool:
    """Whether arguments start a shell to type into that can be governed, and do nothing else that matters.

    Args:
        argv: the command's name first.
    """
    if program_of(argv) not in GOVERNED:
        return False
    if _is_shell(argv):
        return True
    if len(argv) != 3 or argv[1] != "-c":
        return False
    try:
        commands = [_texts(each) for each in _commands(read(argv[2]))]
    except (NotRead, RecursionError):
        return False
    started = [each[1:] if each[:1] == ("exec",) else each for each in commands if each[:1] != ()]
    shells = [_is_shell(each) for each in started]
    return any(shells) and all(
        shell or each[0] in LOOKING for shell, each in zip(shells, started, strict=True) if each
    )


def program_of(argv: tuple[str, ...]) -> str:
    """The name of the program that arguments start; empty where it stands in none of :data:`FOLDERS`.

    Args:
        argv: the command's name first.
    """
    folder, slash, name = argv[0].rpartition("/") if argv else ("", "", "")
    return name if folder + slash in FOLDERS else ""


def _is_shell(argv: tuple[str, ...]) -> bool:
    return bool(argv) and _base(argv[0]) in SHELLS and OPTIONS.issuperset(argv[1:])


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _commands(script: Script) -> Iterator[Command | None]:
    """Every command of a script, those of groups and branches too; None for one of another kind."""
    for each in script.lists:
        for pipeline in (each.first, *(piped for _, piped in each.rest)):
            for command in pipeline.commands:
                match command:
                    case Group(body) | Subshell(body):
                        yield from _commands(body)
                    case If(branches, otherwise):
                        for condition, body in branches:
                            yield from _commands(condition)
                            yield from _commands(body)
                        if otherwise is not None:
                            yield from _commands(otherwise)
                    case Simple():
                        yield command
                    case _:
                        yield None


def _texts(command: Command | None) -> tuple[str, ...]:
    """A command's words, where they are written out; else something that is no shell."""
    if not isinstance(command, Simple):
        return ("",)
    return tuple(map(_text, command.words))


def _text(word: Word) -> str:
    return text_of(word) or ""
