"""Programs that are a tree of subcommands: docker, podman, kubectl, helm and the like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested.stop import stop
from gateway.judge.shell.nested.table import Split, Table, sure


@dataclass(frozen=True, slots=True)
class Verbs:
    """The subcommands of a program.

    Attributes:
        command: its name.
        reads: path, words apart by spaces → the options with which it reads.
        writes: paths, or first words of paths, that change something; of others nothing is known.
        groups: first words under which there are further subcommands.
        doors: paths that lead out of what can be judged.
        what: what the writing ones change, to go behind their name.
    """

    command: str
    reads: Mapping[str, Table]
    writes: frozenset[str]
    what: str
    groups: frozenset[str] = field(default=frozenset())
    doors: frozenset[str] = field(default=frozenset())

    def find(self, words: tuple[Argument, ...]) -> tuple[str, tuple[Argument, ...]]:
        """Return the reading subcommand that words begin with, and the words behind it.

        Args:
            words: from the subcommand on.

        Raises:
            Stop: it is none that reads.
        """
        path = sure(self.command, words[0], "the subcommand") if words else ""
        count = 1
        while path in self.groups and len(words) > count:
            path = f"{path} {sure(self.command, words[count], 'the subcommand')}"
            count += 1
        if path in self.reads or is_help(words[count:]):
            return path, words[count:]
        if path in self.doors:
            reason = f"{self.command} {path} leads to where nobody judges what happens."
            raise stop(self.command, path.replace(" ", "-"), reason, Effect.OPENS_DOOR)
        if path in self.writes or path.partition(" ")[0] in self.writes:
            reason = f"{self.command} {path} {self.what}."
            raise stop(self.command, path.replace(" ", "-"), reason, Effect.CHANGES_DATA)
        if path in self.groups:
            return path, literals("--help")
        raise stop(self.command, "unknown-subcommand", f"{self.command}: {path} is not known to read.")


def is_help(words: tuple[Argument, ...]) -> bool:
    """Whether nothing but ``--help`` is asked of a subcommand."""
    return [word.text for word in words] in (["--help"], ["-h"])


def put_down(options: Table, split: Split) -> tuple[Argument, ...]:
    """Return options, then operands behind ``--`` where one of them may look like an option."""
    closed = all(word.known_start[:1] not in ("", "-") or word.text == "-" for word in split.operands)
    ends = () if closed or not split.operands else literals("--")
    return (*options.emit(split.given), *ends, *split.operands)


def every(path: str, *others: str, table: Table) -> dict[str, Table]:
    """Return one table under several paths."""
    return dict.fromkeys((path, *others), table)


def words_of(*texts: str) -> frozenset[str]:
    """Return the words of texts."""
    return frozenset(word for text in texts for word in text.split())


def paths_of(prefixes: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Return every name behind every prefix: ``container ls``, ``ls``."""
    names = tuple(names)
    return tuple(f"{prefix} {name}".strip() for prefix in prefixes for name in names)
