"""The typed tree of an awk program.

Groupings leave no trace: the tree's shape holds them, and canonical text writes all of them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric constant, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class String:
    """A string constant: what stands between its quotes, escapes untouched."""

    raw: str

    @property
    def value(self) -> str | None:
        """What it surely means; None where an escape in it is read differently by different awks."""
        out = []
        characters = iter(self.raw)
        for character in characters:
            if character != "\\":
                out.append(character)
                continue
            meaning = _ESCAPES.get(next(characters, ""))
            if meaning is None:
                return None
            out.append(meaning)
        return "".join(out)


_ESCAPES = {"\\": "\\", '"': '"', "n": "\n", "t": "\t"}


def string_of(value: str) -> String:
    """The constant that means a value in every awk."""
    raw = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return String(raw)


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression constant: what stands between its slashes, every slash in it escaped."""

    raw: str


@dataclass(frozen=True, slots=True)
class Name:
    """A variable or an array."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """An element of an array."""

    array: str
    keys: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """``$e``."""

    number: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function of awk's or of the program's."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """``!``, ``-`` or ``+``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands of one precedence that bind to the left: sums, ``&&``, ``~``, joined strings, …."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]
    """Operator and operand; the operator of juxtaposition is empty."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison, or ``^``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Ternary:
    """``condition ? then : otherwise``."""

    condition: Expression
    then: Expression
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class In:
    """``(k, k) in array``."""

    keys: tuple[Expression, ...]
    array: str


@dataclass(frozen=True, slots=True)
class Assign:
    """``target op value``."""

    operator: str
    target: Target
    value: Expression


@dataclass(frozen=True, slots=True)
class Increment:
    """``++`` or ``--``, before or after its target."""

    operator: str
    target: Target
    before: bool


@dataclass(frozen=True, slots=True)
class Getline:
    """``getline [target] [< source]``."""

    target: Target | None
    source: Expression | None


@dataclass(frozen=True, slots=True)
class CommandGetline:
    """``command | getline [target]``."""

    command: Expression
    target: Target | None


@dataclass(frozen=True, slots=True)
class Group:
    """``(a, b)``, which stands before ``in`` and behind ``print`` only."""

    items: tuple[Expression, ...]


Target = Name | Index | Field
Expression = (
    Number
    | String
    | Regex
    | Name
    | Index
    | Field
    | Call
    | Unary
    | Chain
    | Binary
    | Ternary
    | In
    | Assign
    | Increment
    | Getline
    | CommandGetline
    | Group
)


@dataclass(frozen=True, slots=True)
class Evaluate:
    """An expression as a statement."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Print:
    """``print`` or ``printf``, with where its output goes."""

    keyword: str
    arguments: tuple[Expression, ...] = ()
    operator: str = ""
    """``>``, ``>>``, ``|`` or empty."""
    destination: Expression | None = None


@dataclass(frozen=True, slots=True)
class Plain:
    """A keyword on its own: ``next``, ``nextfile``, ``break``, ``continue``; or ``exit``, ``return``."""

    keyword: str
    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """``delete array`` or ``delete array[k]``."""

    array: str
    keys: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class If:
    """``if (condition) then else otherwise``."""

    condition: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] | None


@dataclass(frozen=True, slots=True)
class While:
    """``while (condition) body``, or ``do body while (condition)``."""

    condition: Expression
    body: tuple[Statement, ...]
    after: bool


@dataclass(frozen=True, slots=True)
class For:
    """``for (start; condition; step) body``."""

    start: Expression | None
    condition: Expression | None
    step: Expression | None
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class ForIn:
    """``for (name in array) body``."""

    name: str
    array: str
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One label of a switch with what follows it; ``label`` None: ``default``."""

    label: Expression | None
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """gawk's ``switch``."""

    subject: Expression
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """``{ … }`` as a statement."""

    body: tuple[Statement, ...]


Statement = Evaluate | Print | Plain | Delete | If | While | For | ForIn | Switch | Block


@dataclass(frozen=True, slots=True)
class Rule:
    """``pattern { body }``: a special pattern (``BEGIN``, …), or none, one or two expressions."""

    special: Literal["", "BEGIN", "END", "BEGINFILE", "ENDFILE"]
    patterns: tuple[Expression, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the program's."""

    name: str
    parameters: tuple[str, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A whole program."""

    items: tuple[Rule | Function, ...]
