"""The kernel guard by itself, with no judge before it: what would write is stopped, what looks goes on."""

from __future__ import annotations

import gzip
import os
import platform
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from guarded import (
    ATTACKER,
    BUBBLEWRAP,
    CALLS,
    DROP,
    INTERPRETERS,
    NOBODY,
    OWNERS,
    READS,
    SETTING,
    STRONGEST,
    WAYS,
    WRITES,
    guarded,
    landlock_here,
    state,
    unguarded,
)

from gateway.protocols.ssh.guard.bubblewrap import Bubblewrap
from gateway.protocols.ssh.guard.guard import Guard, Profile
from gateway.protocols.ssh.guard.offers import QUESTION, SHUT, TRIAL, Offers, read_offers

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the guard is Linux's"),
    pytest.mark.skipif(not INTERPRETERS, reason="neither perl nor python3 is under /usr/bin"),
]
BY_ONE: list[str] = [name for name in WAYS if not name.startswith("python3")]
"""Ways that differ in what the kernel is asked for."""
BWRAP = Bubblewrap("/usr/bin/bwrap", "0.8")


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


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_written_where_the_account_could(prey: Path, way: str) -> None:
    before = state(prey)
    line = f"cd {prey}; " + "; ".join(f"( {write} )" for write in WRITES)
    done = guarded(line, WAYS[way])
    assert state(prey) == before
    assert done.stderr.count("\n") >= len(WRITES) - 2, done.stderr
    unguarded(f"cd {prey}; echo changed > file")
    assert state(prey) != before, "the account itself could not write: the test proves nothing"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the calls are given by their numbers on x86_64")
@pytest.mark.parametrize("way", BY_ONE)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_changes_something_is_stopped(prey: Path, name: str, way: str) -> None:
    before = state(prey)
    program = prey.parent / "attack.py"
    program.write_text(SETTING % CALLS[name])
    program.chmod(0o644)
    done = guarded(f"cd {prey}; exec {ATTACKER} {program}", WAYS[way])
    assert done.stdout.startswith("stopped"), done
    assert state(prey) == before


