"""Typing ahead and interrupting in the governed shell, in a real terminal with the real ssh ."""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Iterator

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


def test_what_a_command_did_not_read_is_the_next_line(pane: Pane) -> None:
    pane.type("sleep 0.7", "Enter")
    time.sleep(0.3)
    pane.type("echo typed-$((40+2))", "Enter", "echo half-way,")
    pane.until("\ntyped-42")
    pane.until_last("$ echo half-way,")
    pane.type("there", "Enter").until("\nhalf-way,there")


def test_a_command_that_reads_takes_its_lines_and_no_more(pane: Pane) -> None:
    pane.type("head -n 1 | wc -c; sleep 0.7", "Enter")
    time.sleep(0.3)
    pane.type("taken", "Enter").until("\n6\n")
    pane.type("echo after-$((1+1))", "Enter").until("\nafter-2")


def test_no_key_is_lost_when_it_comes_as_a_command_ends(pane: Pane) -> None:
    """Each round types the next line while the command before it is at its end, a little later each time."""
    for at in range(12):
        pane.type("sleep 0.05", "Enter")
        time.sleep(at * 0.01)
        pane.type(f"echo round-{at}-$((1+1))", "Enter").until(f"\nround-{at}-2")


@pytest.mark.parametrize(
    ("line", "rounds"), [("sleep 100", 50), ("sleep 100; sleep 200", 10), ("sleep 100 | cat", 10)]
)
def test_control_c_is_never_lost_however_early_it_comes(pane: Pane, line: str, rounds: int) -> None:
    for at in range(rounds):
        pane.type("C-l", line, "Enter")
        time.sleep(at * 0.05 / rounds)
        pane.type("C-c")
        pane.type(f"echo round-{at}-$?", "Enter").until(f"\nround-{at}-130", 5.0)


def test_control_c_right_behind_a_line_interrupts_it_and_takes_what_was_typed_before(pane: Pane) -> None:
    pane.type("sleep 100", "Enter", "echo never", "Enter", "C-c", "echo status-$?", "Enter")
    assert "\nnever" not in pane.until("\nstatus-130")
