"""The line editor before a terminal emulator: what is shown is what is in the line, whatever was typed."""

from __future__ import annotations

import unicodedata

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.terminal.editor import Asked, Completion, Event, History, Line, LineEditor
from gateway.terminal.keys import Key, Keys, Pasted, Typed
from gateway.terminal.screen import Screen

PROMPT = "web-1 42m glass ~ $ "


class Desk:
    """A person at a terminal of an emulator's."""

    def __init__(self, width: int = 40, history: list[str] | None = None, prompt: str = PROMPT) -> None:
        self.screen = pyte.Screen(width, 30)
        self.stream = pyte.ByteStream(self.screen)
        self.editor = LineEditor(width, History(history or []))
        self.events: list[Event] = []
        self.show(self.editor.begin(prompt))

    def show(self, data: bytes) -> None:
        self.stream.feed(data)

    def type(self, *data: bytes) -> Desk:
        for each in data:
            shown, events = self.editor.feed(each)
            self.show(shown)
            self.events += events
        return self

    @property
    def seen(self) -> str:
        """The screen's text, rows joined as they were broken."""
        return "".join(self.screen.display).rstrip()


def test_a_line_is_typed_and_entered() -> None:
    desk = Desk().type(b"ls -la", b"\r")
    assert desk.events == [Line("ls -la")]
    assert desk.seen == PROMPT + "ls -la"


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (b"ac\x02b", "abc"),
        (b"bc\x01a", "abc"),
        (b"abd\x7fc", "abc"),
        (b"ab\x1b[D\x1b[3~c", "ac"),
        (b"cat one two\x17three", "cat one three"),
        (b"cat a/b\x1b\x7fc", "cat a/c"),
        (b"one two\x01\x0b\x19\x19", "one twoone two"),
        (b"ab\x14", "ba"),
        (b"one\x15two", "two"),
        (b"one two\x1bb\x1bd2", "one 2"),
        (b"one two\x1b[1;5D\x1b[1;5DX", "Xone two"),
        (b"\x1b[A", "second"),
        (b"\x1b[A\x1b[A", "first one"),
        (b"draft\x1b[A\x1b[B", "draft"),
        (b"\x12ir\x05", "first one"),
        (b"\x12s\x12\x05", "first one"),
        (b"x\x12zzz\x07", "x"),
        (b"cat \x1b.", "cat second"),
        (b"\x1b[200~a\nb\x1b[201~", "a\nb"),
        (b"\x1b[99;99Za", "a"),
        ("grüße 漢字 é".encode(), "grüße 漢字 é"),
        (b"\xff\xfea", "a"),
        (b"a\x00\x1b[31mb", "ab"),
    ],
)
def test_keys_do_what_bash_does(typed: bytes, line: str) -> None:
    for pieces in ([typed], [typed[at : at + 1] for at in range(len(typed))]):
        desk = Desk(history=["first one", "second"]).type(*pieces)
        assert desk.editor.text == line
        assert desk.type(b"\r").events == [Line(line)]


def test_what_is_asked_for() -> None:
    assert Desk().type(b"\x03").events == [Asked.INTERRUPT]
    assert Desk().type(b"\x04").events == [Asked.END_OF_INPUT]
    assert Desk().type(b"a\x04").events == []
    assert Desk().type(b"\x1a").events == [Asked.SUSPEND]
    assert Desk().type(b"cat /e\t").events == [Completion("cat /e")]


def test_an_interrupt_leaves_its_mark_and_the_prompt_comes_below() -> None:
    desk = Desk().type(b"rm x\x03")
    desk.show(desk.editor.begin(PROMPT))
    assert [row.rstrip() for row in desk.screen.display[:2]] == [PROMPT + "rm x^C", PROMPT.rstrip()]


def test_one_completion_is_taken_and_several_are_shown() -> None:
    desk = Desk().type(b"cat /etc/ho\t")
    desk.show(desk.editor.complete(2, ["hosts"]))
    assert desk.editor.text == "cat /etc/hosts "
    desk = Desk().type(b"cat /etc/h\t")
    desk.show(desk.editor.complete(1, ["hosts", "hostname"]))
    assert desk.editor.text == "cat /etc/host"
    desk.type(b"\t")
    desk.show(desk.editor.complete(4, ["hosts", "hostname"]))
    assert "hosts     hostname" in desk.screen.display[1]
    assert desk.screen.display[2].rstrip() == PROMPT + "cat /etc/host"


