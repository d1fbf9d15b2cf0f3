"""The second lock before full-screen programs: keys that could do something are dropped."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.terminal.programs import TABLES, KeyLock, shared


@pytest.mark.parametrize(
    ("program", "typed", "sent"),
    [
        ("less", b"jk \x1b[A\x1b[5~q", b"jk \x1b[A\x1b[5~q"),
        ("less", b"/!sh\rv", b"/!.h\r"),
        ("less", b"/Error: s\r", b"/.rror. .\r"),
        ("less", b"&s/x\r", b"/x\r"),
        ("less", b"E/x\r", b"/x\r"),
        ("less", b"/abc\x1b!", b"/abc\x1b"),
        ("top", b"k1\rq", b"1\rq"),
        ("less", b"/a\x7f\x7f!v", b"/a\x7f\x7f"),
        ("more", b"/\x7f!vh\r", b"/\x7fh\r"),
        ("more", b"/ab\x15\x08!", b"/ab\x08!"),
        ("less", b"/!\x7f!v", b"/!\x7f"),
        ("less", b"/" + b"x" * 3000 + b"\x7f" * 65 + b"v", b"/" + b"x" * 3000 + b"\x7f" * 65),
        ("top", b"&kr", b"&"),
        ("top", b"huk", b"h"),
        ("htop", b"h/kq/k", b"hq/k"),
        ("top", b"W", b""),
        ("top", b"uroot\rk", b"uroot\r"),
        ("htop", b"\x1b[19~\x1bOQk", b""),
        ("watch", b"q\x03", b"q\x03"),
    ],
)
def test_what_is_sent_on(program: str, typed: bytes, sent: bytes) -> None:
    assert KeyLock(TABLES[program]).pass_on(typed) == sent


@given(st.sampled_from(sorted(TABLES)), st.binary(max_size=60), st.integers(1, 5))
def test_pieces_do_not_matter(program: str, data: bytes, step: int) -> None:
    lock = KeyLock(TABLES[program])
    pieces = b"".join(lock.pass_on(data[at : at + step]) for at in range(0, len(data), step))
    assert pieces == KeyLock(TABLES[program]).pass_on(data)


@given(
    st.sampled_from(sorted(TABLES)),
    st.lists(st.sampled_from([b"!", b"v", b"|", b"s", b"k", b"r", b"W", b":"])),
)
def test_no_key_that_runs_or_writes_comes_through_alone(program: str, keys: list[bytes]) -> None:
    passed = KeyLock(TABLES[program]).pass_on(b"".join(keys))
    forbidden = {"less": b"!v|s:W", "top": b"krW!|:s", "htop": b"ks!|:Wr"}.get(program, b"!|:W")
    assert not set(passed) & set(forbidden)


def test_of_several_programs_only_what_all_of_them_take_is_sent_on() -> None:
    lock = KeyLock(shared([TABLES["top"], TABLES["more"]]))
    assert lock.pass_on(b"v!u/q") == b"q"


BUSYBOX = shutil.which("busybox")


@pytest.mark.skipif(BUSYBOX is None, reason="busybox is not installed")
@pytest.mark.parametrize(
    "keys", ["&sLOG\r", "/sLOG\r", "99999999/sLOG\r", "sLOG\r", "ELOG\r", ":eLOG\r", "?\x03sLOG\r"]
)
def test_busyboxs_less_writes_and_opens_nothing(tmp_path: Path, keys: str) -> None:
    """It knows no secure mode: the lock is the only one."""
    (tmp_path / "text").write_text("a line\n" * 100)
    (tmp_path / "other").write_text("of another file\n")
    typed = keys.replace("LOG", str(tmp_path / ("other" if keys[0] in "E:" else "log"))).encode()
    shown = at_terminal([str(BUSYBOX), "less", str(tmp_path / "text")], KeyLock(TABLES["less"]), typed + b"q")
    assert b"a line" in shown
    assert b"of another file" not in shown
    assert not (tmp_path / "log").exists()


def at_terminal(argv: list[str], lock: KeyLock, typed: bytes) -> bytes:
    """What a program shows on a terminal where somebody types, behind a lock."""
    process, terminal = pty.fork()
    if process == 0:
        os.execve(argv[0], argv, {"TERM": "xterm", "PATH": os.defpath})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    shown = _settled(terminal)
    for key in typed:
        os.write(terminal, lock.pass_on(bytes([key])))
        shown += _settled(terminal, 0.02)
    shown += _settled(terminal)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    os.close(terminal)
    return shown


def _settled(terminal: int, seconds: float = 0.2) -> bytes:
    """What is shown until nothing more is for so long."""
    shown = b""
    while select.select([terminal], [], [], seconds)[0]:
        try:
            shown += os.read(terminal, 65536)
        except OSError:  # it has ended
            break
    return shown
