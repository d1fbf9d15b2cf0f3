"""A command line as a small tree of frozen values: what the judge understands, and nothing else.

Bash's own forms stand here as the POSIX ones that mean the same: ``|&`` and ``&>`` as redirections, ``[[ ]]``
and ``(( ))`` as ``[ ]``, ``<<<`` as a here-document, braces as the words that they make.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from gateway.judge.shell.tree_arrays import (
    ArrayAssignment,
    Element,
    ElementAssignment,
    Entry,
    Key,
    Keys,
)


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that stand for themselves."""

    text: str


@dataclass(frozen=True, slots=True)
class Wild:
    """A piece of a pattern: ``*``, ``?`` or ``[a-z]``."""

    text: str


@dataclass(frozen=True, slots=True)
class Home:
    """``~`` or ``~user`` at a word's beginning.

    Attributes:
        user: whose; empty: one's own.
    """

    user: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """``$name``, a positional parameter, ``$?``, ``$#``, ``$$``, ``$@``, ``$*``.

    Attributes:
        name: what stands behind the dollar.
        quoted: whether its value stays in one piece.
    """

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Length:
    """``${#name}``."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """``${name:-word}`` and its like, ``${name%pattern}`` and its like, ``${name^^}``.

    Attributes:
        name: of the variable.
        operator: ``:- - :+ + :? ?``, ``% %% # ##``, ``^ ^^ , ,,`` (the last four with no word).
        word: behind the operator.
        quoted: whether it stays in one piece.
    """

    name: str
    operator: str
    word: tuple[Part, ...] = ()
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Slice:
    """``${name:start:length}`` with integers written out."""

    name: str
    start: int
    length: int | None = None
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """``${name/pattern/text}``.

    Attributes:
        name: of the variable.
        operator: ``/ // /# /%``.
        pattern: what is replaced.
        text: what takes its place.
        quoted: whether it stays in one piece.
    """

    name: str
    operator: str
    pattern: tuple[Part, ...]
    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Substitution:
    """``$(…)``."""

    body: Script
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``$((…))``."""

    expression: Expression
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """``<(…)``: a file name under which a command's output can be read. Bash only."""

    body: Script


Part: TypeAlias = (
    Text
    | Wild
    | Home
    | Variable
    | Length
    | Parameter
    | Slice
    | Replace
    | Element
    | Keys
    | Substitution
    | Arithmetic
    | Process
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word: its parts side by side. Without any it is the empty word."""

    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """An integer in arithmetic."""

    value: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable in arithmetic, whose value the gateway knows for an integer."""

    name: str


@dataclass(frozen=True, slots=True)
class Digits:
    """A variable in arithmetic as ``(${name%%[!0-9-]*})``: whatever it holds, only digits get in."""

    name: str


@dataclass(frozen=True, slots=True)
class Inserted:
    """``$(…)`` in arithmetic; its last command lets only digits through."""

    body: Script


@dataclass(frozen=True, slots=True)
class Unary:
    """``- + ! ~`` before an expression."""

    operator: str
    of: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two expressions and what stands between them; ``=`` too, with a name on its left."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Choice:
    """``condition ? one : other``."""

    condition: Expression
    one: Expression
    other: Expression


Expression: TypeAlias = (
    Number | Name | Digits | Entry | Element | Inserted | Length | Variable | Unary | Binary | Choice
)
"""Of variables only ``$?`` and ``$#``, of elements only lengths, which are integers always."""
Subscript: TypeAlias = Expression | Key | Literal["@", "*"]
"""Which elements of an array are meant."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """``name=word``; nothing in the word is split or matched against files."""

    name: str
    word: Word


Assigned: TypeAlias = Assignment | ArrayAssignment | ElementAssignment


@dataclass(frozen=True, slots=True)
class Redirection:
    """``2>/dev/null``, ``2>&1``, ``2>&-``, ``<file``.

    Attributes:
        descriptor: which is redirected.
        operator: ``< > >> >| <>`` with a word; ``<& >&`` with a descriptor, or None to close.
        target: where to.
    """

    descriptor: int
    operator: Literal["<", ">", ">>", ">|", "<>", "<&", ">&"]
    target: Word | int | None


@dataclass(frozen=True, slots=True)
class Document:
    """A here-document.

    Attributes:
        descriptor: where it is read from.
        body: its text, with the newline at its end; nothing in it is split or matched against files.
    """

    descriptor: int
    body: Word


Redirected: TypeAlias = Redirection | Document


@dataclass(frozen=True, slots=True)
class Simple:
    """A command with its words; without any, its assignments hold from there on."""

    words: tuple[Word, ...]
    assignments: tuple[Assigned, ...] = ()
    redirections: tuple[Redirected, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """``{ …; }``."""

    body: Script
    redirections: tuple[Redirected, ...] = ()


@dataclass(frozen=True, slots=True)
class Subshell:
    """``( … )``."""

    body: Script
    redirections: tuple[Redirected, ...] = ()


@dataclass(frozen=True, slots=True)
class For:
    """``for name in words; do …; done``."""

    name: str
    words: tuple[Word, ...]
    body: Script
    redirections: tuple[Redirected, ...] = ()


@dataclass(frozen=True, slots=True)
class While:
    """``while …; do …; done`` and ``until``."""

    condition: Script
    body: Script
    until: bool = False
    redirections: tuple[Redirected, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """``if …; then …; elif …; else …; fi``.

    Attributes:
        branches: conditions with what follows them.
        otherwise: behind ``else``.
        redirections: of the whole.
    """

    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script | None = None
    redirections: tuple[Redirected, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """``case word in pattern|pattern) …;; esac``.

    Attributes:
        word: what is compared.
        arms: patterns with what follows them; an empty script where nothing does.
        redirections: of the whole.
    """

    word: Word
    arms: tuple[tuple[tuple[Word, ...], Script], ...]
    redirections: tuple[Redirected, ...] = ()


Command: TypeAlias = Simple | Group | Subshell | For | While | If | Case


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each reading what the one before it writes.

    Attributes:
        commands: at least one.
        negated: whether ``!`` stands before it.
        timed: ``time`` or ``time -p`` before it, else empty. Bash only.
    """

    commands: tuple[Command, ...]
    negated: bool = False
    timed: Literal["", "time", "time -p"] = ""


