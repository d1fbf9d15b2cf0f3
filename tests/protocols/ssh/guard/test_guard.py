"""The kernel guard by itself, with no judge before it: what would write is stopped, what looks goes on."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from gateway.protocols.ssh.guard.guard import Guard, Profile
from gateway.protocols.ssh.guard.offers import QUESTION, SHUT, TRIAL, Offers, read_offers

INTERPRETERS: Final = [path for path in ("/usr/bin/perl", "/usr/bin/python3") if os.access(path, os.X_OK)]
NOBODY: Final = 65534
ATTACKER: Final = "/usr/bin/python3"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the guard is Linux's"),
    pytest.mark.skipif(not INTERPRETERS, reason="neither perl nor python3 is under /usr/bin"),
]


def landlock_here() -> int:
    """ABI of this kernel's Landlock, 0 where it has none."""
    asked = "import ctypes;print(max(0, ctypes.CDLL(None).syscall(444, 0, 0, 1)))"
    return int(subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout)


HERE: Final = landlock_here() if sys.platform == "linux" else 0
ABIS: Final = sorted({0, min(HERE, 2), HERE})


def guarded(
    line: str, *, abi: int = HERE, profile: Profile = Profile.PLAIN, interpreter: str = INTERPRETERS[0]
) -> subprocess.CompletedProcess[str]:
    """Run a shell line under the guard, as an unprivileged account where this is root."""
    guard = Guard(Offers(platform.machine(), platform.release(), abi, interpreter, root=False))
    return unguarded(line, guard.argv(profile))


