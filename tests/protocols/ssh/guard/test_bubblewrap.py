"""The guard that bubblewrap puts on: what it keeps and gives, what it hides, how commands end in it."""

from __future__ import annotations

import contextlib
import os
import platform
import pty
import select
import shutil
import socket
import subprocess
import termios
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from guarded import ATTACKER, BUBBLEWRAP, DROP, NOBODY, guarded, state, unguarded

from gateway.protocols.ssh.guard.bubblewrap import QUESTION, Bubblewrap, printable, read_bubblewrap
from gateway.protocols.ssh.guard.guard import Guard, Profile
from gateway.protocols.ssh.guard.offers import Offers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REAL = pytest.mark.skipif(
    BUBBLEWRAP is None, reason="bwrap is not here, or user namespaces are not for unprivileged accounts"
)
WAY: Final = BUBBLEWRAP or Offers(platform.machine(), "", 0, "", root=False)
SHELLS: Final = [
    shell
    for shell in (("/bin/sh",), ("/bin/dash",), ("/bin/bash",), ("/bin/busybox", "sh"))
    if os.access(shell[0], os.X_OK)
]


# ---- what a host says ------------------------------------------------------------------------------

SAYS: Final = "bwrap /usr/bin/bwrap 0 755 bubblewrap 0.8.0\nbwrap-says\ntemporaries /run/sshd"


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (SAYS, Bubblewrap("/usr/bin/bwrap", "0.8", "/run/sshd")),
        (SAYS.replace("0 755", "0 4755"), Bubblewrap("/usr/bin/bwrap", "0.8")),
        (SAYS.replace("says", "says  No\x1b[2J"), Bubblewrap("/usr/bin/bwrap", "0.8", "/run/sshd", "No␛[2J")),
        (SAYS.replace("/run/sshd", "/etc"), Bubblewrap("/usr/bin/bwrap", "0.8")),
        (SAYS.replace("temporaries /run/sshd", ""), Bubblewrap("/usr/bin/bwrap", "0.8")),
        (SAYS.replace("0 755", "1000 755"), None),
        (SAYS.replace("0 755", "0 775"), None),
        (SAYS.replace("0 755", "0 9"), None),
        (SAYS.replace("/usr/bin/bwrap", "/home/me/bwrap"), None),
        (SAYS.replace("bubblewrap 0.8.0", ""), None),
        (SAYS.replace("bwrap-says\n", ""), None),
        ("", None),
    ],
)  # fmt: skip
def test_only_a_bubblewrap_that_root_put_there_is_used(answer: str, found: Bubblewrap | None) -> None:
    assert read_bubblewrap(answer) == found


