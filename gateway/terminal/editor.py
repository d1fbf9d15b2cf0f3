"""A line being typed: keys in, lines and what the terminal must show out. No I/O, no clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, TypeAlias

from gateway.terminal.keys import Key, Keys, Pasted, Typed
from gateway.terminal.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.terminal.keys import Stroke

MOST_CHARACTERS: Final = 32_768
MOST_REMEMBERED: Final = 1000
MOST_KEPT: Final = 262_144
"""Characters of all lines that are remembered: each key of a search looks through them."""
_SEARCHING: Final = "(reverse-i-search)`{}': "


@dataclass(frozen=True, slots=True)
class Line:
    """A line was entered."""

    text: str


@dataclass(frozen=True, slots=True)
class Completion:
    """The words that could stand at the cursor are asked for; answered by ``LineEditor.complete``.

    Attributes:
        before: the line up to the cursor.
    """

    before: str


class Asked(Enum):
    """What else a key can ask for."""

    INTERRUPT = auto()
    END_OF_INPUT = auto()
    SUSPEND = auto()


Event: TypeAlias = Line | Completion | Asked


@dataclass(slots=True)
class History:
    """Lines entered before, oldest first, without repetitions of the last.

    Attributes:
        lines: at most :data:`MOST_REMEMBERED`, of :data:`MOST_KEPT` characters together.
    """

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Remember a line; one that begins with a space is not, as in bash's ``ignorespace``."""
        if not line.strip() or line.startswith(" ") or (self.lines and self.lines[-1] == line):
            return
        self.lines.append(line)
        del self.lines[:-MOST_REMEMBERED]
        over = sum(map(len, self.lines)) - MOST_KEPT
        while over > 0:
            over -= len(self.lines.pop(0))

    def find(self, words: str, before: int) -> int | None:
        """Return the place of the last line before a place that holds some words, else None."""
        for at in range(min(before, len(self.lines)) - 1, -1, -1):
            if words in self.lines[at]:
                return at
        return None


