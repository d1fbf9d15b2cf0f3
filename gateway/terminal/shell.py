"""The governed shell: prompt, line, verdict, output, and round again; the host runs judged lines only."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, Protocol

from gateway.domain.display import display
from gateway.terminal.completion import Completer
from gateway.terminal.editor import Asked, Completion, History, Line, LineEditor
from gateway.terminal.typed import history_of, recalled, unaliased

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.terminal.editor import Event

MOST_CONTINUED: Final = 1000
"""Lines that one command may be typed over."""
_MINUTE: Final = 60
_HOUR: Final = 3600
_SOON: Final = 300
_HELP: Final = (
    "This is glass: you look at {name} and change nothing. Lines that only read run on the host; one that\n"
    "would change it becomes a change request for its repository, and the shell says which.\n"
    "  exit, Ctrl-D   leave           history        lines typed before\n"
    "  Ctrl-R         search them     Tab            complete commands and paths\n"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a governed shell stands: what the host's own shell forgets between two lines.

    Attributes:
        folder: working folder; empty: the login's.
        variables: held by the gateway.
        status: of the last line.
    """

    folder: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    status: int = 0


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a line.

    Attributes:
        place: where the shell stands now.
        unfinished: nothing was run, since the line goes on: a quote or a loop is open.
    """

    place: Place
    unfinished: bool = False


class Host(Protocol):
    """What a governed shell looks at, given by a door."""

    name: str
    commands: Sequence[str]
    home: str

    async def run(self, line: str, place: Place) -> Ran:
        """Judge a line, and run it before the client's terminal or say there why it was not run."""

    async def entries(self, folder: str, place: Place) -> Sequence[str]:
        """Return the names in a folder, those of folders with a slash behind; none where it can't be read."""

    def remaining(self) -> float:
        """Return the seconds that are left of the grant."""


class Client(Protocol):
    """The client's terminal."""

    def write(self, data: bytes) -> None:
        """Show something."""

    async def read(self) -> bytes:
        """Return what was typed; empty once the client has gone."""

    def back(self, data: bytes) -> None:
        """Take back what was read and not used: it comes first."""

    def width(self) -> int:
        """Return the terminal's width in cells."""

    def plain(self) -> bool:
        """Whether the terminal knows no colour."""


class GovernedShell:
    """One interactive session.

    Args:
        client: whose terminal it is.
        host: what is looked at.
        history: of lines; a new one for each session.
    """

    def __init__(self, client: Client, host: Host, history: History | None = None) -> None:
        self._client = client
        self._host = host
        self._history = history if history is not None else History()
        self._editor = LineEditor(client.width(), self._history)
        self._completer = Completer(host)
        self._place = Place()
        self._left: str | None = None
        self._typing = False

    async def run(self) -> int:
        """Read and run lines until the client leaves.

        Returns:
            Exit status of the last line, or the one given to ``exit``.
        """
        while True:
            line = await self._line(self._prompt())
            if line is None:
                return self._place.status
            if isinstance(line, Asked) or (line := self._recalled(line)) is None:
                continue
            words = line.split()
            if not words:
                continue
            if words[0] in ("exit", "logout"):
                return _status(words[1:], self._place.status)
            if words in (["help"], ["?"]):
                self._say(_HELP.format(name=display(self._host.name)))
            elif (asked := history_of(line, self._history.lines)) is not None and not asked[1]:
                self._say(asked[0])
            else:
                line = asked[1] if asked is not None else unaliased(line)
                if words == ["cd", "-"] and self._left is not None:
                    self._say(f"{self._left}\n")
                    line = f"cd -- {shlex.quote(self._left)}"
                stood = self._place.folder
                if not await self._ran(line):
                    return self._place.status
                if self._place.folder != stood:
                    self._left = stood or self._host.home

    def _recalled(self, line: str) -> str | None:
        """Return a line with what it recalls of the one before, shown as bash does; None: there is none."""
        lines = self._history.lines
        before = lines[:-1] if lines and lines[-1] == line else lines
        meant = recalled(line, before)
        if meant is None:
            self._say("glassgate: no line was entered before that !! or !$ could mean\n")
        elif meant != line:
            del lines[len(before) :]
            self._history.add(meant)
            self._say(f"{meant}\n")
        return meant

    async def _ran(self, line: str) -> bool:
        """Run a line, with more lines while it goes on; return whether the client is still there."""
        for _ in range(MOST_CONTINUED):
            ran = await self._host.run(line, self._place)
            if not ran.unfinished:
                self._place = ran.place
                return True
            more = await self._line("> ")
            if more is None:
                return False
            if isinstance(more, Asked):
                return True
            line = f"{line}\n{more}"
        self._say("glassgate: the command goes on over too many lines; it was not run\n")
        return True

    def tell(self, message: str) -> None:
        """Say something beside the line that is being typed, such as a warning."""
        text = f"glassgate: {display(message, multiline=True)}\n".replace("\n", "\r\n").encode()
        self._client.write(self._editor.interrupted_by(text) if self._typing else text)

    def resized(self) -> None:
        """The client's terminal has another width."""
        shown = self._editor.resized(self._client.width())
        if self._typing:
            self._client.write(shown)

    # ---- lines -----------------------------------------------------------------------------------

    async def _line(self, prompt: str) -> str | Asked | None:
        """Return one line, the interruption that came instead, or None once the client leaves."""
        self._client.write(self._editor.begin(prompt))
        self._typing = True
        try:
            shown, events = self._editor.go_on()
            while True:
                self._client.write(shown)
                for event in events:
                    outcome = await self._outcome(event)
                    if outcome is not True:
                        return outcome
                if events and self._editor.type_ahead():
                    shown, events = self._editor.go_on()
                    continue
                data = await self._client.read()
                if not data:
                    return None
                shown, events = self._editor.feed(data)
        finally:
            self._typing = False

    async def _outcome(self, event: Event) -> str | Asked | Literal[True] | None:
        """Return what ended the line, True where it goes on."""
        if isinstance(event, Line):
            self._client.back(self._editor.behind())
            return event.text
        if isinstance(event, Completion):
            replaced, words = await self._completer.words(event.before, self._place)
            self._client.write(self._editor.complete(replaced, words))
            return True
        if event is Asked.END_OF_INPUT:
            self._client.write(b"exit\r\n")
            return None
        if event is Asked.SUSPEND:
            self.tell("nothing can be suspended here; exit leaves")
            return True
        self._place = replace(self._place, status=130)
        return event

    def _prompt(self) -> str:
        """Return the prompt: the host's name, the time left, the mark of the glass, the folder."""
        seconds = self._host.remaining()
        left = f"{int(seconds // _HOUR)}h{int(seconds % _HOUR // _MINUTE):02}m"
        if seconds < _HOUR:
            left = f"{int(seconds // _MINUTE)}m" if seconds >= _MINUTE else f"{int(seconds)}s"
        folder = self._place.folder
        home = self._host.home
        if home and (folder == home or folder.startswith(f"{home}/")):
            folder = f"~{folder[len(home) :]}"
        name, where = display(self._host.name), display(folder or "~")
        if self._client.plain():
            return f"{name} [glass {left}] {where} $ "
        colour = "33" if seconds < _SOON else "36"
        return f"\x1b[1m{name}\x1b[0m \x1b[{colour}m◇ {left}\x1b[0m {where} $ "

    def _say(self, text: str) -> None:
        self._client.write(display(text, multiline=True).replace("\n", "\r\n").encode())


def _status(words: list[str], last: int) -> int:
    """Return the status that ``exit`` was given."""
    return int(words[0]) % 256 if words and words[0].isascii() and words[0].isdigit() else last