def test_an_interpreter_goes_first() -> None:
    wrap = Bubblewrap("/usr/bin/bwrap", "0.8")
    assert Guard(Offers("x86_64", "", 0, "/usr/bin/perl", False, wrap)).name == "guard:seccomp"
    guard = Guard(Offers("x86_64", "", 0, "", False, wrap))
    assert guard.name == "guard:bwrap-0.8+seccomp"
    assert "nobody" in guard.findings()["guard hides"]
    assert "no temporary files" in guard.findings()["guard open"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_filter_is_what_printf_makes_of_it(shell: tuple[str, ...]) -> None:
    every = bytes(range(256))
    for code in (every, bytes(byte for each in every for byte in (each, ord("7"))), b"", bytes(4096)):
        said = subprocess.run(
            [*shell, "-c", f"printf '{printable(code)}'"], capture_output=True, check=True
        ).stdout
        assert said == code


@REAL
@pytest.mark.skipif(os.geteuid() != 0, reason="elsewhere programs of root's have no owner in a namespace")
def test_a_login_that_may_have_no_namespace_is_told_why() -> None:
    asked = f"echo 0 > /proc/sys/user/max_user_namespaces; {QUESTION}"  # of the namespace that it runs in
    argv = ["unshare", "--user", "--map-root-user", "/bin/sh", "-c", asked]
    found = read_bubblewrap(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    assert found is not None
    assert "namespace" in found.complaint
    missing = Guard(Offers("x86_64", "", 0, "", False, found)).findings()["guard missing"]
    assert missing.endswith(found.complaint)


# ---- what is kept ----------------------------------------------------------------------------------


@pytest.fixture
def prey(short_folder: Path) -> Path:
    """A folder that the unprivileged account owns."""
    folder = short_folder / "prey"
    folder.mkdir()
    (folder / "file").write_text("as it was\n")
    if os.geteuid() == 0:
        for path in (folder, folder / "file"):
            os.chown(path, NOBODY, NOBODY)
    return folder


@pytest.fixture(params=["as it is", "set-user-ID"])
def way(request: pytest.FixtureRequest, short_folder: Path) -> Offers:
    """Bubblewrap as distributions install it: plain, or set-user-ID where user namespaces were closed."""
    found = WAY.bubblewrap
    assert found is not None
    if request.param == "as it is":
        return WAY
    if os.geteuid() != 0:
        pytest.skip("only root can make a program set-user-ID")
    copy = str(short_folder / "bwrap")
    shutil.copy(found.path, copy)
    Path(copy).chmod(0o4755)
    if os.statvfs(copy).f_flag & os.ST_NOSUID:
        pytest.skip("the folder of tests takes no set-user-ID")
    return replace(WAY, bubblewrap=replace(found, path=copy, temporaries=""))


@REAL
@pytest.mark.parametrize("profile", [Profile.PLAIN, Profile.PROCS])
def test_no_way_leads_through_a_process_outside(prey: Path, way: Offers, profile: Profile) -> None:
    """Its root and its folder are where files can be written, and the account may look at it."""
    before = state(prey)
    with subprocess.Popen([*DROP, "sleep", "9"], cwd=prey) as other:
        inner = f"/proc/{other.pid}"
        line = (
            f"echo x > {inner}/cwd/new; echo x > {inner}/root{prey}/file; echo x > {inner}/cwd/file; echo end"
        )
        done = guarded(line, way, profile)
        kept = state(prey) == before
        unguarded(line)
        other.kill()
    assert (done.stdout, kept) == ("end\n", True), done
    assert state(prey) != before, "the account itself could not write: the test proves nothing"


@REAL
def test_it_holds_set_user_id_as_well(prey: Path, way: Offers) -> None:
    before = state(prey)
    attack = f"cd {prey}; echo x > file; rm file; touch new; chmod 600 file"
    done = guarded(f"{attack}; grep -E 'CapEff|NoNew|Seccomp:' /proc/self/status", way)
    assert done.stdout.split() == ["CapEff:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2"]
    assert state(prey) == before


@REAL
@pytest.mark.parametrize("profile", [Profile.PLAIN, Profile.PROCS, Profile.NET])
@pytest.mark.parametrize("name", ["ear", "\0glassgate-ear"])
def test_no_socket_of_the_host_is_spoken_to(prey: Path, profile: Profile, name: str) -> None:
    address = name if name.startswith("\0") else str(prey / name)
    with socket.socket(socket.AF_UNIX) as ear:
        ear.bind(address)
        ear.listen()
        if not name.startswith("\0"):
            Path(address).chmod(0o777)
        said = f"{ATTACKER} -c 'import socket; socket.socket(socket.AF_UNIX).connect({address!r})'"
        said = said.replace(repr(address), f'"{address}"'.replace("\0", r"\0"))
        assert unguarded(said).returncode == 0, "it is not reached without the guard either"
        assert "not permitted" in guarded(said, WAY, profile).stderr
        assert guarded(said, WAY, Profile.ENGINE).returncode == 0


@REAL
def test_shared_memory_and_the_kernels_own_files_stay_as_they_are(prey: Path) -> None:
    mark = f"/dev/shm/{prey.parent.name}"
    for line in (f"echo x > {mark}", "echo 900 > /proc/self/oom_score_adj", "echo x > /proc/$PPID/comm"):
        assert guarded(line, WAY).returncode != 0, line
    assert not Path(mark).exists()


@REAL
def test_what_cant_be_set_up_runs_nothing(prey: Path) -> None:
    argv = Guard(WAY).argv(Profile.PLAIN)
    for broken in (argv[2].replace("printf '", "printf '\\0"), argv[2].replace("printf '", ": '")):
        done = unguarded("echo ran", (*argv[:2], broken, *argv[3:]))
        assert done.stdout == ""
        assert done.returncode != 0


# ---- what is read ----------------------------------------------------------------------------------


@REAL
def test_programs_that_open_dev_null_themselves_work() -> None:
    if shutil.which("git"):
        assert "git version" in guarded("git --version", WAY).stdout
    assert "tcp" in guarded("zgrep -m1 tcp /etc/services", WAY).stdout
    done = guarded("ls /nowhere 2>/dev/null; echo whole > /dev/null; head -c 4 /dev/urandom | wc -c", WAY)
    assert (done.stdout.strip(), done.stderr) == ("4", "")


@REAL
def test_a_large_sort_has_files_of_its_own() -> None:
    assert WAY.bubblewrap is not None
    folder = WAY.bubblewrap.temporaries
    if not folder:
        pytest.skip("this bwrap bounds no file system, or no folder of sshd's is here")
    before = state(Path(folder))
    done = guarded("seq 1 200000 | sort -S 1M -rn | head -1; echo x > $TMPDIR/x; cat $TMPDIR/x", WAY)
    assert (done.stdout, done.stderr) == ("200000\nx\n", "")
    assert state(Path(folder)) == before


@REAL
def test_others_owners_are_nobody_and_the_guard_says_so() -> None:
    assert guarded("stat -c %U /etc/passwd", WAY).stdout == "nobody\n"
    assert any("nobody" in each for each in Guard(WAY).hides)


# ---- how commands end ------------------------------------------------------------------------------


@REAL
def test_input_status_and_time_limits_pass() -> None:
    argv = [
        *DROP,
        "/usr/bin/env",
        "-i",
        "PATH=/usr/bin:/bin",
        *Guard(WAY).argv(Profile.PLAIN),
        "/bin/sh",
        "-c",
    ]
    done = subprocess.run([*argv, "cat; exit 7"], input=b"in\0\xff", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (7, b"in\0\xff")
    assert guarded("timeout 0.2 sleep 9", WAY).returncode == 124
    assert guarded("kill -KILL $$", WAY).returncode == 128 + 9


@REAL
@pytest.mark.parametrize("profile", [Profile.PLAIN, Profile.PROCS])
def test_a_killed_shell_takes_everything_along(profile: Profile) -> None:
    mark = f"61.{os.getpid()}{len(profile)}"
    argv = [*DROP, *Guard(WAY).argv(profile), "/bin/sh", "-c", f"sleep {mark}"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True) as outer:
        until(lambda: bool(running(mark)))
        os.killpg(outer.pid, 15)
        until(lambda: not running(mark))


def running(mark: str) -> list[str]:
    found = subprocess.run(["pgrep", "-fx", f"sleep {mark}"], capture_output=True, text=True, check=False)
    return found.stdout.split()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.02)


class OnTerminal:
    """A line under the guard on a terminal of its own."""

    def __init__(self, line: str, profile: Profile) -> None:
        argv = (*DROP, "/usr/bin/env", "-i", "TERM=xterm", "PATH=/usr/bin:/bin", *Guard(WAY).argv(profile))
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            if os.geteuid() == 0:
                os.fchown(0, NOBODY, NOBODY)
            os.execv(shutil.which(argv[0]) or argv[0], [*argv, "/bin/sh", "-c", line])
        self.seen = ""

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + 10
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self.fd], [], [], 0.1)[0]:
                self.seen += os.read(self.fd, 4096).decode()

    def end(self) -> int:
        """Return its exit status."""
        with contextlib.suppress(OSError):
            while os.read(self.fd, 4096):
                pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def close(self) -> None:
        os.close(self.fd)