class LineEditor:
    """Reads lines with the keys that bash's users have in their fingers.

    Args:
        width: of the terminal, in cells.
        history: shared by all lines of a session.
    """

    def __init__(self, width: int, history: History) -> None:
        self._keys = Keys()
        self._screen = Screen(width)
        self._history = history
        self._place = len(history.lines)
        self._draft = ""
        self._killed = ""
        self._sought: str | None = None
        self._found = 0
        self._prompt = ""
        self._waiting: deque[Stroke] = deque()
        self._behind = b""
        self._completing = False
        self.text = ""
        self.cursor = 0

    # ---- what the terminal must show -------------------------------------------------------------

    def begin(self, prompt: str) -> bytes:
        """Begin a line; return what to show.

        Args:
            prompt: plain text; colour goes by ``Screen``'s mark.
        """
        self._prompt = prompt
        self.text, self.cursor = "", 0
        self._place, self._draft = len(self._history.lines), ""
        self._sought = None
        self._screen.forget()
        return self._screen.paint(prompt, "", 0)

    def resized(self, width: int) -> bytes:
        """The terminal has another width; return what to show."""
        return self._screen.resized(width) + self._repaint()

    def interrupted_by(self, message: bytes) -> bytes:
        """Show lines above the one being typed, such as a warning; return what to show."""
        away = self._screen.leave()
        self._screen.forget()
        return away + message + self._repaint()

    def _repaint(self) -> bytes:
        if self._sought is not None:
            shown = self._history.lines[self._found] if self._found < len(self._history.lines) else ""
            return self._screen.paint(_SEARCHING.format(self._sought), shown, 0)
        return self._screen.paint(self._prompt, self.text, self.cursor)

    # ---- keys ------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> tuple[bytes, list[Event]]:
        """Take what the terminal sent.

        What is behind an entered line is not looked at: :meth:`behind` returns it. Keys behind a question
        for completions, or behind what ended a line, wait: call :meth:`go_on` then.

        Returns:
            What to show, and what was asked for: at most one event.
        """
        strokes, self._behind = self._keys.line(data)
        self._waiting += strokes
        return self.go_on()

    def behind(self) -> bytes:
        """Return once what came behind an entered line: a command's, or the next line's."""
        behind, self._behind = self._behind, b""
        return behind

    def go_on(self) -> tuple[bytes, list[Event]]:
        """Take the keys that wait; as :meth:`feed`."""
        shown = bytearray()
        stale = False
        while self._waiting and not self._completing:
            stroke = self._waiting.popleft()
            if not stale and isinstance(stroke, Typed) and self._types_at_end(stroke):
                shown += self._screen.append(stroke.character)
                continue
            event = self._take(stroke)
            if event is not None:
                painted = self._repaint() if stale else b""
                return bytes(shown) + painted + self._shown_for(event), [event]
            stale = True  # painted once for all keys that came together: a line may be long
        return bytes(shown) + (self._repaint() if stale else b""), []

    def type_ahead(self) -> bool:
        """Whether keys wait."""
        return bool(self._waiting)

    def _shown_for(self, event: Event) -> bytes:
        if isinstance(event, Completion):
            return b""
        away = self._screen.leave()
        if event is Asked.INTERRUPT:
            return away[:-2] + b"^C\r\n" if away.endswith(b"\r\n") else away + b"^C\r\n"
        return away

    def _types_at_end(self, stroke: Typed) -> bool:
        """Put a character at the line's end where that is all that happens: the terminal shows it alone."""
        if self._sought is not None or self.cursor != len(self.text) or len(self.text) >= MOST_CHARACTERS:
            return False
        if not self._screen.takes(stroke.character):
            return False
        self.text += stroke.character
        self.cursor += 1
        return True

    def _take(self, stroke: Stroke) -> Event | None:
        if self._sought is not None and not self._searches(stroke):
            self._chosen()
        if self._sought is not None:
            return None
        if isinstance(stroke, Typed):
            self._insert(stroke.character)
        elif isinstance(stroke, Pasted):
            self._insert(stroke.text.rstrip("\n"))
        else:
            return self._pressed(stroke)
        return None

    def _pressed(self, key: Key) -> Event | None:
        match key:
            case Key.ENTER:
                self.cursor = len(self.text)
                self._history.add(self.text)
                return Line(self.text)
            case Key.INTERRUPT:
                return Asked.INTERRUPT
            case Key.SUSPEND:
                return Asked.SUSPEND
            case Key.END_OF_INPUT if not self.text:
                return Asked.END_OF_INPUT
            case Key.TAB:
                self._completing = True
                return Completion(self.text[: self.cursor])
            case Key.SEARCH:
                self._sought, self._found = "", len(self._history.lines)
            case Key.CLEAR:
                self._screen.clear()
            case _:
                self._edits[key](self)
        return None

    # ---- searching -------------------------------------------------------------------------------

    def _searches(self, stroke: Stroke) -> bool:
        """Take a key of a search; return whether it was one."""
        assert self._sought is not None
        if isinstance(stroke, Typed):
            self._seek(self._sought + stroke.character, self._found + 1)
        elif stroke is Key.RUB_OUT:
            self._seek(self._sought[:-1], len(self._history.lines))
        elif stroke is Key.SEARCH:
            self._seek(self._sought, self._found)
        elif stroke in (Key.ABORT, Key.INTERRUPT):
            self._sought = None
            return stroke is Key.ABORT
        else:
            return False
        return True

    def _seek(self, words: str, before: int) -> None:
        found = self._history.find(words, before) if words else None
        self._sought = words
        if found is not None:
            self._found = found

    def _chosen(self) -> None:
        """End a search with the line that it found."""
        if self._sought is not None and self._found < len(self._history.lines):
            self.text = self._history.lines[self._found]
            self.cursor = len(self.text)
        self._sought = None

    # ---- editing ---------------------------------------------------------------------------------

    def _insert(self, text: str) -> None:
        room = MOST_CHARACTERS - len(self.text)
        text = text[:room]
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def _cut(self, start: int, end: int, *, keep: bool = True) -> None:
        if keep and end > start:
            self._killed = self.text[start:end]
        self.text = self.text[:start] + self.text[end:]
        self.cursor = start

    def _word_start(self, *, spaces_only: bool) -> int:
        at = self.cursor
        inside = (lambda each: not each.isspace()) if spaces_only else str.isalnum
        while at and not inside(self.text[at - 1]):
            at -= 1
        while at and inside(self.text[at - 1]):
            at -= 1
        return at

    def _word_end(self) -> int:
        at = self.cursor
        while at < len(self.text) and not self.text[at].isalnum():
            at += 1
        while at < len(self.text) and self.text[at].isalnum():
            at += 1
        return at

    def _to(self, at: int) -> None:
        self.cursor = max(0, min(len(self.text), at))

    def _recall(self, place: int) -> None:
        if not 0 <= place <= len(self._history.lines):
            return
        if self._place == len(self._history.lines):
            self._draft = self.text
        self._place = place
        lines = self._history.lines
        self.text = lines[place] if place < len(lines) else self._draft
        self.cursor = len(self.text)

    def _swap(self) -> None:
        at = min(self.cursor, len(self.text) - 1)
        if at > 0:
            self.text = self.text[: at - 1] + self.text[at] + self.text[at - 1] + self.text[at + 1 :]
            self.cursor = at + 1

    def _last_word(self) -> None:
        if self._history.lines:
            words = self._history.lines[-1].split()
            self._insert(words[-1] if words else "")

    _edits: Final[dict[Key, Callable[[LineEditor], None]]] = {
        Key.LEFT: lambda self: self._to(self.cursor - 1),
        Key.RIGHT: lambda self: self._to(self.cursor + 1),
        Key.WORD_LEFT: lambda self: self._to(self._word_start(spaces_only=False)),
        Key.WORD_RIGHT: lambda self: self._to(self._word_end()),
        Key.HOME: lambda self: self._to(0),
        Key.END: lambda self: self._to(len(self.text)),
        Key.UP: lambda self: self._recall(self._place - 1),
        Key.DOWN: lambda self: self._recall(self._place + 1),
        Key.RUB_OUT: lambda self: self._cut(max(0, self.cursor - 1), self.cursor, keep=False),
        Key.DELETE: lambda self: self._cut(self.cursor, self.cursor + 1, keep=False),
        Key.END_OF_INPUT: lambda self: self._cut(self.cursor, self.cursor + 1, keep=False),
        Key.RUB_OUT_WORD: lambda self: self._cut(self._word_start(spaces_only=True), self.cursor),
        Key.RUB_OUT_PART: lambda self: self._cut(self._word_start(spaces_only=False), self.cursor),
        Key.DELETE_PART: lambda self: self._cut(self.cursor, self._word_end()),
        Key.KILL_TO_END: lambda self: self._cut(self.cursor, len(self.text)),
        Key.KILL_TO_START: lambda self: self._cut(0, self.cursor),
        Key.YANK: lambda self: self._insert(self._killed),
        Key.SWAP: lambda self: self._swap(),
        Key.LAST_WORD: lambda self: self._last_word(),
        Key.ABORT: lambda _: None,
    }

    # ---- completion ------------------------------------------------------------------------------

    def complete(self, replaced: int, words: Sequence[str]) -> bytes:
        """Answer the question for completions; return what to show.

        Args:
            replaced: how many characters before the cursor they stand for.
            words: whole words, each in the form in which it goes into the line.
        """
        self._completing = False
        if not words:
            return b"\a"
        start = self.cursor - replaced
        common = _common_beginning(words)
        if len(words) == 1:
            common = words[0] if words[0].endswith("/") else f"{words[0]} "
        if len(common) > replaced or len(words) == 1:
            self.text = self.text[:start] + common + self.text[self.cursor :]
            self.cursor = start + len(common)
            return self._repaint()
        return self.interrupted_by(self._screen.columns(words))


def _common_beginning(words: Sequence[str]) -> str:
    first, last = min(words), max(words)
    for at, character in enumerate(first):
        if at >= len(last) or last[at] != character:
            return first[:at]
    return first
