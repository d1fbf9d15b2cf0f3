"""find: its expression is a language of its own, spread over arguments, that can delete, write and run.

find has no ``--``: an argument that begins with ``-``, or is ``(`` or ``!``, is taken for the expression
wherever it stands. So what expands must be known to begin with something else, and within ``-exec`` must not
be able to become the ``;`` that ends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

from gateway.domain.verdict import Decision
from gateway.judge.shell.argument import Argument, literal
from gateway.judge.shell.finding import Effect, Finding, changes, reads, refuses, worst
from gateway.judge.shell.programs.program import MAX_DEPTH

JudgeCommand = Callable[[tuple[Argument, ...]], Finding]
"""Judges a command line that is run in turn."""
Dotted = Callable[[Argument], Argument | None]
"""Rebuilds a word that expands so that it begins with no dash; None: that can't be said of it."""

_LEADING = frozenset({"-H", "-L", "-P", "-O0", "-O1", "-O2", "-O3"})
_ALONE = frozenset(
    {
        *("-daystart", "-depth", "-d", "-follow", "-ignore_readdir_race", "-noignore_readdir_race", "-mount"),
        *("-xdev", "-noleaf", "-warn", "-nowarn", "-help", "--help", "-version", "--version"),
        *("-empty", "-executable", "-readable", "-writable", "-false", "-true", "-nogroup", "-nouser"),
        *("-print", "-print0", "-ls", "-prune", "-quit"),
        *("!", "-not", "-a", "-and", "-o", "-or", ","),
    }
)
"""Options, tests, actions and operators without an argument."""
_WITH_ONE = frozenset(
    {
        *(
            "-maxdepth",
            "-mindepth",
            "-regextype",
            "-amin",
            "-anewer",
            "-atime",
            "-cmin",
            "-cnewer",
            "-context",
        ),
        *("-ctime", "-fstype", "-gid", "-group", "-ilname", "-iname", "-inum", "-ipath", "-iregex"),
        *(
            "-iwholename",
            "-links",
            "-lname",
            "-mmin",
            "-mtime",
            "-name",
            "-newer",
            "-path",
            "-perm",
            "-regex",
        ),
        *("-samefile", "-size", "-type", "-uid", "-used", "-user", "-wholename", "-xtype", "-printf"),
    }
)
"""Options, tests and actions with one argument, whatever that is."""
_NEWER = re.compile(r"-newer[aBcm][aBcmt]")
_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_WRITES = frozenset({"-fprint", "-fprint0", "-fprintf", "-fls"})
_EXPRESSION = frozenset("-(!),")
"""First characters of what find may take for its expression."""


@dataclass(frozen=True, slots=True)
class Found:
    """Stands in an argument's ``word`` for the paths that find puts in place of ``{}``."""

    text: str


def judge(
    argv: tuple[Argument, ...], judge_command: JudgeCommand, dotted: Dotted = lambda _: None
) -> Finding:
    """Judge a find, GNU's or busybox's.

    Args:
        argv: the command line, the command's name first.
        judge_command: judges what ``-exec`` runs; ``{}`` is an argument that expands, with a
            :class:`Found` as its word, which must come back in the finding's argv where it is to stand.
        dotted: makes a starting point that expands one that never begins with a dash.

    Returns:
        The finding; its argv is find's.
    """
    try:
        return _Reader(argv, judge_command, dotted).finding()
    except _Stop as stop:
        return stop.finding


