"""A seccomp filter as the kernel takes it: classic BPF over ``struct seccomp_data`` (seccomp(2))."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, assert_never

from gateway.protocols.ssh.guard.syscalls import (
    CEILING,
    ENOSYS,
    Action,
    AllowValues,
    Both,
    Deny,
    DenyBits,
    DenyValue,
    DenyValues,
    Machine,
)

_LOAD: Final = 0x20
_JUMP: Final = 0x05
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_ANY_BIT: Final = 0x45
_AND: Final = 0x54
_RETURN: Final = 0x06

_KILL: Final = 0x80000000
_ERRNO: Final = 0x00050000
_PASS: Final = 0x7FFF0000

_NUMBER: Final = 0
_ARCHITECTURE: Final = 4
_ARGUMENTS: Final = 16
_FURTHEST: Final = 255

Code = list[tuple[int, int, int, int]]
"""Instructions: operation, jump if true, jump if false, constant."""


def assemble(machine: Machine, actions: Mapping[str, Action]) -> bytes:
    """Return the filter.

    Args:
        machine: whose calls they are; a call of another architecture kills the process.
        actions: by name of the call; calls that the machine lacks are left out, those not named pass, those
            past the ceiling don't exist.

    Returns:
        ``struct sock_filter``, 8 bytes each.
    """
    by_number = {machine.numbers[name]: action for name, action in actions.items() if name in machine.numbers}
    code: Code = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, machine.audit), (_RETURN, 0, 0, _KILL)]
    code.append((_LOAD, 0, 0, _NUMBER))
    code += _choose(_spans(by_number))
    return b"".join(struct.pack("<HBBI", *each) for each in code)


def _spans(by_number: Mapping[int, Action]) -> list[tuple[int, Code]]:
    """Return the code for all numbers, each valid from its first number to the next one's."""
    spans: list[tuple[int, Code]] = []
    for number in sorted(by_number):
        if not spans or spans[-1][0] < number:
            spans.append((number, []))
        spans[-1] = (number, _act(by_number[number]))
        spans.append((number + 1, [(_RETURN, 0, 0, _PASS)]))
    if not spans or spans[0][0] > 0:
        spans.insert(0, (0, [(_RETURN, 0, 0, _PASS)]))
    spans.append((CEILING + 1, [(_RETURN, 0, 0, _ERRNO | ENOSYS)]))  # the x32 calls lie above as well
    return spans


def _choose(spans: list[tuple[int, Code]]) -> Code:
    """Return a tree of comparisons that leads to each span's code."""
    if len(spans) == 1:
        return spans[0][1]
    middle = len(spans) // 2
    below, above = _choose(spans[:middle]), _choose(spans[middle:])
    if len(below) <= _FURTHEST:
        return [(_AT_LEAST, len(below), 0, spans[middle][0]), *below, *above]
    return [(_AT_LEAST, 0, 1, spans[middle][0]), (_JUMP, 0, 0, len(below)), *below, *above]


def _act(action: Action) -> Code:
    return [*_checks(action), (_RETURN, 0, 0, _PASS)]


def _checks(action: Action) -> Code:
    """Return code that fails the call, or goes on behind its end."""
    match action:
        case Deny():
            return [_fail(action.errno)]
        case DenyBits(argument, mask):
            return [_argument(argument), (_ANY_BIT, 0, 1, mask), _fail(action.errno)]
        case DenyValue(argument, mask, value):
            return [_argument(argument), (_AND, 0, 0, mask), (_EQUAL, 0, 1, value), _fail(action.errno)]
        case AllowValues(argument, values):
            return [*_compared(argument, values), _fail(action.errno)]
        case DenyValues(argument, values):
            return [*_compared(argument, values), (_JUMP, 0, 0, 1), _fail(action.errno)]
        case Both(first, second):
            return [*_checks(first), *_checks(second)]
        case _:
            assert_never(action)


def _compared(argument: int, values: tuple[int, ...]) -> Code:
    """Return code that leaves out the next instruction where an argument has one of the values."""
    left = len(values)
    return [_argument(argument), *((_EQUAL, left - at, 0, value) for at, value in enumerate(values))]


def _fail(errno: int) -> tuple[int, int, int, int]:
    return (_RETURN, 0, 0, _ERRNO | errno)


def _argument(number: int) -> tuple[int, int, int, int]:
    """Load the lower half of an argument: both machines are little-endian."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * number)
