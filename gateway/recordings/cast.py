"""A recording as a terminal shows it: an asciicast to play, or plain text to read.

Format: asciicast v2 (docs.asciinema.org/manual/asciicast/v2). Frames hold raw bytes; they become an asciicast
here, when one is asked for. The units stand in it as markers, and as the lines that were typed.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.domain.display import display
from gateway.domain.verdict import Decision
from gateway.recordings.frames import Answer, Ended, Event, Opened, Output, UnitFrame
from gateway.recordings.replay import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.recordings.frames import Record

_WINDOW: Final = re.compile(r"unit \d+: (\d+)x(\d+)")
_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|[\x00-\x08\x0b-\x1f\x7f]"
)
_WIDTH: Final = 100
_HEIGHT: Final = 30


@dataclass(slots=True)
class Cast:
    """Writes an asciicast, record by record."""

    _began: int = 0
    _decoders: dict[tuple[int, int], codecs.IncrementalDecoder] = field(default_factory=dict)
    _texts: Texts = field(default_factory=Texts)

    def lines(self, record: Record) -> Iterator[bytes]:
        """Yield the lines of one record."""
        frame = record.frame
        if isinstance(frame, Opened):
            self._began = record.time_ns
            title = f"{frame.identity} at {frame.endpoint}, session {frame.session}"
            head = {"version": 2, "width": _WIDTH, "height": _HEIGHT, "title": display(title)}
            yield _line(head | {"timestamp": record.time_ns // 1_000_000_000})
        for code, data in self._events(frame):
            yield _line([round((record.time_ns - self._began) / 1e9, 6), code, data])

    def _events(self, frame: object) -> Iterator[tuple[str, str]]:
        if isinstance(frame, UnitFrame):
            text = display((self._texts.of(frame) or b"").decode("utf-8", "replace"), multiline=True)
            if frame.origin == "client":
                yield "m", text.partition("\n")[0]
                yield "o", f"\x1b[1m$ {_rows(text)}\x1b[0m\r\n"
                if frame.decision != Decision.ALLOW:
                    yield "o", f"\x1b[33m{display(frame.reason)}\x1b[0m\r\n"
        elif isinstance(frame, Output):
            decoder = self._decoders.setdefault(
                (frame.number, frame.stream), codecs.getincrementaldecoder("utf-8")("replace")
            )
            text = decoder.decode(frame.data)
            if text:
                yield "o", re.sub(r"(?<!\r)\n", "\r\n", text)
        elif isinstance(frame, Answer):
            for key in [key for key in self._decoders if key[0] == frame.number]:
                del self._decoders[key]
        elif isinstance(frame, Event) and frame.kind == "window":
            found = _WINDOW.fullmatch(frame.text)
            if found:
                yield "r", f"{found[1]}x{found[2]}"
        elif isinstance(frame, Ended):
            yield "o", f"\x1b[2m{display(frame.message)}\x1b[0m\r\n"


@dataclass(slots=True)
class Plain:
    """Writes text to read, record by record: what was typed, what came, without a terminal's controls."""

    _texts: Texts = field(default_factory=Texts)

    def lines(self, record: Record) -> Iterator[bytes]:
        """Yield the text of one record."""
        frame = record.frame
        if isinstance(frame, UnitFrame) and frame.origin == "client":
            text = display((self._texts.of(frame) or b"").decode("utf-8", "replace"), multiline=True)
            yield f"$ {text}\n".encode()
            if frame.decision != Decision.ALLOW:
                yield f"{display(frame.reason)}\n".encode()
        elif isinstance(frame, Output):
            text = frame.data.decode("utf-8", "replace").replace("\r\n", "\n")
            yield _ESCAPES.sub("", text).encode()


def _rows(text: str) -> str:
    return text.replace("\n", "\r\n")


def _line(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
