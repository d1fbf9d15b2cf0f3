"""Plays a story: types its commands into real terminals, shows what they print, checks what was told."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway.cli.demo.terminal import COLUMNS, SceneFailed, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PROMPT: Final = "$ "
_SPINNER: Final = re.compile("^[\u2801-\u28ff] ", re.MULTILINE)
"""The moving sign before a line of waiting."""


@dataclass(slots=True)
class Scene:
    """One part of the story, as it was played.

    Attributes:
        title: its heading.
        words: what it tells, in a sentence or two.
        output: of its terminals, prompts and typed commands included.
    """

    title: str
    words: str
    output: str = ""


@dataclass(slots=True)
class Player:
    """Types the story's commands and keeps what they printed.

    Attributes:
        environment: of every command.
        folder: every command's working folder.
        said: gets each piece of text as it comes.
        scenes: what was played so far.
    """

    environment: Mapping[str, str]
    folder: Path
    said: Callable[[str], None]
    scenes: list[Scene] = field(default_factory=list)
    _open: list[Live] = field(default_factory=list)

    def scene(self, title: str, words: str) -> None:
        """Begin the next part of the story."""
        self.scenes.append(Scene(title, words))
        self.said(f"\n== {title}\n{words}\n\n")

    async def run(
        self,
        command: str,
        *expected: str,
        typed: Mapping[str, str] | None = None,
        status: int = 0,
        seconds: float = 60,
        shown: bool = True,
    ) -> str:
        """Run one command to its end and return its output.

        Args:
            command: as typed at the prompt.
            expected: regular expressions that its output must match, one after the other.
            typed: prompt of the command → what is typed there, in order.
            status: how it must end.
            seconds: how long it may take.
            shown: whether it belongs to what is shown.

        Raises:
            SceneFailed: it came out otherwise.
        """
        live = self.start(command, shown=shown)
        try:
            text = ""
            for prompt, answer in (typed or {}).items():
                text += await live.until(prompt, seconds=seconds)
                live.terminal.send(f"{answer}\n")
            rest, ended = await live.terminal.ended(seconds=seconds)
            live.shown(rest)
            text += rest
        finally:
            live.close()
        if ended != status:
            raise SceneFailed(f"{command}: exit status {ended}, not {status}; it printed:\n{text}")
        check(command, text, expected)
        return text

    def start(self, command: str, *, shown: bool = True, columns: int = COLUMNS) -> Live:
        """Start a command that goes on while others run; the story's end closes it.

        Args:
            command: as typed at the prompt.
            shown: whether it belongs to what is shown.
            columns: width of its terminal.
        """
        show = self._show if shown else _hide
        show(f"{PROMPT}{command}\n")
        terminal = Terminal.open(
            shlex.split(command), environment=self.environment, folder=self.folder, columns=columns
        )
        live = Live(command, terminal, show)
        self._open.append(live)
        return live

    def close(self) -> None:
        """End whatever is still running."""
        for live in self._open:
            live.close()

    def _show(self, text: str) -> None:
        still = _SPINNER.sub("", text)
        self.scenes[-1].output += still
        self.said(still)


def _hide(text: str) -> None:
    """Take a text that is not to be shown."""


@dataclass(frozen=True, slots=True)
class Live:
    """A command that is running, and a person at its terminal.

    Attributes:
        command: as typed.
        terminal: where it runs.
        shown: gets what it prints.
    """

    command: str
    terminal: Terminal
    shown: Callable[[str], None]

    async def until(self, pattern: str, *, seconds: float = 30, line: bool = False) -> str:
        """Wait for a prompt or a text, show what was printed up to it, and return that.

        Args:
            pattern: regular expression.
            seconds: how long to wait.
            line: show it as a line of its own, since something else is shown next.
        """
        text = await self.terminal.until(pattern, seconds=seconds)
        self.shown(text + "\n" if line else text)
        return text

    async def type(self, line: str, *expected: str, until: str, seconds: float = 30) -> str:
        """Type a line, wait for the next prompt and return what was printed, the line's echo included.

        Args:
            line: without its newline.
            expected: regular expressions that the output must match, one after the other.
            until: the next prompt.
            seconds: how long to wait.
        """
        self.terminal.send(f"{line}\n")
        text = await self.until(until, seconds=seconds)
        check(line, text, expected)
        return text

    async def ended(self, *expected: str, status: int | None = None, seconds: float = 30) -> str:
        """Wait for the command's end, show and return the rest of its output."""
        text, ended = await self.terminal.ended(seconds=seconds)
        self.shown(text)
        check(self.command, text, expected)
        if status is not None and ended != status:
            raise SceneFailed(f"{self.command}: exit status {ended}, not {status}")
        return text

    def close(self) -> None:
        """End it, if it runs still."""
        self.terminal.close()


def check(typed: str, output: str, expected: tuple[str, ...]) -> None:
    """Look for each expectation behind the one before.

    Raises:
        SceneFailed: one isn't there; shows what was printed instead.
    """
    at = 0
    for pattern in expected:
        found = re.compile(pattern, re.MULTILINE | re.DOTALL).search(output, at)
        if found is None:
            raise SceneFailed(f"{typed}: the story tells {pattern!r}; it printed:\n{output}")
        at = found.end()


def markdown(scenes: list[Scene], steady: Callable[[str], str]) -> str:
    """Return the played scenes as Markdown.

    Args:
        scenes: as played.
        steady: puts the same sample values in the place of times, numbers and paths that differ each time.
    """
    parts = [
        f"**{scene.title}.** {scene.words}\n\n```console\n{steady(scene.output).strip()}\n```\n"
        for scene in scenes
    ]
    return "\n".join(parts)
