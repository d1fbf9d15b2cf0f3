"""Playing a recorded terminal on this one: in its own time, with nothing in it that this one would obey."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING, Final

from gateway.cli.show import say
from gateway.domain.display import display

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SEQUENCE: Final = re.compile(
    r"\x1b\[(?P<csi>[0-?]*[ -/]*[@-~])"  # a control sequence
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # strings for the terminal: titles, clipboards, replies
    r"|\x1b[ -/]*[0-~]?|[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f\x80-\x9f]"
)
_SHOWS: Final = re.compile(r"[0-9;:]*[ABCDEFGHJKLMPSTX@`adfm]|[0-9;]*r|\?(?:1049|25|7)[hl]")
"""Control sequences that move the cursor, erase, colour, or change to the other screen."""
RESET: Final = "\x1b[0m\x1b[?1049l\x1b[?25h\x1b[r"


def harmless(text: str) -> str:
    """Return a terminal's output with all that only shows something; what asks or sets something goes."""
    return _SEQUENCE.sub(
        lambda found: found[0] if found["csi"] and _SHOWS.fullmatch(found["csi"]) else "", text
    )


def play_cast(chunks: Iterable[bytes], *, speed: float, pause: float, command: int) -> None:
    """Play an asciicast.

    Args:
        chunks: of the file.
        speed: so many times as fast.
        pause: longest pause, in seconds of the play.
        command: begin at this command, 1 for the first; what comes before is shown at once.
    """
    begun, last, seen = False, 0.0, 0
    try:
        for line in _lines(chunks):
            event = json.loads(line)
            if isinstance(event, dict):
                say(display(str(event.get("title", ""))), "bold")
                continue
            at, code, data = event
            seen += code == "m"
            begun = begun or seen >= command
            if begun and sys.stdout.isatty():
                time.sleep(min(max(0.0, at - last), pause) / speed)
            last = at
            if code == "o" and begun:
                sys.stdout.write(harmless(data))
                sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    finally:
        if sys.stdout.isatty():
            sys.stdout.write(RESET)
            sys.stdout.flush()


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        *whole, held = (held + chunk).split(b"\n")
        yield from whole
    if held:
        yield held
