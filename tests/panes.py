"""A terminal of a program's own, by tmux."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Pane:
    """A terminal of 100 by 30."""

    name: str

    @classmethod
    @contextlib.contextmanager
    def running(cls, command: str, *, name: str) -> Iterator[Pane]:
        """A terminal in which a command runs; once it ends, its exit status is shown."""
        made = cls(f"glassgate-{abs(hash(name)) % 10**8}")
        made.tmux("new-session", "-d", "-x", "100", "-y", "30", f"{command}; echo left with $?; sleep 60")
        try:
            yield made
        finally:
            made.tmux("kill-server")

    def tmux(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-L", self.name, "-f", "/dev/null", *words], capture_output=True, text=True, check=True
        ).stdout

    def type(self, *keys: str) -> Pane:
        self.tmux("send-keys", "-t", "0", *keys)
        return self

    @property
    def text(self) -> str:
        return self.tmux("capture-pane", "-p", "-J", "-t", "0").rstrip()

    def until(self, words: str, seconds: float = 10.0) -> str:
        end = time.monotonic() + seconds
        while words not in (seen := self.text):
            assert time.monotonic() < end, f"{words!r} was not shown:\n{seen}"
            time.sleep(0.05)
        return seen

    def until_last(self, words: str, seconds: float = 10.0) -> str:
        """Wait until these are the last words shown, such as a prompt that waits."""
        end = time.monotonic() + seconds
        while not (seen := self.text).endswith(words):
            assert time.monotonic() < end, f"{words!r} is not the last that is shown:\n{seen}"
            time.sleep(0.05)
        return seen
