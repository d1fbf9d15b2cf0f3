"""Commands under the kernel guard with no judge before them, each way of putting it on; attacks, reads."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.protocols.ssh.guard.bubblewrap import read_bubblewrap
from gateway.protocols.ssh.guard.guard import Guard, Profile
from gateway.protocols.ssh.guard.offers import QUESTION, Offers

if TYPE_CHECKING:
    from pathlib import Path

INTERPRETERS: Final = [path for path in ("/usr/bin/perl", "/usr/bin/python3") if os.access(path, os.X_OK)]
NOBODY: Final = 65534
ATTACKER: Final = "/usr/bin/python3"
DROP: Final = (
    ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups") if os.geteuid() == 0 else ()
)
"""Makes a command that of an unprivileged account."""


def landlock_here() -> int:
    """ABI of this kernel's Landlock, 0 where it has none."""
    asked = "import ctypes;print(max(0, ctypes.CDLL(None).syscall(444, 0, 0, 1)))"
    return int(subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout)


def offers(interpreter: str, abi: int) -> Offers:
    """A host of this machine's that offers so much."""
    return Offers(platform.machine(), platform.release(), abi, interpreter, root=False)


def unguarded(line: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a shell line as that account."""
    argv = [*DROP, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    return subprocess.run(
        [*argv, *before, "/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def state(folder: Path) -> list[tuple[str, bytes, int, int, int]]:
    """Everything about a folder that a write could have changed."""
    found = []
    for path in sorted([folder, *folder.rglob("*")]):
        info = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found.append((str(path), content, info.st_mode, info.st_mtime_ns, info.st_uid))
    return found


def ways_here() -> dict[str, Offers]:
    """Hosts of this machine's, by how their guard is put on."""
    if sys.platform != "linux":
        return {}
    here = landlock_here()
    abis = sorted({0, min(here, 2), here})
    ways = {f"{path.rsplit('/')[-1]}-{abi}": offers(path, abi) for path in INTERPRETERS for abi in abis}
    found = read_bubblewrap(unguarded(QUESTION).stdout)
    if found is not None and not found.complaint:
        ways["bwrap"] = replace(offers("", 0), bubblewrap=found)
    return ways


WAYS: Final = ways_here()
BUBBLEWRAP: Final = WAYS.get("bwrap")
"""None where it is not there, or has no user namespaces."""
STRONGEST: Final = max(
    (way for way in WAYS.values() if way.interpreter), key=lambda way: way.landlock, default=offers("", 0)
)
"""An interpreter's, with this kernel's Landlock."""


def guarded(
    line: str, way: Offers = STRONGEST, profile: Profile = Profile.PLAIN
) -> subprocess.CompletedProcess[str]:
    """Run a shell line under the guard, as an unprivileged account where this is root."""
    return unguarded(line, Guard(way).argv(profile))


WRITES: Final = (
    "echo changed > file",
    "echo more >> file",
    ": > file",
    "touch new",
    "touch -d 2001-01-01 file",
    "chmod 600 file",
    "chown 1:1 file",
    "chgrp 65534 file",
    "rm -f file",
    "mv file elsewhere",
    "cp file copy",
    "ln file hard",
    "ln -s file soft",
    "mkdir folder",
    "rmdir .",
    "mkfifo pipe",
    "mknod node p",
    "truncate -s 0 file",
    "dd if=/dev/zero of=file count=1",
    "sed -i s/as/is/ file",
    "tee file < /dev/null",
    "sort -o file file",
    "install -m 755 file other",
    "setfattr -n user.mark -v 1 file",
    "chattr +d file",
    "split -b 1 file",
)

CALLS: Final = {
    "open for reading that truncates": "os.open('file', os.O_RDONLY | os.O_TRUNC)",
    "openat2": "check(call(437, -100, b'file', (ctypes.c_uint64 * 3)(os.O_WRONLY, 0, 0), 24))",
    "truncate": "os.truncate('file', 0)",
    "utimensat": "os.utime('file', (1, 1))",
    "setxattr": "os.setxattr('file', b'user.mark', b'1')",
    "rename": "os.rename('file', 'other')",
    "a temporary file without a name": "os.open('.', os.O_TMPFILE | os.O_RDWR)",
    "io_uring": "check(call(425, 1, ctypes.create_string_buffer(120)))",
    "flags by ioctl": "fcntl.ioctl(os.open('file', os.O_RDONLY), 0x40086602, struct.pack('L', 0x80))",
    "a keystroke for the terminal": "fcntl.ioctl(0, 0x5412, b'x')",
    "a user namespace": "check(call(272, 0x10000000))",
    "a user namespace by clone3": "check(call(435, (ctypes.c_uint64 * 11)(0x10000000), 88))",
    "a mount": "check(call(165, b'none', b'/mnt', b'tmpfs', 0, 0))",
    "ptrace": "check(call(101, 16, os.getppid(), 0, 0))",
    "another's memory": "check(call(311, os.getppid(), 0, 0, 0, 0, 0))",
    "bpf": "check(call(321, 5, ctypes.create_string_buffer(128), 128))",
    "a key": "check(call(248, b'user', b'mark', b'x', 1, -5))",
    "shared memory": "check(call(29, 4242, 4096, 0o1600))",
    "a semaphore": "check(call(64, 4242, 1, 0o1600))",
    "a message queue": "check(call(68, 4242, 0o1600))",
    "a POSIX queue": "check(call(240, b'mark', os.O_CREAT | os.O_RDWR, 0o600, 0))",
    "the clock": "time.clock_settime(time.CLOCK_REALTIME, 1)",
    "the host's name": "socket.sethostname('changed')",
    "another's priority": "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
    "another's limits": "check(call(302, os.getppid(), 7, (ctypes.c_uint64 * 2)(64, 64), 0))",
    "the kernel's log": "check(call(103, 5, 0, 0))",
    "a raw pair, which is a datagram's": "socket.socketpair(socket.AF_UNIX, socket.SOCK_RAW)",
    "a pair of another family": "check(call(53, 30, 1, 0, (ctypes.c_int * 2)()))",
    "a unix socket's file": "socket.socketpair()[0].bind('new')",
    "a signal by a pipe": "fcntl.fcntl(os.pipe()[0], 8, os.getppid())",
    "a signal of another number": "fcntl.fcntl(os.pipe()[0], 10, 9)",
    "all priorities of the login": "os.setpriority(os.PRIO_USER, 0, 19)",
    "all input priorities of the login": "check(call(251, 3, 0, 3 << 13))",
    "a message of a POSIX queue": "check(call(243, 0, b'', 0, 0, 0))",
    "a unix socket": "socket.socket(socket.AF_UNIX)",
    "a TCP socket": "socket.socket(socket.AF_INET)",
    "a packet socket": "socket.socket(17, socket.SOCK_RAW)",
    "a call that is younger than the filter": "check(call(463, -100, b'file', 0, b'user.mark', 0, 0))",
}
SETTING: Final = (
    "import ctypes, fcntl, os, socket, struct, time\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "def call(n, *a):\n"
    " return libc.syscall(n, *[ctypes.c_long(x) if isinstance(x, int) else x for x in a])\n"
    "def check(r):\n"
    " if r < 0: raise OSError(ctypes.get_errno(), 'stopped')\n"
    "try:\n %s\n"
    "except OSError as error: print('stopped', error.errno)\n"
    "else: print('went through')\n"
)


READS: Final = (
    "ls -la /usr",
    "cat /etc/services | sort | uniq -c | wc -l",
    "find /usr/share -maxdepth 1 2>&9 | sort",
    "grep -r tcp /etc/services /etc/protocols",
    "id; umask; date +%Y",
    "getent passwd root",
    "df -P / | head -1",
    "stat -c %a /etc/services",
    "awk -F: '{ print $1 }' /etc/services",
    'for f in /etc/host*; do wc -c "$f"; done',
    "sed -n 1p /etc/services",
    "head -c 100000 /dev/zero | md5sum",
    "seq 1 200000 | sort -S 20% -rn | tail -1",
    'echo $(( 3 + 4 )); x=$(cat /etc/hostname); echo "$x"',
    "timeout 20 cat /etc/services | wc -l",
    "nice cat /etc/hostname",
    "cat /proc/self/mounts | wc -l",
)
"""Of what no other test changes meanwhile: those that make accounts change files in /etc."""

OWNERS: Final = frozenset({"ls -la /usr", "cat /proc/self/mounts | wc -l"})
"""Of them, those that a namespace answers in another way."""
