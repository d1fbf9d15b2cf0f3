"""The filter as the kernel runs it, for every call: what it answers is what the table says."""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import assert_never

import pytest

from gateway.protocols.ssh.guard.bpf import assemble
from gateway.protocols.ssh.guard.bubblewrap import Bubblewrap
from gateway.protocols.ssh.guard.guard import Guard, Profile
from gateway.protocols.ssh.guard.offers import Offers
from gateway.protocols.ssh.guard.syscalls import (
    ALWAYS,
    CEILING,
    ENOSYS,
    FILES,
    MACHINES,
    SIGNALS,
    Action,
    AllowValues,
    Both,
    Deny,
    DenyBits,
    DenyValue,
    DenyValues,
)

PASS, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
HIGH = 0xDEADBEEF << 32
VALUES = (*range(32), 40, 255, 0o100, 0o1000, 0o2000, 0o10000, 0o20000000, 1024, 1026, 0x5401, 0x5412,
          0x541C, 0x5423, 0x545F, 0x5460, 0x40086602, 0x80086601, 0x7E020000, 0x10000000, 0x80000001,
          0xFFFFFFFF)  # fmt: skip


@lru_cache(maxsize=1)
def unpacked(code: bytes) -> list[tuple[int, ...]]:
    """Return a filter's instructions."""
    return list(struct.iter_unpack("<HBBI", code))


def looked_at(action: Action) -> set[int]:
    """Return the arguments that an action depends on."""
    if isinstance(action, Both):
        return looked_at(action.first) | looked_at(action.second)
    return {getattr(action, "argument", 0)}


def run(code: bytes, number: int, audit: int, arguments: tuple[int, ...]) -> int:
    """Return what a filter answers (Linux ``kernel/bpf``, the few instructions that are used)."""
    data = struct.pack("<IIQ6Q", number, audit, 0, *arguments)
    program = unpacked(code)
    at = accumulator = 0
    for _ in range(len(program)):  # jumps only go forward
        operation, yes, no, constant = program[at]
        at += 1
        match operation:
            case 0x20:
                (accumulator,) = struct.unpack_from("<I", data, constant)
            case 0x05:
                at += constant
            case 0x15:
                at += yes if accumulator == constant else no
            case 0x35:
                at += yes if accumulator >= constant else no
            case 0x45:
                at += yes if accumulator & constant else no
            case 0x54:
                accumulator &= constant
            case 0x06:
                return int(constant)
            case _:
                raise AssertionError(hex(operation))
    raise AssertionError("the filter runs over its end")


def meant(action: Action, arguments: tuple[int, ...]) -> int:
    """Return what the table says of a call; the kernel, too, looks at 32 bits of these arguments."""
    if isinstance(action, Both):
        first = meant(action.first, arguments)
        return first if first != PASS else meant(action.second, arguments)
    failed = ERRNO | action.errno
    low = arguments[getattr(action, "argument", 0)] & 0xFFFFFFFF
    match action:
        case Deny():
            return failed
        case DenyBits():
            return failed if low & action.mask else PASS
        case DenyValue():
            return failed if low & action.mask == action.value else PASS
        case AllowValues():
            return PASS if low in action.values else failed
        case DenyValues():
            return failed if low in action.values else PASS
        case _:
            assert_never(action)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("files", [False, True])
def test_each_call_is_answered_as_the_table_says(machine: str, files: bool) -> None:
    actions = {**ALWAYS, "socket": AllowValues(0, (16,)), **(FILES if files else {}), **SIGNALS}
    known = MACHINES[machine]
    code = assemble(known, actions)
    assert len(code) // 8 <= 4096
    by_number = {known.numbers[name]: action for name, action in actions.items() if name in known.numbers}
    for number in range(CEILING + 1):
        action = by_number.get(number)
        if action is None:
            assert run(code, number, known.audit, (0,) * 6) == PASS
            continue
        for value in VALUES:
            for where in looked_at(action):
                for high in (0, HIGH):
                    arguments = tuple(high | (value if at == where else at == 0) for at in range(6))
                    assert run(code, number, known.audit, arguments) == meant(action, arguments), number


@pytest.mark.parametrize("machine", MACHINES)
def test_what_was_not_looked_at_does_not_exist(machine: str) -> None:
    known = MACHINES[machine]
    code = assemble(known, ALWAYS)
    for number in (CEILING + 1, 451, 452, 463, 512, 547, 0x40000000, 0x40000001, 0x7FFFFFFF, 0xFFFFFFFF):
        assert run(code, number, known.audit, (0,) * 6) == ERRNO | ENOSYS
    for audit in (0x40000003, 0x40000028, 0, 0xFFFFFFFF, *(each.audit for each in MACHINES.values())):
        if audit != known.audit:
            assert run(code, 0, audit, (0,) * 6) == KILL


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("abi", [0, 1, 3, 6, None])
def test_no_profile_lets_through_what_changes_the_host(
    machine: str, profile: Profile, abi: int | None
) -> None:
    """None is bubblewrap, which keeps files and signals by namespaces."""
    if abi is None:
        argv = Guard(Offers(machine, "", 0, "", False, Bubblewrap("/usr/bin/bwrap", "0.8"))).argv(profile)
        written = argv[2].partition("printf '")[2].partition("'")[0]
        code = re.sub(rb"\\([0-7]{1,3})", lambda found: bytes([int(found[1], 8)]), written.encode())
    else:
        guard = Guard(Offers(machine, "6.8", abi, "/usr/bin/perl", root=False))
        code = bytes.fromhex(guard.argv(profile)[-1])
    known = MACHINES[machine]

    def answer(name: str, *arguments: int) -> int:
        filled = (*arguments, *(0,) * (6 - len(arguments)))
        return run(code, known.numbers[name], known.audit, filled)

    for name in ("mount", "bpf", "ptrace", "init_module", "unshare", "setns", "truncate", "utimensat",
                 "keyctl", "io_uring_setup", "openat2", "clone3", "fsetxattr", "fchmodat", "reboot",
                 "msgrcv", "semop", "mq_timedreceive", "process_vm_writev", "pidfd_getfd"):  # fmt: skip
        assert answer(name) != PASS, name
    assert answer("fcntl", 3, 8, 1) != PASS
    assert answer("fcntl", 3, 3) == PASS
    assert answer("shmat", 1, 0, 0) != PASS
    assert answer("shmat", 1, 0, 0o10000) == PASS
    assert answer("setpriority", 2, 0, 19) != PASS
    assert answer("setpriority", 0, 0, 19) == PASS
    assert answer("ioprio_set", 3, 0) != PASS
    assert answer("ioctl", 0, 0x5412) != PASS
    assert answer("socketpair", 1, 2 | 0o2000000) != PASS
    assert answer("socketpair", 30, 1) != PASS
    kept = abi == 0 or profile is Profile.PROCS
    assert (answer("openat", 0, 0, 1) != PASS) is (kept and abi is not None)
    assert (answer("kill", 1, 9) != PASS) is (kept or (abi is not None and abi < 6))
    if profile in (Profile.PLAIN, Profile.PROCS, Profile.NET):
        assert answer("socket", 1, 1) != PASS
    assert answer("socket", 17, 3) != PASS
    assert answer("socket", 40, 1) != PASS
