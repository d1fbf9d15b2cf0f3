"""What a refused line would do to a host, as values that become patches.

Nothing here bears on the verdict: what isn't understood is left to a person as it was typed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.domain.host import ByHand, Content, CopyOf, HostWrite, Known, Patched, Printed, Written
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.edits import Edits, patching
from gateway.judge.shell.emit import emit
from gateway.judge.shell.finding import Finding
from gateway.judge.shell.stanzas import stanza
from gateway.judge.shell.tree import (
    AndOr,
    Command,
    Document,
    Group,
    Pipeline,
    Redirected,
    Redirection,
    Script,
    Simple,
    Subshell,
    Text,
    Word,
    text_of,
)

MOST_WRITES: Final = 100
LONGEST_TITLE: Final = 80

Reads = Callable[[str], bool]
"""Whether a line only reads, judged like any other."""

_EDITORS: Final = frozenset("vi vim nvim view nano emacs ed ex pico joe mcedit micro ne".split())  # noqa: SIM905
_PREFIXES: Final = frozenset(("sudo", "doas", "command", "nohup"))


def title_of(script: Script, findings: tuple[Finding, ...]) -> str:
    """Say in a few words what a refused line would do: ``sed -i nginx.conf``.

    Args:
        script: the line.
        findings: of its commands.
    """
    refused = [each for each in findings if not each.allowed]
    names = {each.verdict.rule.split(".")[1] for each in refused if each.verdict.rule.count(".") >= 2}
    for command in _simple_commands(script):
        words = without_prefix([text_of(word) for word in command.words])
        if words and words[0] is not None and posixpath.basename(words[0]) in names:
            shown = [posixpath.basename(words[0]), *[_short(word) for word in words[1:]]]
            return " ".join(each for each in shown if each)[:LONGEST_TITLE]
        for each in command.redirections:
            if _is_silence(each):
                continue
            if isinstance(each, Redirection) and each.operator != "<" and isinstance(each.target, Word):
                return f"write {_short(text_of(each.target))}"[:LONGEST_TITLE]
    return ""


def _short(word: str | None) -> str:
    return "…" if word is None else posixpath.basename(word) if word.startswith("/") else word


def _simple_commands(script: Script) -> list[Simple]:
    """The simple commands of a script that stand in no other construct than groups."""
    found: list[Simple] = []
    for list_ in script.lists:
        for pipeline in (list_.first, *(each for _, each in list_.rest)):
            for command in pipeline.commands:
                if isinstance(command, Simple):
                    found.append(command)
                elif isinstance(command, Group | Subshell):
                    found += _simple_commands(command.body)
    return found


def without_prefix(words: list[str | None]) -> list[str | None]:
    """The words of a command behind ``sudo`` and its like."""
    while words and words[0] in _PREFIXES:
        words = words[1:]
        while words and words[0] is not None and words[0].startswith("-"):
            words = words[2:] if words[0] in ("-u", "-g", "-p") else words[1:]
    return words


def writes_of(script: Script, line: str, context: ShellContext, reads: Reads) -> tuple[HostWrite, ...]:
    """Say what a refused line would do to the host.

    Args:
        script: the line, with what is known of its variables put in.
        line: as typed.
        context: says where relative paths begin.
        reads: whether a line only reads.

    Returns:
        Each of its writes, in order; the line itself where one of them is not understood.
    """
    plan = _Plan(context, reads, context.folder or context.home)
    try:
        plan.script(script)
    except (_NotPlanned, NotRead):
        return (ByHand(line),)
    return tuple(plan.found[:MOST_WRITES]) if plan.found else (ByHand(line),)


class _NotPlanned(Exception):
    """The line does what no value stands for."""


@dataclass(slots=True)
class _Plan:
    context: ShellContext
    reads: Reads
    folder: str
    found: list[HostWrite] = field(default_factory=list)

    def script(self, script: Script) -> None:
        for list_ in script.lists:
            for pipeline in (list_.first, *(each for _, each in list_.rest)):
                self._pipeline(pipeline)

    def _pipeline(self, pipeline: Pipeline) -> None:
        for index, command in enumerate(pipeline.commands):
            self._command(command, pipeline.commands[:index])

    def _command(self, command: Command, before: tuple[Command, ...]) -> None:
        command = _unsilenced(command)
        for place, each in enumerate(command.redirections):
            if isinstance(each, Redirection) and each.operator in (">", ">>", ">|", "<>"):
                self._redirected(command, before, place)
                return
        if self._only_reads((*before, command)):
            self._moves(command)
            return
        if isinstance(command, Group):
            self.script(command.body)
            return
        if not isinstance(command, Simple):
            raise _NotPlanned
        self._simple(command, before)

    def _moves(self, command: Command) -> None:
        """Follow a ``cd``."""
        if isinstance(command, Simple) and command.words and text_of(command.words[0]) == "cd":
            folder = text_of(command.words[-1]) if len(command.words) > 1 else self.context.home
            self.folder = posixpath.join(self.folder, folder) if folder else ""

    def _redirected(self, command: Command, before: tuple[Command, ...], place: int) -> None:
        redirection = command.redirections[place]
        if not isinstance(redirection, Redirection) or not isinstance(redirection.target, Word):
            raise _NotPlanned
        path = self.path(text_of(redirection.target))
        if path.startswith(("/dev/", "/proc/", "/sys/")) or redirection.operator == "<>":
            raise _NotPlanned
        others = command.redirections[:place] + command.redirections[place + 1 :]
        if redirection.descriptor != 1 or any(_is_output(each) for each in others):
            raise _NotPlanned
        content = self._content(replace(command, redirections=others), before)
        self.found.append(Written(path, content, appended=redirection.operator == ">>"))

    def _content(self, command: Command, before: tuple[Command, ...]) -> Known | Printed:
        """What a command writes to its output."""
        if isinstance(command, Simple) and not before:
            known = _known_output(command)
            if known is not None:
                return Known(known.encode())
        text = emit(Script((AndOr(Pipeline((*before, command))),))).text
        if not self.reads(text):
            raise _NotPlanned
        return Printed(text)

    def _only_reads(self, commands: tuple[Command, ...]) -> bool:
        return self.reads(emit(Script((AndOr(Pipeline(commands)),))).text)

    def _simple(self, command: Simple, before: tuple[Command, ...]) -> None:
        words = without_prefix([text_of(word) for word in command.words])
        if not words or any(word is None for word in words):
            raise _NotPlanned
        argv = [word for word in words if word is not None]
        name = posixpath.basename(argv[0])
        if name in _EDITORS:
            files = [each for each in argv[1:] if not each.startswith(("-", "+"))]
            self.found += [Written(self.path(each), None) for each in files]
            return
        if name == "tee":
            self._tee(argv[1:], command, before)
            return
        if name == "patch":
            self.found.append(self._patched(argv[1:], command, before))
            return
        edits = Edits(self.path, self._printed).edit(name, argv[1:])
        if edits is None:
            other = stanza(self.context.catalogue, argv)
            edits = None if other is None else [other]
        if edits is None:
            raise _NotPlanned
        self.found += edits

    def _tee(self, arguments: list[str], command: Simple, before: tuple[Command, ...]) -> None:
        appended = any(each in ("-a", "--append") for each in arguments)
        files = [each for each in arguments if not each.startswith("-")]
        content = self._input(command, before)
        self.found += [Written(self.path(each), content, appended) for each in files if each != "/dev/null"]

    def _input(self, command: Simple, before: tuple[Command, ...]) -> Known | Printed:
        """What a command reads from its standard input."""
        source = [each for each in command.redirections if isinstance(each, Document)]
        known = text_of(source[-1].body) if source and not before else None
        if known is not None:
            return Known(known.encode())
        if before:
            return self._content(before[-1], before[:-1])
        return self._content(Simple((Word((Text("cat"),)),)), ())  # of what the client sends

    def _patched(self, arguments: list[str], command: Simple, before: tuple[Command, ...]) -> Patched:
        """What ``patch`` is asked to apply, and to what."""
        asked = patching(arguments)
        if asked is None:
            raise _NotPlanned
        folder = self.path(asked.folder or ".")
        files = [
            each.target
            for each in command.redirections
            if isinstance(each, Redirection) and each.operator == "<"
        ]
        diff: Content
        if asked.diff:
            diff = CopyOf(posixpath.normpath(posixpath.join(folder, asked.diff)))
        elif files:
            diff = CopyOf(self.path(text_of(files[-1]) if isinstance(files[-1], Word) else None))
        else:
            diff = self._input(command, before)
        path = posixpath.normpath(posixpath.join(folder, asked.file)) if asked.file else ""
        return Patched(diff, folder, path, asked.strip)

    def _printed(self, argv: list[str]) -> Printed | None:
        """What a command prints that only reads."""
        text = emit(Script((AndOr(Pipeline((Simple(tuple(Word((Text(each),)) for each in argv)),))),))).text
        return Printed(text) if self.reads(text) else None

    def path(self, text: str | None) -> str:
        """An absolute path.

        Raises:
            _NotPlanned: it isn't known.
        """
        if not text or not (text.startswith("/") or self.folder):
            raise _NotPlanned
        return posixpath.normpath(posixpath.join(self.folder, text))


def _unsilenced(command: Command) -> Command:
    """Return a command without ``>/dev/null`` and ``2>/dev/null``: they change nothing that it writes."""
    outputs = [
        each for each in command.redirections if isinstance(each, Redirection) and each.descriptor == 1
    ]
    silent = {id(each) for each in command.redirections if _is_silence(each)}
    if len(outputs) > 1:  # of several, the last one holds
        silent -= {id(each) for each in outputs}
    return replace(
        command, redirections=tuple(each for each in command.redirections if id(each) not in silent)
    )


def _is_silence(redirected: Redirected) -> bool:
    return (
        isinstance(redirected, Redirection)
        and redirected.operator in (">", ">>")
        and redirected.descriptor in (1, 2)
        and isinstance(redirected.target, Word)
        and text_of(redirected.target) == "/dev/null"
    )


def _is_output(redirected: Redirected) -> bool:
    return isinstance(redirected, Redirection) and redirected.operator[0] == ">"


def _known_output(command: Simple) -> str | None:
    """What a command surely prints: ``echo`` and ``printf`` of known words, ``cat`` of a here-document."""
    words = [text_of(word) for word in command.words]
    documents = [each for each in command.redirections if isinstance(each, Document)]
    if not words or words in ([":"], ["true"]):
        return "" if not command.redirections else None
    if words == ["cat"] and len(documents) == len(command.redirections) == 1:
        return text_of(documents[0].body)
    known = [word for word in words if word is not None]
    if len(known) != len(words) or command.redirections or words[0] not in ("echo", "printf"):
        return None
    if known[0] == "echo":
        newline = "\n"
        rest = known[1:]
        if rest and rest[0] == "-n":
            newline, rest = "", rest[1:]
        return None if rest and rest[0].startswith("-") else " ".join(rest) + newline
    if known[1:2] == ["%s\\n"]:
        return "".join(each + "\n" for each in known[2:])
    if len(known) == 2 and not any(each in known[1] for each in "%\\"):
        return known[1]
    return None
