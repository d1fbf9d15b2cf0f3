"""What an awk program does beside computing and printing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from gateway.domain.verdict import Decision, Verdict
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.programs.awk.emit import emit
from gateway.judge.shell.programs.awk.parser import read
from gateway.judge.shell.programs.awk.tree import (
    Assign,
    Call,
    CommandGetline,
    Delete,
    Expression,
    ForIn,
    Function,
    Getline,
    In,
    Increment,
    Index,
    Name,
    Number,
    Print,
    Source,
    String,
    string_of,
)
from gateway.judge.shell.programs.awk.words import (
    ARRAYS,
    FUNCTIONS,
    KEYWORDS,
    MIRRORS,
    OTHER_FUNCTIONS,
    SORT_ORDERS,
    TARGETS,
)
from gateway.judge.shell.programs.program import NotARead, Program, a_read, check_text, no_read

JudgeLine = Callable[[str], tuple[Verdict, str]]
"""Judges a line of shell: its verdict, and its canonical text where it is allowed."""

_NETWORK = re.compile(r"/inet[46]?(/|$)")
_OUTPUTS = frozenset({"/dev/stdout", "/dev/stderr", "/dev/null", "/dev/tty", "/dev/fd/1", "/dev/fd/2"})
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def judge_program(text: str, judge_line: JudgeLine | None = None) -> Program:
    """Judge an awk program, and put it down canonically.

    Args:
        text: the program's text, as the command line has it.
        judge_line: judges commands that the program names by string constants (``print | "sort"``,
            ``system("date")``); None: a program that runs a command is no read.

    Returns:
        What it does; its ``sandboxed`` says whether ``gawk --sandbox`` would run it too.
    """
    try:
        check_text(text)
        source = read(text)
        judge = _Judge(source, judge_line)
        judge.check()
    except NotARead as failure:
        return no_read("awk", failure)
    except RecursionError:
        return no_read("awk", NotARead("too-deep", "A program nested that deeply is not read."))
    return a_read("awk", emit(source, judge.commands), tuple(judge.files), sandboxed=not judge.opens)


def is_assignment(operand: str) -> bool:
    """Whether awk takes an operand, or the value of ``-v``, for an assignment instead of a file."""
    return _ASSIGNMENT.match(operand) is not None


def may_be_set(name: str) -> bool:
    """Whether a variable may be set from the command line (``-v``, operands).

    An allowed program opens and runs only what it names by constants, so any variable may, but awk's own
    arrays and words.
    """
    return name not in ARRAYS | MIRRORS | KEYWORDS | FUNCTIONS | OTHER_FUNCTIONS | {"ARGC"}


def opens_network(path: str) -> bool:
    """Whether gawk takes a file operand for a network connection."""
    return _NETWORK.match(path) is not None


def _nodes(root: object) -> Iterator[Any]:
    """Every node below and with one, in order."""
    work = [root]
    while work:
        node = work.pop()
        if isinstance(node, tuple):
            work.extend(reversed(node))
        elif is_dataclass(node):
            yield node
            work.extend(getattr(node, field.name) for field in reversed(fields(node)))


class _Judge:
    """Walks a tree once."""

    def __init__(self, source: Source, judge_line: JudgeLine | None) -> None:
        self._source = source
        self._judge_line = judge_line
        self._functions = {item.name for item in source.items if isinstance(item, Function)}
        self.commands: dict[str, str] = {}
        self.files: list[str] = []
        self.opens = False
        """Whether it opens or runs anything by itself."""

    def check(self) -> None:
        """Look at everything.

        Raises:
            NotARead: something in it is no read.
        """
        self._check_functions()
        for node in _nodes(self._source):
            match node:
                case Name(name):
                    self._check_name(name)
                case Index(array, _) | In(_, array) | Delete(array, _):
                    self._check_array(array)
                case ForIn(name, array, _):
                    self._check_name(name)
                    self._check_array(array)
                case _:
                    pass
            self._check_node(node)

    def _check_functions(self) -> None:
        seen: set[str] = set()
        for item in self._source.items:
            if not isinstance(item, Function):
                continue
            taken = FUNCTIONS | OTHER_FUNCTIONS | ARRAYS | MIRRORS | seen
            if item.name in taken or len(set(item.parameters)) < len(item.parameters):
                raise NotARead("syntax", f"The name {item.name} or a parameter of it is taken already.")
            seen.add(item.name)
            for parameter in item.parameters:
                self._check_name(parameter)
                if parameter in {"ARGC", item.name}:
                    raise NotARead("syntax", f"{parameter} can't be a parameter.")

    def _check_name(self, name: str) -> None:
        """A bare name: no array of awk's own, since what it is handed to could change it."""
        if name in ARRAYS:
            raise NotARead("special-array", f"{name} as a whole could be changed where it is handed to.")
        self._check_array(name)

    def _check_array(self, name: str) -> None:
        if name in MIRRORS:
            raise NotARead("special-array", f"{name} is another name of every variable or function.")
        if name in self._functions:
            raise NotARead("syntax", f"{name} is a function, and named as a variable.")

    def _check_node(self, node: object) -> None:
        match node:
            case Assign(operator, target, value):
                self._check_assign(operator, target, value)
            case Increment(_, target, _) | CommandGetline(_, target) | Getline(target, None):
                self._check_target(target)
            case Getline(target, source):
                self._check_target(target)
                self._check_source(source)
            case ForIn(name, _, _):
                self._check_target(Name(name))
            case Delete("ENVIRON" | "PROCINFO", _):
                raise NotARead("special-array", "Elements of ENVIRON and PROCINFO are not deleted.")
            case Delete("ARGV", ()):
                raise NotARead("special-array", "ARGV is not deleted as a whole.")
            case Call(function, arguments):
                self._check_call(function, arguments)
            case Print(_, _, operator, destination) if destination is not None:
                self._check_destination(operator, destination)
            case _:
                pass
        if isinstance(node, CommandGetline):
            self._check_command(node.command)

    def _check_assign(self, operator: str, target: Expression, value: Expression) -> None:
        match target, value:
            case Index("PROCINFO", (String("sorted_in"),)), String(order):
                if operator == "=" and (order in SORT_ORDERS or order in self._functions):
                    return
            case Index("ARGV", _), String(""):
                if operator == "=":
                    return
            case Name("ARGC"), Number(_):
                if operator == "=":
                    return
            case _:
                pass
        self._check_target(target)

    def _check_target(self, target: Expression | None) -> None:
        """Let nothing be assigned that decides what awk opens, or what it calls."""
        match target:
            case Index(array, _) if array in ARRAYS:
                raise NotARead(
                    "special-array", f"Assigning to {array} changes what awk opens, runs or calls."
                )
            case Name("ARGC"):
                raise NotARead("special-array", "Assigning to ARGC changes which files awk opens.")
            case _:
                pass

    def _check_source(self, source: Expression | None) -> None:
        """``getline < source``: a path that is known, or an operand of the command line."""
        self.opens = True
        if isinstance(source, Index) and source.array == "ARGV":
            return
        path = source.value if isinstance(source, String) else None
        if path is None:
            raise NotARead(
                "dynamic-file",
                "Which file getline reads can't be told before it runs; name it by a constant.",
            )
        if opens_network(path):
            raise NotARead("network", "gawk opens a network connection there.", Effect.REACHES_OUT)
        self.files.append(path)

    def _check_call(self, function: str, arguments: tuple[Expression, ...]) -> None:
        if function in OTHER_FUNCTIONS or function not in FUNCTIONS | self._functions:
            raise NotARead("function", f"The function {function} is not known.")
        place = TARGETS.get(function)
        if place is not None and len(arguments) > place:
            self._check_target(arguments[place])
        if function == "system":
            if len(arguments) != 1:
                raise NotARead("syntax", "system takes one command.")
            self._check_command(arguments[0])
        if function in {"asort", "asorti"} and len(arguments) > 2:
            order = arguments[2]
            if not isinstance(order, String) or order.raw not in SORT_ORDERS | self._functions:
                raise NotARead("dynamic-function", "Which function sorts can't be told before it runs.")

    def _check_destination(self, operator: str, destination: Expression) -> None:
        if operator == "|":
            self._check_command(destination)
            return
        self.opens = True
        path = destination.value if isinstance(destination, String) else None
        if path in _OUTPUTS:
            return
        if path is not None and opens_network(path):
            raise NotARead("network", "gawk opens a network connection there.", Effect.REACHES_OUT)
        shown = "a file" if path is None else path
        raise NotARead("write", f"The awk program writes {shown}.", Effect.WRITES_FILE)

    def _check_command(self, command: Expression) -> None:
        """A command that it runs: known, judged, and a read."""
        self.opens = True
        line = command.value if isinstance(command, String) else None
        if not isinstance(command, String) or line is None or self._judge_line is None:
            raise NotARead("command", "The awk program runs a command.", Effect.RUNS_CODE)
        verdict, canonical = self._judge_line(line)
        if verdict.decision is not Decision.ALLOW:
            effect = Effect.CHANGES_SYSTEM if verdict.decision is Decision.CHANGE else Effect.RUNS_CODE
            raise NotARead("command", f"The awk program runs a command: {verdict.reason}", effect)
        self.commands[command.raw] = string_of(canonical).raw
