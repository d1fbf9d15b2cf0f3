"""What is printed: aligned, neutralised, coloured only where it is wanted."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import show

EVIL = "a\x1b[2Jb\u202ec\u200bd"


def test_a_piped_table_is_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 500
    show.table(("ID", "REASON"), [("1", long), ("22", "short")], empty="none")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["ID  REASON", f"1   {long}", "22  short"]


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("ID",), [], empty="No grants.")
    assert capsys.readouterr().out == "No grants.\n"


def test_text_from_people_drives_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(("WHO",), [(EVIL,)], empty="")
    show.facts([("reason", EVIL), ("none", "")])
    show.diff(f"+{EVIL}\n-{EVIL}\n@@ {EVIL}\n {EVIL}")
    show.complain(EVIL, EVIL)
    said = capsys.readouterr()
    for character in ("\x1b", "\u202e", "\u200b"):
        assert character not in said.out + said.err
    assert "␛[2J" in said.out
    assert "none" not in said.out


def test_several_lines_stand_below_their_name(capsys: pytest.CaptureFixture[str]) -> None:
    show.facts([("a", "one\ntwo"), ("long", "three")])
    assert capsys.readouterr().out == "a     one\n      two\nlong  three\n"


def test_json_is_one_line_for_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    show.print_json(b'{"who": "J\xc3\xb6rg"}')
    assert capsys.readouterr().out == '{"who": "Jörg"}\n'


def test_rows_stand_in_lines_of_their_own_where_a_terminal_is_too_narrow() -> None:
    program = (
        "from gateway.cli import show\n"
        "rows = [('1', 'unexpectedly', 'xxxxxxxxxx'), ('2', '', 'y')]\n"
        "show.table(('ID', 'ENDED BY', 'REASON'), rows, empty='')"
    )
    root = Path(show.__file__).resolve().parents[2]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root), "NO_COLOR": "1", "COLUMNS": "20"}
    seen = _in_terminal([sys.executable, "-c", program], environment).replace("\r", "")
    assert seen == "id        1\nended by  unexpectedly\nreason    xxxxxxxxxx\n\nid      2\nreason  y\n\n"


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_that_want_it(variables: dict[str, str], coloured: bool) -> None:
    program = (
        "from gateway.cli import show\n"
        "show.say('said', 'good')\n"
        f"show.table(('WHO', 'WHY'), [({EVIL!r}, 'x')], empty='')\n"
        f"show.print_json([{EVIL!r}])\n"
    )
    root = Path(show.__file__).resolve().parents[2]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(root), **variables}
    seen = _in_terminal([sys.executable, "-c", program], environment)
    assert ("\x1b[32msaid" in seen) == coloured
    assert "\x1b[2J" not in seen
    assert "\u202e" not in seen
    assert json.dumps(EVIL)[1:-1] in seen


def _in_terminal(command: list[str], environment: dict[str, str]) -> str:
    """Run a program in a terminal of its own and return its raw output."""
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        data = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            data += piece
        process.wait(30)
    os.close(master)
    return data.decode()