@pytest.mark.parametrize("way", BY_ONE)
@pytest.mark.parametrize("profile", [Profile.PLAIN, Profile.PROCS, Profile.NET])
def test_a_datagram_of_a_pair_reaches_nobody(prey: Path, profile: Profile, way: str) -> None:
    """As ``/dev/log`` takes them, or systemd's own."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(prey / "ear"))
        (prey / "ear").chmod(0o777)
        ear.settimeout(0.2)
        said = "import socket;socket.socketpair(1,2)[0].sendto(b'x','ear')"
        unguarded(f'cd {prey}; exec {ATTACKER} -c "{said}"')
        assert ear.recv(1) == b"x", "it is not heard without the guard either: the test proves nothing"
        guarded(f'cd {prey}; exec {ATTACKER} -c "{said}"', WAYS[way], profile)
        with pytest.raises(TimeoutError):
            ear.recv(1)


@pytest.mark.parametrize("way", BY_ONE)
@pytest.mark.parametrize("profile", list(Profile))
def test_every_profile_keeps_files(prey: Path, profile: Profile, way: str) -> None:
    before = state(prey)
    guarded(f"cd {prey}; echo changed > file; rm -f file; touch new; chmod 777 .", WAYS[way], profile)
    assert state(prey) == before


def test_others_are_not_signalled(prey: Path) -> None:
    with subprocess.Popen([*DROP, "sleep", "60"]) as victim:
        for way in BY_ONE:
            for profile in (Profile.PLAIN, Profile.PROCS):
                done = guarded(f"kill -9 {victim.pid}", WAYS[way], profile)
                assert done.returncode != 0
        assert victim.poll() is None
        unguarded(f"kill -9 {victim.pid}")
        assert victim.wait(5) == -9, "the account itself could not signal: the test proves nothing"


@pytest.mark.parametrize("way", BY_ONE)
@pytest.mark.parametrize("profile", [Profile.PLAIN, Profile.PROCS, Profile.BUS])
def test_only_profiles_of_the_network_reach_it(profile: Profile, way: str) -> None:
    asked = f"{ATTACKER} -c 'import socket; socket.create_connection((\"127.0.0.1\", 1))'"
    assert "Operation not permitted" in guarded(asked, WAYS[way], profile).stderr
    assert "refused" in guarded(asked, WAYS[way], Profile.NET).stderr


@pytest.mark.parametrize("way", WAYS)
def test_reads_answer_as_without_it(way: str) -> None:
    for line in READS if WAYS[way].interpreter else set(READS) - OWNERS:
        plain = unguarded(f"exec 9<>/dev/null; {line}")
        seen = guarded(line, WAYS[way])
        assert (seen.stdout, seen.stderr, seen.returncode) == (plain.stdout, plain.stderr, plain.returncode)


def test_dev_null_can_be_written_to_where_landlock_keeps_files() -> None:
    if not landlock_here():
        pytest.skip("this kernel has no Landlock")
    done = guarded("ls /nowhere 2>/dev/null; echo seen >/dev/null; echo whole")
    assert (done.stdout, done.stderr) == ("whole\n", "")


@pytest.mark.parametrize("way", WAYS)
def test_git_and_zgrep_work_where_the_level_does_not_say_otherwise(short_folder: Path, way: str) -> None:
    """Both open /dev/null for writing, by its name."""
    packed = short_folder / "log.gz"
    packed.write_bytes(gzip.compress(b"one\ntwo\n"))
    wants = {f"zgrep -c two {packed}": "1\n"}
    if shutil.which("git"):
        wants["git rev-parse --git-dir || echo none"] = "none\n"
    said = Guard(WAYS[way]).findings()["guard open"]
    for line, answer in wants.items():
        done = guarded(f"cd / && {line}", WAYS[way])
        fails = "/dev/null" in done.stderr
        assert fails is ("git and zgrep fail" in said)
        assert fails or done.stdout == answer


@pytest.mark.skipif(shutil.which("lsof") is None, reason="lsof is not installed (apt install lsof)")
@pytest.mark.parametrize("way", WAYS)
def test_lsof_works_where_the_level_does_not_say_otherwise(way: str) -> None:
    done = guarded("lsof -v 2>&1", WAYS[way], Profile.PROCS)
    fails = "lsof fails" in Guard(WAYS[way]).findings()["guard open"]
    assert ("revision" in done.stdout) is not fails


@pytest.mark.parametrize("way", BY_ONE)
def test_processes_of_others_are_seen_where_the_profile_says_so(way: str) -> None:
    if shutil.which("ps") is None:
        pytest.skip("ps is not on this machine")
    plain = unguarded("ps -eo pid= | wc -l")
    seen = guarded("ps -eo pid= | wc -l", WAYS[way], Profile.PROCS)
    assert abs(int(seen.stdout) - int(plain.stdout)) < 20
    with subprocess.Popen([*DROP, "sleep", "60"]) as other:
        named = guarded(f"ps -o args= -p {other.pid}", WAYS[way], Profile.PROCS)
        program = guarded(f"readlink /proc/{other.pid}/exe", WAYS[way], Profile.PROCS)
        other.kill()
    assert named.stdout == "sleep 60\n"
    assert program.stdout.endswith("/sleep\n") is bool(WAYS[way].interpreter), program


def test_a_guard_that_can_not_be_put_on_runs_nothing() -> None:
    argv = Guard(STRONGEST).argv(Profile.PLAIN)
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
        Offers("x86_64", "6.1", 0, "", False, replace(BWRAP, complaint="No permissions")),
        Offers("riscv64", "6.1", 0, "", False, BWRAP),
        Offers("x86_64", "6.1", 0, "", True, BWRAP),
    ],
)
def test_where_there_is_no_guard_it_says_why(offers: Offers) -> None:
    guard = Guard(offers)
    assert not guard.works
    assert guard.argv(Profile.PLAIN) == ()
    assert guard.name == "judge-only"
    assert guard.findings()["guard missing"]


def test_a_host_is_asked_what_it_offers() -> None:
    found = read_offers(unguarded(QUESTION).stdout)
    wrapping = BUBBLEWRAP.bubblewrap if BUBBLEWRAP else found.bubblewrap
    assert found == Offers(
        platform.machine(), platform.release(), landlock_here(), INTERPRETERS[0], False, wrapping
    )


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


@pytest.mark.parametrize("way", WAYS)
def test_each_way_passes_its_own_trials(way: str) -> None:
    for profile, trial in Guard(WAYS[way]).trials():
        assert guarded(trial, WAYS[way], profile).stdout == SHUT
        assert unguarded(f"exec 9<>/dev/null; {trial}").stdout == "open\n"
