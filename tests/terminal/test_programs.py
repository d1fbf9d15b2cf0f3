"""The second lock before full-screen programs: keys that could do something are dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.terminal.programs import TABLES, KeyLock, shared


@pytest.mark.parametrize(
    ("program", "typed", "sent"),
    [
        ("less", b"jk \x1b[A\x1b[5~q", b"jk \x1b[A\x1b[5~q"),
        ("less", b"/!sh\rv", b"/!sh\r"),
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
