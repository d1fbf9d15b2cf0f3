"""The drafted patch on a screen."""

from __future__ import annotations

from gateway.domain.ids import ChangeId
from gateway.domain.unit import Filed
from gateway.protocols.ssh.patch import patch
from gateway.protocols.ssh.units import Terminal

DIFF = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n same\n"


def filed(diff: str) -> Filed:
    return Filed(ChangeId(7), joined=False, title="t", url="u", submit="s", detail="d", diff=diff)


def terminal(kind: str = "xterm-256color", columns: int = 80, rows: int = 24) -> Terminal:
    return Terminal(kind, (columns, rows, 0, 0))


def test_colour_only_where_there_is_a_terminal_that_knows_it() -> None:
    assert patch(filed(DIFF), None) == DIFF
    assert patch(filed(DIFF), terminal("dumb")) == DIFF
    shown = patch(filed(DIFF), terminal())
    assert "\x1b[31m-old\x1b[0m\n\x1b[32m+new\x1b[0m\n same\n" in shown


def test_no_more_than_a_screen() -> None:
    long = DIFF + "".join(f"+line {number}\n" for number in range(100))
    for screen in (None, terminal(), terminal(rows=0, columns=0), terminal(rows=3)):
        lines = patch(filed(long), screen).splitlines()
        assert len(lines) <= 17
        assert lines[-1] == f"… {108 - len(lines)} more lines: glassgate change show 7"


def test_long_lines_count_for_their_rows_and_are_cut() -> None:
    wide = "+" + "x" * 10_000 + "\n"
    shown = patch(filed(wide * 20), None)
    assert len(shown) < 80 * 24
    assert "… 15 more lines" in shown


def test_nothing_in_it_is_obeyed() -> None:
    shown = patch(filed("+\x1b]0;owned\x07\u202e\n"), terminal())
    assert shown.count("\x1b") == 2
    assert "\x07" not in shown
    assert "\u202e" not in shown
