"""A line of the governed shell on its host: marks in its output, and keys that it did not read."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from governed import connected, person
from hypothesis import given
from hypothesis import strategies as st
from ssh_door import Gate, endpoint_for, gate_for, trusting

from gateway.judge.shell.catalogue import load_shell
from gateway.protocols.ssh.attended import Mark, Marks, typed
from gateway.protocols.ssh.parts import Parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sshd import Sshd

MARK = "a1b2c3"
PIECES = [
    b"\x1b_a1b2c3+\x1b\\",
    b"\x1b_a1b2c3-130\x1b\\",
    b"\x1b_a1b2c3=\x1b\\",
    b"\x1b_",
    b"\x1b",
    b"a1b2c3",
    b"x\n",
]


def heard(*pieces: bytes) -> tuple[bytes, list[Mark]]:
    marks, shown, found = Marks(MARK), b"", []
    for piece in pieces:
        for each in marks.feed(piece):
            if isinstance(each, Mark):
                found.append(each)
            else:
                shown += each
    return shown + marks.rest(), found


def test_marks_are_taken_out_of_the_output() -> None:
    said = b"one\x1b_a1b2c3+\x1b\\two\x1b_a1b2c3-0\x1b\\\x1b_a1b2c3=\x1b\\"
    assert heard(said) == (b"onetwo", [Mark("+", b""), Mark("-", b"0"), Mark("=", b"")])


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.lists(st.integers(0, 90), max_size=6))
def test_they_are_found_however_the_output_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(pieces)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    cut = [whole[start:end] for start, end in pairwise(places)]
    assert heard(*cut) == heard(whole)


def test_only_what_may_be_a_mark_waits_for_more() -> None:
    marks = Marks(MARK)
    assert list(marks.feed(b"\x1b[1mbold\x1b_other\x1b\\ \x1b_a1")) == [b"\x1b[1mbold\x1b_other\x1b\\ "]
    assert marks.rest() == b"\x1b_a1"


@pytest.mark.parametrize(
    ("back", "sent", "takes"),
    [
        (b"ls\n", b"ls\r", True),
        (b"ls\n", b"cat x\r\x04lx\x7fs\r", True),
        (b"\0", b"\x04", True),
        (b"rm\n", b"ls\r", False),
        (b"sl\n", b"ls\r", False),
        (b"ls\nls\n", b"ls\r", False),
    ],
)
def test_nothing_comes_back_that_was_not_typed(back: bytes, sent: bytes, takes: bool) -> None:
    assert typed(back, sent) is takes


TYPES = b"""\
import fcntl, os
t = os.open("/dev/tty", os.O_RDWR)
[fcntl.ioctl(t, 0x5412, bytes([key])) for key in b"id\\n"]"""


@pytest.fixture
async def gate(tmp_path: Path, sshd: Sshd) -> AsyncIterator[Gate]:
    async with gate_for(tmp_path, {"web-1": endpoint_for(sshd)}, Parts(load_shell(), trusting)) as made:
        yield made


async def test_what_is_typed_where_echo_is_off_never_shows_on_a_line(gate: Gate) -> None:
    """Its program gave up before it read it, and put echo on again."""
    async with connected(gate) as connection:
        one = await person(connection)
        one.type(b"stty -echo; echo ready; sleep 0.6; stty echo\r")
        await one.until(b"ready\r\n")
        one.type(b"secret word\r")
        await one.until(b" $ ")
        one.type(b"echo next\r")
        assert b"secret" not in await one.until(b"\nnext\r\n")
    assert not any(b"secret" in unit.text for unit, _ in gate.room.units)


async def test_where_echo_is_left_off_nothing_comes_back(gate: Gate) -> None:
    async with connected(gate) as connection:
        one = await person(connection)
        one.type(b"stty -echo -icanon; echo ready; sleep 0.6\r")
        await one.until(b"ready\r\n")
        one.type(b"secret word\r")
        await one.until(b" $ ")
        one.type(b"echo next\r")
        assert b"secret" not in await one.until(b"\nnext\r\n")


async def test_a_program_that_knows_the_mark_types_nothing(gate: Gate) -> None:
    """It says all that the shell around it would, and sends back keys of its own."""
    async with connected(gate) as connection:
        one = await person(connection)
        one.type(
            b"n=$(tr '\\0' '\\n' < /proc/$PPID/cmdline | sed -n '/^sh$/{n;p;q}');"
            b" stty raw -echo; echo ready; head -c 3 > /dev/null; printf '\\033_%s-0\\033\\\\' $n;"
            b" printf '\\033_%s=\\033\\\\' $n; printf 'echo for''ged\\r\\n%s\\n' $n; sleep 5\r"
        )
        await one.until(b"ready\n")
        one.type(b"xyz")
        await one.until(b" $ ", 4.0)
        one.type(b"echo next\r")
        assert b"forged" not in await one.until(b"\nnext\r\n")
    assert [unit.text for unit, _ in gate.room.units][1:] == [b"echo next"]


async def test_much_typed_ahead_comes_back_whole_and_in_order(gate: Gate) -> None:
    async with connected(gate) as connection:
        one = await person(connection)
        one.type(b"echo ready; sleep 0.5\r")
        await one.until(b"ready\r\n")
        one.type(b"".join(b"echo line-%d-of-many\r" % at for at in range(40)))
        for at in range(40):
            await one.until(b"\nline-%d-of-many\r\n" % at)


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="/usr/bin/python3 is not here")
@pytest.mark.parametrize("guard", ["off", "require"])
async def test_keys_that_a_command_types_itself_reach_no_line(tmp_path: Path, sshd: Sshd, guard: str) -> None:
    """By TIOCSTI: without a guard they get as far as the terminal of the command, and not back to here."""
    endpoints = {"web-1": endpoint_for(sshd, options={"guard": guard})}
    async with (
        gate_for(tmp_path, endpoints, Parts(load_shell(), trusting)) as gate,
        connected(gate) as connection,
    ):
        one = await person(connection)
        one.type(b"echo ready; sleep 0.5; /usr/bin/python3 -c '" + TYPES.replace(b"\n", b";") + b"'\r")
        await one.until(b"ready\r\n")
        one.type(b"k")
        await one.until(b" $ ")
        one.type(b"\x15echo next\r")
        await one.until(b"\nnext\r\n")
    assert [unit.text for unit, _ in gate.room.units][1:] == [b"echo next"]