def unguarded(line: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a shell line as that account."""
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    argv = [*(drop if os.geteuid() == 0 else ()), "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    return subprocess.run(
        [*argv, *before, "/bin/sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def prey(short_folder: Path) -> Path:
    """A folder that the unprivileged account owns, so that only the guard stands before it."""
    folder = short_folder / "prey"
    folder.mkdir()
    (folder / "file").write_text("as it was\n")
    if os.geteuid() == 0:
        for path in (folder, folder / "file"):
            os.chown(path, NOBODY, NOBODY)
    return folder


def state(folder: Path) -> list[tuple[str, bytes, int, int, int]]:
    """Everything about a folder that a write could have changed."""
    found = []
    for path in sorted([folder, *folder.rglob("*")]):
        info = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found.append((str(path), content, info.st_mode, info.st_mtime_ns, info.st_uid))
    return found


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


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("abi", ABIS)
def test_nothing_is_written_where_the_account_could(prey: Path, abi: int, interpreter: str) -> None:
    before = state(prey)
    line = f"cd {prey}; " + "; ".join(f"( {write} )" for write in WRITES)
    done = guarded(line, abi=abi, interpreter=interpreter)
    assert state(prey) == before
    assert done.stderr.count("\n") >= len(WRITES) - 2, done.stderr
    unguarded(f"cd {prey}; echo changed > file")
    assert state(prey) != before, "the account itself could not write: the test proves nothing"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the calls are given by their numbers on x86_64")
@pytest.mark.parametrize("abi", ABIS)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_changes_something_is_stopped(prey: Path, name: str, abi: int) -> None:
    before = state(prey)
    program = prey.parent / "attack.py"
    program.write_text(SETTING % CALLS[name])
    program.chmod(0o644)
    done = guarded(f"cd {prey}; exec {ATTACKER} {program}", abi=abi)
    assert done.stdout.startswith("stopped"), done
    assert state(prey) == before


@pytest.mark.parametrize("profile", [Profile.PLAIN, Profile.PROCS, Profile.NET])
def test_a_datagram_of_a_pair_reaches_nobody(prey: Path, profile: Profile) -> None:
    """As ``/dev/log`` takes them, or systemd's own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(prey / "ear"))
        (prey / "ear").chmod(0o777)
        ear.settimeout(0.2)
        said = "import socket;socket.socketpair(1,2)[0].sendto(b'x','ear')"
        unguarded(f'cd {prey}; exec {ATTACKER} -c "{said}"')
        assert ear.recv(1) == b"x", "it is not heard without the guard either: the test proves nothing"
        guarded(f'cd {prey}; exec {ATTACKER} -c "{said}"', profile=profile)
        with pytest.raises(TimeoutError):
            ear.recv(1)


@pytest.mark.parametrize("profile", list(Profile))
def test_every_profile_keeps_files(prey: Path, profile: Profile) -> None:
    before = state(prey)
    guarded(f"cd {prey}; echo changed > file; rm -f file; touch new; chmod 777 .", profile=profile)
    assert state(prey) == before


def test_others_are_not_signalled(prey: Path) -> None:
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    with subprocess.Popen([*(drop if os.geteuid() == 0 else ()), "sleep", "60"]) as victim:
        for abi in ABIS:
            for profile in (Profile.PLAIN, Profile.PROCS):
                done = guarded(f"kill -9 {victim.pid}", abi=abi, profile=profile)
                assert done.returncode != 0
        assert victim.poll() is None
        unguarded(f"kill -9 {victim.pid}")
        assert victim.wait(5) == -9, "the account itself could not signal: the test proves nothing"


@pytest.mark.parametrize("profile", [Profile.PLAIN, Profile.PROCS, Profile.BUS])
def test_only_profiles_of_the_network_reach_it(profile: Profile) -> None:
    asked = f"{ATTACKER} -c 'import socket; socket.create_connection((\"127.0.0.1\", 1))'"
    assert "Operation not permitted" in guarded(asked, profile=profile).stderr
    assert "refused" in guarded(asked, profile=Profile.NET).stderr


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


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("abi", ABIS)
def test_reads_answer_as_without_it(abi: int, interpreter: str) -> None:
    for line in READS:
        plain = unguarded(f"exec 9<>/dev/null; {line}")
        seen = guarded(line, abi=abi, interpreter=interpreter)
        assert (seen.stdout, seen.stderr, seen.returncode) == (plain.stdout, plain.stderr, plain.returncode)


def test_dev_null_can_be_written_to_where_landlock_keeps_files() -> None:
    if not HERE:
        pytest.skip("this kernel has no Landlock")
    done = guarded("ls /nowhere 2>/dev/null; echo seen >/dev/null; echo whole")
    assert (done.stdout, done.stderr) == ("whole\n", "")


def test_processes_of_others_are_seen_where_the_profile_says_so() -> None:
    if shutil.which("ps") is None:
        pytest.skip("ps is not on this machine")
    plain = unguarded("ps -eo pid= | wc -l")
    seen = guarded("ps -eo pid= | wc -l", profile=Profile.PROCS)
    assert abs(int(seen.stdout) - int(plain.stdout)) < 20
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    with subprocess.Popen([*(drop if os.geteuid() == 0 else ()), "sleep", "60"]) as other:
        done = guarded(f"readlink /proc/{other.pid}/exe", profile=Profile.PROCS)
        other.kill()
    assert done.stdout.endswith("/sleep\n"), done


def test_a_guard_that_can_not_be_put_on_runs_nothing() -> None:
    argv = Guard(Offers(platform.machine(), "", HERE, INTERPRETERS[0], root=False)).argv(Profile.PLAIN)
    broken = (*argv[:-1], "00" * 8)
    done = unguarded("echo ran", broken)
    assert (done.returncode, done.stdout) == (125, "")
    assert "guard could not be set up" in done.stderr


@pytest.mark.parametrize(
    "offers",
    [
        Offers("x86_64", "6.1", 2, "/usr/bin/perl", root=True),
        Offers("riscv64", "6.1", 2, "/usr/bin/perl", root=False),
        Offers("x86_64", "6.1", 2, "", root=False),
    ],
)
def test_where_there_is_no_guard_it_says_why(offers: Offers) -> None:
    guard = Guard(offers)
    assert not guard.works
    assert guard.argv(Profile.PLAIN) == ()
    assert guard.name == "judge-only"
    assert guard.findings()["guard missing"]


def test_a_host_is_asked_what_it_offers() -> None:
    offers = read_offers(unguarded(QUESTION).stdout)
    assert offers == Offers(platform.machine(), platform.release(), HERE, INTERPRETERS[0], root=False)


@pytest.mark.parametrize(
    ("answer", "interpreter"),
    [
        ("uid 1000\ninterpreter /usr/bin/perl 0 755 4", "/usr/bin/perl"),
        ("uid 1000\ninterpreter /usr/bin/perl 1000 755 4", ""),
        ("uid 1000\ninterpreter /usr/bin/perl 0 775 4", ""),
        ("uid 1000\ninterpreter /home/me/perl 0 755 4", ""),
        ("uid 1000\ninterpreter /usr/bin/perl 0 755", ""),
        ("", ""),
    ],
)
def test_only_an_interpreter_that_root_put_there_is_used(answer: str, interpreter: str) -> None:
    assert read_offers(answer).interpreter == interpreter


def test_a_login_that_does_not_say_who_it_is_counts_as_root() -> None:
    assert read_offers("").root


@pytest.mark.parametrize("profile", list(Profile))
def test_the_trial_tells_a_guard_from_none(profile: Profile) -> None:
    assert guarded(TRIAL, profile=profile).stdout == SHUT
    assert unguarded(f"exec 9<>/dev/null; {TRIAL}").stdout == "open\n"