class _Stop(Exception):
    """Ends the reading with a finding."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.verdict.reason)
        self.finding = finding


def _refused(what: str, reason: str) -> _Stop:
    return _Stop(refuses(f"shell.find.{what}", reason))


class _Reader:
    def __init__(self, argv: tuple[Argument, ...], judge_command: JudgeCommand, dotted: Dotted) -> None:
        self._argv = argv
        self._judge_command = judge_command
        self._dotted = dotted
        self._place = 1
        self._out = [argv[0]]
        self._starts: list[str] = []
        self._nested: list[Finding] = []
        self._problems: list[Finding] = []

    def finding(self) -> Finding:
        """What it all comes to."""
        self._leading()
        self._starting_points()
        self._expression()
        self._problems += [nested for nested in self._nested if not nested.allowed]
        if self._problems:
            decides = worst(self._problems)
            if decides in self._nested:
                make = changes if decides.verdict.decision is Decision.CHANGE else refuses
                reason = f"find runs a command: {decides.verdict.reason}"
                return make("shell.find.exec", reason, effect=decides.effect, nested=tuple(self._nested))
            return decides
        profiles = {nested.profile for nested in self._nested} - {"plain"}
        if len(profiles) > 1:
            raise _refused("exec", "The commands that find runs need different guards.")
        stateful = any(nested.effect is Effect.STATEFUL_READ for nested in self._nested)
        return reads(
            tuple(self._out),
            "find only looks.",
            rule="shell.find.read",
            effect=Effect.STATEFUL_READ if stateful else Effect.READS,
            profile=profiles.pop() if profiles else "plain",
            nested=tuple(self._nested),
        )

    def _peek(self) -> Argument | None:
        return self._argv[self._place] if self._place < len(self._argv) else None

    def _take(self) -> Argument:
        argument = self._argv[self._place]
        self._place += 1
        self._out.append(argument)
        return argument

    def _leading(self) -> None:
        """Options before the starting points."""
        while (argument := self._peek()) is not None:
            if argument.text == "--":
                self._place += 1
                return
            if argument.text not in _LEADING:
                return
            self._take()

    def _starting_points(self) -> None:
        while (argument := self._peek()) is not None:
            start = argument.known_start
            if argument.text is not None:
                if start and start[0] in _EXPRESSION:
                    return
                self._take()
                self._starts.append(start)
                continue
            if start and start[0] not in _EXPRESSION:
                self._take()
            elif (other := self._dotted(argument)) is not None:
                self._place += 1
                self._out.append(other)
                start = other.prefix
            else:
                raise _refused(
                    "expression",
                    "A starting point that expands could become an action of find; write ./ first.",
                )
            self._starts.append(start)

    def _expression(self) -> None:
        opened = 0
        while (argument := self._peek()) is not None:
            name = argument.text
            if name is None:
                raise _refused("expression", "A part of the expression that expands could become an action.")
            if name in {"(", ")"}:
                opened += 1 if name == "(" else -1
                if not 0 <= opened <= MAX_DEPTH:
                    raise _refused("syntax", "The parentheses of find's expression do not match.")
                self._take()
            elif name in _ALONE:
                self._take()
            elif name in _WITH_ONE or _NEWER.fullmatch(name):
                self._take()
                self._value(name)
            elif name in _RUNS:
                self._take()
                self._run(name)
            else:
                self._known_change(name)
        if opened:
            raise _refused("syntax", "The parentheses of find's expression do not match.")

    def _value(self, name: str) -> None:
        """The argument of a test: exactly one word, or words of which none is an action."""
        argument = self._peek()
        if argument is None:
            raise _refused("syntax", f"find's {name} has no argument.")
        if argument.many and (not argument.prefix or argument.prefix[0] in _EXPRESSION):
            raise _refused("expression", f"The argument of {name} could become several words; quote it.")
        self._take()

    def _known_change(self, name: str) -> None:
        """What is no read: the rest is read on, since something worse may follow."""
        if name == "-delete":
            self._take()
            self._problem("delete", "find -delete removes what it finds.")
        elif name in _WRITES:
            self._take()
            for _ in range(2 if name == "-fprintf" else 1):
                self._value(name)
            self._problem("write", f"find {name} writes a file.")
        elif name == "-files0-from":
            raise _refused("files0-from", "Where find starts would stand in a file.")
        else:
            raise _refused("expression", f"{name} is no part of find's expression that is known.")

    def _problem(self, what: str, reason: str) -> None:
        self._problems.append(changes(f"shell.find.{what}", reason, effect=Effect.WRITES_FILE))

    # -- commands

    def _run(self, name: str) -> None:
        """``-exec … ;`` or ``-exec … {} +``."""
        command: list[Argument] = []
        while (argument := self._peek()) is not None:
            self._place += 1
            if argument.text == ";":
                self._judged(name, command, many=False)
                self._out.append(argument)
                return
            if argument.text == "+":
                if not command or command[-1].text != "{}":
                    raise _refused("syntax", "finds differ on a + that does not follow {}.")
                if sum("{}" in (each.text or "") for each in command) > 1:
                    raise _refused("syntax", "Several {} before + are not understood.")
                self._judged(name, command, many=True)
                self._out.append(argument)
                return
            command.append(argument)
        raise _refused("syntax", f"find's {name} has no end.")

    def _judged(self, name: str, command: list[Argument], *, many: bool) -> None:
        if not command or "{}" in (command[0].text or "{}"):
            raise _refused("exec", "Which program find runs can't be told before it runs.")
        start = "" if name in {"-execdir", "-okdir"} else _shared_start(self._starts or ["."])
        if start and start[0] in _EXPRESSION:
            start = ""
        finding = self._judge_command(tuple(_opened(each, start, many=many) for each in command))
        self._nested.append(finding)
        if not finding.allowed:
            return
        closed = [self._closed(argument, command) for argument in finding.argv]
        if many and closed[-1].text != "{}":
            raise _refused("exec", "What find runs does not end with {} any more.")
        for argument, follower in zip(closed, [*closed[1:], literal(";")], strict=True):
            if argument.text is None and not _keeps_open(argument, follower):
                raise _refused("exec", "An argument that expands could end the command that find runs.")
        self._out.extend(closed)

    def _closed(self, argument: Argument, command: list[Argument]) -> Argument:
        """An argument as find is to get it: ``{}`` again where that stood."""
        if isinstance(argument.word, Found):
            return literal(argument.word.text)
        if argument.text is None and not any(argument is each for each in command):
            raise _refused("exec", "An argument of the command that find runs can't be put down.")
        if argument.text is not None and (argument.text in {";", "+"} or "{}" in argument.text):
            raise _refused("exec", "An argument of the command that find runs would be find's own.")
        return argument


def _keeps_open(argument: Argument, follower: Argument) -> bool:
    """Whether an argument of a command, whatever it becomes, leaves the rest to that command.

    Were it ``;``, the one behind it would be read as find's. One that is no part of an expression makes find
    fail before it does anything.
    """
    if argument.prefix and argument.prefix[0] not in ";+{":
        return True
    return not argument.many and bool(follower.known_start) and follower.known_start[0] not in _EXPRESSION


def _shared_start(texts: list[str]) -> str:
    """What all of them begin with, character by character."""
    columns = zip(*texts, strict=False)
    return "".join(column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns))


def _opened(argument: Argument, start: str, *, many: bool) -> Argument:
    """An argument as the command gets it: with the paths that find puts in place of ``{}``."""
    if argument.text is None or "{}" not in argument.text:
        return argument
    # finds differ on whether they replace {} within a word: its beginning is sure only before that
    prefix = start if argument.text == "{}" else argument.text.partition("{}")[0]
    return Argument(None, prefix, many=many and argument.text == "{}", word=Found(argument.text))
