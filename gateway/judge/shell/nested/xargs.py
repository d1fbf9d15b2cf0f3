"""xargs: a command that gets further operands, which nobody knows before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.judge.shell.argument import Argument, literals
from gateway.judge.shell.commands import Form
from gateway.judge.shell.context import ShellContext
from gateway.judge.shell.finding import Finding, reads
from gateway.judge.shell.nested.about import about
from gateway.judge.shell.nested.shape import Again
from gateway.judge.shell.nested.stop import stop, unless_allowed
from gateway.judge.shell.nested.table import Given, No, Split, sure, table

XARGS: Final = table(
    "-0 --null  -a= --arg-file=path  -d= --delimiter=literal  -E=literal  -e=?literal --eof=?literal",
    "-I=literal  -i=?literal --replace=?literal  -L= --max-lines=?number  -l=?number  -n= --max-args=number",
    "-P= --max-procs=number  -r --no-run-if-empty  -s= --max-chars=number  --show-limits  -t --verbose",
    "-x --exit  -o --open-tty  --help  --version",
    no=(
        No("-p --interactive", "asks", "asks before each command, on a terminal"),
        No("--process-slot-var=", "variable", "sets a variable for the command"),
        No("-J=  -R=  -S=", "unknown-option", "is not judged"),
    ),
    first=True,
)
_MARK: Final = "{}"
_INSERTS: Final = ("-I", "-i", "--replace")
_COUNTS: Final = frozenset(("-L", "-n"))


@dataclass(frozen=True, slots=True)
class _Added:
    """Stands for the words that xargs adds, or for a word that it fills in.

    Attributes:
        text: the word as it is written for xargs; empty for the words that it adds.
    """

    text: str


def judge_xargs(argv: tuple[Argument, ...], _form: Form, _context: ShellContext, again: Again) -> Finding:
    """Judge ``xargs … command``.

    Source: xargs(1) of findutils, busybox and FreeBSD.
    """
    split = XARGS.split("xargs", argv[1:])
    if (told := about(XARGS, argv[0], split, "--help", "--version")) is not None:
        return told
    words = split.operands or literals("echo")
    mark = _mark(split)
    if mark:
        # One word or line at a time is what -I does anyway.
        given, command = split.without(*_INSERTS, *_COUNTS), tuple(_filled(word, mark) for word in words[1:])
        inner = unless_allowed(again.argv((*words[:1], *command)))
        tail = tuple(_written(word, command) for word in inner.argv)
        if any(_MARK in word.text for word in inner.argv if word.text is not None):
            raise stop("xargs", "mark", "xargs: {} also stands where nothing may be filled in.")
        options = (*XARGS.emit(given), *literals("-I", _MARK))
    else:
        added = Argument(None, many=True, word=_Added(""))
        inner, options = again.argv((*words, added)), XARGS.emit(split.given)
        if not inner.allowed and _one_each(split):
            added = Argument(None, many=False, word=_Added(""))
            inner, options = again.argv((*words, added)), (*options, *literals("-r"))
        unless_allowed(inner)
        if inner.argv[-1:] != (added,) or inner.argv.count(added) != 1:
            raise stop("xargs", "place", "xargs: what it adds would not stand at the command's end.")
        tail = inner.argv[:-1]
    return reads(
        (*argv[:1], *options, *tail),
        f"xargs: {inner.verdict.reason}",
        effect=inner.effect,
        profile=inner.profile,
        nested=(inner,),
    )


def _mark(split: Split) -> str:
    """The string that is replaced in the command's words; empty where words are added at its end."""
    marks = [_marked(each) for each in split.given if set(_INSERTS) & set(each.option.names)]
    if not marks:
        return ""
    counts = [each.value.text for each in split.given if each.value and _COUNTS & set(each.option.names)]
    if len(set(marks)) > 1 or split.has("-l") or set(counts) - {"1"}:
        raise stop("xargs", "mark", "xargs: which of -I, -L and -n holds is not sure.")
    return marks[0]


def _one_each(split: Split) -> bool:
    """Whether it adds exactly one word to each command, given that it runs none without."""
    counts = [each.value.text for each in split.given if "-n" in each.option.names and each.value is not None]
    return counts[-1:] == ["1"] and not split.has("-L") and not split.has("-l")


def _marked(given: Given) -> str:
    if given.value is None:
        return _MARK
    mark = sure("xargs", given.value, "the string to replace")
    if not mark:
        raise stop("xargs", "mark", "xargs: an empty string can't be replaced.")
    return mark


def _filled(word: Argument, mark: str) -> Argument:
    if mark not in word.known_start:
        return word
    if word.text is None:
        raise stop("xargs", "mark", "xargs: it would be filled into a word that expands.")
    before = word.text[: word.text.index(mark)]
    return Argument(None, before, many=False, word=_Added(word.text.replace(mark, _MARK)))


def _written(word: Argument, command: tuple[Argument, ...]) -> Argument:
    if not isinstance(word.word, _Added):
        return word
    if word not in command:
        raise stop("xargs", "place", "xargs: a word that it fills in would not stay as it was judged.")
    return Argument(word.word.text)