@dataclass(frozen=True, slots=True)
class AndOr:
    """Pipelines with ``&&`` and ``||`` between them.

    Attributes:
        first: the first.
        rest: each of the others with what stands before it.
    """

    first: Pipeline
    rest: tuple[tuple[Literal["&&", "||"], Pipeline], ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """Lists, one after the other."""

    lists: tuple[AndOr, ...] = ()


SAFE: Final = re.compile(r"[\w ./:,@%+=-]*")
"""Characters that mean the same in every kind of quotes."""
CASE_OPERATORS: Final = ("^", "^^", ",", ",,")
DEFAULT_OPERATORS: Final = (":-", "-", ":+", "+", ":?", "?")
TRIM_OPERATORS: Final = ("%", "%%", "#", "##")


def script_of(command: Command) -> Script:
    """A script of one command."""
    return Script((AndOr(Pipeline((command,))),))


def word_of(text: str) -> Word:
    """A word that stands for itself."""
    return Word((Text(text),) if text else ())


def text_of(word: Word) -> str | None:
    """The value of a word that holds text alone; None of any other."""
    match word.parts:
        case ():
            return ""
        case (Text(text),):
            return text
        case _:
            return None


def in_one_piece(part: Part) -> Part:
    """The same with its value kept in one piece, and a pattern standing for itself."""
    match part:
        case Wild(text):
            return Text(text)
        case Variable(name):
            return Variable(name, quoted=True)
        case Length(name):
            return Length(name, quoted=True)
        case Parameter(name, operator, word):
            return Parameter(name, operator, word, quoted=True)
        case Slice(name, start, length):
            return Slice(name, start, length, quoted=True)
        case Replace(name, operator, pattern, text):
            return Replace(name, operator, pattern, text, quoted=True)
        case Element(of, subscript):
            return Element(replace(of, quoted=True), "*" if subscript == "@" else subscript)
        case Keys(name):
            return Keys(name, "*", quoted=True)
        case Substitution(body):
            return Substitution(body, quoted=True)
        case Arithmetic(expression):
            return Arithmetic(expression, quoted=True)
        case Text() | Home() | Process():
            return part


def joined(parts: list[Part]) -> tuple[Part, ...]:
    """Parts with texts side by side made one; an empty text stays only where it makes a word of nothing."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, Text) and found and isinstance(found[-1], Text):
            found[-1] = Text(found[-1].text + part.text)
        else:
            found.append(part)
    if Text("") in found and (len(found) == 1 or any(_surely_there(part) for part in found)):
        return tuple(part for part in found if part != Text(""))
    return tuple(found)


def _surely_there(part: Part) -> bool:
    """Whether a part makes a word even if its value is empty."""
    return part != Text("") and getattr(part, "quoted", True) and not spreads(part)


def spreads(part: Part) -> bool:
    """Whether a part becomes a word for each element of an array though it is quoted: ``"${a[@]}"``."""
    match part:
        case Element(of, "@"):
            return of.quoted and not isinstance(of, Length)
        case Keys(_, "@", quoted):
            return quoted
        case _:
            return False


def pinned(word: Word) -> Word:
    """The word as exactly one: nothing in it is split or matched against files."""
    return Word(joined([in_one_piece(part) for part in word.parts]))
