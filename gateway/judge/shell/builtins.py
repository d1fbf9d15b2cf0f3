"""Commands of the shell itself whose operands a table can't describe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.argv import one
from gateway.judge.shell.commands import Form
from gateway.judge.shell.conditions import BINARY, UNARY
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.filling import DECLARING
from gateway.judge.shell.finding import Effect, Finding, reads
from gateway.judge.shell.leaving import ELEMENT, MAPFILE, READ
from gateway.judge.shell.nested.registry import stopping
from gateway.judge.shell.nested.shape import Again, NestedJudge
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import Split, table
from gateway.judge.shell.nested.variables import harmless_name, let_be_set
from gateway.judge.shell.scope import check_name

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SET: Final = re.compile(r"[-+][efuxv]+|[-+]o")
_SET_NAMES: Final = frozenset(("errexit", "noglob", "nounset", "pipefail", "xtrace", "verbose"))
_FORMAT: Final = re.compile(
    r"(?:[^%]|%%|%[-+ #0']*(?:[0-9]{1,6}|\*)?(?:\.(?:[0-9]{1,6}|\*)?)?"
    r"(?:[diouxXeEfFgGaAcsbqQ]|\([^()%\\]*(?:%[A-Za-z%][^()%\\]*)*\)T))*",
    re.DOTALL,
)


def judge_test(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``test`` and ``[``: every operator is written out, so that no data can be taken for one.

    Bash's ``-v`` and ``-R`` evaluate subscripts in what they are given, so they are none.

    Source: test(1) of POSIX; bash(1), dash(1).
    """
    name = (argv[0].text or "").rpartition("/")[2]
    operands = [one(each) for each in argv[1:]]
    given = [each for each in operands if each is not None]
    if len(given) != len(operands):
        raise stop("test", "open-word", f"{name}: a word that may become several can't be compared.")
    inner = given
    if name == "[":
        if not given or given[-1].text != "]":
            raise stop("test", "syntax", "[: ] is missing.")
        inner = given[:-1]
    if inner:
        _Condition(inner).judge()
    plain = [Argument("=") if each.text == "==" else each for each in given]
    return reads((argv[0], *plain), f"{name} only compares.", rule="shell.test.read")


class _Condition:
    """Goes through the operands of ``test``."""

    def __init__(self, operands: list[Argument]) -> None:
        self._operands = operands
        self._at = 0

    def judge(self) -> None:
        self._or()
        if self._at < len(self._operands):
            raise stop("test", "syntax", "test: its operands are not understood.")

    def _text(self, ahead: int = 0) -> str | None:
        at = self._at + ahead
        return self._operands[at].text if at < len(self._operands) else None

    def _or(self) -> None:
        self._and()
        while self._text() == "-o":
            self._at += 1
            self._and()

    def _and(self) -> None:
        self._not()
        while self._text() == "-a":
            self._at += 1
            self._not()

    def _not(self) -> None:
        while self._text() == "!" and self._at + 1 < len(self._operands) and self._text(1) not in BINARY:
            self._at += 1
        self._primary()

    def _primary(self) -> None:
        left = len(self._operands) - self._at
        if left <= 0:
            raise stop("test", "syntax", "test: an operand is missing.")
        if left >= 3 and self._text(1) in BINARY:
            self._at += 3
        elif self._text() == "(" and left >= 3:
            self._at += 1
            self._or()
            if self._text() != ")":
                raise stop("test", "syntax", "test: ) is missing.")
            self._at += 1
        elif left >= 2 and self._text() in UNARY and self._text(1) not in ("-a", "-o"):
            self._at += 2
        elif left >= 2 and self._text() in ("-v", "-R", "-o", "-a"):
            raise stop("test", "operator", f"test {self._text()} is not understood.")
        else:
            self._at += 1


