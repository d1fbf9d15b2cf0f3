"""Keys that a program types into its own terminal (TIOCSTI, TIOCLINUX): none under any guard, on a real one.

Kernels before 6.2 let every program do so, later ones where ``dev.tty.legacy_tiocsti`` is 1.
"""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import sys
from pathlib import Path

import pytest
from guarded import ATTACKER, DROP, NOBODY, WAYS

from gateway.protocols.ssh.guard.guard import Guard, Profile

LEGACY = Path("/proc/sys/dev/tty/legacy_tiocsti")
OPEN = not LEGACY.exists() or LEGACY.read_text().strip() == "1"
ATTACK = r"""
import ctypes, fcntl, os, select, termios
libc = ctypes.CDLL(None, use_errno=True)
modes = termios.tcgetattr(0)
modes[3] &= ~(termios.ICANON | termios.ECHO)
termios.tcsetattr(0, termios.TCSANOW, modes)
tries = {
    "by descriptor": lambda: fcntl.ioctl(0, 0x5412, b"x"),
    "by name": lambda: fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), 0x5412, b"x"),
    "by output": lambda: fcntl.ioctl(1, 0x5412, b"x"),
    "with upper bits": lambda: libc.syscall(16, 0, ctypes.c_ulong(1 << 32 | 0x5412), b"x"),
    "a console's paste": lambda: fcntl.ioctl(0, 0x541C, b"\3"),
    "a console's selection": lambda: fcntl.ioctl(0, 0x541C, b"\2" + bytes(10)),
    "another line discipline": lambda: fcntl.ioctl(0, 0x5423, b"\3\0\0\0"),
}
for name, attack in tries.items():
    try: attack()
    except OSError: pass
print("typed", len(os.read(0, 99)) if select.select([0], [], [], 0.2)[0] else 0, flush=True)
"""


def on_terminal(before: tuple[str, ...]) -> str:
    """What a program says on a terminal of its own, to the end."""
    argv = [*DROP, "/usr/bin/env", "-i", "PATH=/usr/bin:/bin", *before, ATTACKER, "-c", ATTACK]
    pid, fd = pty.fork()
    if pid == 0:
        if os.geteuid() == 0:
            os.fchown(0, NOBODY, NOBODY)
        os.execv(shutil.which(argv[0]) or argv[0], argv)
    said = b""
    with contextlib.suppress(OSError):
        while data := os.read(fd, 4096):
            said += data
    os.close(fd)
    os.waitpid(pid, 0)
    return said.decode()


pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the guard is Linux's"),
    pytest.mark.skipif(not os.access(ATTACKER, os.X_OK), reason=f"{ATTACKER} is not here"),
]


@pytest.mark.skipif(not OPEN, reason="this kernel lets nobody (sysctl dev.tty.legacy_tiocsti=1)")
def test_without_a_guard_a_program_types() -> None:
    assert "typed 0" not in on_terminal(())


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("way", WAYS)
def test_under_it_nothing_is_typed(way: str, profile: Profile) -> None:
    assert "typed 0" in on_terminal(Guard(WAYS[way]).argv(profile))