def test_what_is_behind_an_entered_line_is_left_as_it_came() -> None:
    desk = Desk().type(b"one\rtwo\rth\xc3\x03")
    assert desk.events == [Line("one")]
    assert desk.editor.behind() == b"two\rth\xc3\x03"
    assert desk.editor.behind() == b""
    desk.show(desk.editor.begin(PROMPT))
    assert desk.type(b"two\nthr").events == [Line("one"), Line("two")]
    assert desk.editor.behind() == b"thr"


def test_a_line_end_within_a_paste_ends_no_line() -> None:
    desk = Desk().type(b"\x1b[200~one\rtwo\x1b[201~\rthree")
    assert desk.events == [Line("one\ntwo")]
    assert desk.editor.behind() == b"three"


def test_keys_behind_an_interrupt_wait_for_the_next_prompt() -> None:
    desk = Desk().type(b"one\x03two\rthree")
    assert desk.events == [Asked.INTERRUPT]
    assert desk.editor.type_ahead()
    desk.show(desk.editor.begin(PROMPT))
    desk.events += desk.editor.go_on()[1]
    assert desk.events == [Asked.INTERRUPT, Line("two")]
    assert desk.editor.behind() == b"three"


def test_a_message_stands_above_the_line() -> None:
    desk = Desk().type(b"half")
    desk.show(desk.editor.interrupted_by(b"five minutes left\r\n"))
    rows = [row.rstrip() for row in desk.screen.display[:3]]
    assert rows == [PROMPT + "half", "five minutes left", PROMPT + "half"]


KEYS = st.one_of(
    st.sampled_from(
        [
            *(bytes([code]) for code in (1, 2, 5, 6, 8, 11, 14, 16, 20, 21, 23, 25, 127)),
            *(
                b"\x1b[A",
                b"\x1b[B",
                b"\x1b[C",
                b"\x1b[D",
                b"\x1b[3~",
                b"\x1bb",
                b"\x1bf",
                b"\x1bd",
                b"\x1b\x7f",
            ),
        ]
    ),
    st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), min_size=1, max_size=30).map(
        str.encode
    ),
    st.sampled_from(["ü", "é", "→"]).map(str.encode),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(KEYS, max_size=25), st.integers(12, 45))
def test_the_screen_shows_the_line_whatever_is_typed(strokes: list[bytes], width: int) -> None:
    desk = Desk(width, ["first one", "a longer line that takes more than a single row of the terminal"])
    desk.type(*strokes)
    assert shown_of(desk) == spaced(PROMPT + desk.editor.text)
    fresh = Desk(width, prompt=PROMPT + desk.editor.text[: desk.editor.cursor])
    assert (desk.screen.cursor.x, desk.screen.cursor.y) == (fresh.screen.cursor.x, fresh.screen.cursor.y)


def shown_of(desk: Desk) -> str:
    return spaced("".join(desk.screen.display))


def spaced(text: str) -> str:
    """Text as a screen tells it: composed, without its blanks."""
    return "".join(unicodedata.normalize("NFC", text).split())


def test_a_wide_character_never_breaks_over_two_rows() -> None:
    screen = Screen(10)
    assert screen.paint("1234567 ", "x漢", 2).endswith("x漢".encode())
    assert screen.leave() == b"\r\n"
    assert screen.paint("1234567 ", "x漢字", 1).endswith(b"\x1b[1A\r\x1b[9C")


@given(st.binary(max_size=60), st.integers(1, 7))
def test_any_bytes_are_keys_or_nothing(data: bytes, step: int) -> None:
    keys = Keys()
    for at in range(0, len(data), step):
        for stroke in keys.feed(data[at : at + step]):
            assert isinstance(stroke, Key | Typed | Pasted)
            if isinstance(stroke, Typed):
                assert stroke.character.isprintable()