@pytest.fixture
def on_terminal() -> Iterator[Callable[[str, Profile], OnTerminal]]:
    opened: list[OnTerminal] = []

    def make(line: str, profile: Profile) -> OnTerminal:
        opened.append(OnTerminal(line, profile))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@REAL
@pytest.mark.parametrize("profile", [Profile.PLAIN, Profile.PROCS])
def test_a_terminal_is_the_commands(on_terminal: Callable[..., OnTerminal], profile: Profile) -> None:
    wait = "while :; do sleep 0.1; done"
    line = f"trap 'stty size; exit 5' WINCH; tty; read x; echo got $x; cat < /dev/tty; {wait}"
    shown = on_terminal(line, profile)
    shown.wait_for("/dev/pts/")
    os.write(shown.fd, b"a line\n")
    shown.wait_for("got a line")
    os.write(shown.fd, b"again\n\x04")
    shown.wait_for("again\r\nagain\r\n")
    termios.tcsetwinsize(shown.fd, (44, 99))
    shown.wait_for("44 99")
    assert shown.end() == 5


@REAL
@pytest.mark.parametrize("profile", [Profile.PLAIN, Profile.PROCS])
def test_ctrl_c_is_for_what_runs_and_ctrl_z_for_nobody(
    on_terminal: Callable[..., OnTerminal], profile: Profile
) -> None:
    shown = on_terminal("trap 'echo caught' INT; echo ready; while :; do read x && exit 3; done", profile)
    shown.wait_for("ready")
    for keys, answer in ((b"\x03", "caught"), (b"\x1a", "^Z")):
        os.write(shown.fd, keys)
        shown.wait_for(answer)
    os.write(shown.fd, b"\n")
    assert shown.end() == 3
    mark = f"62.{os.getpid()}{len(profile)}"
    plain = on_terminal(f"sleep {mark}", profile)
    until(lambda: bool(running(mark)))
    os.write(plain.fd, b"\x03")
    assert plain.end() != 0
    until(lambda: not running(mark))
