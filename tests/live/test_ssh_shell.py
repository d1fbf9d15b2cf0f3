"""The governed shell in a real terminal (tmux) with the real ssh before a real host."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_ssh import LiveSsh
from panes import Pane

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed (apt install tmux)"
)


@pytest.fixture
def pane(ssh: LiveSsh, request: pytest.FixtureRequest) -> Iterator[Pane]:
    with Pane.running(shlex.join(ssh.argv(options=("-tt",))), name=request.node.name) as made:
        made.until(" $")
        yield made


def test_it_feels_like_a_shell(pane: Pane, ssh: LiveSsh) -> None:
    pane.type("cd /etc", "Enter").until("/etc $")
    pane.type("pwd; ls -d host*", "Enter").until("hostname")
    assert "\n/etc\n" in pane.text
    pane.type("x=5", "Enter", 'echo "x is $x"', "Enter").until("x is 5")
    pane.type("false", "Enter", "echo status $?", "Enter").until("status 1")
    pane.type("for i in 1 2; do", "Enter").until("\n>")
    pane.type("echo round $i; done", "Enter").until("round 2")
    pane.type("exit 3", "Enter").until("left with 3")


def test_a_refused_line_says_why_and_the_prompt_is_back(pane: Pane) -> None:
    pane.type("rm -rf /etc/nothing-here", "Enter").until("change request")
    pane.type("echo still here", "Enter").until("\nstill here")
    pane.type("echo status $?", "Enter").until("status 0")


def test_tab_completes_paths_of_the_host(pane: Pane) -> None:
    pane.type("cat /etc/hostn", "Tab").until("/etc/hostname")
    pane.type("Enter").until(" $")


def test_control_c_ends_a_command_and_nothing_is_suspended(pane: Pane, ssh: LiveSsh) -> None:
    pane.type("sleep 4242", "Enter")
    end = time.monotonic() + 10
    while not ssh.sshd.processes("sleep 4242") and time.monotonic() < end:
        time.sleep(0.05)
    pane.type("C-c").until("4242\nweb-1")
    pane.type("echo status $?", "Enter").until("status 130")
    assert not ssh.sshd.processes("sleep 4242")
    pane.type("C-z").until("nothing can be suspended")
    pane.type("C-d").until("left with")


def test_a_pager_is_shown_and_its_doors_are_shut(pane: Pane) -> None:
    pane.type("less /etc/services", "Enter").until("tcpmux")
    pane.type("!touch /tmp/through-less", "Enter", "v", "Enter", "q", "q", "q")
    pane.until("◇")
    pane.type("C-u", "echo back", "Enter").until("\nback")
    assert not Path("/tmp/through-less").exists()


def test_the_window_has_the_size_of_the_terminal(pane: Pane) -> None:
    pane.type("stty size", "Enter").until("30 100")


def test_a_script_on_standard_input_is_judged_as_one_line(ssh: LiveSsh) -> None:
    done = ssh.ssh(stdin=b"cd /etc\nfor f in hostname; do echo $f; done\n", options=("-T",))
    assert (done.returncode, done.stdout) == (0, b"hostname\n")
    done = ssh.ssh(stdin=b"echo never\nrm /etc/x\n", options=("-T",))
    assert (done.returncode, done.stdout) == (126, b"")


def test_a_variable_whose_value_is_not_known_any_more_is_forgotten(pane: Pane) -> None:
    pane.type("x=5", "Enter", 'echo "x is <$x>"', "Enter").until("x is <5>")
    pane.type("unset x", "Enter", 'echo "now <$x>"', "Enter").until("now <>")
