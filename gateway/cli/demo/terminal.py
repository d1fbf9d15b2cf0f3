"""A real terminal (PTY) that a script types into and reads, as a person would."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from typing import TYPE_CHECKING, Final

from gateway.domain.errors import GlassgateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_ESCAPES: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system commands
    r"|\x1b[@-Z\\-_=>]"  # two-character escapes
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
_READ_SIZE: Final = 65536
COLUMNS: Final = 100
"""Width of a terminal, unless told otherwise."""


class SceneFailed(GlassgateError):
    """The real output was not what the story tells."""


def plain(text: str) -> str:
    """Return what a terminal shows of ``text``: no escapes, line ends as newlines, overwritten lines gone."""
    lines = _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


class Terminal:
    """One program running in a terminal of its own. Made by ``open``; ends by ``close`` or with the program.

    Args:
        process: the program, on the terminal's other side.
        master: our side of the terminal.
    """

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self._process = process
        self._master = master
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._unread = ""
        self._changed = asyncio.Event()
        self._over = False
        asyncio.get_running_loop().add_reader(master, self._read)

    @classmethod
    def open(
        cls, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, columns: int = COLUMNS
    ) -> Terminal:
        """Start a program in a new terminal.

        Args:
            command: the program and its arguments.
            environment: all of its variables.
            folder: its working folder.
            columns: width of the terminal.
        """
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        try:
            process = subprocess.Popen(  # noqa: S603 - the story's own commands
                command,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=environment,
                cwd=folder,
                start_new_session=True,
                preexec_fn=_take_terminal,  # noqa: PLW1509 - one ioctl
            )
        except OSError as error:
            os.close(master)
            raise SceneFailed(f"{command[0]} can't be started: {error.strerror}") from None
        finally:
            os.close(slave)
        os.set_blocking(master, False)
        return cls(process, master)

    async def until(self, pattern: str, *, seconds: float = 30) -> str:
        """Wait until the program has printed something that matches, and return the output up to its end.

        Args:
            pattern: regular expression over the plain text, in multi-line mode.
            seconds: how long to wait.

        Raises:
            SceneFailed: the program ended, or the time did, without it.
        """
        wanted = re.compile(pattern, re.MULTILINE)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    shown = plain(self._unread)
                    if match := wanted.search(shown):
                        self._unread = shown[match.end() :]
                        return shown[: match.end()]
                    if self._over:
                        raise SceneFailed(f"ended without {pattern!r}; it printed:\n{shown}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise SceneFailed(
                f"no {pattern!r} within {seconds:.0f} s; it printed:\n{plain(self._unread)}"
            ) from None

    def send(self, text: str) -> None:
        """Type ``text``, as it is; a line wants its newline."""
        os.write(self._master, text.encode())

    async def ended(self, *, seconds: float = 60) -> tuple[str, int]:
        """Wait for the program's end and return the output that was not read yet, and its exit status.

        Raises:
            SceneFailed: it does not end in time.
        """
        try:
            async with asyncio.timeout(seconds):
                while not self._over:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise SceneFailed(
                f"still running after {seconds:.0f} s; it printed:\n{plain(self._unread)}"
            ) from None
        status = await asyncio.to_thread(self._process.wait)
        text, self._unread = plain(self._unread), ""
        return text, status

    def close(self) -> None:
        """End the program, if it runs still, and let go of the terminal."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGHUP)
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._master >= 0:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            self._master = -1

    def _read(self) -> None:
        try:
            data = os.read(self._master, _READ_SIZE)
        except BlockingIOError:
            return
        except OSError:  # EIO: the last program on the other side has closed it
            data = b""
        if data:
            self._unread += self._decoder.decode(data)
        else:
            self._over = True
            asyncio.get_running_loop().remove_reader(self._master)
        self._changed.set()


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
