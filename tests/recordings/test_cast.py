"""A recording as an asciicast and as plain text; raw bytes that were cut anywhere come out whole."""

from __future__ import annotations

import json

from gateway.domain.verdict import Decision
from gateway.recordings.cast import Cast, Plain
from gateway.recordings.frames import Answer, Ended, Event, Frame, Opened, Output, Record, UnitFrame

BEGUN = 1_700_000_000_000_000_000


def unit(
    number: int, text: str | None, *, decision: Decision = Decision.ALLOW, repeats: int | None = None
) -> UnitFrame:
    sent = None if text is None else text.encode()
    return UnitFrame(number, "client", sent, repeats, None, int(decision), "shell.x", "It writes.", 0, "")


FRAMES: list[Frame] = [
    Opened(7, "eve", "web-1", 3, "INC-42", "127.0.0.1", "ssh", 1, 1, {}),
    unit(1, "echo grüße"),
    Event("window", "unit 1: 120x40"),
    Output(1, 1, "grü".encode()[:-1]),
    Output(1, 1, "grü".encode()[-1:] + b"\xc3\x9fe\n\x1b[31mred\x1b[0m\r\n"),
    Answer(1, "exit 0", None, 9, "", "", 5),
    unit(2, "rm x\nrm y\x1b[2J", decision=Decision.CHANGE),
    unit(3, None, repeats=1),
    Ended("client", "the client disconnected", ""),
]
RECORDS = [Record(at, BEGUN + at * 500_000_000, frame) for at, frame in enumerate(FRAMES)]


def test_an_asciicast() -> None:
    cast = Cast()
    head, *events = (json.loads(line) for record in RECORDS for line in cast.lines(record))
    assert head == {
        "version": 2,
        "width": 100,
        "height": 30,
        "title": "eve at web-1, session 7",
        "timestamp": BEGUN // 10**9,
    }
    assert [(event[0], event[2]) for event in events if event[1] == "m"] == [
        (0.5, "echo grüße"),
        (3.0, "rm x"),
        (3.5, "echo grüße"),
    ]
    assert [event for event in events if event[1] == "r"] == [[1.0, "r", "120x40"]]
    shown = "".join(event[2] for event in events if event[1] == "o")
    assert "grüße\r\n\x1b[31mred\x1b[0m\r\n" in shown
    assert "\x1b[2J" not in shown
    assert "It writes." in shown


def test_plain_text() -> None:
    plain = Plain()
    text = b"".join(line for record in RECORDS for line in plain.lines(record)).decode()
    assert text.startswith("$ echo grüße\n")
    assert "red\n" in text
    assert "\x1b" not in text
    assert text.endswith("$ echo grüße\n")
