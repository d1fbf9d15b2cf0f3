from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.display import counted, display


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ümlaut, 日本語, 🙂", "plain text, ümlaut, 日本語, 🙂"),
        ("\x1b[2J\x1b]0;title\x07", "␛[2J␛]0;title␇"),
        ("\x9b31m", "<U+009B>31m"),
        ("a\x7fb\x00c", "a␡b␀c"),
        ("user\u202egnp.exe", "user<U+202E>gnp.exe"),
        ("\u2066x\u2069", "<U+2066>x<U+2069>"),
        ("pay\u200bpal\ufeff", "pay<U+200B>pal<U+FEFF>"),
        ("\U000e0041tag", "<U+E0041>tag"),
        ("line\nnext\ttab\r", "line␊next␉tab␍"),
        ("\u2028para\u2029", "<U+2028>para<U+2029>"),
        ("fill\u3164er", "fill<U+3164>er"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_what_a_terminal_would_obey_or_hide_is_shown(text: str, shown: str) -> None:
    assert display(text) == shown


def test_newlines_and_tabs_stay_when_asked() -> None:
    assert display("a\r\nb\tc\rd\x1b", multiline=True) == "a\nb\tc␍d␛"


def test_bytes_that_are_not_text_are_shown_as_escapes() -> None:
    assert display(b"caf\xc3\xa9 \xff\x1b[0m") == "café \\xff␛[0m"


@pytest.mark.parametrize("text", ["abcdef", b"abcdef"])
def test_a_limit_cuts_with_an_ellipsis(text: str | bytes) -> None:
    assert display(text, limit=6) == "abcdef"
    assert display(text, limit=4) == "abc…"


def test_a_limit_on_bytes_does_not_depend_on_how_wide_characters_are() -> None:
    assert display("🙂🙂🙂".encode(), limit=2) == "🙂…"
    assert display("🙂🙂".encode(), limit=2) == "🙂🙂"


@given(st.text() | st.binary())
def test_nothing_that_is_obeyed_or_hidden_passes(text: str | bytes) -> None:
    for character in display(text):
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text())
def test_showing_twice_is_showing_once(text: str) -> None:
    assert display(display(text)) == display(text)


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1024, "1,024 rows")]
)
def test_one_is_singular(number: int, shown: str) -> None:
    assert counted(number, "row") == shown
