"""A recorded terminal is played without anything that this one would obey."""

from __future__ import annotations

import json

import pytest

from gateway.cli.player import harmless, play_cast


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m\x1b[2J\x1b[10;3H", "\x1b[1;31mred\x1b[0m\x1b[2J\x1b[10;3H"),
        ("\x1b[?1049h\x1b[?25l", "\x1b[?1049h\x1b[?25l"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;Y2xpcGJvYXJk\x1b\\b", "ab"),
        ("a\x1bP+q544e\x1b\\b", "ab"),
        ("\x1b[6n\x1b[c\x1b[>c\x1b[5n\x1b[21t\x1b[?2004h\x1b[20h", ""),
        ("\x9b31m\x85x\x05", "31mx"),
        ("tab\tnew\r\nline\x08\x1b7\x1bc", "tab\tnew\r\nline\x08"),
        ("\x1b]unfinished", ""),
        ("grüße", "grüße"),
    ],
)
def test_what_asks_or_sets_something_goes(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_a_play_begins_at_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    events = [
        {"version": 2, "title": "eve at web-1, session 7"},
        [0.1, "m", "ls"],
        [0.1, "o", "$ ls\r\n"],
        [99.0, "m", "id"],
        [99.0, "o", "$ id\r\n"],
    ]
    data = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    play_cast([data[:30], data[30:]], speed=1000, pause=1, command=2)
    printed = capsys.readouterr().out
    assert "session 7" in printed
    assert "$ id" in printed
    assert "$ ls" not in printed