def judge_read(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``read``: into variables that are written out, and that mean nothing to the shell.

    Source: bash(1), dash(1).
    """
    split = READ.split("read", argv[1:])
    arrays = [each.value for each in split.given if each.name == "-a" and each.value is not None]
    if len(arrays) + bool(split.operands) > 1:
        raise stop("read", "array", "read fills one array, or variables.")
    for each in (*arrays, *split.operands):
        _variable("read", each)
    return reads(
        (argv[0], *READ.emit(split.given), *split.operands), "read takes a line of input into variables."
    )


def _variable(command: str, argument: Argument) -> str:
    name = argument.text
    if name is None or _NAME.fullmatch(name) is None:
        raise stop(command, "name", f"{command}: the name of a variable must be written out.")
    try:
        check_name(name, None)
    except NotRead as error:
        raise stop(command, "variable", error.reason) from None
    return name


def judge_unset(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``unset`` of variables that mean nothing to the shell."""
    operands = argv[1:]
    if operands and operands[0].text == "-v":
        operands = operands[1:]
    for each in operands:
        element = ELEMENT.fullmatch(each.text or "")
        _variable("unset", each if element is None else Argument(element.group(1)))
    return reads((argv[0], *operands), "unset only forgets variables of this line.")


def judge_export(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``export`` of variables that change how a command's output looks, and ``export -p``."""
    operands = argv[1:]
    if not operands or (len(operands) == 1 and operands[0].text == "-p"):
        return reads((argv[0], *operands), "export only prints variables.")
    for each in operands:
        if "=" in each.known_start:
            let_be_set("export", each)
        elif each.text is None or not harmless_name(each.text):
            shown = each.text or "a variable"
            raise stop("export", "variable", f"export: what {shown} does to a command is not known.")
    return reads((argv[0], *operands), "export only sets how output looks.")


def judge_set(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``set``: printing variables, and options that only end a line earlier or show more.

    Source: set(1) of POSIX, bash(1).
    """
    texts = [each.text for each in argv[1:]]
    if texts in (["-o"], ["+o"]) or not texts:
        return reads(argv, "set only prints.")
    rest = list(reversed(texts))
    while rest:
        text = rest.pop()
        if text is None or (_SET.fullmatch(text) is None and not re.fullmatch(r"[-+][efuxv]+o", text)):
            raise stop("set", "option", f"set {text or '…'} is not understood.")
        if text.endswith("o") and (not rest or rest.pop() not in _SET_NAMES):
            raise stop("set", "option", "set -o: that option is not understood.")
    return reads(argv, "set only says when the line ends and what it shows.")


def judge_printf(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``printf``: with a format that is written out, in which nothing assigns as bash's ``%n`` does.

    Source: printf(1) of POSIX, bash(1).
    """
    operands = argv[1:]
    if operands and operands[0].text == "--":
        operands = operands[1:]
    if not operands:
        raise stop("printf", "format", "printf needs a format.")
    format_ = operands[0].text
    if format_ is None or _FORMAT.fullmatch(format_) is None:
        raise stop("printf", "format", "printf: the format must be written out, without %n.")
    if format_.startswith("-"):
        if format_.startswith("-v"):
            raise stop("printf", "variable", "printf -v assigns a variable by its name.")
        return reads((argv[0], Argument("--"), *operands), "printf only prints.", rule="shell.printf.read")
    return reads((argv[0], *operands), "printf only prints.", rule="shell.printf.read")


def judge_command(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``command``: with ``-v`` it says where a command stands, else the command itself is judged.

    Source: command(1) of POSIX.
    """
    split: Split = _COMMAND.split("command", argv[1:])
    if split.has("-v") or split.has("-V"):
        if any(each.many or each.text is None for each in split.operands):
            raise stop("command", "open-word", "command -v needs names that are written out.")
        return reads(
            (argv[0], *_COMMAND.emit(split.without("-p")), *split.operands), "command -v only looks."
        )
    if not split.operands:
        return reads((Argument(":"),), "command alone does nothing.")
    return unless_allowed(again.argv(split.operands))


_COMMAND: Final = table("-v  -V  -p", style="exact", first=True)


def judge_builtin(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``builtin``: the command behind it, which is the shell's own."""
    if len(argv) < 2 or argv[1].text not in _OWN:
        raise stop("builtin", "command", "builtin: that is no command of the shell that is known to read.")
    return unless_allowed(again.argv(argv[1:]))


_OWN: Final = frozenset(
    ("echo", "printf", "test", "[", "pwd", "cd", "true", "false", ":", "type", "command", "read", "kill")
)


def judge_declare(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``declare``, ``typeset``, ``local`` and ``readonly``: printing, and the two sorts of arrays.

    Source: bash(1), SHELL BUILTIN COMMANDS.
    """
    name = argv[0].text or ""
    texts = [each.text for each in argv[1:]]
    first = texts[0] if texts else "-p"
    known = all(text is not None and (text == "-p" or _NAME.fullmatch(text)) for text in texts[1:])
    if known and first == "-p":
        return reads(argv, f"{name} only prints variables.")
    if not known or first not in ("-a", "-A") or name not in DECLARING or "-p" in texts:
        raise stop(name, "assignment", f"{name} is not understood; write NAME=value alone.", Effect.UNKNOWN)
    for each in argv[2:]:
        _variable(name, each)
    return reads(argv, f"{name} only makes or prints arrays of this line.")


def judge_mapfile(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, _again: Again) -> Finding:
    """Judge ``mapfile``: into one array, from the beginning, and without a callback (``-C``).

    Source: bash(1), SHELL BUILTIN COMMANDS.
    """
    name = argv[0].text or ""
    split = MAPFILE.split(name, argv[1:])
    if len(split.operands) > 1:
        raise stop(name, "operands", f"{name} fills one array.")
    for each in split.operands:
        _variable(name, each)
    return reads((argv[0], *MAPFILE.emit(split.given), *split.operands), f"{name} takes lines into an array.")


BUILTINS: Final[Mapping[str, NestedJudge]] = {
    name: stopping(judge)
    for name, judge in {
        "test": judge_test,
        "read": judge_read,
        "unset": judge_unset,
        "export": judge_export,
        "set": judge_set,
        "printf": judge_printf,
        "command": judge_command,
        "builtin": judge_builtin,
        "declare": judge_declare,
        "mapfile": judge_mapfile,
    }.items()
}
"""Name in a catalogue entry's ``judge`` → the judge."""
