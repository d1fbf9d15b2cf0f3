"""What commands of the shell itself leave in variables and arrays."""

from __future__ import annotations

import re
from typing import Final

from gateway.judge.shell.argument import Argument
from gateway.judge.shell.cursor import NotRead
from gateway.judge.shell.finding import Effect
from gateway.judge.shell.nested.table import No, table
from gateway.judge.shell.scope import Scope
from gateway.judge.shell.values import UNKNOWN

FILLING: Final = frozenset(("read", "unset", "mapfile", "readarray", "declare", "typeset"))
"""Commands that set or unset variables named by their arguments."""

READ: Final = table(
    "-r  -s  -a=literal  -d=literal  -n=number  -N=number  -p=  -t=number  -u=number",
    style="exact",
    first=True,
)
"""Options of ``read``."""
MAPFILE: Final = table(
    "-t  -d=literal  -n=number  -s=number  -u=number",
    no=(No("-C=  -c=", "callback", "runs a command for every line", Effect.RUNS_CODE),),
    style="exact",
    first=True,
)
"""Options of ``mapfile``."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ELEMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[(?:(-?[0-9]{1,9})|([A-Za-z0-9_./:,%+=-]+))\]")
"""An array's element whose subscript is written out: a number, or text."""


def note_filling(name: str, operands: list[str], scope: Scope) -> None:
    """Note what one of :data:`FILLING` leaves behind.

    Args:
        name: of the command.
        operands: its arguments, rebuilt; an empty one where it is not known.
        scope: learns it.

    Raises:
        NotRead: a name stands for something else in this line, or a subscript may be evaluated.
    """
    match name:
        case "read":
            split = READ.split(name, tuple(map(Argument, operands)))
            for array in split.values("-a"):
                _fill(array.text or "", scope)
            for variable in split.operands:
                scope.assign(variable.text or "", UNKNOWN)
        case "mapfile" | "readarray":
            named = MAPFILE.split(name, tuple(map(Argument, operands))).operands
            _fill((named[0].text or "") if named else "MAPFILE", scope)
        case "unset":
            for each in operands:
                _unset(each, scope)
        case _:
            if "-p" not in operands and operands[:1] in (["-a"], ["-A"]):
                for each in operands[1:]:
                    scope.declare(each, keyed=operands[0] == "-A")


def _fill(name: str, scope: Scope) -> None:
    filled = scope.begin(name, anew=True)
    filled.many(UNKNOWN)
    scope.fill(name, filled.array())


def _unset(operand: str, scope: Scope) -> None:
    if _NAME.fullmatch(operand):
        scope.forget(operand)
    element = ELEMENT.fullmatch(operand)
    if element is None:
        return
    name, number, _ = element.groups()
    array = scope.arrays.found.get(name)
    if array is not None and array.keyed:
        return
    if number is None or scope.arrays.sorts.get(name) == "keyed":
        raise NotRead("array", f"Whether {name} is an associative array there is not sure.")
    filled = scope.begin(name, anew=False)
    if filled.items is not None:
        at = int(number) if int(number) >= 0 else int(number) + (filled.behind or 0)
        filled.items.pop(at, None)
    scope.fill(name, filled.array())
